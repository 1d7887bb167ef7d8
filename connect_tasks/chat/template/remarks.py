"""Remarks on a template: what is valid and yet looks like a slip, said before anything is sent."""

import json
import re
from collections.abc import Collection, Iterable, Iterator

from connect_tasks.chat.template.parts import ID, TextAt

__all__ = ["remarks"]

_MOST = 10
_PLACES = re.compile(r"\{\{.*?\}\}|\{%.*?%\}|\{#.*?#\}", re.DOTALL)
_BRACES = re.compile(r"\$?\{([^{}\"\n]{0,60})\}")
# As other programs mark the places in their letters.
_MERGE_FIELD = re.compile(
    r"<<([^<>\n]{1,60})>>|<([^<>\n]{1,60})>|\[([^\[\]\n]{1,60})\]|%(\w{1,60})%"
)
_IDENTIFIER = re.compile(r"[A-Za-z_]\w*")
_SAID = ("initial_message.content", "conversation.messages")


def remarks(texts: Iterable[TextAt], table: Collection[str]) -> tuple[str, ...]:
    """Say what looks like a slip.

    Args:
        texts: The template's texts.
        table: The table's columns, as far as they are known.

    Example:
        >>> remarks([TextAt("attributes.a", "Hi {name}", None)], ["name"])
        ('attributes.a holds {name}, which is sent as it is: write {{ name }} for a column',)
    """
    known = list(texts)
    found = [*_sameness(known), *_marks(known, table)]
    more = len(found) - _MOST
    return tuple(found[:_MOST]) + ((f"and {more:,} more of this kind",) if more > 0 else ())


def _sameness(texts: list[TextAt]) -> Iterator[str]:
    ids = [text for text in texts if text.where == ID]
    if ids and not any(map(_uses_columns, ids)):
        yield (
            f"{ID} uses no column, so every row is the same customer: write {{{{ {ID} }}}} with"
            " the name of the column that identifies one"
        )
    is_said = any(text.where.startswith(_SAID) for text in texts)
    if is_said and not any(_uses_columns(text) for text in texts if text.where != ID):
        yield (
            f"the template uses no column beside {ID}, so every customer gets the same text:"
            " write {{ name }} with a column's name where it should differ"
        )


def _uses_columns(text: TextAt) -> bool:
    expression = text.expression
    return expression is not None and bool(expression.columns or expression.reads_whole_row)


def _marks(texts: list[TextAt], table: Collection[str]) -> Iterator[str]:
    for text in texts:
        plain = _PLACES.sub("", text.source)
        if _is_json(plain) or _is_json(_PLACES.sub("0", text.source)):
            continue
        for mark, name in dict.fromkeys((*_braces(plain, table), *_merge_fields(plain, table))):
            yield (
                f"{text.where} holds {mark}, which is sent as it is:"
                f" write {{{{ {_written(name)} }}}} for a column"
            )


def _braces(text: str, table: Collection[str]) -> Iterator[tuple[str, str]]:
    for found in _BRACES.finditer(text):
        # {name!r:>8} is how Python would have it.
        name = re.split(r"[!:]", found[1])[0].strip()
        yield found[0], _nearest(name, table)


def _merge_fields(text: str, table: Collection[str]) -> Iterator[tuple[str, str]]:
    # <, [ and % have other uses, so only the name of a column is a slip.
    for found in _MERGE_FIELD.finditer(text):
        name = next(group for group in found.groups() if group is not None).strip()
        if name in table:
            yield found[0], name


def _nearest(name: str, table: Collection[str]) -> str:
    by_lower = {column.lower(): column for column in table}
    return by_lower.get(name.lower(), name)


def _written(name: str) -> str:
    if _IDENTIFIER.fullmatch(name):
        return name
    return f"row[{name!r}]" if name and not name.isdigit() else "name"


def _is_json(text: str) -> bool:
    try:
        return isinstance(json.loads(text), dict | list)
    except (ValueError, RecursionError):
        return False
