"""Dirty tables and templates of every kind, and what planning them comes to, as data.

`python -m tests.planning_corpus > tests/data/planned_rows_of_afffcf7.json` wrote the data that the
tests compare with, with the code as it was in that commit.
"""

import hashlib
import json
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any

import pandas as pd

from connect_tasks.aws.idempotency import client_token
from connect_tasks.campaign.policy.outreach_policy import OutreachPolicy
from connect_tasks.campaign.row_check import RowCheck
from connect_tasks.campaign.variant_renderer import AnyRenderer, bind_variants
from connect_tasks.chat.template.chat_template import ChatTemplate
from connect_tasks.chat.template.conversation import Conversation

__all__ = ["CASES", "CELLS", "ROWS", "outcomes", "planned_rows", "renderer_of"]

CELLS: tuple[Any, ...] = (
    *(
        "Ada",
        "Zoë",
        "客户",
        "😀 smile",
        "a\u0301",
        "50 % off",
        '"quoted"',
        "back\\slash",
        "{{ x }}",
    ),
    *("a\nb\tc", "\x01\x1f", "\x7f", "\u2028", "\ue000", "\ue0000\ue001", "a\0b", "\ud800", "%s"),
    *("", " ", "\u00a0", "\u200b", " padded ", "x" * 128, "x" * 129, "y" * 255, "y" * 256),
    *("y" * 257, "é" * 128, "é" * 256, "z" * 1_018, "z" * 1_025, "ä" * 8_192, "w" * 16_384),
    *("w" * 16_385, "ß" * 16_000, "v" * 32_767, "v" * 32_768, "u" * 100_001),
    *(None, float("nan"), pd.NA, pd.NaT, 0, 42, -7, 10**18, 10**30, 1.0, 2.5, 1e300, float("inf")),
    *(Decimal("5.00"), Decimal("0.10"), Decimal("NaN"), True, False, date(2026, 11, 2)),
    *(datetime(2026, 11, 2, 9, 30, tzinfo=UTC), time(9, 30), b"bytes", b"\xff", ["a"], {"b": 1}),
)
"""What may stand in a cell, and much that may not."""


def _rows() -> list[dict[str, Any]]:
    base = {"id": "0042", "name": "Ada", "plan": "gold", "note": "n", "zone": "Europe/Berlin"}
    rows: list[dict[str, Any]] = [
        base,
        {**base, "id": " 0042\u200b"},
        {**base, "id": 42},
        {**base, "id": 42.0},
        {},
    ]
    for number, cell in enumerate(CELLS):
        rows.append({**base, "id": cell})
        rows += [
            {**base, "id": f"{column}-{number}", column: cell}
            for column in ("name", "plan", "note")
        ]
        rows.append({"id": f"all-{number}", "name": cell, "plan": cell, "note": cell})
        rows.append({**base, "id": f"zone-{number}", "zone": cell})
    return rows


ROWS = _rows()

_TALK = ("Is it {{ name }}?", "Bye", {"text": "{{ plan | default('none') }}", "after": "score"})
CASES: Mapping[str, tuple[dict[str, Any], Sequence[Any], dict[str, Any]]] = {
    "constants": ({"display_name": "50 % \" \\ {{ '{' }}"}, (), {}),
    "columns": (
        {
            "display_name": "{{ name }}",
            "initial_message": "Hello {{ name }}, 100 % {{ plan }}",
            "attributes": {"plan": "{{ plan }}", "Two": "{{ name }}{{ note }}{{ name }}"},
        },
        _TALK,
        {},
    ),
    "defaults": (
        {
            "display_name": "{{ name | default('friend') }}",
            "initial_message": "{{ note | default('') }}",
            "attributes": {"a": "{{ plan | default(none) }}", "b": "{{ note | d(7) }}", "c": ""},
        },
        ("{{ note | default(none) }}", "{{ plan | default(' ') }}"),
        {},
    ),
    "left out": (
        {
            "display_name": "{{ name }}",
            "initial_message": "{{ note | default(none) }}",
            "attributes": {"a": "{{ plan | default(none) }}"},
        },
        (),
        {},
    ),
    "filters": (
        {
            "display_name": "{{ name | upper }} {{ plan | default('-') | title }}",
            "initial_message": {"content": "{{ note | trim }}", "content_type": "text/markdown"},
            "supported_messaging_content_types": "text/plain,text/markdown",
            "attributes": {"n": "{{ note | default('') | length }}"},
        },
        ("{{ name | replace('a', 'b') }}",),
        {},
    ),
    "conditions": (
        {
            "display_name": "{{ row['name'] }}",
            "initial_message": "{% if plan == 'gold' %}Dear {{ name }}{% endif %}",
            "attributes": {"p": "{% if plan %}{{ plan }}{% else %}{{ none }}{% endif %}"},
        },
        ("{% if note %}{{ note }}{% endif %}",),
        {},
    ),
    "json": (
        {
            "display_name": "{{ name }}",
            "initial_message": {
                "content": '{"a": "{{ note }}"}',
                "content_type": "application/json",
            },
            "supported_messaging_content_types": "text/plain,application/json",
        },
        (),
        {},
    ),
    "many fields": (
        {
            "display_name": "{{ name }}",
            "chat_duration_in_minutes": 60,
            "related_contact_id": "c-1",
            "segment_attributes": {"a": {"value_map": {"b": {"value_integer": 3}}}},
            "disconnect_on_customer_exit": "AGENT",
        },
        (),
        {},
    ),
    "fields of columns": (
        {
            "display_name": "{{ name }}",
            "chat_duration_in_minutes": "{{ plan | default(none) }}",
            "related_contact_id": "{{ note | default(none) }}",
            "supported_messaging_content_types": "text/plain,{{ plan | default('') }}",
        },
        (),
        {},
    ),
    "long attributes": (
        {
            "display_name": "d",
            "attributes": {"a": "{{ note }}", "b": "{{ note }}", "c": "x" * 100 + "{{ plan }}"},
        },
        ("z" * 20 + "{{ note }}",),
        {},
    ),
    "zones and variants": (
        {"display_name": "{{ name }}", "attributes": {"variant": "{{ variant }}"}},
        ("Hi {{ name }}",),
        {
            "variants": {
                "a": {},
                "b": {
                    "template": {"display_name": "{{ name }} B", "initial_message": "{{ note }}"}
                },
            },
            "communication_time": {
                "time_zone_column": "zone",
                "open_hours": {"MONDAY": [{"start_time": "09:00", "end_time": "18:00"}]},
            },
        },
    ),
}
"""By name: the template's fields beside the id, what our side says, the policy."""


def renderer_of(name: str, customer_id: str = "{{ id }}") -> tuple[AnyRenderer, OutreachPolicy]:
    """A case's renderer and policy."""
    fields, talk, rules = CASES[name]
    policy = OutreachPolicy.model_validate(rules)
    template = ChatTemplate.model_validate({"customer_id": customer_id, **fields})

    def bind(template: ChatTemplate, conversation: Conversation | None) -> Any:
        return template.bind(instance_id="i-1", contact_flow_id="f-1", conversation=conversation)

    conversation = Conversation.model_validate({"messages": talk}) if talk else None
    return bind_variants(template, conversation, policy, bind), policy


def outcomes(check: RowCheck, rows: Sequence[Mapping[str, Any]]) -> list[Any]:
    """What rows come to, in order: of each its customer, token and bytes, or why not; as digests.

    Besides where the refused ones stand, and what was counted.
    """
    valid, refused = check.check(rows)
    accepted = [
        _digest(
            one.customer_id,
            one.customer_key,
            one.request.fingerprint,
            one.request.signed(client_token("corpus", one.customer_id)),
            repr(one.messages),
            repr((one.time_zone, one.variant)),
        )
        for one in valid
    ]
    reasons = [
        _digest(
            str(one.position), repr(one.customer_id), one.status, one.error_code, one.error_message
        )
        for one in refused
    ]
    counts = check.intake(0)
    where = [one.position for one in refused]
    return [accepted, where, reasons, counts.opened, counts.said, dict(counts.reasons)]


def planned_rows(name: str, samples: int = 0) -> list[Any]:
    """A case's outcomes over all rows."""
    renderer, policy = renderer_of(name)
    return outcomes(RowCheck(renderer, samples, policy), ROWS)


def _digest(*texts: str) -> str:
    whole = "\x1f".join(texts).encode(errors="surrogatepass")
    return hashlib.sha256(whole).hexdigest()[:16]


if __name__ == "__main__":
    json.dump({name: planned_rows(name) for name in CASES}, sys.stdout, indent=0)
