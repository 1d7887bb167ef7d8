"""What `connect` lets one change at a contact: attributes, details, tags, timers, participants."""

from collections.abc import Callable, Mapping
from typing import Any

from connect_tasks.emulator.flows.steps import Speaker
from connect_tasks.emulator.instance.backend import Backend
from connect_tasks.emulator.instance.chat import Chat
from connect_tasks.emulator.instance.seats import Seat
from connect_tasks.emulator.instance.streaming import Streams
from connect_tasks.emulator.instance.timers import Timers
from connect_tasks.emulator.model.errors import RefusedError, not_found
from connect_tasks.emulator.model.rules import MOST_ATTRIBUTE_BYTES, attribute_bytes
from connect_tasks.emulator.quotas import LocalQuotas

__all__ = ["Changes"]

_TAGS = 6
_BOT = "CUSTOM_BOT"


class Changes:
    """The calls that change a contact, beside those that start and end one.

    A contact that ended before a restart is known, and nothing of it can be changed.

    Args:
        backend: The instance.
        streams: What is streamed.
        quotas: How many participants may be added.
    """

    def __init__(self, backend: Backend, streams: Streams, quotas: LocalQuotas) -> None:
        self._backend = backend
        self._streams = streams
        self._timers = Timers(backend)
        self._most_bots = quotas.custom_participants

    def update_contact_attributes(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """UpdateContactAttributes: the flow sees them from now on; those not named stay."""
        chat = self._chat(request, "InitialContactId")
        after = {**chat.attributes, **request["Attributes"]}
        if attribute_bytes(after) > MOST_ATTRIBUTE_BYTES:
            message = f"A contact can have {MOST_ATTRIBUTE_BYTES} UTF-8 bytes of attributes"
            raise RefusedError("InvalidParameterException", message)
        # The flow at work holds the same object.
        chat.attributes.update(request["Attributes"])
        return {}

    def update_contact(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """UpdateContact: name, description, references and segment attributes; the rest stays."""
        details = self._chat(request).details
        if request.get("Name") is not None:
            details.name = request["Name"]
        if request.get("Description") is not None:
            details.description = request["Description"]
        details.references.update(request.get("References") or {})
        details.segment_attributes.update(request.get("SegmentAttributes") or {})
        return {}

    def tag_contact(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """TagContact: more tags, or other values of those that are there."""
        tags = self._chat(request).details.tags
        if len({*tags, *request["Tags"]}) > _TAGS:
            message = f"A contact can have {_TAGS} tags"
            raise RefusedError("InvalidParameterException", message)
        tags.update(request["Tags"])
        return {}

    def untag_contact(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """UntagContact: these tags are gone; a key that is not there is none the worse."""
        tags = self._chat(request).details.tags
        for key in request["TagKeys"]:
            tags.pop(key, None)
        return {}

    def start_streaming(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """StartContactStreaming: what happens in the chat goes to a topic from now on."""
        chat = self._open(request)
        topic_arn = request["ChatStreamingConfiguration"]["StreamingEndpointArn"]
        return {"StreamingId": self._streams.start(chat, topic_arn, request["ClientToken"])}

    def stop_streaming(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """StopContactStreaming: nothing more goes there."""
        self._streams.stop(self._chat(request), request["StreamingId"])
        return {}

    def update_role_config(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """UpdateParticipantRoleConfig: timers, which count from the next agent on."""
        chat = self._open(request)
        settings = request["ChannelConfiguration"]["Chat"]["ParticipantTimerConfigList"]
        self._timers.configure(chat, settings)
        return {}

    def create_participant(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """CreateParticipant: a custom bot, with a token of its own; it joins when it connects."""
        chat = self._open(request)
        return self._once("CreateParticipant", chat, request, lambda: self._add(chat, request))

    def associate(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """CreatePersistentContactAssociation: the chat goes on from an ended one."""
        chat = self._open(request, "InitialContactId")
        return self._once(
            "CreatePersistentContactAssociation",
            chat,
            request,
            lambda: {
                "ContinuedFromContactId": self._backend.contacts.rehydrate(chat, request).contact_id
            },
        )

    def transfer_contact(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """TransferContact: refused, since AWS transfers tasks and e-mails so, and no chats.

        Raises:
            RefusedError: Always.
        """
        self._open(request)
        self._backend.flow_name(request["ContactFlowId"])
        message = "Transfer is only supported for TASK and EMAIL contacts"
        raise RefusedError("InvalidRequestException", message)

    def _add(self, chat: Chat, request: Mapping[str, Any]) -> dict[str, Any]:
        details = request["ParticipantDetails"]
        bots = self._backend.presence.added_to(chat)
        speaker = Speaker(_BOT, details.get("DisplayName") or _BOT)
        if self._most_bots is not None and len(bots) >= self._most_bots:
            message = f"A chat can have {self._most_bots} custom participant"
            raise RefusedError("ServiceQuotaExceededException", message)
        if speaker in bots:
            raise RefusedError("ConflictException", "A participant of this name is there already")
        bots.append(speaker)
        return {
            "ParticipantCredentials": {
                "ParticipantToken": self._backend.connections.seat_token(Seat(chat.first, speaker))
            },
            "ParticipantId": chat.participant_id_of(speaker),
        }

    def _once(
        self,
        operation: str,
        chat: Chat,
        request: Mapping[str, Any],
        act: Callable[[], dict[str, Any]],
    ) -> dict[str, Any]:
        key = operation, request.get("ClientToken") or ""
        if not key[1] or key not in chat.answers:
            answer = act()
            if not key[1]:
                return answer
            chat.answers[key] = answer
        return chat.answers[key]

    def _chat(self, request: Mapping[str, Any], member: str = "ContactId") -> Chat:
        self._backend.check_instance(request)
        chat = self._backend.chats.get(request[member])
        if chat is None:
            raise not_found()
        return chat

    def _open(self, request: Mapping[str, Any], member: str = "ContactId") -> Chat:
        chat = self._chat(request, member)
        if not chat.is_open:
            raise RefusedError("InvalidRequestException", "The contact has ended")
        return chat
