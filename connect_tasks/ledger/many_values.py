"""Many values: asking for thousands of rows by what they are called, in one short statement.

SQLAlchemy would write a parameter for each value, and handle each by itself, which takes as long
as the database does. Here all of them are one parameter.
"""

import json
from collections.abc import Collection
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

__all__ = ["among", "given"]


def among(
    column: sa.ColumnElement[str], values: Collection[str], dialect: str
) -> sa.ColumnElement[bool]:
    """Rows whose column is one of these texts; found by the column's index.

    Args:
        column: The column.
        values: Which texts, some thousands.
        dialect: Of the database.

    Example:
        >>> from connect_tasks.ledger.schema import contacts
        >>> str(among(contacts.c.customer_key, ["0042", "0043"], "postgresql"))
        'contacts.customer_key = ANY (:param_1)'
    """
    if dialect == "sqlite":
        return column.in_(sa.select(given(values, dialect).c.value))
    return column == sa.any_(_array(values))


def given(values: Collection[str], dialect: str) -> sa.FromClause:
    """These texts as a table of one column, `value`.

    Args:
        values: Which texts, some thousands.
        dialect: Of the database.
    """
    if dialect == "sqlite":
        text = sa.literal(json.dumps(list(values)), sa.Text)
        return sa.func.json_each(text).table_valued("value", name="given")
    texts = sa.func.unnest(_array(values)).table_valued("value", name="given")
    return texts.render_derived()


def _array(values: Collection[str]) -> sa.ColumnElement[Any]:
    return sa.literal(list(values), postgresql.ARRAY(sa.Text))
