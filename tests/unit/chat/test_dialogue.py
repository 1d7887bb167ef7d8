from collections.abc import Sequence
from datetime import UTC, datetime

import pytest

from connect_tasks.aws.transcript import Item
from connect_tasks.chat.dialogue import Dialogue, EndReason, Finish, Say, Wait
from connect_tasks.chat.template.conversation import Conversation

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


def heard(role: str | None, type_: str = "MESSAGE", event: str = "") -> Item:
    kind = f"application/vnd.amazonaws.connect.event.{event}" if event else "text/plain"
    return Item(
        message_id="i",
        absolute_time=NOON,
        type=type_,
        content_type=kind,
        participant_role=role,
    )


BOT = heard("SYSTEM")
AGENT = heard("AGENT")
OURS = heard("CUSTOMER")
WE_JOINED = heard("CUSTOMER", "EVENT", "participant.joined")
TYPING = heard("AGENT", "EVENT", "typing")
REHYDRATED = heard(None, "EVENT", "chat.rehydrated")
FILE = heard("AGENT", "ATTACHMENT")
ENDED = heard(None, "EVENT", "chat.ended")


def begun(
    messages: Sequence[str] = (),
    *,
    max_replies: int | None = None,
    opening: int = 0,
    seen: Sequence[Item] = (),
) -> Dialogue:
    """A dialogue that began at 100, waits 30 s for each answer, and ends at 700 at the latest.

    Each message of the other side is a turn; when turns are longer is the subject of `test_turns`.
    """
    conversation = Conversation(
        settle_seconds=0, max_replies=max_replies, reply_timeout_seconds=30, max_seconds=600
    )
    dialogue = Dialogue(conversation, messages, opening=opening)
    dialogue.begin(100)
    for item in seen:
        dialogue.observe(item, 100)
    return dialogue


def said(dialogue: Dialogue, now: float = 100) -> str | None:
    step = dialogue.next_step(now)
    return step.text if isinstance(step, Say) else None


# --- speaking ---


def test_we_are_silent_until_the_other_side_has_spoken() -> None:
    dialogue = begun(["Hello"])

    assert dialogue.next_step(100) == Wait(130)


@pytest.mark.parametrize("greeting", [BOT, AGENT, FILE], ids=["a bot", "an agent", "a file"])
def test_our_first_message_follows_the_greeting(greeting: Item) -> None:
    dialogue = begun(["Hello"], seen=[greeting])

    assert dialogue.next_step(100) == Say(1, "Hello")


@pytest.mark.parametrize(
    "event", [TYPING, REHYDRATED, WE_JOINED, OURS], ids=["typing", "rehydrated", "joined", "own"]
)
def test_nothing_but_speech_of_the_other_side_is_a_greeting(event: Item) -> None:
    assert said(begun(["Hello"], seen=[event])) is None


def test_each_message_is_said_once() -> None:
    dialogue = begun(["Hello"], seen=[BOT])
    dialogue.next_step(100)

    assert said(dialogue) is None


def test_each_further_message_waits_for_another_answer() -> None:
    dialogue = begun(["one", "two"], seen=[BOT])
    first = said(dialogue)
    before_the_answer = said(dialogue)
    dialogue.observe(BOT, 105)

    assert (first, before_the_answer, said(dialogue, 105)) == ("one", None, "two")


def test_two_answers_at_once_do_not_make_us_say_two_messages() -> None:
    dialogue = begun(["one", "two"], seen=[BOT, BOT])

    assert [said(dialogue), said(dialogue)] == ["one", None]


def test_our_messages_are_numbered_from_one() -> None:
    dialogue = begun(["one", "two"], seen=[BOT])
    first = dialogue.next_step(100)
    dialogue.observe(BOT, 101)

    assert [first, dialogue.next_step(101)] == [Say(1, "one"), Say(2, "two")]


def test_the_echo_of_our_message_is_not_taken_for_another_one() -> None:
    dialogue = begun(["one", "two"], seen=[BOT])
    dialogue.next_step(100)
    dialogue.observe(OURS, 101)
    dialogue.observe(BOT, 102)

    assert said(dialogue, 102) == "two"


def test_an_echo_that_arrives_after_the_answer_does_not_take_our_turn() -> None:
    dialogue = begun(["one", "two"], seen=[BOT])
    dialogue.next_step(100)
    dialogue.observe(BOT, 101)
    dialogue.observe(OURS, 102)

    assert said(dialogue, 102) == "two"


# --- going on after an interruption ---


def test_a_resumed_conversation_goes_on_after_what_was_already_said() -> None:
    dialogue = begun(["one", "two"], seen=[BOT, OURS, BOT])

    assert dialogue.next_step(100) == Say(2, "two")


def test_a_resumed_conversation_waits_for_the_answer_that_is_still_owed() -> None:
    dialogue = begun(["one", "two"], seen=[BOT, OURS])

    assert said(dialogue) is None


def test_the_initial_message_is_not_one_of_ours() -> None:
    dialogue = begun(["one", "two"], opening=1, seen=[OURS, BOT])

    assert dialogue.next_step(100) == Say(1, "one")


def test_a_resumed_conversation_tells_the_initial_message_from_what_was_said() -> None:
    dialogue = begun(["one", "two"], opening=1, seen=[OURS, WE_JOINED, BOT, OURS, BOT])

    assert dialogue.next_step(100) == Say(2, "two")


def test_a_resumed_conversation_in_which_all_was_said_says_nothing() -> None:
    dialogue = begun(["one"], seen=[BOT, OURS, BOT])

    assert dialogue.next_step(100) == Wait(130)


# --- the end ---


def test_the_conversation_is_over_when_the_chat_has_ended() -> None:
    assert begun(["one"], seen=[BOT, ENDED]).next_step(100) == Finish(EndReason.CHAT_ENDED)


def test_the_end_of_the_chat_outweighs_every_other_reason() -> None:
    dialogue = begun(max_replies=1, seen=[BOT, ENDED])

    assert dialogue.next_step(9_999) == Finish(EndReason.CHAT_ENDED)


def test_enough_replies_end_the_conversation() -> None:
    dialogue = begun(["one", "two", "three"], max_replies=2, seen=[BOT])
    said(dialogue)
    dialogue.observe(BOT, 101)
    said(dialogue, 101)
    dialogue.observe(BOT, 102)

    assert dialogue.next_step(102) == Finish(EndReason.REPLIED)
    assert dialogue.replies == 2


def test_a_greeting_is_no_reply() -> None:
    dialogue = begun(["one"], max_replies=1, seen=[BOT, AGENT])

    assert (dialogue.replies, said(dialogue)) == (0, "one")


def test_what_is_said_after_an_initial_message_is_a_reply() -> None:
    dialogue = begun(["one"], max_replies=1, opening=1, seen=[OURS, BOT])

    assert dialogue.next_step(100) == Finish(EndReason.REPLIED)


@pytest.mark.parametrize("event", [TYPING, OURS, WE_JOINED], ids=["typing", "own", "joined"])
def test_only_what_the_other_side_says_counts_as_a_reply(event: Item) -> None:
    dialogue = begun(["one"], seen=[BOT])
    said(dialogue)
    dialogue.observe(event, 101)

    assert dialogue.replies == 0


def test_silence_after_our_last_message_ends_it_as_silent() -> None:
    dialogue = begun(["one"], seen=[BOT])
    said(dialogue)
    dialogue.sent(100)

    assert dialogue.next_step(129.9) == Wait(130)
    assert dialogue.next_step(130) == Finish(EndReason.SILENT)


def test_silence_after_all_was_answered_ends_it_as_replied() -> None:
    dialogue = begun(["one"], seen=[BOT])
    said(dialogue)
    dialogue.observe(BOT, 110)

    assert dialogue.next_step(140) == Finish(EndReason.REPLIED)


def test_with_nothing_to_say_what_is_heard_is_no_reply() -> None:
    dialogue = begun(seen=[BOT])

    assert dialogue.next_step(130) == Finish(EndReason.HEARD)
    assert dialogue.replies == 0


def test_with_nothing_to_say_the_turns_that_are_heard_are_counted() -> None:
    dialogue = begun(max_replies=2, seen=[BOT])
    after_one = dialogue.next_step(100)
    dialogue.observe(BOT, 105)

    assert (after_one, dialogue.next_step(105)) == (Wait(130), Finish(EndReason.HEARD))


def test_a_flow_that_never_speaks_is_silent() -> None:
    assert begun().next_step(130) == Finish(EndReason.SILENT)


def test_typing_is_a_sign_of_life() -> None:
    dialogue = begun(["one"], seen=[BOT])
    said(dialogue)
    dialogue.observe(TYPING, 125)

    assert dialogue.next_step(130) == Wait(155)


def test_typing_is_no_answer() -> None:
    dialogue = begun(["one"], seen=[BOT])
    said(dialogue)
    dialogue.observe(TYPING, 125)

    assert dialogue.next_step(155) == Finish(EndReason.SILENT)


def test_our_own_echo_is_no_sign_of_life_of_the_other_side() -> None:
    dialogue = begun(["one"], seen=[BOT])
    said(dialogue)
    dialogue.observe(OURS, 125)

    assert dialogue.next_step(130) == Finish(EndReason.SILENT)


# Sending may have waited for its turn for longer than the patience.
def test_patience_counts_from_the_moment_our_message_was_sent() -> None:
    dialogue = begun(["one"], seen=[BOT])
    said(dialogue)
    dialogue.sent(160)

    assert dialogue.next_step(160) == Wait(190)
    assert dialogue.next_step(190) == Finish(EndReason.SILENT)


def test_a_conversation_that_is_kept_alive_ends_at_its_time_limit() -> None:
    dialogue = begun()
    for now in range(100, 700, 20):
        dialogue.observe(TYPING, now)

    assert dialogue.next_step(690) == Wait(700)
    assert dialogue.next_step(700) == Finish(EndReason.TIME_LIMIT)


def test_a_message_is_not_begun_after_the_time_limit() -> None:
    dialogue = begun(["one"])
    dialogue.observe(BOT, 699)

    assert dialogue.next_step(700) == Finish(EndReason.TIME_LIMIT)
