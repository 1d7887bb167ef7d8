"""S3's XML: listings and errors."""

from collections.abc import Iterable
from xml.sax.saxutils import escape

__all__ = ["Tree", "document"]

Tree = tuple[str, "str | Iterable[Tree]"]
"""An element: its name, and its text or the elements in it."""

_HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n'


def document(root: Tree, *, namespace: str = "") -> bytes:
    """A whole document.

    Args:
        root: The element that holds all others.
        namespace: The root's XML namespace, if it has one.
    """
    name, content = root
    attribute = f' xmlns="{namespace}"' if namespace else ""
    return f"{_HEAD}<{name}{attribute}>{_inner(content)}</{name}>".encode(
        errors="xmlcharrefreplace"
    )


def _inner(content: "str | Iterable[Tree]") -> str:
    if isinstance(content, str):
        return escape(content)
    return "".join(f"<{name}>{_inner(inner)}</{name}>" for name, inner in content)
