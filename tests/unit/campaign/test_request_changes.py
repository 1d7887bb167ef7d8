"""Rows that make another request than the one that was sent."""

from typing import Any

import pytest

from connect_tasks.aws.idempotency import RequestText
from connect_tasks.campaign.request_changes import ChangedRequests, changed_fields

SENT: dict[str, Any] = {
    "InstanceId": "i-1",
    "ParticipantDetails": {"DisplayName": "Ada"},
    "Attributes": {"Plan": "gold", "plan": "gold"},
    "SegmentAttributes": {"connect:Subtype": {"ValueString": "connect:Guide"}},
}


@pytest.mark.parametrize(
    ("new", "fields"),
    [
        ({}, []),
        ({"ParticipantDetails": {"DisplayName": "Eve"}}, ["participant_details.display_name"]),
        ({"Attributes": {"Plan": "gold", "plan": "tin"}}, ["attributes.plan"]),
        ({"Attributes": {"plan": "gold"}}, ["attributes.Plan"]),
        (
            {"SegmentAttributes": {"connect:Subtype": {"ValueString": "x"}}},
            ["segment_attributes.connect:Subtype.value_string"],
        ),
        (
            {"InitialMessage": {"ContentType": "text/plain", "Content": "Hi"}},
            ["initial_message.content", "initial_message.content_type"],
        ),
    ],
)
def test_what_differs_is_called_as_in_a_template(new: dict[str, Any], fields: list[str]) -> None:
    sent = RequestText.of(SENT).signed("a-token")

    assert list(changed_fields(sent, RequestText.of({**SENT, **new}))) == fields


def changed(count: int) -> ChangedRequests:
    found = ChangedRequests()
    for row in range(count):
        request = {**SENT, "ParticipantDetails": {"DisplayName": f"Eve {row}"}}
        found.add(f"{row:04}", row, RequestText.of(request))
    return found


def test_rows_and_columns_are_told_and_the_many_counted() -> None:
    def sent(ids: Any) -> dict[str, str]:
        assert len(ids) <= 20
        return dict.fromkeys(ids, RequestText.of(SENT).signed("a-token"))

    told = changed(1_234).details(sent, {"participant_details.display_name": {"name", "first"}})

    assert told == (
        "rows 0, 1, 2, 3, 4 and 1,229 more (counted from 0): "
        "participant_details.display_name (columns 'first', 'name')"
    )


def test_nothing_changed_is_no_word() -> None:
    assert changed(0).details(lambda _: {}, {}) == ""
