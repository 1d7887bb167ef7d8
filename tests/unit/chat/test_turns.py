"""Whose turn it is. The expected times come from the rule: quiet for the settle time."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Literal, TypeAlias

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connect_tasks import After, Conversation, Utterance
from connect_tasks.aws.transcript import Item
from connect_tasks.chat.dialogue import Dialogue, EndReason, Finish, Say, Wait
from connect_tasks.chat.turns import Order

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
EVENT = "application/vnd.amazonaws.connect.event."
SETTLE, PATIENCE, LIMIT = 1, 30, 600
IDS = count()


def item(at: float, role: str | None, text: str | None = None, event: str | None = None) -> Item:
    """What Amazon says happened `at` seconds after noon."""
    return Item(
        message_id=f"item-{next(IDS)}",
        absolute_time=NOON + timedelta(seconds=at),
        type="EVENT" if event else "MESSAGE",
        content_type=EVENT + event if event else "text/plain",
        content=text,
        participant_role=role,
    )


def bot(at: float, text: str = "…") -> Item:
    return item(at, "SYSTEM", text)


def agent(at: float, text: str = "…") -> Item:
    return item(at, "AGENT", text)


def ours(at: float, text: str = "…") -> Item:
    return item(at, "CUSTOMER", text)


def typing(at: float, role: str = "AGENT") -> Item:
    return item(at, role, event="typing")


Arrival: TypeAlias = tuple[float, Item]
Happened: TypeAlias = tuple[float, str]


def dialogue_of(
    messages: Sequence[str | Utterance] = ("one", "two"),
    *,
    settle: float = SETTLE,
    max_replies: int | None = None,
    opening: int = 0,
    patience: float = PATIENCE,
) -> Dialogue:
    conversation = Conversation(
        settle_seconds=settle,
        max_replies=max_replies,
        reply_timeout_seconds=patience,
        max_seconds=LIMIT,
    )
    dialogue = Dialogue(conversation, messages, opening=opening)
    dialogue.begin(0)
    return dialogue


def on_time(*items: Item) -> list[Arrival]:
    """Each arrives in the moment in which it happens."""
    return [((one.absolute_time - NOON).total_seconds(), one) for one in items]


def play(dialogue: Dialogue, arrivals: Iterable[Arrival], *, echo: bool = True) -> list[Happened]:
    """What our side does and when, as a session has it done: waiting as long as it is told."""
    waiting = sorted(arrivals, key=lambda arrival: arrival[0])
    now, happened = 0.0, list[Happened]()
    while True:
        while waiting and waiting[0][0] <= now:
            dialogue.observe(waiting.pop(0)[1], now)
        match dialogue.next_step(now):
            case Say(_, text):
                happened.append((now, text))
                dialogue.sent(now)
                if echo:
                    dialogue.observe(ours(now, text), now)
            case Finish(reason):
                return [*happened, (now, reason)]
            case Wait(until):
                now = min(until, waiting[0][0]) if waiting else until


# --- when a turn is over ---


def test_a_single_message_is_answered_when_it_has_been_quiet_for_the_settle_time() -> None:
    happened = play(dialogue_of(["one"]), on_time(bot(2)))

    assert happened == [(2 + SETTLE, "one"), (2 + SETTLE + PATIENCE, EndReason.SILENT)]


def test_two_bubbles_are_one_turn() -> None:
    happened = play(dialogue_of(), on_time(bot(2, "Hello!"), bot(2.25, "A question?"), bot(5)))

    assert happened[:2] == [(2.25 + SETTLE, "one"), (5 + SETTLE, "two")]


def test_bubbles_with_typing_between_them_are_one_turn() -> None:
    happened = play(
        dialogue_of(["one"]),
        on_time(agent(2), typing(2.5), typing(3.25), agent(4), typing(4.75), agent(5.5)),
    )

    assert happened[0] == (5.5 + SETTLE, "one")


def test_somebody_else_who_types_extends_a_turn_too() -> None:
    happened = play(dialogue_of(["one"]), on_time(bot(2), typing(2.5, "AGENT"), agent(3.25)))

    assert happened[0] == (3.25 + SETTLE, "one")


def test_our_own_typing_extends_no_turn() -> None:
    happened = play(dialogue_of(["one"]), on_time(bot(2), typing(2.5, "CUSTOMER")))

    assert happened[0] == (2 + SETTLE, "one")


def test_who_types_on_and_says_nothing_has_had_their_turn_when_patience_ends() -> None:
    endless = [typing(2 + 0.5 * beat) for beat in range(1, 1_000)]

    happened = play(dialogue_of(["one"]), on_time(bot(2), *endless))

    assert happened[0] == (2 + PATIENCE + SETTLE, "one")


def test_typing_before_anything_was_said_is_no_turn() -> None:
    happened = play(dialogue_of(["one"]), on_time(typing(2)))

    assert happened == [(2 + PATIENCE, EndReason.SILENT)]


@pytest.mark.parametrize(
    "spoken",
    [
        item(2, "SYSTEM", "{}"),
        Item(message_id="f", absolute_time=NOON + timedelta(seconds=2), type="ATTACHMENT"),
    ],
    ids=["interactive", "a file"],
)
def test_whatever_is_sent_is_speech(spoken: Item) -> None:
    assert play(dialogue_of(["one"]), on_time(spoken))[0] == (2 + SETTLE, "one")


def test_joining_and_leaving_extend_no_turn() -> None:
    joined = item(2.5, "AGENT", event="participant.joined")

    assert play(dialogue_of(["one"]), on_time(bot(2), joined))[0] == (2 + SETTLE, "one")


def test_what_comes_in_the_last_moment_of_a_turn_belongs_to_it() -> None:
    happened = play(dialogue_of(["one"]), on_time(bot(2), bot(2 + SETTLE)))

    assert happened[0] == (2 + 2 * SETTLE, "one")


def test_without_a_settle_time_each_message_is_a_turn() -> None:
    dialogue = dialogue_of(settle=0)

    happened = play(dialogue, on_time(bot(2), typing(2.5), bot(2.75)))

    assert happened[:2] == [(2, "one"), (2.75, "two")]


def test_a_settle_time_that_is_longer_than_our_patience_is_kept() -> None:
    happened = play(dialogue_of(["one"], settle=5, patience=2), on_time(bot(1)))

    assert happened == [(6, "one"), (8, EndReason.SILENT)]


def test_nobody_is_silent_in_the_middle_of_their_turn() -> None:
    dialogue = dialogue_of(["one"], settle=5, patience=2)
    dialogue.observe(bot(1), 1)

    # The session looks in between, for example to send a heartbeat.
    assert dialogue.next_step(4) == Wait(6)


def test_a_chat_that_ends_before_the_turn_is_over_is_over() -> None:
    ended = item(2.5, None, event="chat.ended")

    assert play(dialogue_of(["one"]), on_time(bot(2), ended)) == [(2.5, EndReason.CHAT_ENDED)]


def test_enough_answers_are_enough_only_when_the_turn_is_over() -> None:
    dialogue = dialogue_of(["one", "two"], max_replies=1)

    happened = play(dialogue, on_time(bot(2), bot(4), bot(4.5)))

    assert happened == [(2 + SETTLE, "one"), (4.5 + SETTLE, EndReason.REPLIED)]


def test_the_patience_counts_from_the_last_that_was_heard_or_said() -> None:
    heard_last = play(dialogue_of(["one"]), on_time(bot(2), bot(10)))
    said_last = play(dialogue_of(["one"]), on_time(bot(2)))

    assert heard_last[-1] == (10 + PATIENCE, EndReason.REPLIED)
    assert said_last[-1] == (2 + SETTLE + PATIENCE, EndReason.SILENT)


TENTHS = st.integers(min_value=0, max_value=300)


@given(heard=st.sets(TENTHS, min_size=1, max_size=20), settle=st.integers(0, 30))
def test_we_speak_at_the_first_moment_of_enough_quiet(heard: set[int], settle: int) -> None:
    times = sorted(heard)
    quiet = (at for at, later in zip(times, [*times[1:], 10_000], strict=True))
    expected = next(at + settle for at in quiet if not heard & set(range(at + 1, at + settle + 1)))

    # In tenths all the way, so that no rounding decides.
    dialogue = dialogue_of(["one"], settle=settle, patience=500)
    happened = play(dialogue, [(at, bot(at)) for at in times])

    assert happened[0] == (expected, "one")


# --- the order of things ---


def test_what_was_said_while_our_message_was_on_its_way_is_no_answer_to_it() -> None:
    dialogue = dialogue_of()
    dialogue.observe(bot(2), 2)
    first = dialogue.next_step(3)
    # It waits for the rate until 6; the other side goes on at 4, which arrives meanwhile.
    dialogue.sent(6, NOON + timedelta(seconds=6))
    dialogue.observe(bot(4), 6.1)

    assert (first, dialogue.next_step(20)) == (Say(1, "one"), Wait(36.1))

    dialogue.observe(bot(21), 21)

    assert dialogue.next_step(22) == Say(2, "two")


def test_the_echo_of_our_message_tells_the_same_where_amazon_told_no_time() -> None:
    dialogue = dialogue_of()
    dialogue.observe(bot(2), 2)
    dialogue.next_step(3)
    dialogue.sent(6)
    dialogue.observe(bot(4), 6.1)
    dialogue.observe(ours(6), 6.2)

    assert isinstance(dialogue.next_step(20), Wait)


def test_without_any_time_of_our_message_what_arrives_later_is_an_answer() -> None:
    dialogue = dialogue_of()
    dialogue.observe(bot(2), 2)
    dialogue.next_step(3)
    dialogue.sent(3)
    dialogue.observe(bot(4), 4)

    assert dialogue.next_step(5) == Say(2, "two")


def test_an_earlier_message_that_arrives_late_does_not_begin_the_quiet_anew() -> None:
    dialogue = dialogue_of(["one"])
    dialogue.observe(bot(2.25, "a question?"), 2.25)
    dialogue.observe(bot(2, "hello"), 3)

    assert dialogue.next_step(2.25 + SETTLE) == Say(1, "one")


def test_typing_that_arrives_after_the_message_does_not_extend_the_turn() -> None:
    dialogue = dialogue_of(["one"])
    dialogue.observe(agent(2), 2)
    dialogue.observe(typing(1.75), 2.5)

    assert dialogue.next_step(2 + SETTLE) == Say(1, "one")


def test_what_a_reconnect_finds_extends_the_turn_from_when_it_is_found() -> None:
    dialogue = dialogue_of(["one"])
    dialogue.observe(bot(2), 2)
    # The socket broke; the transcript is read at 2.75.
    dialogue.observe(bot(2.5), 2.75)

    assert dialogue.next_step(2 + SETTLE) == Wait(2.75 + SETTLE)


def test_a_reconnect_that_finds_what_was_before_our_message_takes_no_turn() -> None:
    dialogue = dialogue_of()
    dialogue.observe(bot(2.5), 2.5)
    dialogue.next_step(3.5)
    dialogue.sent(3.5, NOON + timedelta(seconds=3.5))
    dialogue.observe(bot(2), 9)

    assert isinstance(dialogue.next_step(20), Wait)


@given(
    gaps=st.lists(st.sampled_from([2, 4, 30, 50]), min_size=1, max_size=10),
    jitter=st.lists(st.integers(0, 9), min_size=10, max_size=10),
)
def test_frames_in_another_order_make_the_same_conversation(
    gaps: list[int], jitter: list[int]
) -> None:
    times = [sum(gaps[: at + 1]) for at in range(len(gaps))]
    messages = [str(number) for number in range(20)]
    items = [bot(at) for at in times]
    late = [(at + late, one) for at, one, late in zip(times, items, jitter, strict=False)]

    def said(arrivals: list[tuple[int, Item]]) -> int:
        dialogue = dialogue_of(messages, settle=20, patience=400)
        return len(play(dialogue, arrivals))

    assert said(late) == said(list(zip(times, items, strict=True)))


# --- what a message answers ---


def test_a_message_waits_for_somebody_of_its_role() -> None:
    hello = Utterance(text="my bill", after=After(role="AGENT"))

    happened = play(dialogue_of([hello]), on_time(bot(2), bot(12), agent(20)))

    assert happened[0] == (20 + SETTLE, "my bill")


# Or a side that talks without end would cost all other chats their time: patterns take some.
def test_what_was_heard_is_looked_at_once_for_what_a_message_answers(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    looked_at: list[str | None] = []
    is_met_by = After.is_met_by

    def noted(after: After, role: str | None, content: str | None) -> bool:
        looked_at.append(content)
        return is_met_by(after, role, content)

    monkeypatch.setattr(After, "is_met_by", noted)
    dialogue = dialogue_of([Utterance(text="9", after=After(pattern="never said"))])
    for number in range(50):
        dialogue.observe(bot(number, f"line {number}"), number)
        dialogue.next_step(number + 0.5)
        dialogue.next_step(number + SETTLE)

    assert looked_at == [f"line {number}" for number in range(50)]


def test_a_message_waits_for_text_that_matches() -> None:
    nine = Utterance(text="9", after=After(pattern=r"0 to 10"))

    happened = play(dialogue_of([nine]), on_time(bot(2, "Hi"), bot(9, "From 0 to 10?")))

    assert happened[0] == (9 + SETTLE, "9")


def test_a_pattern_and_a_role_want_one_message_that_fits_both() -> None:
    both = Utterance(text="9", after=After(pattern="name", role="AGENT"))
    each = [agent(2, "Hello"), bot(2.25, "Your name?")]

    happened = play(dialogue_of([both]), on_time(*each, agent(10, "Your name?")))

    assert happened[0] == (10 + SETTLE, "9")


def test_a_message_that_answers_something_waits_for_the_end_of_that_turn() -> None:
    nine = Utterance(text="9", after=After(pattern="question"))

    happened = play(dialogue_of([nine]), on_time(bot(2, "A question:"), bot(2.5, "how much?")))

    assert happened[0] == (2.5 + SETTLE, "9")


def test_what_was_answered_before_answers_no_later_message() -> None:
    again = Utterance(text="two", after=After(pattern="question"))

    happened = play(dialogue_of(["one", again]), on_time(bot(2, "question"), bot(8, "thanks")))

    assert happened[:2] == [(2 + SETTLE, "one"), (8 + PATIENCE, "two")]


def test_what_never_came_is_said_all_the_same_when_patience_ends() -> None:
    patient = Utterance(text="my bill", after=After(role="AGENT"))

    happened = play(dialogue_of([patient]), on_time(bot(2), bot(12)))

    assert happened == [
        (12 + PATIENCE, "my bill"),
        (12 + 2 * PATIENCE, EndReason.SILENT),
    ]


def test_what_never_came_can_end_the_conversation_as_silent() -> None:
    strict = Utterance(text="my bill", after=After(role="AGENT"), otherwise="end")

    assert play(dialogue_of([strict]), on_time(bot(2))) == [(2 + PATIENCE, EndReason.SILENT)]


def test_what_never_came_is_said_too_where_nobody_said_anything() -> None:
    patient = Utterance(text="hello?", after=After(role="AGENT"))

    assert play(dialogue_of([patient]), [])[0] == (PATIENCE, "hello?")


def test_nothing_is_said_all_the_same_in_the_middle_of_a_turn() -> None:
    patient = Utterance(text="hello?", after=After(pattern="never"))
    dialogue = dialogue_of([patient], settle=5, patience=2)

    assert play(dialogue, on_time(bot(1)))[0] == (6, "hello?")


def test_a_condition_counts_after_an_interruption_too() -> None:
    nine = Utterance(text="9", after=After(pattern="how much"))
    dialogue = dialogue_of(["one", nine])
    for one in (bot(1, "how much"), ours(2), bot(3, "thanks")):
        dialogue.observe(one, 50)

    assert isinstance(dialogue.next_step(60), Wait)

    dialogue.observe(bot(61, "how much"), 61)

    assert dialogue.next_step(61 + SETTLE) == Say(2, "9")


# --- what is a reply ---

Speaker: TypeAlias = Literal["bot", "ours"]


@given(
    speakers=st.lists(st.sampled_from(["bot", "ours", "typing"]), max_size=12),
    data=st.data(),
    is_opened=st.booleans(),
)
def test_a_reply_is_what_comes_after_something_of_ours_whatever_arrives_first(
    speakers: list[str], data: st.DataObject, *, is_opened: bool
) -> None:
    make = {"bot": bot, "ours": ours, "typing": typing}
    items = [make[speaker](at) for at, speaker in enumerate(speakers)]
    spoken = [speaker for speaker in speakers if speaker != "typing"]
    ours_first = 0 if is_opened else spoken.index("ours") if "ours" in spoken else len(spoken)
    expected = "bot" in spoken[ours_first:]

    order = Order(is_opened=is_opened)
    for one in data.draw(st.permutations(items)):
        order = order.with_items([one])

    assert order.is_answered == expected


def test_a_greeting_that_is_read_together_with_our_message_is_no_answer() -> None:
    dialogue = dialogue_of()

    assert not dialogue.is_answered_by([bot(1), ours(2)])
    assert dialogue.is_answered_by([bot(1), ours(2), bot(3)])


def test_an_answer_is_one_though_the_echo_of_our_message_was_lost() -> None:
    dialogue = dialogue_of()
    dialogue.observe(bot(1), 1)
    dialogue.next_step(1 + SETTLE)
    dialogue.sent(2, NOON + timedelta(seconds=2))

    assert not dialogue.is_answered_by([bot(1.5)])
    assert dialogue.is_answered_by([bot(2.5)])


@given(
    transcript=st.lists(st.sampled_from(["bot", "ours"]), max_size=10),
    opening=st.integers(0, 1),
)
def test_after_an_interruption_as_many_answers_count_as_the_transcript_has(
    transcript: list[Speaker], opening: int
) -> None:
    speakers = ["ours"] * opening + transcript
    pairs = zip(["bot", *speakers], speakers, strict=False)
    first = speakers.index("ours") if "ours" in speakers else len(speakers)
    turns = [at for at, (before, own) in enumerate(pairs) if own == "bot" and before == "ours"]
    dialogue = dialogue_of([], opening=opening)
    for at, speaker in enumerate(speakers):
        # Half a second apart: what the other side says in a row is one turn.
        dialogue.observe(bot(at / 2) if speaker == "bot" else ours(at / 2), 100)

    assert dialogue.replies == len([at for at in turns if at > first])


def test_turns_of_the_past_are_told_apart_by_their_own_times() -> None:
    dialogue = dialogue_of([], opening=1)
    for one in (ours(0), bot(1), bot(1.5), bot(9), bot(9.25), bot(20)):
        dialogue.observe(one, 100)

    assert dialogue.replies == 3
