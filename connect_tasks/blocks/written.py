"""What is written: fields as a TOML text, or the name of a Prefect variable that holds them.

A form is filled in anew for each run, and an API takes no file. A variable is kept at Prefect's
server, and changed there for all who name it.
"""

import re
import tomllib
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias

from prefect.variables import Variable
from pydantic import BeforeValidator

from connect_tasks.blocks.ephemeral_server import patient_start
from connect_tasks.blocks.form_fields import AlsoAsText
from connect_tasks.chat.template.chat_template import ChatTemplate
from connect_tasks.chat.template.conversation import Conversation
from connect_tasks.chat.template.outbound_template import OutboundChatTemplate
from connect_tasks.errors import InputError

__all__ = [
    "ConversationParameter",
    "OutboundTemplateParameter",
    "TemplateParameter",
    "is_toml",
    "variable",
    "written",
]

# What Prefect lets a variable be called; no TOML but an empty one looks so.
_NAME = re.compile(r"[A-Za-z0-9_-]{1,255}")


def is_toml(text: str) -> bool:
    """Whether a text is TOML rather than a name.

    Example:
        >>> is_toml('display_name = "{{ first_name }}"'), is_toml("renewals_template")
        (True, False)
    """
    return "=" in text or "\n" in text


def written(given: object, what: str = "settings") -> object:
    """The fields that were given as text; anything else is passed on.

    Args:
        given: A TOML text, the name of a Prefect variable, or what is to be used as it is.
        what: What it is, for the error.

    Raises:
        InputError: It is no TOML, there is no such variable, or what that holds is neither a TOML
            text nor fields by name.

    Example:
        >>> written('display_name = "{{ first_name }}"')
        {'display_name': '{{ first_name }}'}
    """
    if not isinstance(given, str):
        return given
    if is_toml(given):
        return _fields(given, f"The {what}")
    if (fields := variable(given)) is not None:
        return fields
    raise InputError(
        f"There is no Prefect variable for the {what} under this name: {given[:60]!r}. `prefect "
        "variable ls` lists them; give the name of one, or a TOML text, such as its first line "
        "`key = value`."
    )


def variable(name: str) -> dict[str, Any] | None:
    """The fields that a Prefect variable holds, as TOML or as JSON; None if there is none.

    Args:
        name: Its name.

    Raises:
        InputError: It holds something else, or TOML with a fault.
    """
    if not _NAME.fullmatch(name):
        return None
    with patient_start():
        value: Any = Variable.get(name, _sync=True)  # type: ignore[call-overload]
    if value is None or isinstance(value, dict):
        return value
    if isinstance(value, str):
        return _fields(value, f"The Prefect variable {name!r}")
    raise InputError(
        f"The Prefect variable {name!r} holds no fields: give it a TOML text, or a JSON object."
    )


def _fields(text: str, what: str) -> dict[str, Any]:
    try:
        # Forms and terminals of Windows end lines so.
        return tomllib.loads(text.replace("\r\n", "\n"))
    except RecursionError:
        raise InputError(f"{what}: too deeply nested to be read.") from None
    except tomllib.TOMLDecodeError as error:
        last = f"at the end, line {text.rstrip().count(chr(10)) + 1}"
        told = str(error).replace("at end of document", last)
        raise InputError(f"{what}: no TOML: {told}. Mend it there.") from None


def _template(given: object) -> object:
    return written(given, "template")


def _conversation(given: object) -> object:
    return written(given, "conversation")


if TYPE_CHECKING:
    TemplateParameter: TypeAlias = ChatTemplate | None
    OutboundTemplateParameter: TypeAlias = OutboundChatTemplate | None
    ConversationParameter: TypeAlias = Conversation | None
else:
    TemplateParameter = Annotated[ChatTemplate | None, BeforeValidator(_template), AlsoAsText()]
    OutboundTemplateParameter = Annotated[
        OutboundChatTemplate | None, BeforeValidator(_template), AlsoAsText()
    ]
    ConversationParameter = Annotated[
        Conversation | None, BeforeValidator(_conversation), AlsoAsText()
    ]
"""A template or a conversation as a flow's parameter: its fields, or their text or variable."""
