"""HTML that cannot be broken out of: whatever is not made here is escaped when it goes in."""

from collections.abc import Iterable
from html import escape
from typing import TypeAlias

__all__ = ["Content", "Html", "element", "raw"]

_WITHOUT_END = frozenset({"br", "input", "link", "meta"})


class Html(str):
    """Text that is HTML already; only this module makes it of anything else."""

    __slots__ = ()


def raw(text: str) -> Html:
    """Take a text as HTML: for what stands in this package, never for what came from outside."""
    return Html(text)


Content: TypeAlias = "str | Iterable[Content]"
"""A text, an element, or any number of them."""


def element(tag: str, /, *content: Content, **attributes: str | bool | None) -> Html:
    r"""One element.

    Args:
        tag: Its name, which is ours.
        content: Its children; texts are escaped.
        attributes: Its attributes; `_` in a name stands for `-`, one at the end for nothing. `True`
            is an attribute without a value; `None` and `False` leave it out.

    Example:
        >>> element("a", "<b>", href="/?q=\"", class_="more")
        '<a href="/?q=&quot;" class="more">&lt;b&gt;</a>'
    """
    opened = f"<{tag}{''.join(_attribute(*each) for each in attributes.items())}>"
    if tag in _WITHOUT_END:
        return Html(opened)
    return Html(f"{opened}{''.join(_flat(content))}</{tag}>")


def _attribute(name: str, value: str | bool | None) -> str:  # noqa: FBT001 - as HTML has it
    written = name.rstrip("_").replace("_", "-")
    if value is None or value is False:
        return ""
    return f" {written}" if value is True else f' {written}="{escape(value)}"'


def _flat(content: Iterable[Content]) -> Iterable[str]:
    for child in content:
        if isinstance(child, Html):
            yield child
        elif isinstance(child, str):
            yield escape(child)
        else:
            yield from _flat(child)
