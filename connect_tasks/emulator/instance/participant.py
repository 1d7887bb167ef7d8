"""The participant service: what the holder of a bearer token can do in a chat."""

from collections.abc import Callable, Mapping
from typing import Any

from connect_tasks.emulator.flows.steps import End
from connect_tasks.emulator.instance.backend import Backend
from connect_tasks.emulator.instance.chat import Chat
from connect_tasks.emulator.instance.transcript import TranscriptItem, iso, read_page
from connect_tasks.emulator.model.errors import RefusedError, access_denied
from connect_tasks.emulator.model.rules import EVENT
from connect_tasks.emulator.model.strict_json import read_json

__all__ = ["ParticipantService"]

_RECEIPTS = ("message.delivered", "message.read")
_BOTH = ("WEBSOCKET", "CONNECTION_CREDENTIALS")


class ParticipantService:
    """The participant's calls on one instance.

    Args:
        backend: The instance.
    """

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self._connections = backend.connections

    def create_connection(self, bearer: str, request: Mapping[str, Any]) -> dict[str, Any]:
        """CreateParticipantConnection: fresh connection information, as often as asked."""
        chat = self._connections.by_participant_token(bearer)
        info = self._connections.issue(chat, request.get("Type") or _BOTH)
        # AWS: ConnectParticipant works for customers only where streaming is enabled.
        if request.get("ConnectParticipant") and chat.request.get("ChatStreamingConfiguration"):
            self._backend.connect(chat)
        return info

    def send_message(self, bearer: str, request: Mapping[str, Any]) -> dict[str, Any]:
        """SendMessage: said once per client token, echoed to all sockets, heard by the flow."""
        chat = self._connections.by_connection_token(bearer)
        if request["ContentType"] not in chat.content_types:
            message = "ContentType is not among the chat's SupportedMessagingContentTypes"
            raise RefusedError("ValidationException", message)
        return self._once("SendMessage", chat, request, lambda: self._say(chat, request))

    def send_event(self, bearer: str, request: Mapping[str, Any]) -> dict[str, Any]:
        """SendEvent: typing and receipts of others' messages go to all sockets."""
        chat = self._connections.by_connection_token(bearer)
        return self._once("SendEvent", chat, request, lambda: self._signal(chat, request))

    def get_transcript(self, bearer: str, request: Mapping[str, Any]) -> dict[str, Any]:
        """GetTranscript: one page; of another contact than one's own, an empty one."""
        chat = self._connections.by_connection_token(bearer)
        initial = chat.first.contact_id
        wanted = request.get("ContactId") or initial
        items = chat.history() if wanted in (initial, chat.contact_id) else []
        page, next_token = read_page(items, request, initial)
        response: dict[str, Any] = {"InitialContactId": initial, "Transcript": page}
        return response | ({"NextToken": next_token} if next_token else {})

    def disconnect(self, bearer: str, request: Mapping[str, Any]) -> dict[str, Any]:
        """DisconnectParticipant: the customer leaves, which ends the chat."""
        owner = self._connections.owner(bearer)
        chat = owner.latest if owner else None
        if chat is None or not (chat.is_open or _is_repeat("Disconnect", chat, request)):
            raise access_denied()
        return self._once("Disconnect", chat, request, lambda: self._leave(chat))

    def _once(
        self,
        operation: str,
        chat: Chat,
        request: Mapping[str, Any],
        act: Callable[[], dict[str, Any]],
    ) -> dict[str, Any]:
        if _is_repeat(operation, chat, request):
            return chat.answers[operation, request["ClientToken"]]
        answer = act()
        if request.get("ClientToken"):
            chat.answers[operation, request["ClientToken"]] = answer
        return answer

    def _say(self, chat: Chat, request: Mapping[str, Any]) -> dict[str, Any]:
        item = chat.say(chat.customer, request["Content"], request["ContentType"])
        self._backend.hear(chat, request["Content"])
        return _sent(item)

    def _signal(self, chat: Chat, request: Mapping[str, Any]) -> dict[str, Any]:
        event = request["ContentType"].removeprefix(EVENT)
        if event in _RECEIPTS:
            message_id = read_json(request["Content"])["messageId"]
            return _sent(chat.acknowledge(event, chat.customer, message_id))
        return _sent(chat.signal(event, chat.customer, silently=event != "typing"))

    def _leave(self, chat: Chat) -> dict[str, Any]:
        self._backend.end(chat, End("CUSTOMER_DISCONNECT"))
        return {}


def _is_repeat(operation: str, chat: Chat, request: Mapping[str, Any]) -> bool:
    return (operation, request.get("ClientToken")) in chat.answers


def _sent(item: TranscriptItem) -> dict[str, Any]:
    return {"Id": item.id, "AbsoluteTime": iso(item.absolute_time)}
