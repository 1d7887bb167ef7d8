"""Notebooks: a block that is loaded and saved there and then, where an event loop runs already.

Prefect gives a coroutine in such a place, and whoever forgets `await` holds something that is no
block, or has saved nothing. Here it is done when the line has run, with `await` or without.
"""

import inspect
from collections.abc import Generator
from typing import Any, Self
from uuid import UUID

from connect_tasks.blocks.ephemeral_server import patient_start
from connect_tasks.errors import InputError

__all__ = ["AlsoInNotebooks", "awaited"]


class AlsoInNotebooks:
    """What comes before `Block` in the bases of a block; see the module."""

    @classmethod
    def load(cls, name: str, *args: Any, **options: Any) -> Self:
        """Load a saved block by its name; in a notebook and an async flow, too.

        Args:
            name: The name under which it was saved.
            args: As for Prefect's `Block.load`.
            options: The same.

        Raises:
            ValueError: None is saved under this name.
        """
        with patient_start():
            loaded: Self = super().load(name, *args, **{"_sync": True, **options})  # type: ignore[misc]
        return loaded

    def save(self, name: str | None = None, *args: Any, **options: Any) -> UUID:
        """Save the block; in a notebook and an async flow, too.

        Args:
            name: The name to save it under.
            args: As for Prefect's `Block.save`.
            options: The same; `overwrite=True` replaces what is saved under the name.

        Returns:
            The ID of what was saved.

        Raises:
            ValueError: Another block is saved under this name.
        """
        with patient_start():
            saved: UUID = super().save(name, *args, **{"_sync": True, **options})  # type: ignore[misc]
        return _SavedId(int=saved.int)

    def __await__(self) -> Generator[None, None, Self]:
        # `await Block.load(…)` is how Prefect's own documentation has it.
        yield from ()
        return self


class _SavedId(UUID):
    """The ID of a saved block, which may be waited for."""

    __slots__ = ()

    def __await__(self) -> Generator[None, None, UUID]:
        yield from ()
        return self


def awaited(value: object, name: str) -> object:
    """The value, unless it is a coroutine that somebody forgot to wait for.

    Args:
        value: What was given.
        name: What it was given as.

    Raises:
        InputError: It is a coroutine; the error says the word that is missing.
    """
    if not inspect.iscoroutine(value):
        return value
    what = value.__qualname__
    value.close()
    raise InputError(
        f"`{name}` is a coroutine of {what}, not yet its result: write `await` before the call."
    )
