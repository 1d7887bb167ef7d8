"""Settings as one text: the template, the conversation and the policy of a run, in one parameter.

It is written as `connect-tasks.toml` is, which the command line reads. The campaign and the
instance are fields of the form, and what the text says of them is left alone.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias, cast

from pydantic import WithJsonSchema

from connect_tasks.aws.problems import checked, did_you_mean
from connect_tasks.blocks import load_policy, written
from connect_tasks.campaign.policy import OutreachPolicy
from connect_tasks.chat.template.chat_template import ChatTemplate
from connect_tasks.chat.template.conversation import Conversation
from connect_tasks.chat.template.outbound_template import OutboundChatTemplate
from connect_tasks.errors import InputError

__all__ = ["SECTIONS", "OutboundParts", "Parts", "SettingsParameter", "outbound_parts", "parts"]

SECTIONS = ("campaign", "instance", "template", "text_out", "conversation", "policy")
"""What the text may have at its top."""

_NAMES: dict[type[Any], str] = {
    ChatTemplate: "template",
    OutboundChatTemplate: "text_out",
    Conversation: "conversation",
}
_ELSEWHERE = ("path", "block")

if TYPE_CHECKING:
    SettingsParameter: TypeAlias = str | None
else:
    SettingsParameter = Annotated[
        Any,
        WithJsonSchema(
            {
                "anyOf": [{"type": "string", "minLength": 1}, {"type": "null"}],
                "title": "Settings",
            }
        ),
    ]
"""The settings as a flow's parameter: TOML, or the name of a Prefect variable."""


@dataclass(frozen=True, slots=True)
class Parts:
    """What a run is made of besides its table, its campaign and its instance."""

    template: ChatTemplate | None
    conversation: Conversation | None
    policy: OutreachPolicy | None


@dataclass(frozen=True, slots=True)
class OutboundParts:
    """The same of a run that writes to phones."""

    template: OutboundChatTemplate | None
    policy: OutreachPolicy | None


def outbound_parts(settings: object, *, template: Any = None, policy: Any = None) -> OutboundParts:
    r"""The parts of a run that writes to phones, as `parts` has them.

    Args:
        settings: As for `parts`, with `[text_out]` for the template.
        template: As it is given, or None.
        policy: The same.

    Raises:
        InputError: As for `parts`.

    Example:
        >>> arn = "arn:aws:connect:eu-central-1:123456789012:phone-number/p-1"
        >>> outbound_parts(f"[text_out]\nsource_endpoint = '{arn}'").template.subtype is None
        True
    """
    said = _sections(settings)
    return OutboundParts(
        template or _made(OutboundChatTemplate, said.get("text_out")),
        load_policy(_policy(said) if policy is None else policy),
    )


def parts(
    settings: object, *, template: Any = None, conversation: Any = None, policy: Any = None
) -> Parts:
    r"""The parts as they are given, and of those that are not, as the settings have them.

    Args:
        settings: A TOML text with any of `[template]`, `[conversation]` and `[policy]`, or the name
            of a Prefect variable that holds one; None for none.
        template: As it is given, or None.
        conversation: The same.
        policy: The same; in the settings also `path` or `block`.

    Raises:
        InputError: The text is no TOML, has a table that is not known, or a part breaks a rule.

    Example:
        >>> parts("[conversation]\nmax_replies = 1").conversation.max_replies
        1
    """
    said = _sections(settings)
    return Parts(
        template or _made(ChatTemplate, said.get("template")),
        conversation or _made(Conversation, said.get("conversation")),
        load_policy(_policy(said) if policy is None else policy),
    )


def _sections(settings: object) -> dict[str, Any]:
    if settings is None:
        return {}
    fields = written(settings, "settings")
    if not isinstance(fields, dict):
        raise InputError("`settings` must be a TOML text, or the name of a Prefect variable.")
    for name, section in fields.items():
        if name not in SECTIONS or not isinstance(section, dict):
            raise InputError(
                f"The settings have {name!r} at their top{did_you_mean(name, SECTIONS)}: "
                f"they may have the tables {', '.join(f'[{known}]' for known in SECTIONS)}."
            )
    return cast("dict[str, Any]", fields)


def _made(model: type[Any], fields: dict[str, Any] | None) -> Any:
    return None if fields is None else checked(model, fields, f"[{_NAMES[model]}] of the settings")


def _policy(said: dict[str, Any]) -> object:
    fields = said.get("policy")
    if fields is None:
        return None
    elsewhere = [name for name in _ELSEWHERE if name in fields]
    if not elsewhere:
        return fields
    if len(fields) > 1:
        raise InputError(
            f"[policy] of the settings has {elsewhere[0]}, which says all of it: leave the rest "
            "out."
        )
    return fields[elsewhere[0]]
