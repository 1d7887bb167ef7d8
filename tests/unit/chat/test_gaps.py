"""What a transcript may lack, and when it is read for that."""

import math

import pytest

from connect_tasks.chat.gaps import Gaps


def test_a_chat_that_our_side_closes_right_after_a_reading_is_whole() -> None:
    gaps = Gaps()
    gaps.said(1)
    gaps.heard(2, own=1)
    gaps.was_read(found=False)
    gaps.closed()

    assert gaps.is_complete is True
    assert gaps.why == ""


def test_of_a_chat_that_the_other_side_ends_nobody_can_say() -> None:
    gaps = Gaps()
    gaps.heard(1, own=0)
    gaps.was_read(found=False)
    gaps.heard(2, own=0)

    assert gaps.is_complete is None


def test_a_chat_that_is_closed_without_a_reading_is_not_surely_whole() -> None:
    gaps = Gaps()
    gaps.heard(1, own=0)
    gaps.closed()

    assert gaps.is_complete is None


def test_what_a_broken_socket_missed_is_missing_until_it_is_read() -> None:
    gaps = Gaps()
    gaps.broke()
    assert (gaps.is_complete, gaps.owes_reading) == (False, True)

    gaps.was_read(found=True)
    assert (gaps.is_complete, gaps.owes_reading) == (None, False)


@pytest.mark.parametrize("closes", [False, True])
def test_a_reading_that_failed_leaves_the_chat_incomplete_whoever_ends_it(*, closes: bool) -> None:
    gaps = Gaps()
    gaps.heard(1, own=0)
    gaps.refused("InternalServerException")
    if closes:
        gaps.closed()

    assert gaps.is_complete is False
    assert "InternalServerException" in gaps.why


def test_an_odd_frame_is_made_good_by_a_reading() -> None:
    gaps = Gaps()
    gaps.odd("its id cannot be read")
    assert gaps.is_complete is False

    gaps.was_read(found=False)
    gaps.closed()
    assert gaps.is_complete is True


def test_what_the_transcript_itself_has_unreadable_no_reading_makes_good() -> None:
    gaps = Gaps()
    gaps.unreadable("its time cannot be read")
    gaps.was_read(found=False)
    gaps.closed()

    assert gaps.is_complete is False


def test_a_message_of_ours_that_never_came_back_tells_of_a_gap() -> None:
    gaps = Gaps()
    gaps.said(1)
    gaps.heard(2, own=0)

    assert gaps.is_complete is False


# --- when to read ---


def test_nothing_is_read_where_nothing_was_said() -> None:
    assert Gaps().due_at == math.inf


def test_a_chat_is_read_once_when_it_has_become_quiet_and_then_once_a_minute_at_most() -> None:
    gaps = Gaps()
    gaps.heard(10, own=0)
    assert gaps.due_at == 10 + Gaps.QUIET_SECONDS

    gaps.tried(15)
    gaps.was_read(found=False)
    assert gaps.due_at == math.inf

    gaps.heard(16, own=0)
    assert gaps.due_at == 15 + Gaps.AGAIN_SECONDS


def test_a_chat_whose_socket_has_lost_something_is_read_again_at_the_next_quiet() -> None:
    gaps = Gaps()
    gaps.heard(10, own=0)
    gaps.tried(15)
    gaps.was_read(found=True)
    gaps.heard(20, own=0)

    assert gaps.due_at == 20 + Gaps.QUIET_SECONDS


def test_our_message_that_does_not_come_back_is_looked_for_soon() -> None:
    gaps = Gaps()
    gaps.said(10)

    assert gaps.due_at == 10 + Gaps.ECHO_SECONDS


def test_a_frame_that_could_not_be_read_is_looked_for_at_once_and_then_with_pauses() -> None:
    gaps = Gaps()
    gaps.odd("it is no JSON object")
    assert gaps.due_at <= 0

    gaps.tried(10)
    assert gaps.due_at == 10 + Gaps.RETRY_SECONDS


def test_switched_off_only_what_is_known_to_be_missing_is_read() -> None:
    gaps = Gaps(checks=False)
    gaps.said(1)
    gaps.heard(2, own=0)
    assert gaps.due_at == math.inf

    gaps.odd("it is no JSON object")
    assert gaps.due_at < math.inf
