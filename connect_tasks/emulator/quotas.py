"""How much the local Amazon Connect allows: calls per second, and open chats."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from connect_tasks.emulator.model.errors import RefusedError
from connect_tasks.emulator.model.operations import STORAGE_OPERATIONS

__all__ = ["QUOTA_NAMES", "LocalQuotas", "Rate", "throttled"]


class Rate(NamedTuple):
    """A token bucket: `burst` calls at once, refilled with `per_second` calls each second."""

    per_second: float
    burst: float


@dataclass(frozen=True, kw_only=True)
class LocalQuotas:
    """The quotas that are enforced; `None` means that one is not.

    The defaults are those that AWS documents for a new account. A plain `(per_second, burst)` tuple
    will do for a rate.

    Attributes:
        start_chat_contact: Rate of StartChatContact.
        start_outbound_chat_contact: Rate of StartOutboundChatContact.
        stop_contact: Rate of StopContact.
        describe_contact: Rate of DescribeContact.
        describe_instance: Rate of DescribeInstance.
        describe_contact_flow: Rate of DescribeContactFlow.
        describe_phone_number: Rate of DescribePhoneNumber.
        get_contact_attributes: Rate of GetContactAttributes.
        list_contact_references: Rate of ListContactReferences.
        list_instance_storage_configs: Rate of ListInstanceStorageConfigs.
        search_contacts: Rate of SearchContacts.
        update_contact_attributes: Rate of UpdateContactAttributes.
        list_contact_flows: Rate of ListContactFlows.
        list_instances: Rate of ListInstances.
        list_queues: Rate of ListQueues.
        start_contact_streaming: Rate of StartContactStreaming.
        stop_contact_streaming: Rate of StopContactStreaming.
        update_contact: Rate of UpdateContact.
        tag_contact: Rate of TagContact.
        untag_contact: Rate of UntagContact.
        create_persistent_contact_association: Rate of CreatePersistentContactAssociation.
        update_participant_role_config: Rate of UpdateParticipantRoleConfig.
        create_participant: Rate of CreateParticipant.
        transfer_contact: Rate of TransferContact.
        update_participant_authentication: Rate of UpdateParticipantAuthentication.
        create_participant_connection: Rate of CreateParticipantConnection.
        send: Rate that SendMessage and SendEvent share.
        get_transcript: Rate of GetTranscript.
        disconnect_participant: Rate of DisconnectParticipant.
        start_attachment_upload: Rate of StartAttachmentUpload.
        complete_attachment_upload: Rate of CompleteAttachmentUpload.
        get_attachment: Rate of GetAttachment.
        describe_view: Rate of DescribeView; of this and the next two AWS names none, so they have
            that of all other operations.
        get_authentication_url: Rate of GetAuthenticationUrl.
        cancel_participant_authentication: Rate of CancelParticipantAuthentication.
        open_chats: Chats that may be open at one time, idle ones included.
        attachments: Files that one conversation may have.
        attachment_bytes: The largest of them.
        topics: SNS topics that one conversation may be streamed to.
        custom_participants: Participants that CreateParticipant may add to a chat.
    """

    start_chat_contact: tuple[float, float] | None = Rate(5, 8)
    start_outbound_chat_contact: tuple[float, float] | None = Rate(2, 5)
    stop_contact: tuple[float, float] | None = Rate(10, 15)
    describe_contact: tuple[float, float] | None = Rate(10, 15)
    describe_instance: tuple[float, float] | None = Rate(2, 5)
    describe_contact_flow: tuple[float, float] | None = Rate(2, 5)
    describe_phone_number: tuple[float, float] | None = Rate(2, 5)
    get_contact_attributes: tuple[float, float] | None = Rate(10, 15)
    list_contact_references: tuple[float, float] | None = Rate(10, 15)
    list_instance_storage_configs: tuple[float, float] | None = Rate(2, 5)
    search_contacts: tuple[float, float] | None = Rate(0.5, 1)
    update_contact_attributes: tuple[float, float] | None = Rate(10, 15)
    list_contact_flows: tuple[float, float] | None = Rate(2, 5)
    list_instances: tuple[float, float] | None = Rate(2, 5)
    list_queues: tuple[float, float] | None = Rate(2, 5)
    start_contact_streaming: tuple[float, float] | None = Rate(5, 8)
    stop_contact_streaming: tuple[float, float] | None = Rate(5, 8)
    update_contact: tuple[float, float] | None = Rate(10, 15)
    tag_contact: tuple[float, float] | None = Rate(20, 25)
    untag_contact: tuple[float, float] | None = Rate(20, 25)
    create_persistent_contact_association: tuple[float, float] | None = Rate(5, 8)
    update_participant_role_config: tuple[float, float] | None = Rate(5, 8)
    create_participant: tuple[float, float] | None = Rate(5, 8)
    transfer_contact: tuple[float, float] | None = Rate(2, 5)
    update_participant_authentication: tuple[float, float] | None = Rate(2, 5)
    create_participant_connection: tuple[float, float] | None = Rate(6, 9)
    send: tuple[float, float] | None = Rate(10, 15)
    get_transcript: tuple[float, float] | None = Rate(8, 12)
    disconnect_participant: tuple[float, float] | None = Rate(3, 5)
    start_attachment_upload: tuple[float, float] | None = Rate(2, 5)
    complete_attachment_upload: tuple[float, float] | None = Rate(2, 5)
    get_attachment: tuple[float, float] | None = Rate(8, 12)
    describe_view: tuple[float, float] | None = Rate(2, 5)
    get_authentication_url: tuple[float, float] | None = Rate(2, 5)
    cancel_participant_authentication: tuple[float, float] | None = Rate(2, 5)
    open_chats: int | None = 500
    attachments: int | None = 35
    attachment_bytes: int | None = 20 * 1024 * 1024
    topics: int | None = 2
    custom_participants: int | None = 1

    @classmethod
    def unlimited(cls) -> "LocalQuotas":
        """Nothing is enforced."""
        return cls(**dict.fromkeys(cls.__dataclass_fields__))


# Some operations, as StopContact, declare no ThrottlingException; the others do. S3 has a word of
# its own, and quotas that no campaign comes near.
_SLOW_DOWN = RefusedError("TooManyRequestsException", "Too Many Requests")
_THROTTLED = RefusedError("ThrottlingException", "Rate exceeded")
_SLOW_READER = RefusedError("SlowDown", "Please reduce your request rate.")
_BUCKETS = {
    "StartChatContact": ("start_chat_contact", _SLOW_DOWN),
    "StartOutboundChatContact": ("start_outbound_chat_contact", _THROTTLED),
    "StopContact": ("stop_contact", _SLOW_DOWN),
    "DescribeContact": ("describe_contact", _THROTTLED),
    "DescribeInstance": ("describe_instance", _SLOW_DOWN),
    "DescribeContactFlow": ("describe_contact_flow", _THROTTLED),
    "DescribePhoneNumber": ("describe_phone_number", _THROTTLED),
    "GetContactAttributes": ("get_contact_attributes", _SLOW_DOWN),
    "ListContactReferences": ("list_contact_references", _THROTTLED),
    "ListInstanceStorageConfigs": ("list_instance_storage_configs", _THROTTLED),
    "SearchContacts": ("search_contacts", _THROTTLED),
    "UpdateContactAttributes": ("update_contact_attributes", _SLOW_DOWN),
    "ListContactFlows": ("list_contact_flows", _THROTTLED),
    "ListInstances": ("list_instances", _SLOW_DOWN),
    "ListQueues": ("list_queues", _THROTTLED),
    "StartContactStreaming": ("start_contact_streaming", _SLOW_DOWN),
    "StopContactStreaming": ("stop_contact_streaming", _SLOW_DOWN),
    "UpdateContact": ("update_contact", _THROTTLED),
    "TagContact": ("tag_contact", _THROTTLED),
    "UntagContact": ("untag_contact", _THROTTLED),
    "CreatePersistentContactAssociation": ("create_persistent_contact_association", _THROTTLED),
    "UpdateParticipantRoleConfig": ("update_participant_role_config", _THROTTLED),
    "CreateParticipant": ("create_participant", _THROTTLED),
    "TransferContact": ("transfer_contact", _THROTTLED),
    "UpdateParticipantAuthentication": ("update_participant_authentication", _THROTTLED),
    "CreateParticipantConnection": ("create_participant_connection", _THROTTLED),
    "SendMessage": ("send", _THROTTLED),
    "SendEvent": ("send", _THROTTLED),
    "GetTranscript": ("get_transcript", _THROTTLED),
    "DisconnectParticipant": ("disconnect_participant", _THROTTLED),
    "StartAttachmentUpload": ("start_attachment_upload", _THROTTLED),
    "CompleteAttachmentUpload": ("complete_attachment_upload", _THROTTLED),
    "GetAttachment": ("get_attachment", _THROTTLED),
    "DescribeView": ("describe_view", _THROTTLED),
    "GetAuthenticationUrl": ("get_authentication_url", _THROTTLED),
    "CancelParticipantAuthentication": ("cancel_participant_authentication", _THROTTLED),
}


QUOTA_NAMES: Mapping[str, str] = {name: bucket for name, (bucket, _) in _BUCKETS.items()}
"""The attribute of LocalQuotas that holds the rate of each operation."""


def throttled(operation: str) -> RefusedError:
    """The refusal of an operation whose rate is used up."""
    refusal = _SLOW_READER if operation in STORAGE_OPERATIONS else _BUCKETS[operation][1]
    return RefusedError(refusal.code, refusal.message)


class Bucket:
    """One token bucket; full when it is made.

    Args:
        per_second: Tokens that come in each second.
        burst: Tokens that it can hold.
    """

    def __init__(self, per_second: float, burst: float) -> None:
        self._per_second = per_second
        self._burst = burst
        self._tokens = burst
        self._filled_at: float | None = None

    def take(self, now: float) -> bool:
        """Take one token, if there is one, at this second."""
        if self._filled_at is not None:
            earned = max(0.0, now - self._filled_at) * self._per_second
            self._tokens = min(self._burst, self._tokens + earned)
        self._filled_at = now
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True


class Throttle:
    """The buckets of one instance.

    Args:
        quotas: The rates to enforce.
    """

    def __init__(self, quotas: LocalQuotas) -> None:
        names = {name for name, _ in _BUCKETS.values()}
        rates = {name: getattr(quotas, name) for name in names}
        self._buckets = {name: Bucket(*rate) for name, rate in rates.items() if rate is not None}

    def admit(self, operation: str, now: float) -> None:
        """Let one call pass.

        Args:
            operation: Name of the operation.
            now: Seconds of the instance's clock.

        Raises:
            RefusedError: The rate is used up; a refused call uses nothing.
        """
        bucket = self._buckets.get(_BUCKETS[operation][0])
        if bucket is not None and not bucket.take(now):
            raise throttled(operation)
