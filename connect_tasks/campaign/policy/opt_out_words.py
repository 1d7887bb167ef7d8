"""Opt-out words: whether somebody's message says that they want no more, surely or perhaps.

Only a whole message is an opt-out: "stop" in a sentence may mean anything. END, CANCEL, QUIT and
YES are no opt-outs in a chat, where they answer questions.
"""

import difflib
import unicodedata
from collections.abc import Iterable, Mapping
from functools import lru_cache
from types import MappingProxyType

__all__ = ["WORDS", "is_opt_out", "may_be_opt_out", "opt_out_form"]

WORDS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "en": ("stop", "stopall", "unsubscribe", "optout", "opt out", "revoke"),
        "fr": ("arret", "arrêt"),
    }
)
"""The words of each language, where nobody says others."""

# Letters, their marks and digits say something; all else only stands between them.
_SAYS = frozenset("LMN")
_SELECTORS = range(0xFE00, 0xFE10)
# In Turkish I and its dotted twin are small otherwise: all four are one letter here.
_DOTLESS = "\N{LATIN SMALL LETTER DOTLESS I}"
# A message as long as this does not say it by a slip of the finger in one word.
_LONGEST = 40
# Of short words others are near that mean something else, as "stop" and "shop".
_SHORTEST = 6
_NEAR = 0.85

Table = Mapping[str, Iterable[str]]


def is_opt_out(text: str, words: Table = WORDS) -> bool:
    """Whether a message as a whole is an opt-out word; capitals and punctuation do not matter.

    Args:
        text: The message.
        words: By language.

    Example:
        >>> is_opt_out(" Opt-out! "), is_opt_out("STOP PLEASE"), is_opt_out("cancel")
        (True, False, False)
    """
    said = "".join(_tokens(text)) if len(text) <= _longest(words) else ""
    return bool(said) and any(opt_out_form(word) == said for word in _all(words))


def may_be_opt_out(text: str, words: Table = WORDS) -> bool:
    """Whether a message is no opt-out, and a person should look whether it means one.

    It says a word among others, or nearly says one that is long.

    Args:
        text: The message.
        words: By language.

    Example:
        >>> may_be_opt_out("Stop. Thank you"), may_be_opt_out("unsubscibe"), may_be_opt_out("stop")
        (True, True, False)
    """
    if is_opt_out(text, words):
        return False
    tokens = _tokens(text)
    said = f" {' '.join(tokens)} "
    spelled = (" ".join(_tokens(word)) for word in _all(words))
    return any(f" {word} " in said for word in spelled) or _is_near("".join(tokens), words)


@lru_cache(maxsize=4_096)
def opt_out_form(word: str) -> str:
    """What is left of a word to compare: nothing if it has neither letters nor digits.

    Example:
        >>> opt_out_form("Opt-Out!")
        'optout'
    """
    return "".join(_tokens(word))


def _all(words: Table) -> Iterable[str]:
    return (word for theirs in words.values() for word in theirs)


def _tokens(text: str) -> tuple[str, ...]:
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
    folded = folded.replace("i\N{COMBINING DOT ABOVE}", "i").replace(_DOTLESS, "i")
    return tuple("".join(one if _says(one) else " " for one in folded).split())


def _says(character: str) -> bool:
    says = unicodedata.category(character)[0] in _SAYS
    return says and ord(character) not in _SELECTORS


def _longest(words: Table) -> int:
    # Punctuation may be there, but nobody says one word in a long text.
    return 10 * max(map(len, _all(words)), default=0) + 100


def _is_near(said: str, words: Table) -> bool:
    if not _SHORTEST <= len(said) <= _LONGEST:
        return False
    forms = (opt_out_form(word) for word in _all(words))
    return any(_is_alike(said, form) for form in forms if len(form) >= _SHORTEST)


def _is_alike(said: str, form: str) -> bool:
    # What can be at most, first: the exact ratio takes long, and hardly any message needs it.
    if 2 * min(len(said), len(form)) < _NEAR * (len(said) + len(form)):
        return False
    matcher = difflib.SequenceMatcher(None, said, form)
    return matcher.quick_ratio() >= _NEAR and matcher.ratio() >= _NEAR
