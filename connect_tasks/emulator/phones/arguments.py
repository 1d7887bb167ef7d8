"""The arguments of the local Amazon Connect's command that are about phones."""

import argparse
import math
from collections.abc import Mapping
from pathlib import Path

from connect_tasks.emulator.phones.settings import LocalPhones, PhoneKind
from connect_tasks.emulator.phones.table import read_phones

__all__ = ["add_phones", "phones_of"]


def add_phones(parser: argparse.ArgumentParser) -> None:
    """Add them to the others."""
    group = parser.add_argument_group(
        "phones",
        "what StartOutboundChatContact reaches; experimental: never compared with Amazon",
    )
    kinds = ", ".join(PhoneKind)
    group.add_argument(
        "--phones",
        type=_shares,
        metavar="KIND",
        help=f"what they do: {kinds} (answer); shares as answer=0.8,stop=0.2",
    )
    group.add_argument(
        "--phone-table",
        type=Path,
        metavar="FILE",
        help="single phones: a CSV file with number, kind and texts (with | between them)",
    )


def phones_of(arguments: argparse.Namespace) -> LocalPhones:
    """The phones that the arguments describe.

    Raises:
        OSError: The table cannot be read.
        ValueError: It is none.
    """
    shares: Mapping[PhoneKind, float] = arguments.phones or {PhoneKind.ANSWER: 1.0}
    if arguments.phone_table is None:
        return LocalPhones(shares=shares)
    by_number, texts = read_phones(arguments.phone_table)
    return LocalPhones(shares=shares, by_number=by_number, texts=texts)


def _shares(text: str) -> Mapping[PhoneKind, float]:
    parts = [part.partition("=")[::2] for part in text.split(",")]
    try:
        shares = {PhoneKind(name): float(share or 1) for name, share in parts}
    except ValueError:
        shares = {}
    is_each_once = len(shares) == len(parts)
    if (
        not is_each_once
        or min(shares.values()) < 0
        or not 0 < math.fsum(shares.values()) < math.inf
    ):
        known = ", ".join(PhoneKind)
        raise argparse.ArgumentTypeError(
            f"must be one of {known}, or their shares as answer=0.8,stop=0.2; not {text}"
        )
    return shares
