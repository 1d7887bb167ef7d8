"""Saved blocks: loading one by its name, and saying in a sentence why that cannot be done."""

from typing import TypeVar

from prefect.blocks.core import Block
from prefect.exceptions import ObjectNotFound
from pydantic import ValidationError

from connect_tasks.aws.problems import problems
from connect_tasks.errors import InputError, NotSavedError

__all__ = ["saved"]

Saved = TypeVar("Saved", bound=Block)


def saved(block: type[Saved], name: str, what: str, *, made_by: str, hint: str = "") -> Saved:
    """Load a block that was saved under a name.

    Args:
        block: Of which kind.
        name: The name.
        what: What it is, for the error.
        made_by: How one is made in Python.
        hint: What else the name may have been meant for, as a sentence.

    Raises:
        NotSavedError: None is saved under this name.
        InputError: What is saved breaks the block's rules.
    """
    try:
        return block.load(name)  # type: ignore[return-value] # ours are no coroutines
    except (ValueError, RuntimeError) as error:
        if not isinstance(error.__cause__, ObjectNotFound):
            raise InputError(
                f"The {what} saved under the name {name!r} cannot be used: "
                f"{_what_is_wrong(error)}. Correct it in Prefect's UI, under Blocks."
            ) from None
        raise NotSavedError(
            f"There is no {what} saved under the name {name!r}. `prefect block ls` lists what is "
            "saved; make one in Prefect's UI after `prefect block register -m "
            f"connect_tasks.blocks`, or in Python with `{made_by}.save(name)`.{hint}"
        ) from error


def _what_is_wrong(error: Exception) -> str:
    """Which fields, and why; never their values, which may be secrets."""
    cause = error.__cause__
    if not isinstance(cause, ValidationError):
        return str(error)
    return "; ".join(f"{problem.field} {problem.rule}" for problem in problems(cause))
