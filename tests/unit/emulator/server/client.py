"""The client's end of a web socket, as `websockets` speaks without its input and output."""

from websockets.client import ClientProtocol
from websockets.frames import Frame
from websockets.uri import parse_uri

from tests.unit.emulator.server.peer import Peer


class Client:
    """A client that keeps to the rules, unless bytes are given to it."""

    def __init__(self, peer: Peer, path: str = "/") -> None:
        self.peer = peer
        self.end = ClientProtocol(parse_uri("ws://x" + path))
        self.end.send_request(self.end.connect())
        self.hear(peer.send(b"".join(self.end.data_to_send())))

    def hear(self, heard: bytes) -> list[Frame]:
        """Take in what came back: its frames."""
        if heard:
            self.end.receive_data(heard)
        return [event for event in self.end.events_received() if isinstance(event, Frame)]

    def send(self) -> list[Frame]:
        """Send what the client has to say: what comes back."""
        return self.hear(self.peer.send(b"".join(self.end.data_to_send())))

    def say(self, text: str) -> list[str]:
        self.end.send_text(text.encode())
        return [bytes(heard.data).decode() for heard in self.send()]

    @property
    def farewell(self) -> tuple[int, str]:
        """Code and reason that the server closed with."""
        assert self.end.close_rcvd is not None
        return self.end.close_rcvd.code, self.end.close_rcvd.reason
