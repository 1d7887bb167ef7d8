"""The claims of a worker: which contacts it takes, keeps, waits for and gives up, in the ledger."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial

from connect_tasks.aws.pacing.clock import Clock
from connect_tasks.campaign.policy_in_force import PolicyInForce
from connect_tasks.ledger.async_ledger import AsyncLedger
from connect_tasks.ledger.claims import CLAIM_ORDER, ClaimTerms
from connect_tasks.ledger.contact import Contact, Status

__all__ = ["WORKED_ON", "WorkerClaims"]

WORKED_ON = tuple(status for status in CLAIM_ORDER if status is not Status.UNKNOWN)
"""What somebody is at, or will be: a run goes on as long as there is any."""


@dataclass(slots=True, kw_only=True)
class WorkerClaims:
    """One worker's claims on contacts of a campaign.

    Args:
        campaign: The campaign's name.
        worker: The worker's name.
        ledger: Where they are written.
        terms: How long they hold.
        clock: Tells the time.
        policy: Who may be contacted now.
        on_withheld: Told how many contacts a claim has settled by the policy.
    """

    campaign: str
    worker: str
    ledger: AsyncLedger
    terms: ClaimTerms
    clock: Clock
    policy: PolicyInForce
    on_withheld: Callable[[int], None]

    async def take(self, most: int) -> list[Contact]:
        """Claim further contacts, at most so many.

        Never concurrently with itself. Cancelled, some may be claimed: `recall` has them.
        """
        claimed = await self.ledger.run(
            lambda ledger: ledger.claim(
                self.campaign,
                self.worker,
                most=most,
                now=self.clock.now(),
                terms=self.terms,
                judge=partial(self.policy.judge, ledger),
                on_withheld=self.on_withheld,
                steps=self.policy.steps(ledger),
            )
        )
        if len(claimed) < most or claimed[-1].status is Status.PLANNED:
            # What earlier runs gave up, it has now; what the others of this one will, it leaves.
            self.terms = replace(self.terms, takes_given_up=False)
        return claimed

    async def recall(self) -> list[Contact]:
        """All that are claimed and not settled, also those whose claim an outage swallowed.

        It changes nothing, concurrent or cancelled.
        """
        return await self.ledger.run(lambda ledger: ledger.recall(self.campaign, self.worker))

    async def seconds_until_free(self, statuses: Sequence[Status]) -> float | None:
        """Until another worker's claim may run out; None if none is to be waited for.

        It changes nothing, concurrent or cancelled.

        Args:
            statuses: Contacts in which of the statuses that can be claimed.
        """
        expiry: datetime | None = await self.ledger.run(
            lambda ledger: ledger.next_expiry(
                self.campaign,
                self.worker,
                now=self.clock.now(),
                terms=self.terms,
                statuses=statuses,
            )
        )
        return None if expiry is None else (expiry - self.clock.now()).total_seconds()

    async def next_window(self) -> datetime | None:
        """When somebody may be contacted whom the policy lets wait; None if there is none.

        It changes nothing, concurrent or cancelled.
        """
        now = self.clock.now()
        opens: datetime | None = await self.ledger.run(
            lambda ledger: ledger.next_window(self.campaign, now=now, terms=self.terms)
        )
        return opens

    async def renew(self) -> None:
        """Keep them, well before they run out; never returns.

        Once for a worker, concurrently with all else. Cancelled, they run out in the end.
        """
        while True:
            await self.clock.sleep(self.terms.lease.total_seconds() / 3)
            await self.ledger.run(
                lambda ledger: ledger.renew(
                    self.campaign, self.worker, until=self.clock.now() + self.terms.lease
                )
            )

    async def expire_tokens(self) -> None:
        """Mark what was sent too long ago to be sent again.

        Again, concurrently or after it was cancelled, it finds nothing more to mark.
        """
        await self.ledger.run(
            lambda ledger: ledger.expire_tokens(
                self.campaign, now=self.clock.now(), terms=self.terms
            )
        )

    async def release(self, *, interrupted: bool) -> None:
        """Give them all up.

        Not concurrently with steps of their contacts, which would be refused. Cancelled, they may
        be given up or run out by themselves.

        Args:
            interrupted: Whether something was left to do: see `Ledger.release`.
        """
        at = self.clock.now() if interrupted else None
        await self.ledger.run(
            lambda ledger: ledger.release(self.campaign, self.worker, interrupted_at=at)
        )
