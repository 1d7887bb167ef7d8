"""Forgetting many customers: one after the other, and whoever cannot be forgotten now is told."""

import sys
from collections.abc import Sequence

from connect_tasks.errors import InputError
from connect_tasks.ledger import erasure
from connect_tasks.ledger.erasure import Erased
from connect_tasks.ledger.opening import opened

__all__ = ["check", "forget"]


def check(url: str, campaign: str | None, *, everybody: bool, customers: str | None) -> None:
    """Look, before anybody is asked, whether it can be done.

    Args:
        url: The ledger's.
        campaign: Which campaign was named.
        everybody: Whether all of it are meant.
        customers: Who was named besides.

    Raises:
        InputError: There is no such ledger or campaign, or what was said contradicts itself.
    """
    if everybody and (campaign is None or customers is not None):
        raise InputError(
            "--everybody is about all customers of one campaign: name it with --campaign, and no "
            "customers."
        )
    with opened(url) as ledger:
        if campaign is not None:
            ledger.existing_campaign(campaign)


def forget(
    url: str, campaign: str | None, ids: Sequence[str] | None, *, unread: bool = False
) -> tuple[Erased, int]:
    """Forget customers; a second call does what the first could not.

    Args:
        url: The ledger's.
        campaign: Only in this one; in all if None.
        ids: Whom; all of the campaign if None.
        unread: Also those whose words were not read yet.

    Returns:
        What was taken out in all, and how many customers could not be forgotten now.

    Raises:
        InputError: None of them could be.
        LedgerError: The ledger cannot be used.
    """
    if ids is None:
        return erasure.erase(campaign or "", url, unread=unread), 0
    done, reasons = [], []
    for customer_id in ids:
        try:
            done.append(
                erasure.forget(customer_id, url, campaign=campaign, unread=unread, overwrite=False)
            )
        except InputError as error:
            reasons.append(str(error))
    if not done:
        raise InputError(" ".join(dict.fromkeys(reasons)))
    overwritten = erasure.overwrite_deleted(url)
    for reason in reasons:
        print(reason, file=sys.stderr)
    return _sum(done, overwritten=overwritten), len(reasons)


def _sum(done: Sequence[Erased], *, overwritten: bool) -> Erased:
    return Erased(
        contacts=sum(one.contacts for one in done),
        messages=sum(one.messages for one in done),
        refusals=sum(one.refusals for one in done),
        suppressions=sum(one.suppressions for one in done),
        overwritten=overwritten,
    )
