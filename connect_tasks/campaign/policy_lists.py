"""A policy's suppression lists beside the ledger's: which are meant, and which are not there."""

from collections.abc import Collection

from connect_tasks.campaign.policy.outreach_policy import OutreachPolicy
from connect_tasks.errors import InputError
from connect_tasks.ledger.suppression_lists import ALL, near_list, unlike_others

__all__ = ["lists_not_there"]


def lists_not_there(policy: OutreachPolicy, known: Collection[str]) -> tuple[str, ...]:
    """Say which lists of a policy suppress nobody, before anybody is contacted for it.

    A list is there once somebody is put on it, so that one that is not may be right, or a slip: who
    opted out would then be contacted.

    Args:
        policy: Names the lists.
        known: Those of the ledger.

    Returns:
        A sentence for each list that is not there.

    Raises:
        InputError: A list is not there, and one is that is called nearly so and that the policy
            does not name: that one was meant.

    Example:
        >>> lists_not_there(OutreachPolicy(suppression=["news"]), ["marketing"])
        ("nobody is on the suppression list 'news'",)
    """
    absent = [
        unlike_others(name, known) for name in sorted(policy.lists - {ALL}) if name not in known
    ]
    for name in absent:
        _refuse_near(name, set(known) - policy.lists)
    return tuple(f"nobody is on the suppression list {name!r}" for name in absent)


def _refuse_near(name: str, others: Collection[str]) -> None:
    if near := near_list(name, others):
        raise InputError(
            f"The policy names the suppression list {name!r}, on which nobody is, and there is "
            f"{near!r}: write that, or put somebody on {name!r} first, by `suppress` with "
            "new_list=True."
        )
