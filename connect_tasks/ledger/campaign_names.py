"""Campaign names: which campaign of a ledger is meant by a name that looks like its own."""

from collections.abc import Sequence

from connect_tasks.aws.idempotency import canonical_key
from connect_tasks.aws.problems import did_you_mean, shortened
from connect_tasks.aws.stored_text import LONGEST_KEY, why_not_stored
from connect_tasks.errors import InputError
from connect_tasks.ledger.contact import CampaignMode

__all__ = ["called", "check_alone", "check_mode", "existing"]

_WAYS = {
    CampaignMode.SIMULATION: (
        "a simulation: our side speaks as its customers, from the table (`outreach`)"
    ),
    CampaignMode.INVITATION: (
        "run by invitation: a chat starts when its customer presses the button of their link "
        "(`invite`), and no run may speak as them"
    ),
    CampaignMode.HAND_OVER: (
        "run by hand-over: each chat goes to its customer in your app (`outreach` with "
        "`hand_over`), and no run may speak as them"
    ),
    CampaignMode.OUTBOUND: (
        "run outbound: each customer is written to on their phone (`text_out`), and no run may "
        "speak as them"
    ),
}

# A person reads no more.
_MOST_NAMES = 10
_LONGEST_NAME = 60


def called(name: str, names: Sequence[str]) -> str:
    """How a campaign is called in a ledger: as it was entered, or by its key if it is new.

    Args:
        name: As somebody calls it.
        names: All campaigns of the ledger.

    Raises:
        InputError: Nothing is left of the name that a person could see, no database can hold it,
            or several campaigns of an earlier version are called like this but for white space.

    Example:
        >>> called("renewals ", ["renewals"])
        'renewals'
    """
    key = canonical_key(name)
    if not key:
        raise InputError("A campaign needs a name: nobody is contacted twice under it.")
    if name in names:
        return name
    if why := why_not_stored(name, most=LONGEST_KEY):
        raise InputError(f"The campaign's name {shortened(name)} cannot be used: it {why}.")
    same = [found for found in names if canonical_key(found) == key]
    if len(same) > 1:
        raise InputError(
            f"Several campaigns of the ledger are called {key!r} but for white space or "
            f"invisible characters: {', '.join(map(ascii, same))}. Name one exactly."
        )
    return same[0] if same else key


def existing(name: str, names: Sequence[str]) -> str:
    """The same for a campaign that must be there.

    Raises:
        InputError: It is not; names that are near are told.
    """
    found = called(name, names)
    if found not in names:
        meant = did_you_mean(found, names)
        raise InputError(
            f"There is no campaign {found!r} in this ledger{meant}: check the name and which "
            f"ledger it is. {_listed(names)}"
        )
    return found


def check_alone(name: str, names: Sequence[str]) -> None:
    """Make sure that no second campaign looks like this one, as an earlier version allowed.

    Raises:
        InputError: One does.
    """
    key = canonical_key(name)
    twins = [found for found in names if canonical_key(found) == key]
    if len(twins) > 1:
        raise InputError(
            f"The ledger holds several campaigns called {key!r} but for white space or invisible "
            f"characters ({', '.join(map(ascii, twins))}), and each may have contacted the same "
            "people: none takes a table any more. Name one exactly to look at it or to resume it, "
            "and take another name for new customers."
        )


def check_mode(name: str, mode: CampaignMode, owned: str | None) -> None:
    """Make sure that a campaign is not run in another way than its own.

    Args:
        name: Its name.
        mode: How it is to be run.
        owned: How it is run as the ledger has it; None if it is new.

    Raises:
        InputError: The two differ.
    """
    if owned is None or owned == mode:
        return
    raise InputError(
        f"Campaign {name!r} is {_WAYS[CampaignMode(owned)]}. A campaign keeps its way: take "
        "another name for this one."
    )


def _listed(names: Sequence[str]) -> str:
    if not names:
        return "The ledger holds none yet."
    told = ", ".join(repr(name[:_LONGEST_NAME]) for name in names[:_MOST_NAMES])
    return f"It holds {told}{' and others' if len(names) > _MOST_NAMES else ''}."
