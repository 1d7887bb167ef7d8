"""Which refusals of a start concern everybody."""

import pytest

from connect_tasks.campaign.start import is_campaign_wide

REQUEST = {"InstanceId": "i", "ContactFlowId": "f"}


def test_not_found_concerns_everybody_while_nothing_was_started() -> None:
    assert is_campaign_wide(REQUEST, started_before=False)


def test_not_found_concerns_one_row_once_something_was_started() -> None:
    assert not is_campaign_wide(REQUEST, started_before=True)


@pytest.mark.parametrize("name", ["RelatedContactId", "PersistentChat"])
def test_not_found_concerns_a_row_that_names_a_contact_of_its_own(name: str) -> None:
    assert not is_campaign_wide({**REQUEST, name: "c"}, started_before=False)
