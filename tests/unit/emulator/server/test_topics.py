"""Which topics lead where."""

from datetime import UTC, datetime

import pytest

from connect_tasks.emulator.instance.streaming import Notification
from connect_tasks.emulator.server.topics import Topics

TOPIC = "arn:aws:sns:us-east-1:111122223333:chats"


def now() -> datetime:
    return datetime(2026, 11, 22, tzinfo=UTC)


@pytest.mark.parametrize(
    "url", ["", "ftp://here", "http://", "here", "http://here:x", "http://[::1", "file:///etc"]
)
def test_what_is_no_http_url_is_refused_with_its_topic(url: str) -> None:
    with pytest.raises(ValueError, match=TOPIC):
        Topics({TOPIC: url}, now)


@pytest.mark.parametrize("arn", ["", "chats", "arn:aws:sqs:us-east-1:1:q", f"{TOPIC}.fifo"])
def test_what_is_no_standard_topic_is_refused(arn: str) -> None:
    with pytest.raises(ValueError, match="standard Amazon SNS topic"):
        Topics({arn: "http://127.0.0.1"}, now)


def test_a_topic_that_nobody_hears_is_said_once(caplog: pytest.LogCaptureFixture) -> None:
    topics = Topics({}, now)
    for number in range(3):
        topics.publish(
            Notification(topic_arn=TOPIC, message_id=str(number), message="{}", attributes={})
        )
    topics.stop()

    assert len(caplog.records) == 1
    assert TOPIC in caplog.text
