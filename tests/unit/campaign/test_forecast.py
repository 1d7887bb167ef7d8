"""What a campaign will come to: expected values are reckoned by hand."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from connect_tasks import Conversation, Quotas
from connect_tasks.campaign.forecast import Forecast, forecast, hand_over_forecast
from connect_tasks.campaign.invitation_forecast import invitation_forecast
from connect_tasks.campaign.outbound_forecast import outbound_forecast
from connect_tasks.campaign.outlook import Outlook, OutlookCounter
from connect_tasks.campaign.row_check import Intake, Sample
from connect_tasks.errors import InputError
from connect_tasks.ledger.link_windows import TOO_LATE
from connect_tasks.ledger.verdicts import Allow, Defer, HoldOut, Rule, Suppress, Verdict, Why

ADA = Sample(
    customer_id="0042",
    display_name="Ada",
    initial_message="Hi, Ada <b>",
    messages=("Still at Ghent?",),
)

EACH_CHAT = ("StartChatContact", "CreateParticipantConnection", "GetTranscript", "StopContact")


def intake(valid: int, *, opened: int = 0, said: int = 0, contacted: int = 0) -> Intake:
    return Intake(
        rows=valid + 3,
        valid=valid,
        rejected=2,
        duplicate=1,
        contacted=contacted,
        opened=opened,
        said=said,
        reasons={"participant_details.display_name: column 'name' is empty": 2},
        more_reasons=4,
        samples=(ADA,),
    )


def of(
    table: Intake, quotas: Quotas | None = None, seconds: float = 20, close: str = "stop"
) -> Forecast:
    conversation = Conversation(close=close)
    return forecast(table, quotas or Quotas(), conversation, given_seconds=seconds)


def test_starts_limit_a_campaign_of_short_chats() -> None:
    made = of(intake(5_008))

    # 8 at once, 5,000 more at 5 per second, and the last one's 20 seconds.
    assert made.duration_seconds == 1_020
    assert made.chats_per_second == 5
    assert made.summary == "5,008 chats in about 17 min, limited by 5 starts per second"


def test_connections_that_come_with_the_start_limit_nothing() -> None:
    faster = Quotas(starts_per_second=7, start_burst=10)
    table = intake(5_000)

    asked_for = of(table, faster)
    with_start = of(replace(table, connected=5_000), faster)

    assert "6 connections per second" in asked_for.summary
    assert "limited by 7 starts per second" in with_start.summary
    assert "CreateParticipantConnection" not in with_start.calls
    # Where half of the rows say otherwise, half of the calls are made.
    half = of(replace(table, connected=2_500), faster)
    assert half.calls["CreateParticipantConnection"] == 2_500


def test_open_chats_limit_a_campaign_of_long_chats() -> None:
    made = of(intake(5_000), seconds=240)

    # 500 at a time, ten times 240 seconds, and the last wave takes 499 starts at 5 per second.
    assert made.duration_seconds == pytest.approx(9 * 240 + 499 / 5 + 240)
    assert made.chats_per_second == pytest.approx(500 / 240)
    assert made.limit == "500 open chats at 4 min each"


def test_open_chats_do_not_limit_a_campaign_that_has_no_more_of_them() -> None:
    made = of(intake(500), seconds=240)

    assert made.limit == "5 starts per second"
    assert made.duration_seconds == pytest.approx((500 - 8) / 5 + 240)


def test_a_chat_that_opens_with_a_message_is_read_twice() -> None:
    made = of(intake(1_000, opened=1_000))

    # 2,000 reads, 12 of them at once, the others at 8 per second.
    assert made.limit == "8 transcript reads per second at 2 per chat"
    assert made.chats_per_second == 4
    assert made.duration_seconds == pytest.approx(1_988 / 8 + 20)
    assert made.calls["GetTranscript"] == 2_000


def test_many_messages_limit_by_their_own_rate() -> None:
    made = of(intake(1_000, said=4_000))

    assert made.limit == "10 messages per second at 4 per chat"
    assert made.chats_per_second == 2.5
    assert made.calls["SendMessage"] == 4_000


@pytest.mark.parametrize(
    ("close", "limit"),
    [
        ("stop", "5 starts per second"),
        ("disconnect", "3 closes per second"),
        ("leave_open", "5 starts per second"),
    ],
)
def test_how_chats_are_closed_counts(close: str, limit: str) -> None:
    assert of(intake(1_000), close=close).limit == limit


def test_chats_that_are_left_open_hold_their_slots_for_a_day() -> None:
    conversation = Conversation(close="leave_open", reply_timeout_seconds=30, settle_seconds=0)

    made = forecast(intake(501), Quotas(), conversation)

    assert made.limit == "500 open chats at 25 h each"
    assert made.duration_seconds == 25 * 3_600 + 30
    assert forecast(intake(500), Quotas(), conversation).limit == "5 starts per second"


def test_calls_are_counted_by_kind() -> None:
    assert of(intake(100, opened=50, said=200), close="disconnect").calls == {
        "StartChatContact": 100,
        "CreateParticipantConnection": 100,
        "SendMessage": 200,
        "GetTranscript": 150,
        "DisconnectParticipant": 100,
    }
    assert list(of(intake(10), close="leave_open").calls) == [
        "StartChatContact",
        "CreateParticipantConnection",
        "GetTranscript",
    ]


@pytest.mark.parametrize(("opened", "said"), [(0, 20), (10, 10)], ids=["silent start", "opened"])
def test_the_reply_that_ends_a_conversation_is_not_answered(opened: int, said: int) -> None:
    conversation = Conversation(messages=("a", "b", "c"), max_replies=2)

    made = forecast(intake(10, said=30, opened=opened), Quotas(), conversation)

    assert made.calls["SendMessage"] == said


def test_who_was_contacted_before_is_not_contacted_again() -> None:
    made = of(intake(1_000, contacted=900))

    assert (made.to_contact, made.calls["StartChatContact"]) == (100, 100)


def test_nobody_left_takes_no_time() -> None:
    made = of(intake(7, contacted=7))

    assert made.duration_seconds == 0
    assert made.summary == "nobody is left to contact"
    assert set(made.calls.values()) == {0}


def test_an_empty_intake_is_a_forecast_of_nothing() -> None:
    assert of(intake(0)).summary == "nobody is left to contact"


def test_fewer_chats_than_the_burst_take_as_long_as_one() -> None:
    assert of(intake(5)).duration_seconds == 20


@pytest.mark.parametrize(
    ("conversation", "seconds"),
    [
        (Conversation(messages=("a",), reply_timeout_seconds=30, settle_seconds=0), 60),
        (Conversation(messages=("a",), reply_timeout_seconds=30, settle_seconds=2), 64),
        (Conversation(messages=("a",) * 3, reply_timeout_seconds=9, max_replies=1), 20),
        (Conversation(messages=("a",) * 9, reply_timeout_seconds=30, max_seconds=120), 120),
    ],
    ids=[
        "a greeting and an answer to each message",
        "each turn until it is over",
        "no more answers than wanted",
        "no longer than allowed",
    ],
)
def test_without_experience_every_answer_counts_as_long_as_we_wait(
    conversation: Conversation, seconds: float
) -> None:
    made = forecast(intake(10), Quotas(), conversation)

    assert (made.chat_seconds, made.chat_seconds_from) == (seconds, "assumed")
    assert "assumed" in str(made)


def test_where_slots_bind_the_end_of_each_turn_costs_pace() -> None:
    quotas = Quotas(open_chats=10)

    def pace(settle: float) -> float:
        talk = Conversation(messages=("a",), reply_timeout_seconds=9, settle_seconds=settle)
        return forecast(intake(1_000), quotas, talk).chats_per_second

    # Little's law: slots by the time that each is held.
    assert (pace(0), pace(1)) == (10 / 18, 10 / 20)


def test_a_given_time_counts_more_than_experience_and_that_more_than_assumptions() -> None:
    made = forecast(intake(1), Quotas(), Conversation(), given_seconds=10.0, measured_seconds=20.0)
    measured = forecast(intake(1), Quotas(), Conversation(), measured_seconds=20.0)

    assert (made.chat_seconds, made.chat_seconds_from) == (10, "given")
    assert (measured.chat_seconds, measured.chat_seconds_from) == (20, "measured")


@pytest.mark.parametrize("seconds", [0, -1, float("nan"), float("inf")])
def test_a_time_that_no_chat_can_take_is_refused(seconds: float) -> None:
    with pytest.raises(InputError, match="more than 0"):
        of(intake(1), seconds=seconds)


def test_it_shows_itself_in_a_terminal() -> None:
    assert str(of(intake(5_008, opened=0), seconds=20)).splitlines() == [
        "5,008 chats in about 17 min, limited by 5 starts per second.",
        "5,011 rows: 5,008 valid, 2 rejected, 1 duplicate",
        "20 s for each chat (given)",
        ", ".join(f"{name} 5,008" for name in EACH_CHAT),
        "    2 rejected: participant_details.display_name: column 'name' is empty",
        "    and 4 further reasons",
        "0042 (Ada)",
        "    'Hi, Ada <b>'",
        "    'Still at Ghent?'",
    ]


def test_it_shows_itself_in_a_notebook_and_escapes_what_customers_are_called() -> None:
    page = of(intake(5_008))._repr_html_()

    assert "limited by 5 starts per second" in page
    assert "Hi, Ada &lt;b&gt;" in page
    assert "<b>" not in page.replace("<p><b>", "")


def test_the_summary_and_the_repr_say_nothing_of_any_customer() -> None:
    made = of(intake(5_008))

    assert "Ada" not in made.summary
    assert "Ada" not in repr(made)


def test_what_looks_like_a_slip_is_printed_too() -> None:
    slip = "nobody is on the suppression list '<news>'"

    made = of(replace(intake(5), warnings=(slip,)))

    assert f"\nWarning: {slip}\n" in f"{made}"
    assert "Warning: nobody is on the suppression list &#x27;&lt;news&gt;" in made._repr_html_()


def test_where_connections_bind_it_says_how_many_chats_wait_for_them() -> None:
    wide = Quotas(starts_per_second=50, start_burst=80, open_chats=2_000)
    words = forecast(intake(10_000), wide, Conversation(), given_seconds=20).limit
    few = wide.model_copy(update={"open_chats": 900})

    # Six per second in half of five minutes; with no more slots than that it is never reached.
    assert words == "6 connections per second, for which at most 900 chats wait"
    assert (
        forecast(intake(10_000), few, Conversation(), given_seconds=20).limit
        == "6 connections per second"
    )


EVENING = datetime(2026, 11, 27, 21, tzinfo=UTC)
MORNING = datetime(2026, 11, 28, 8, tzinfo=UTC)


def outlook_of(*verdicts: Verdict, expires_at: datetime | None = None) -> Outlook:
    counter = OutlookCounter(EVENING)
    for verdict in verdicts:
        counter.add(verdict, expires_at=expires_at)
    return counter.outlook()


DEFERRED = Defer(MORNING, (Why(Rule.OUTSIDE_HOURS),))
NEVER = Suppress((Why(Rule.OPTED_OUT),))
HELD_OUT = HoldOut((Why(Rule.HELD_OUT),))


def test_who_has_to_wait_is_foretold_from_when_their_hours_begin() -> None:
    outlook = outlook_of(*[Allow()] * 508, *[DEFERRED] * 1_508)

    made = forecast(intake(2_016), Quotas(), Conversation(), outlook=outlook, given_seconds=20)

    # 300 seconds of starts from 08:00 on, and the last one's 20 seconds: 08:05:20.
    assert made.duration_seconds == 11 * 3_600 + 320
    assert made.summary == (
        "508 chats now in about 2 min, 1,508 from 2026-11-28 08:00 UTC on, over at "
        "2026-11-28 08:06 UTC at the earliest, limited by 5 starts per second"
    )
    assert f"\n{outlook.words}\n" in f"{made}"
    assert outlook.words in made._repr_html_()


def test_whom_nobody_contacts_takes_no_time_and_no_calls() -> None:
    outlook = outlook_of(*[Allow()] * 508, *[NEVER] * 300, *[HELD_OUT] * 192)

    made = forecast(intake(1_000), Quotas(), Conversation(), outlook=outlook, given_seconds=20)

    assert (made.to_contact, made.calls["StartChatContact"]) == (508, 508)
    assert made.summary == "508 chats in about 2 min, limited by 5 starts per second"
    assert "192 are held out, 300 never (opted_out)" in f"{made}"


def test_whose_hours_end_too_soon_is_not_promised_for_now() -> None:
    soon = Allow(datetime(2026, 11, 27, 21, 1, 40, tzinfo=UTC))

    made = forecast(
        intake(1_000), Quotas(), Conversation(), outlook=outlook_of(*[soon] * 1_000),
        given_seconds=20,
    )  # fmt: skip

    assert made.summary == (
        "508 chats now in about 2 min, 492 more not before their hours end, limited by 5 starts "
        "per second"
    )


def test_who_expires_before_their_turn_is_told_apart_from_whose_hours_end() -> None:
    soon = datetime(2026, 11, 27, 21, 1, 40, tzinfo=UTC)
    outlook = outlook_of(*[Allow(soon)] * 1_000, expires_at=soon)

    made = forecast(intake(1_000), Quotas(), Conversation(), outlook=outlook, given_seconds=20)

    assert made.summary == (
        "508 chats now in about 2 min, 492 more not before they expire, limited by 5 starts per "
        "second"
    )


def test_all_may_have_to_wait() -> None:
    made = hand_over_forecast(intake(8), Quotas(), outlook=outlook_of(*[DEFERRED] * 8))

    assert made.summary == (
        "8 from 2026-11-28 08:00 UTC on, over at 2026-11-28 08:10 UTC at the earliest, limited "
        "by 5 starts per second"
    )


def test_without_a_policy_nothing_is_said_of_one() -> None:
    assert "may be contacted now" not in f"{of(intake(5))}"
    allowed = forecast(
        intake(5), Quotas(), Conversation(), outlook=outlook_of(*[Allow()] * 5), given_seconds=20
    )
    assert f"{allowed}" == f"{of(intake(5))}"


def test_links_of_those_who_have_to_wait_are_sent_later() -> None:
    outlook = outlook_of(*[Allow()] * 5, *[DEFERRED] * 3, NEVER, HELD_OUT)

    made = invitation_forecast(intake(10), Quotas(), outlook=outlook)

    assert made.summary == (
        "8 links, 3 of them to be sent from 2026-11-28 08:00 UTC on; opened all at once, nobody "
        "would wait"
    )
    assert made.to_contact == made.calls["StartChatContact"] == 8
    assert outlook.words in made.outline


def test_a_link_that_nobody_may_be_sent_is_none() -> None:
    made = invitation_forecast(intake(2), Quotas(), outlook=outlook_of(NEVER, NEVER))

    assert made.summary == "nobody is left to invite"


def test_links_that_would_end_before_they_may_be_sent_are_told_and_are_none() -> None:
    late = Suppress((TOO_LATE, Why(Rule.OUTSIDE_HOURS)))
    helps = "before the policy lets them be sent (a longer expires_after helps)"

    none = invitation_forecast(intake(4), Quotas(), outlook=outlook_of(*[late] * 4))
    some = invitation_forecast(intake(4), Quotas(), outlook=outlook_of(late, *[Allow()] * 3))

    assert none.summary == f"nobody is left to invite, 4 links would end {helps}"
    assert some.summary == (
        f"3 links, 1 more link would end {helps}; opened all at once, nobody would wait"
    )


def test_messages_to_phones_go_at_two_a_second_after_a_burst_of_five() -> None:
    made = outbound_forecast(intake(365), Quotas())

    assert made.duration_seconds == 180
    assert made.summary == "365 messages in about 3 min, limited by 2 messages per second"
    assert made.calls == {"StartOutboundChatContact": 365}


def test_beyond_the_slots_messages_wait_for_conversations_to_be_over() -> None:
    for_a_day = outbound_forecast(intake(501), Quotas())
    for_an_hour = outbound_forecast(intake(501), Quotas(), held_minutes=60)

    assert (for_a_day.duration_seconds, for_an_hour.duration_seconds) == (25 * 3_600, 3_600)
    assert for_a_day.limit == "500 open chats at 25 h each"
    assert "assumed: nobody ends it sooner" in for_a_day.outline


def test_what_messages_cost_is_not_said_and_how_many_they_are_is() -> None:
    outline = outbound_forecast(intake(2), Quotas(), given_seconds=600).outline

    assert "2 contacts, each begun with one message" in outline
    assert "10 min of an open chat for each (given)" in outline
    with pytest.raises(InputError, match="more than 0"):
        outbound_forecast(intake(2), Quotas(), given_seconds=0)
