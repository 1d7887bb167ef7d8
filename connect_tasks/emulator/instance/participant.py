"""The participant service: what the holder of a bearer token can do in a chat."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from connect_tasks.emulator.flows.steps import End
from connect_tasks.emulator.instance.attachments import Attachments
from connect_tasks.emulator.instance.backend import Backend
from connect_tasks.emulator.instance.descriptions import describe_view
from connect_tasks.emulator.instance.seats import Seat
from connect_tasks.emulator.instance.sign_ins import SignIns
from connect_tasks.emulator.instance.transcript import TranscriptItem, iso, read_page
from connect_tasks.emulator.model.errors import RefusedError
from connect_tasks.emulator.model.rules import EVENT
from connect_tasks.emulator.model.strict_json import read_json

__all__ = ["ParticipantService"]

_RECEIPTS = ("message.delivered", "message.read")
_BOTH = ("WEBSOCKET", "CONNECTION_CREDENTIALS")


class ParticipantService:
    """The participant's calls on one instance.

    Args:
        backend: The instance.
        attachments: The files that are sent in its chats.
        sign_ins: Who is asked to sign in.
    """

    def __init__(self, backend: Backend, attachments: Attachments, sign_ins: SignIns) -> None:
        self.attachments = attachments
        self.sign_ins = sign_ins
        self._backend = backend
        self._connections = backend.connections

    def create_connection(self, bearer: str, request: Mapping[str, Any]) -> dict[str, Any]:
        """CreateParticipantConnection: fresh connection information, as often as asked."""
        seat = self._connections.by_participant_token(bearer)
        info = self._connections.issue(seat, request.get("Type") or _BOTH)
        # AWS: ConnectParticipant works for customers, and only where streaming is enabled.
        if (
            request.get("ConnectParticipant")
            and seat.is_customer
            and any(seat.chat.streams.values())
        ):
            self._backend.connect(seat.chat)
        return info

    def send_message(self, bearer: str, request: Mapping[str, Any]) -> dict[str, Any]:
        """SendMessage: said once per client token, echoed to all sockets, heard by the flow."""
        seat = self._connections.by_connection_token(bearer)
        if request["ContentType"] not in seat.chat.content_types:
            message = "ContentType is not among the chat's SupportedMessagingContentTypes"
            raise RefusedError("ValidationException", message)
        return self._once("SendMessage", seat, request, lambda: self._say(seat, request))

    def send_event(self, bearer: str, request: Mapping[str, Any]) -> dict[str, Any]:
        """SendEvent: typing and receipts of others' messages go to all sockets."""
        seat = self._connections.by_connection_token(bearer)
        return self._once("SendEvent", seat, request, lambda: self._signal(seat, request))

    def get_transcript(self, bearer: str, request: Mapping[str, Any]) -> dict[str, Any]:
        """GetTranscript: one page; of another contact than one's own, an empty one."""
        chat = self._connections.by_connection_token(bearer).chat
        initial = chat.first.contact_id
        wanted = request.get("ContactId") or initial
        items = chat.history() if wanted in (initial, chat.contact_id) else []
        page, next_token = read_page(items, request, initial)
        response: dict[str, Any] = {"InitialContactId": initial, "Transcript": page}
        return response | ({"NextToken": next_token} if next_token else {})

    def disconnect(self, bearer: str, request: Mapping[str, Any]) -> dict[str, Any]:
        """DisconnectParticipant: the customer leaves, which ends the chat; others just leave."""
        owner = self._connections.owner(bearer)
        if owner is None or not _is_repeat("Disconnect", owner.latest, request):
            owner = self._connections.by_connection_token(bearer)
        seat = owner.latest
        return self._once("Disconnect", seat, request, lambda: self._leave(seat))

    def start_attachment_upload(self, bearer: str, request: Mapping[str, Any]) -> dict[str, Any]:
        """StartAttachmentUpload: where to put a file."""
        seat = self._connections.by_connection_token(bearer)
        start = partial(self.attachments.start, seat, request)
        return self._once("StartAttachmentUpload", seat, request, start)

    def complete_attachment_upload(self, bearer: str, request: Mapping[str, Any]) -> dict[str, Any]:
        """CompleteAttachmentUpload: the file goes to everybody in the chat."""
        seat = self._connections.by_connection_token(bearer)
        complete = partial(self.attachments.complete, seat, request)
        return self._once("CompleteAttachmentUpload", seat, request, complete)

    def get_attachment(self, bearer: str, request: Mapping[str, Any]) -> dict[str, Any]:
        """GetAttachment: where to get a file that was sent."""
        return self.attachments.get(self._connections.by_connection_token(bearer), request)

    def describe_view(self, bearer: str, request: Mapping[str, Any]) -> dict[str, Any]:
        """DescribeView: the view that a flow has shown."""
        self._connections.by_connection_token(bearer)
        view = self._backend.views.get(request["ViewToken"])
        if view is None:
            raise RefusedError("ResourceNotFoundException", "The view is not known")
        return {"View": describe_view(view)}

    def get_authentication_url(self, bearer: str, request: Mapping[str, Any]) -> dict[str, Any]:
        """GetAuthenticationUrl: where the customer signs in."""
        seat = self._connections.by_connection_token(bearer)
        return {"AuthenticationUrl": self.sign_ins.url(seat.chat, request)}

    def cancel_authentication(self, bearer: str, request: Mapping[str, Any]) -> dict[str, Any]:
        """CancelParticipantAuthentication: the customer does not want to sign in."""
        seat = self._connections.by_connection_token(bearer)
        self.sign_ins.cancel(seat.chat, request["SessionId"])
        return {}

    def _once(
        self,
        operation: str,
        seat: Seat,
        request: Mapping[str, Any],
        act: Callable[[], dict[str, Any]],
    ) -> dict[str, Any]:
        answers, key = seat.chat.answers, _key(operation, seat, request)
        if key in answers:
            return answers[key]
        answer = act()
        if request.get("ClientToken"):
            answers[key] = answer
        return answer

    def _say(self, seat: Seat, request: Mapping[str, Any]) -> dict[str, Any]:
        chat = seat.chat
        item = chat.say(seat.speaker, request["Content"], request["ContentType"])
        if seat.is_customer:
            self._backend.hear(chat, request["Content"])
        return _sent(item)

    def _signal(self, seat: Seat, request: Mapping[str, Any]) -> dict[str, Any]:
        chat = seat.chat
        event = request["ContentType"].removeprefix(EVENT)
        if event in _RECEIPTS:
            message_id = read_json(request["Content"])["messageId"]
            return _sent(chat.acknowledge(event, seat.speaker, message_id))
        return _sent(chat.signal(event, seat.speaker, silently=event != "typing"))

    def _leave(self, seat: Seat) -> dict[str, Any]:
        if seat.is_customer:
            self._backend.end(seat.chat, End("CUSTOMER_DISCONNECT"))
            return {}
        self._connections.leave(seat)
        if seat.speaker in seat.chat.present:
            seat.chat.signal("participant.left", seat.speaker)
        return {}


def _is_repeat(operation: str, seat: Seat, request: Mapping[str, Any]) -> bool:
    return _key(operation, seat, request) in seat.chat.answers


def _key(operation: str, seat: Seat, request: Mapping[str, Any]) -> tuple[str, str]:
    """What an answer is remembered by; each participant has client tokens of their own."""
    speaker = "" if seat.is_customer else f" of {seat.chat.participant_id_of(seat.speaker)}"
    return f"{operation}{speaker}", request.get("ClientToken") or ""


def _sent(item: TranscriptItem) -> dict[str, Any]:
    return {"Id": item.id, "AbsoluteTime": iso(item.absolute_time)}
