"""A headless Chromium for tests, over its DevTools protocol: what a person sees and does."""

import base64
import json
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Self

import pytest
from websockets.sync.client import ClientConnection, connect

__all__ = ["CHROMIUM", "Tab", "browser", "needs_chromium"]

CHROMIUM = (
    shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
)
needs_chromium = pytest.mark.skipif(CHROMIUM is None, reason="There is no Chromium here.")

_PATIENCE = 20
_FLAGS = (
    "--headless=new",
    "--remote-debugging-port=0",
    # In a container, root may not make the sandbox that Chromium wants.
    "--no-sandbox",
    "--disable-dev-shm-usage",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-extensions",
    "--no-first-run",
    "--lang=en-US",
)


class Tab:
    """One tab.

    Attributes:
        told: What the page wrote to the console, what it threw and what its policy forbade.
        requested: The method and URL of each request, sockets included.
    """

    def __init__(
        self, socket: ClientConnection, session: str | None = None, context: str | None = None
    ) -> None:
        self.told: list[str] = []
        self.requested: list[tuple[str, str]] = []
        self._socket = socket
        self._session = session
        self._context = context
        self._number = 0

    def close(self) -> None:
        """Close it, and forget whatever it has kept."""
        self._session = None
        self.command("Target.disposeBrowserContext", browserContextId=self._context)
        self._socket.close()

    def command(self, method: str, **params: Any) -> dict[str, Any]:
        """Send a command of the protocol, and wait for its answer."""
        self._number += 1
        frame: dict[str, Any] = {"id": self._number, "method": method, "params": params}
        if self._session:
            frame["sessionId"] = self._session
        self._socket.send(json.dumps(frame))
        while True:
            message = json.loads(self._socket.recv(timeout=_PATIENCE))
            if message.get("id") == self._number:
                if "error" in message:
                    raise RuntimeError(f"{method}: {message['error']}")
                answer: dict[str, Any] = message["result"]
                return answer
            self._hear(message)

    def _hear(self, message: dict[str, Any]) -> None:
        params = message.get("params", {})
        match message.get("method"):
            case "Runtime.consoleAPICalled":
                self.told.append(json.dumps(params["args"]))
            case "Runtime.exceptionThrown":
                self.told.append(json.dumps(params["exceptionDetails"]))
            case "Log.entryAdded":
                self.told.append(f"{params['entry']['source']}: {params['entry']['text']}")
            case "Network.requestWillBeSent":
                request = params["request"]
                self.requested.append((request["method"], request["url"]))
            case "Network.webSocketCreated":
                self.requested.append(("SOCKET", params["url"]))

    def open(self, url: str) -> Self:
        """Go to a URL, and wait until it is there."""
        self.command("Page.navigate", url=url)
        self.wait_for("document.readyState === 'complete' && location.href !== 'about:blank'")
        return self

    def reload(self) -> None:
        """Load the page anew, and wait until it is there."""
        self.run("window.isOldPage = true")
        self.command("Page.reload")
        self.wait_for("!window.isOldPage && document.readyState === 'complete'")

    def run(self, expression: str) -> Any:
        """The value of an expression in the page; promises are waited for."""
        answer = self.command(
            "Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True
        )
        if "exceptionDetails" in answer:
            raise RuntimeError(json.dumps(answer["exceptionDetails"]))
        return answer["result"].get("value")

    def wait_for(self, expression: str, seconds: float = _PATIENCE) -> None:
        """Wait until an expression is true in the page."""
        self.wait_until(lambda: self._try(f"Boolean({expression})"), expression, seconds)

    def wait_until(
        self, look: Callable[[], Any], what: str = "", seconds: float = _PATIENCE
    ) -> Any:
        """Wait until a look, at whatever, gives something true."""
        deadline = time.monotonic() + seconds
        while not (value := look()):
            if time.monotonic() > deadline:
                text = self._try("document.body && document.body.innerText")
                raise AssertionError(f"It did not come to {what!r}. Page: {text!r}. {self.told}")
            time.sleep(0.03)
        return value

    def _try(self, expression: str) -> Any:
        try:
            return self.run(expression)
        except RuntimeError:
            # The page may be on its way out.
            return None

    @property
    def text(self) -> str:
        """What can be read on the page now."""
        return str(self.run("document.body.innerText"))

    def wait_for_text(self, text: str, seconds: float = _PATIENCE) -> None:
        """Wait until a text can be read on the page."""
        self.wait_for(f"document.body.innerText.includes({json.dumps(text)})", seconds)

    def click(self, selector: str) -> None:
        """Click on the middle of an element, as a mouse does, once it can be seen."""
        # A page may have it before it shows the part that it is in.
        found = f"document.querySelector({json.dumps(selector)})"
        self.wait_for(f"{found}?.getBoundingClientRect().width > 0")
        box = self.run(
            f"(() => {{ const it = document.querySelector({json.dumps(selector)});"
            " it.scrollIntoView({block: 'nearest', behavior: 'instant'});"
            " const b = it.getBoundingClientRect();"
            " return [b.x + b.width / 2, b.y + b.height / 2, b.width]; })()"
        )
        assert box[2] > 0, f"{selector} cannot be seen."
        for kind in ("mousePressed", "mouseReleased"):
            self.command(
                "Input.dispatchMouseEvent",
                type=kind,
                x=box[0],
                y=box[1],
                button="left",
                clickCount=1,
            )

    def type(self, text: str) -> None:
        """Type a text where the focus is."""
        self.command("Input.insertText", text=text)

    def press(self, key: str, *, shift: bool = False) -> None:
        """Press a key such as `Enter` or `Tab`."""
        codes = {"Enter": 13, "Tab": 9, " ": 32, "Escape": 27}
        more = {"text": "\r"} if key == "Enter" else {"text": " "} if key == " " else {}
        for kind in ("keyDown", "keyUp"):
            self.command(
                "Input.dispatchKeyEvent",
                type=kind,
                key=key,
                code="Space" if key == " " else key,
                windowsVirtualKeyCode=codes[key],
                modifiers=8 if shift else 0,
                **(more if kind == "keyDown" else {}),
            )

    def resize(self, width: int, height: int, *, is_phone: bool = False, scale: float = 1) -> None:
        """Give the page a size; a phone has touch and no mouse."""
        self.command(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=scale,
            mobile=is_phone,
        )
        self.command("Emulation.setTouchEmulationEnabled", enabled=is_phone)

    def prefer(self, **features: str) -> None:
        """Prefer something, for example `color_scheme="dark"` or `reduced_motion="reduce"`."""
        media = [
            {"name": f"prefers-{name.replace('_', '-')}", "value": value}
            for name, value in features.items()
        ]
        self.command("Emulation.setEmulatedMedia", features=media)

    def screenshot(self, path: Path) -> None:
        """Write what can be seen now as a PNG."""
        data = self.command("Page.captureScreenshot", format="png")["data"]
        path.write_bytes(base64.b64decode(data))


@contextmanager
def browser() -> Iterator[Callable[[], Tab]]:
    """A browser, as a function that opens a tab as another person would; the caller closes it."""
    assert CHROMIUM is not None
    with TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        process = subprocess.Popen(
            [CHROMIUM, *_FLAGS, f"--user-data-dir={folder}", "about:blank"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            yield from _serve(Path(folder) / "DevToolsActivePort")
        finally:
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _serve(port_file: Path) -> Iterator[Callable[[], Tab]]:
    deadline = time.monotonic() + 60
    while not port_file.exists() or "\n" not in (text := port_file.read_text()):
        assert time.monotonic() < deadline, "Chromium did not start."
        time.sleep(0.05)
    port, path = text.splitlines()[:2]
    yield lambda: _attached(
        connect(
            f"ws://127.0.0.1:{port}{path}",
            max_size=None,
            proxy=None,
            close_timeout=1,
            # A page may wait for minutes while a test looks elsewhere.
            ping_interval=None,
        )
    )


def _attached(socket: ClientConnection) -> Tab:
    root = Tab(socket)
    context = root.command("Target.createBrowserContext", disposeOnDetach=True)["browserContextId"]
    target = root.command("Target.createTarget", url="about:blank", browserContextId=context)
    attached = root.command("Target.attachToTarget", targetId=target["targetId"], flatten=True)
    tab = Tab(socket, attached["sessionId"], context)
    for domain in ("Page", "Runtime", "Log", "Network"):
        tab.command(f"{domain}.enable")
    tab.resize(1200, 900)
    return tab
