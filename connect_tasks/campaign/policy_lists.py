"""A policy's suppression lists beside the ledger's: which are meant, and which are not there."""

from collections.abc import Collection

from connect_tasks.aws.problems import did_you_mean
from connect_tasks.campaign.policy.outreach_policy import OutreachPolicy
from connect_tasks.ledger.suppression_lists import ALL, new_list

__all__ = ["lists_not_there"]


def lists_not_there(policy: OutreachPolicy, known: Collection[str]) -> tuple[str, ...]:
    """Say which lists of a policy suppress nobody, before anybody is contacted for it.

    A list is there once somebody is put on it, so that one that is not may be right, or a slip.

    Args:
        policy: Names the lists.
        known: Those of the ledger.

    Returns:
        A sentence for each list that is not there.

    Raises:
        InputError: A list is called nearly as one that is there: that one was meant.

    Example:
        >>> lists_not_there(OutreachPolicy(suppression=["markting"]), ["marketing"])
        ("nobody is on the suppression list 'markting' (did you mean 'marketing'?)",)
    """
    names = [new_list(name, known) for name in sorted(policy.lists - {ALL})]
    return tuple(
        f"nobody is on the suppression list {name!r}{did_you_mean(name, known)}"
        for name in names
        if name not in known
    )
