"""Serving: the app of links in this process, until somebody ends it."""

import socket
from contextlib import suppress
from typing import Any

import uvicorn

from connect_tasks.command_line.output import Output
from connect_tasks.errors import InputError
from connect_tasks.invitations import invitation_app
from connect_tasks.ledger.opening import opened

__all__ = ["serve_links"]


def serve_links(output: Output, *, host: str, port: int, **options: Any) -> None:
    """Serve links until Ctrl-C or SIGTERM; answers under way are given first.

    Args:
        output: Tells where it is.
        host: The address to listen on.
        port: The port; 0 takes a free one.
        options: What `invitation_app` takes.

    Raises:
        InputError: The port is taken, the address is not this machine's, there is no ledger, or
            there are no keys.
    """
    app = invitation_app(**options)
    with opened(options.get("ledger")):
        pass  # In the app, what is wrong with it would be told to nobody but the log.
    listener = _listener(host, port)
    config = uvicorn.Config(app, log_config=None, access_log=output.verbose, lifespan="on")
    output.say(f"Links are served at {_url(host, listener)}; Ctrl-C ends.")
    with listener, suppress(KeyboardInterrupt):
        uvicorn.Server(config).run(sockets=[listener])


def _listener(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host.strip("[]"), port), family=family)
    except (OSError, OverflowError) as error:
        why = getattr(error, "strerror", None) or error
        raise InputError(
            f"Links cannot be served at port {port} of {host}: {why}. Give another with --port or "
            "--host."
        ) from None


def _url(host: str, listener: socket.socket) -> str:
    shown = f"[{host.strip('[]')}]" if ":" in host else host
    return f"http://{shown}:{listener.getsockname()[1]}"
