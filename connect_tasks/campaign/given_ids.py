"""Given ids: a customer's id as somebody gave it in Python, as the text that a table's would be."""

from connect_tasks.chat.template.faults import TextError, UnprintableError
from connect_tasks.chat.template.printing import printed_id
from connect_tasks.errors import InputError
from connect_tasks.tables.cells import plain_value
from connect_tasks.tables.unreadable_cell import UnreadableCell

__all__ = ["given_id"]


def given_id(value: object) -> str:
    """An id as text: what a template prints of the same cell as `customer_id`.

    Args:
        value: A text or a whole number, of whichever library.

    Raises:
        InputError: It is something else, such as a fraction: another customer's may print the same.

    Example:
        >>> given_id("0042"), given_id(42), given_id(42.0)
        ('0042', '42', '42')
    """
    if isinstance(value, str):
        return value
    cell = plain_value(value)
    if cell is None:
        raise InputError("is no id but missing: write it as text.")
    if isinstance(cell, UnreadableCell):
        raise InputError(f"is no id: {cell.reason}.")
    try:
        return printed_id(cell)
    except UnprintableError as error:
        raise InputError(f"is no id but {error.what}: write it as text.") from None
    except TextError:
        raise InputError("is no id: write it as text or as a whole number.") from None
