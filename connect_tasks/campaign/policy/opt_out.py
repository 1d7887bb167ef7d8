"""Opt-out: by which words somebody says that they want no more, and of what."""

from typing import Annotated

from pydantic import AfterValidator, Field

from connect_tasks.aws.strict_model import StrictModel
from connect_tasks.campaign.policy.field_rules import Listed, ListName, Name, refuse
from connect_tasks.campaign.policy.opt_out_words import WORDS, opt_out_form

__all__ = ["OptOut"]


def _with_form(word: str) -> str:
    if not opt_out_form(word):
        refuse("must have a letter or a digit in it")
    return word


def _with_defaults(words: dict[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
    return {**WORDS, **words}


Word = Annotated[Name, AfterValidator(_with_form)]
Words = Annotated[dict[Name, Annotated[tuple[Word, ...], Listed]], AfterValidator(_with_defaults)]


class OptOut(StrictModel, title="Opt-out"):
    """The words that put who says them on a list, and which list.

    Example:
        >>> opt_out = OptOut(words={"de": ["abmelden"], "en": ["stop"]})
        >>> opt_out.words["de"], opt_out.words["en"], opt_out.words["fr"]
        (('abmelden',), ('stop',), ('arret', 'arrêt'))
    """

    list: ListName | None = Field(
        default=None,
        description="The list that they are put on: the first of `suppression` when left out, and "
        "`all` if there is none.",
    )
    words: Words = Field(
        default_factory=lambda: dict(WORDS),
        description="Words by language; a language that is named here has these words only, and "
        "none if it has an empty list. A message is one only as a whole.",
    )
