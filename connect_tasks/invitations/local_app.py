"""The app on this machine: links that open at 127.0.0.1, for notebooks, demos and tests."""

import socket
import threading
import time
from types import TracebackType
from typing import Any, Self

import uvicorn

from connect_tasks.blocks.instance import AmazonConnectInstance
from connect_tasks.invitations.app import invitation_app
from connect_tasks.ledger.opening import opened
from connect_tasks.ledger.store import Ledger

__all__ = ["LocalApp"]

_HOST = "127.0.0.1"
_SECONDS_TO_START = 30.0


class LocalApp:
    """Serves the links of a ledger at 127.0.0.1, for as long as the `with` block lasts.

    It runs in a thread of its own, so it also works in a notebook. Nobody else's machine reaches
    it: for customers, run `invitation_app` with an ASGI server behind your HTTPS.

    Args:
        connect: The instance, or the name of its saved block.
        ledger: SQLAlchemy URL, or a ledger that is open; as `invitation_app` takes it.
        port: The port; 0 takes a free one.
        options: What `invitation_app` takes besides.

    Raises:
        InputError: There are no keys, or one could be guessed; in the `with` statement, there is
            no ledger.
        OSError: The port is taken.

    Example:
        ```python
        import os, secrets
        import pandas as pd
        from connect_tasks.emulator import LocalConnect
        from connect_tasks.flows.invite import invite
        from connect_tasks.invitations import LocalApp

        os.environ["CONNECT_TASKS_INVITATION_KEYS"] = secrets.token_urlsafe(32)
        customers = pd.DataFrame({"customer_id": ["0042"], "display_name": ["Ada"]})
        with LocalConnect() as local:
            instance = local.instance()
            # Its port is known, and links can be made, before it serves.
            app = LocalApp(connect=instance)
            invite(customers, campaign="hi", connect=instance, base_url=app.base_url)
            with app:
                print("open the links of the result's invitations")
        ```
    """

    def __init__(
        self,
        *,
        connect: AmazonConnectInstance | str,
        ledger: Ledger | str | None = None,
        port: int = 0,
        **options: Any,
    ) -> None:
        app = invitation_app(connect=connect, ledger=ledger, **options)
        self._ledger = ledger
        self._listener = socket.create_server((_HOST, port))
        self._port: int = self._listener.getsockname()[1]
        config = uvicorn.Config(app, log_config=None, access_log=False, lifespan="on")
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._serve, name="invitations", daemon=True)

    @property
    def base_url(self) -> str:
        """What links begin with: `invite` wants it."""
        return f"http://{_HOST}:{self._port}"

    def __enter__(self) -> Self:
        with opened(self._ledger):
            pass  # In the thread, what is wrong with it would be told to nobody but the log.
        # Bound already: whoever asks before the app has begun waits, and is not refused.
        self._thread.start()
        deadline = time.monotonic() + _SECONDS_TO_START
        while not self._server.started:
            if not self._thread.is_alive() or time.monotonic() > deadline:
                raise RuntimeError("The app could not begin; the log says why.")
            time.sleep(0.005)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        # Answers under way are given first.
        self._server.should_exit = True
        self._thread.join()
        self._listener.close()

    def _serve(self) -> None:
        self._server.run(sockets=[self._listener])
