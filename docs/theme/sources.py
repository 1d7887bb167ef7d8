"""What the reference does not read from the sources by itself."""  # noqa: INP001

import ast
import re
from typing import Any

from griffe import Attribute, Class, Docstring, ExprCall, ExprKeyword, Extension, Object

_LIMITS = {"gt": "more than", "ge": "at least", "lt": "less than", "le": "at most"}
_EXAMPLE = re.compile(r"^Example:$", re.MULTILINE)


class ReadAsMeant(Extension):
    """Examples, fields of pydantic's, and what nobody calls, for the pages of the reference."""

    def on_instance(self, *, obj: Object, **_: Any) -> None:
        """Show `>>>` in an example as code: the parser takes only `Examples` for code."""
        if obj.docstring is not None:
            obj.docstring.value = _EXAMPLE.sub("Examples:", obj.docstring.value)

    def on_attribute_instance(self, *, attr: Attribute, **_: Any) -> None:
        """Give a field its description and its default, where the source has them in a call."""
        call = attr.value
        if not isinstance(call, ExprCall):
            return
        if call.function.canonical_path == "pydantic.Field":
            default, description = _of_field(call)
        elif call.function.canonical_path.startswith("connect_tasks.aws.quotas."):
            default, description = _of_quota(call)
        else:
            return
        attr.value = default
        if description and attr.docstring is None:
            attr.docstring = Docstring(description, parent=attr)

    def on_class_members(self, *, cls: Class, **_: Any) -> None:
        """Leave out what only Python and pydantic call or read."""
        for name in list(cls.members):
            if name == "model_config" or (name.startswith("__") and name != "__init__"):
                cls.del_member(name)


def _of_field(call: ExprCall) -> tuple[str | None, str]:
    """Of `Field(default=5, ge=1, description="Calls.")`."""
    given = {
        argument.name: str(argument.value)
        for argument in call.arguments
        if isinstance(argument, ExprKeyword)
    }
    description = ast.literal_eval(given.get("description", "''"))
    limits = [f"{words} {given[name]}" for name, words in _LIMITS.items() if name in given]
    if limits:
        description += f" {' and '.join(limits).capitalize()}."
    made = f"{given['default_factory']}()" if "default_factory" in given else None
    return given.get("default", made), description


def _of_quota(call: ExprCall) -> tuple[str, str]:
    """Of `_rate(5, "StopContact calls")` and its like, with which `Quotas` makes its fields."""
    default, what = map(str, call.arguments)
    counted = "per second" if call.function.canonical_name == "_rate" else "at once"
    return default, f"{ast.literal_eval(what)} {counted}."
