"""Formulas: text that a spreadsheet would carry out, and how it is made harmless."""

import re
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

__all__ = ["is_formula", "neutralised", "neutralised_text"]

# White space, quotes, and what is not seen at all.
_BEFORE = (
    "[\\s\"'`\u2018\u2019\u201c\u201d\x00-\x1f\x7f-\xa0\xad\u200b-\u200f\u2028-\u202f\u2060\ufeff]*"
)
_SIGNS = "[=+\\-@\uff1d\uff0b\uff0d\uff20]"
# Spreadsheets of other languages part cells at semicolons, and then at line breaks, too.
_STARTS = f"(?:\\A|[;\\t\\r\\n]){_BEFORE}{_SIGNS}|\\A[\\t\\r\\n]"
_DANGEROUS = re.compile(_STARTS)
_PLACES = re.compile(f"(?:\\A|(?<=[;\\t\\r\\n]))(?={_BEFORE}{_SIGNS})|\\A(?=[\\t\\r\\n])")
# A telephone number, or one below zero: there is nothing to carry out.
_NUMBER = re.compile("[+-]\\d[\\d.,\xa0 ]*")


def is_formula(text: str) -> bool:
    """Whether a spreadsheet may take a text, or what is behind a separator in it, for a formula.

    Example:
        >>> is_formula("=HYPERLINK(1)"), is_formula("-5"), is_formula("1 - 5")
        (True, False, False)
    """
    return _DANGEROUS.search(text) is not None and _NUMBER.fullmatch(text) is None


def neutralised_text(text: str) -> str:
    """The text with an apostrophe before whatever a spreadsheet would carry out.

    Example:
        >>> neutralised_text("=cmd|x"), neutralised_text("Hi;@SUM(1)")
        ("'=cmd|x", "Hi;'@SUM(1)")
    """
    return _PLACES.sub("'", text) if is_formula(text) else text


def neutralised(texts: "pd.Series[Any]") -> "pd.Series[Any]":
    """The same for a whole column."""
    suspect = pc.match_substring_regex(pa.array(texts.array), _STARTS)
    rows = pc.indices_nonzero(pc.fill_null(suspect, fill_value=False)).to_pylist()
    if not rows:
        return texts
    texts = texts.copy()
    texts.iloc[rows] = [neutralised_text(texts.iloc[row]) for row in rows]
    return texts
