"""From a table in a file to what is sent: frames, template, models and tokens together."""

import json
from pathlib import Path
from typing import Any

import botocore.session
import pandas as pd
import pytest
from botocore.validate import ParamValidator

from connect_tasks.aws.idempotency import client_token, fingerprint
from connect_tasks.chat.template.chat_template import ChatTemplate
from connect_tasks.chat.template.conversation import Conversation
from connect_tasks.chat.template.renderer import Rendered
from connect_tasks.tables.reading import Table, open_table

SHAPE: Any = (
    botocore.session.get_session()
    .get_service_model("connect")
    .operation_model("StartChatContact")
    .input_shape
)


def rendered(table: Table, template: ChatTemplate) -> list[Rendered]:
    renderer = template.bind(
        instance_id="i-1",
        contact_flow_id="f-1",
        conversation=Conversation(messages=("Thank you, {{ row['display_name'] }}",)),
        columns=table.columns,
    )
    return [renderer.render(row) for chunk in table.chunks() for row in chunk]


def wires(results: list[Rendered]) -> list[dict[str, Any]]:
    return [result.request.to_wire() for result in results if result.request]


@pytest.fixture
def customers(tmp_path: Path) -> Path:
    path = tmp_path / "customers.csv"
    path.write_text(
        "customer_id,display_name,initial_message,attributes.plan,due\n"
        "0001,Ada,Hello,gold,2026-11-02\n"
        "0002,,Hello,gold,2026-11-02\n"
        "0003,Grace,,,\n"
        ",Alan,Hello,,\n"
    )
    return path


def test_a_table_named_like_requests_just_works_and_bad_rows_stop_nobody(customers: Path) -> None:
    table = open_table(customers)
    results = rendered(table, ChatTemplate.from_columns(table.columns))

    assert [result.request is not None for result in results] == [True, False, True, False]
    assert wires(results) == [
        {
            "InstanceId": "i-1",
            "ContactFlowId": "f-1",
            "CustomerId": "0001",
            "ParticipantDetails": {"DisplayName": "Ada"},
            "InitialMessage": {"ContentType": "text/plain", "Content": "Hello"},
            "Attributes": {"plan": "gold"},
        },
        {
            "InstanceId": "i-1",
            "ContactFlowId": "f-1",
            "CustomerId": "0003",
            "ParticipantDetails": {"DisplayName": "Grace"},
        },
    ]


def test_botocore_accepts_what_any_dtypes_become() -> None:
    frame = pd.DataFrame(
        {
            "customer_id": [1.0, 2.0],
            "display_name": pd.Categorical(["Ada", "Grace"]),
            "chat_duration_in_minutes": [60, None],
            "attributes.due": pd.to_datetime(["2026-11-02", "NaT"]),
            "attributes.flag": pd.array([True, None], dtype="boolean"),
            "segment_attributes.tier.value_integer": pd.array([3, None], dtype="int64[pyarrow]"),
        }
    )
    table = open_table(frame)
    found = wires(rendered(table, ChatTemplate.from_columns(table.columns)))

    assert [ParamValidator().validate(wire, SHAPE).generate_report() for wire in found] == ["", ""]
    assert found[0]["CustomerId"] == "1"
    assert found[0]["ChatDurationInMinutes"] == 60
    assert found[0]["Attributes"] == {"due": "2026-11-02", "flag": "True"}
    assert found[1].keys() == {"InstanceId", "ContactFlowId", "CustomerId", "ParticipantDetails"}


def test_the_same_row_from_csv_and_parquet_is_the_same_request(
    customers: Path, tmp_path: Path
) -> None:
    pd.read_csv(customers, dtype="string").to_parquet(tmp_path / "customers.parquet")
    table = open_table(customers)
    template = ChatTemplate.from_columns(table.columns)
    from_csv = wires(rendered(table, template))
    from_parquet = wires(rendered(open_table(tmp_path / "customers.parquet"), template))

    assert list(map(fingerprint, from_csv)) == list(map(fingerprint, from_parquet))


def test_a_token_depends_on_the_customer_and_not_on_the_text(customers: Path) -> None:
    table = open_table(customers)
    one, other = (
        wires(rendered(table, ChatTemplate(display_name="Ada", initial_message=text)))
        for text in ("Hello", "Good morning")
    )
    tokens = [
        [client_token("renewals", wire["CustomerId"]) for wire in part] for part in (one, other)
    ]

    assert tokens[0] == tokens[1]
    assert set(map(fingerprint, one)).isdisjoint(map(fingerprint, other))
    assert json.loads(json.dumps(one)) == one
