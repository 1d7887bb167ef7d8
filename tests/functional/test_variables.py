"""What a campaign is made of, kept in Prefect's variables; what is sent is read at Amazon."""

from collections.abc import Iterator
from typing import Any

import pandas as pd
import pytest
from prefect.variables import Variable

from connect_tasks.blocks import load_policy
from connect_tasks.campaign.policy import OutreachPolicy
from connect_tasks.emulator import LocalConnect, LocalQuotas
from connect_tasks.errors import InputError
from connect_tasks.flows.outreach import outreach

pytestmark = pytest.mark.usefixtures("prefect_home")

CUSTOMERS = pd.DataFrame({"customer_id": ["0001"], "first_name": ["Ada"]})
WHOLE = """
[template]
display_name = "{{ first_name }}"

[conversation]
messages = ["hello"]
settle_seconds = 0
max_replies = 1
"""


@pytest.fixture(name="local")
def _local() -> Iterator[LocalConnect]:
    with LocalConnect(flow="echo", quotas=LocalQuotas.unlimited()) as local:
        yield local


def named(local: LocalConnect) -> list[str]:
    return [str(contact.display_name) for contact in local.contacts]


@pytest.mark.parametrize(
    ("value", "given"),
    [
        (WHOLE, {"settings": "by_variable"}),
        ({"display_name": "{{ first_name }} B."}, {"template": "by_variable", "settings": WHOLE}),
    ],
    ids=["TOML of all", "JSON of the template"],
)
def test_a_run_takes_what_a_variable_holds(
    local: LocalConnect, ledger: str, value: Any, given: dict[str, Any]
) -> None:
    Variable.set("by_variable", value, overwrite=True, _sync=True)  # type: ignore[call-arg]

    result = outreach(
        CUSTOMERS, campaign="by-variable", connect=local.instance(), ledger=ledger, **given
    )

    assert named(local) == ["Ada" if value == WHOLE else "Ada B."]
    assert list(result.messages["content"].dropna())[:1]
    assert result.summary["replied"] == 1


def test_a_policy_may_be_a_variable_where_no_block_has_its_name() -> None:
    Variable.set("only_mornings", 'expires_after = "P14D"', overwrite=True, _sync=True)  # type: ignore[call-arg]

    assert load_policy("only_mornings") == OutreachPolicy.model_validate({"expires_after": "P14D"})


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (None, "no Prefect variable for the settings under this name: 'by_mistake'"),
        (["a"], "'by_mistake' holds no fields"),
        ("[template", "'by_mistake': no TOML: .*line 1"),
    ],
)
def test_a_variable_that_cannot_be_used_stops_all_of_it_with_a_sentence(
    local: LocalConnect, ledger: str, value: Any, words: str
) -> None:
    if value is not None:
        Variable.set("by_mistake", value, overwrite=True, _sync=True)  # type: ignore[call-arg]
    with pytest.raises(InputError, match=words) as caught:
        outreach(
            CUSTOMERS,
            campaign="by-mistake",
            connect=local.instance(),
            ledger=ledger,
            settings="by_mistake",
        )

    assert "\n" not in str(caught.value)
    assert local.contacts == []
