import pytest

from connect_tasks.emulator.model.errors import RefusedError
from connect_tasks.emulator.quotas import Bucket, LocalQuotas, Throttle

# The rates and bursts that AWS documents for a new account.
DOCUMENTED = {
    "StartChatContact": (5, 8, "TooManyRequestsException"),
    "StopContact": (10, 15, "TooManyRequestsException"),
    "DescribeContact": (10, 15, "ThrottlingException"),
    "DescribeInstance": (2, 5, "TooManyRequestsException"),
    "DescribeContactFlow": (2, 5, "ThrottlingException"),
    "GetContactAttributes": (10, 15, "TooManyRequestsException"),
    "ListContactReferences": (10, 15, "ThrottlingException"),
    "ListInstanceStorageConfigs": (2, 5, "ThrottlingException"),
    "UpdateContactAttributes": (10, 15, "TooManyRequestsException"),
    "ListContactFlows": (2, 5, "ThrottlingException"),
    "ListInstances": (2, 5, "TooManyRequestsException"),
    "ListQueues": (2, 5, "ThrottlingException"),
    "StartContactStreaming": (5, 8, "TooManyRequestsException"),
    "StopContactStreaming": (5, 8, "TooManyRequestsException"),
    "UpdateContact": (10, 15, "ThrottlingException"),
    "TagContact": (20, 25, "ThrottlingException"),
    "UntagContact": (20, 25, "ThrottlingException"),
    "CreatePersistentContactAssociation": (5, 8, "ThrottlingException"),
    "UpdateParticipantRoleConfig": (5, 8, "ThrottlingException"),
    "CreateParticipant": (5, 8, "ThrottlingException"),
    "TransferContact": (2, 5, "ThrottlingException"),
    "StartAttachmentUpload": (2, 5, "ThrottlingException"),
    "CompleteAttachmentUpload": (2, 5, "ThrottlingException"),
    "GetAttachment": (8, 12, "ThrottlingException"),
    "DescribeView": (2, 5, "ThrottlingException"),
    "CreateParticipantConnection": (6, 9, "ThrottlingException"),
    "SendMessage": (10, 15, "ThrottlingException"),
    "GetTranscript": (8, 12, "ThrottlingException"),
    "DisconnectParticipant": (3, 5, "ThrottlingException"),
}


def admitted(throttle: Throttle, operation: str, now: float, calls: int = 100) -> int:
    passed = 0
    for _ in range(calls):
        try:
            throttle.admit(operation, now)
        except RefusedError:
            continue
        passed += 1
    return passed


@pytest.mark.parametrize("operation", DOCUMENTED)
def test_by_default_what_is_documented_is_enforced(operation: str) -> None:
    rate, burst, code = DOCUMENTED[operation]
    throttle = Throttle(LocalQuotas())

    assert admitted(throttle, operation, now=0) == burst
    assert admitted(throttle, operation, now=1) == rate
    with pytest.raises(RefusedError) as caught:
        throttle.admit(operation, 1)
    assert (caught.value.code, caught.value.status) == (code, 429)


def test_searches_earn_one_call_in_two_seconds() -> None:
    throttle = Throttle(LocalQuotas())

    passed = [admitted(throttle, "SearchContacts", now=now) for now in (0, 1, 2, 3, 4)]
    assert passed == [1, 0, 1, 0, 1]


def test_messages_and_events_share_one_bucket() -> None:
    throttle = Throttle(LocalQuotas())

    assert admitted(throttle, "SendMessage", now=0, calls=10) == 10
    assert admitted(throttle, "SendEvent", now=0, calls=10) == 5


def test_a_bucket_never_holds_more_than_its_burst() -> None:
    bucket = Bucket(5, 8)

    assert bucket.take(0)
    assert sum(bucket.take(3600) for _ in range(100)) == 8


def test_a_refused_call_uses_nothing() -> None:
    bucket = Bucket(1, 1)
    bucket.take(0)
    refused = [bucket.take(tick / 100) for tick in range(1, 100)]

    assert not any(refused)
    assert bucket.take(1)


def test_time_that_runs_backwards_earns_nothing_and_costs_nothing() -> None:
    bucket = Bucket(1, 2)

    assert [bucket.take(now) for now in (10, 5, 5)] == [True, True, False]


def test_unlimited_enforces_nothing() -> None:
    quotas = LocalQuotas.unlimited()

    assert quotas.open_chats is None
    assert admitted(Throttle(quotas), "StartChatContact", now=0, calls=1000) == 1000


def test_one_rate_can_be_changed_with_a_plain_tuple() -> None:
    quotas = LocalQuotas(start_chat_contact=(50, 80))

    assert admitted(Throttle(quotas), "StartChatContact", now=0) == 80
    assert quotas.open_chats == 500
