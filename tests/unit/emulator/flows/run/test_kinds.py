import pytest

from connect_tasks.emulator.flows.run.actions.table import ACTIONS
from connect_tasks.emulator.flows.run.kinds import NO_EFFECT, OTHER_SERVICES, VOICE_ONLY
from tests.unit.emulator.flows.run.building import (
    ERROR,
    action,
    branch_of,
    play,
    said,
    tells,
    world,
)

NOTHING_HAPPENS = [
    "UpdateContactTextToSpeechVoice",
    "UpdateFlowLoggingBehavior",
    "UpdateContactRecordingBehavior",
    "UpdateContactRecordingAndAnalyticsBehavior",
    "UpdateContactRoutingBehavior",
    "UpdateContactRoutingCriteria",
    "TagContact",
    "UntagContact",
    "CreateWisdomSession",
    "UpdateContactMediaProcessing",
]
FOR_CALLS = [
    "GetParticipantInput",
    "TransferParticipantToThirdParty",
    "UpdateContactMediaStreamingBehavior",
    "UpdatePreviousContactParticipantState",
    "CheckVoiceId",
    "StartVoiceIdStream",
    "CheckOutboundCallStatus",
    "TransferContactToAgent",
    "CreateCallbackContact",
]
ELSEWHERE = [
    "CreateTask",
    "GetCustomerProfile",
    "CreateCustomerProfile",
    "UpdateCustomerProfile",
    "GetCase",
    "CreateCase",
    "StartOutboundChatContact",
    "AuthenticateParticipant",
    "CreatePersistentContactAssociation",
    "NobodyKnowsThisOne",
]


@pytest.mark.parametrize("kind", NOTHING_HAPPENS)
def test_what_has_no_effect_in_a_chat_leads_on(kind: str) -> None:
    played = play(action(kind, to="end", errors={ERROR: "failed"}), tells("failed"))
    assert (played.trace[0].result, said(played)) == ("Success", [])


@pytest.mark.parametrize("kind", FOR_CALLS)
def test_what_is_for_calls_takes_its_error_branch_and_shows_nothing(kind: str) -> None:
    one = action(kind, to="end", errors={ERROR: "failed"}, Text="Press one", when={"1": "end"})
    played = play(one, tells("failed"), customer=["1"])
    assert (played.trace[0].result, said(played)) == (ERROR, ["failed"])


@pytest.mark.parametrize("kind", FOR_CALLS)
def test_what_is_for_calls_leads_on_where_it_has_no_error_branch(kind: str) -> None:
    assert branch_of(action(kind, to="end")) == "Success"


def test_what_is_for_calls_can_show_its_text_first_where_that_is_assumed() -> None:
    one = action("GetParticipantInput", errors={ERROR: "failed"}, Text="Press one")
    assumed = world(assume={"voice_only": "text"})
    assert said(play(one, tells("failed"), world=assumed)) == ["Press one", "failed"]


def test_a_number_to_call_back_is_invalid_in_a_chat() -> None:
    kind = "UpdateContactCallbackNumber"
    own, every = {"InvalidCallbackNumber": "end"}, {ERROR: "end"}
    assert branch_of(action(kind, to="end", errors={**every, **own})) == "InvalidCallbackNumber"
    assert branch_of(action(kind, to="end", errors=every)) == ERROR


@pytest.mark.parametrize("kind", ELSEWHERE)
def test_what_needs_another_service_takes_its_error_branch_with_a_warning(kind: str) -> None:
    one = action(kind, "block", to="end", errors={ERROR: "failed"})
    played = play(one, tells("failed"))
    assert said(played) == ["failed"]
    assert [warning for warning in played.warnings if "block" in warning and kind in warning]


def test_a_function_that_would_change_messages_is_warned_of() -> None:
    assert "block" in play(action("UpdateContactMediaProcessing", "block", to="end")).warnings[0]


def test_every_kind_is_of_one_sort_and_what_is_played_has_an_action() -> None:
    sorts = [ACTIONS.keys(), VOICE_ONLY, NO_EFFECT, OTHER_SERVICES]
    assert len(frozenset().union(*sorts)) == sum(map(len, sorts))
    assert set(NOTHING_HAPPENS) == NO_EFFECT
    assert {*FOR_CALLS, "UpdateContactCallbackNumber"} == VOICE_ONLY
