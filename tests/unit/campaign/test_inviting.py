"""What is decided about links before any ledger is asked."""

from datetime import timedelta

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from connect_tasks import Quotas
from connect_tasks.campaign.invitation_forecast import invitation_forecast
from connect_tasks.campaign.inviting import Invited, chat_minutes, checked_expiry, pieces
from connect_tasks.campaign.row_check import Intake
from connect_tasks.errors import InputError
from connect_tasks.ledger.standing import Standing

MINUTE = timedelta(minutes=1)


def intake(valid: int, contacted: int = 0) -> Intake:
    return Intake(
        rows=valid,
        valid=valid,
        rejected=0,
        duplicate=0,
        contacted=contacted,
        opened=0,
        said=0,
        reasons={},
        more_reasons=0,
        samples=(),
    )


@given(span=st.timedeltas())
@example(span=5 * MINUTE)
@example(span=5 * MINUTE - timedelta.resolution)
@example(span=timedelta(days=366))
@example(span=timedelta(days=366) + timedelta.resolution)
def test_a_link_works_for_minutes_to_a_year_and_never_longer(span: timedelta) -> None:
    if 5 * MINUTE <= span <= timedelta(days=366):
        assert checked_expiry(span) == span
    else:
        with pytest.raises(InputError, match=r"expires_after is .*P30D"):
            checked_expiry(span)


@given(minutes=st.floats(60, 60 * 24 * 30))
def test_no_chat_outlives_the_token_that_a_reload_sends_nor_a_day(minutes: float) -> None:
    allowed = chat_minutes(Quotas(token_validity=minutes * MINUTE))

    assert 60 <= allowed.default <= allowed.most <= min(1_440, minutes)
    assert allowed.default == min(240, allowed.most)
    # Not a minute less than that either.
    assert allowed.most + 1 > min(1_440, minutes)


@given(values=st.lists(st.none() | st.integers()), size=st.integers(1, 5))
def test_pieces_hold_each_value_that_is_there_once_and_in_order(
    values: list[int | None], size: int
) -> None:
    there = [value for value in values if value is not None]
    made = list(pieces(values, size))

    assert [value for piece in made for value in piece] == there
    assert all(len(piece) == size for piece in made[:-1])
    assert all(0 < len(piece) <= size for piece in made)


@given(counts=st.dictionaries(st.sampled_from(Standing), st.integers(1, 9)))
def test_every_customer_is_told_of_once_and_only_working_links_are_counted_as_such(
    counts: dict[Standing, int],
) -> None:
    invited = Invited("renewals", counts)

    told = str(invited)
    works = {Standing.NEW, Standing.KEPT, Standing.RENEWED, Standing.DEFERRED}
    assert invited.working == sum(count for s, count in counts.items() if s in works)
    if counts:
        numbers = [int(part.split()[0]) for part in told.partition(": ")[2].split("; ")]
        assert sorted(numbers) == sorted(counts.values())
        assert told.startswith(f"{invited.working} link")


@given(valid=st.integers(0, 9_999), contacted=st.integers(0, 99), rate=st.floats(0.5, 50))
def test_the_last_of_all_who_come_at_once_waits_for_the_starts_before_theirs(
    valid: int, contacted: int, rate: float
) -> None:
    left = max(0, valid - contacted)
    quotas = Quotas(starts_per_second=rate, start_burst=3, open_chats=50)

    expected = invitation_forecast(intake(valid, min(valid, contacted)), quotas)

    assert expected.duration_seconds == pytest.approx(max(0, left - 3) / rate)
    assert (expected.summary == "nobody is left to invite") == (left == 0)
    assert ("send the links in waves" in expected.outline) == (left > 50)
    assert expected.calls == {"StartChatContact": left}
