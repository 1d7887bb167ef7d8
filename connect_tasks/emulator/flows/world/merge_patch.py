"""JSON merge patch, RFC 7396: members replaced, and those that are null removed."""

from collections.abc import Mapping
from typing import Any

__all__ = ["merged"]


def merged(target: Any, patch: Any) -> Any:
    """A document with a patch applied; neither of the two is changed.

    Args:
        target: The document.
        patch: What to change: an object changes members, all else takes the document's place.
    """
    if not isinstance(patch, Mapping):
        return patch
    result = dict(target) if isinstance(target, Mapping) else {}
    for name, value in patch.items():
        if value is None:
            result.pop(name, None)
        else:
            result[name] = merged(result.get(name), value)
    return result
