"""What nobody documents of the Flow language: each rule that is inferred, in one place.

Somebody with an instance can settle each of these in minutes; until then it is a switch. A world
file sets them under `assumptions`, by the names here.
"""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

__all__ = ["Assumptions"]


class Assumptions(BaseModel):
    """The rules that were inferred.

    Attributes:
        unset_in_text: What a text shows of a reference to nothing: nothing, or the reference.
        unset_in_comparison: What is compared where nothing is set: no condition is true, or the
            empty text is compared.
        voice_only: What a block for calls shows before its error branch: nothing, or its text.
        string_map_numbers: Whether a number in an answer of strings is an error, or its text.
        no_response_type: What an answer is taken as where the block does not say it.
        failed_call: What a failed call leaves of the answer before: all of it, or nothing.
        lex_timeout_seconds: How long a bot's block waits that does not say it.
        speech: What a chat shows of `<speak>` in a text: as it is, or without its tags.
        early_messages: What becomes of a message that no block waits for: lost, or kept for the
            next bot.
        error_without_branch: Where an error leads that has no branch: on, or to the flow's end.
        empty_text: What a message of no text does: take the error branch, or say nothing.
        prompt_name: Whose name stands at what a bot's block says first.
        disconnect_flow_reason: Why a contact has ended whose disconnect flow has ended it.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    unset_in_text: Literal["empty", "reference"] = "empty"
    unset_in_comparison: Literal["no-match", "empty"] = "no-match"
    voice_only: Literal["nothing", "text"] = "nothing"
    string_map_numbers: Literal["error", "text"] = "error"
    no_response_type: Literal["STRING_MAP", "JSON"] = "STRING_MAP"
    failed_call: Literal["keeps", "clears"] = "keeps"
    lex_timeout_seconds: Annotated[int, Field(gt=0)] = 300
    speech: Literal["as-is", "without-tags"] = "as-is"
    early_messages: Literal["lost", "kept"] = "lost"
    error_without_branch: Literal["on", "end"] = "on"
    empty_text: Literal["error", "nothing"] = "error"
    prompt_name: Literal["BOT", "SYSTEM_MESSAGE"] = "BOT"
    disconnect_flow_reason: Literal["CONTACT_FLOW_DISCONNECT", "AGENT_DISCONNECT"] = (
        "CONTACT_FLOW_DISCONNECT"
    )
