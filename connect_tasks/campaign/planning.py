"""Planning: from rows to planned contacts in the ledger. Nothing is sent."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime
from uuid import uuid4

from connect_tasks.aws.idempotency import first_token_of
from connect_tasks.campaign.plan import Plan
from connect_tasks.campaign.planned_verdicts import PlannedVerdicts
from connect_tasks.campaign.planner import CHUNK_ROWS, Planner, contacted
from connect_tasks.campaign.policy.judge import PolicyJudge
from connect_tasks.campaign.policy.outreach_policy import OutreachPolicy
from connect_tasks.campaign.policy_in_force import stored_policy
from connect_tasks.campaign.ramp_steps import check_ramp
from connect_tasks.campaign.row_check import Intake, RowCheck, RowCounts
from connect_tasks.campaign.row_maker import Rows, ValidRow
from connect_tasks.campaign.variant_renderer import EitherRenderer
from connect_tasks.ledger.changes import Known
from connect_tasks.ledger.store import Ledger

__all__ = ["CHUNK_ROWS", "Plan", "look_over", "plan_campaign"]

COMMIT_ROWS = 20_000
"""How many contacts to write at a time: enough that they share a commit's cost, which grows with
the ledger's size, and few enough that others wait for the ledger half a second at most."""


def plan_campaign(
    ledger: Ledger,
    campaign: str,
    chunks: Iterable[Rows],
    renderer: EitherRenderer,
    *,
    now: datetime,
    policy: OutreachPolicy | None = None,
    shared_numbers: bool = False,
    samples: int = 3,
    commit_rows: int = COMMIT_ROWS,
    on_progress: Callable[[RowCounts], None] = lambda _: None,
) -> Plan:
    """Enter a table's rows into a campaign.

    A second call with the same table changes nothing. Rows that are still only planned take a
    changed request; for customers already contacted it is counted and not sent, except in the next
    chat by a link after one that nobody joined. Customers who are planned, or may get such a chat,
    and whom the table refuses are withdrawn, with the reasons. Contacts are written on the way:
    after an interruption a second call goes on. The refused rows are written at the end, and until
    then those of the table before are remembered.

    Args:
        ledger: Where the contacts are kept.
        campaign: The campaign, already open in the ledger.
        chunks: The rows, `CHUNK_ROWS` or so at a time.
        renderer: Makes requests of rows.
        now: The present time.
        policy: Who may be contacted when, as the campaign was opened with; as the ledger has it if
            None. Who never may is withheld, with the reasons.
        shared_numbers: Whether customers who are written to on their phones may share a number;
            else the first one has it, and the rows of others are refused.
        samples: How many customers' messages to keep for a forecast.
        commit_rows: How many contacts to write at a time.
        on_progress: Called after each chunk.

    Raises:
        InputError: The policy has a ramp, and people start the campaign's chats themselves.
        LedgerError: The ledger cannot be written.
    """
    campaign = ledger.campaign_name(campaign)
    # Never the id of an earlier planning: whom that table named would be this one's.
    policy = policy or stored_policy(ledger, campaign)
    check_ramp(policy, ledger.mode(campaign))
    planner = Planner(
        ledger,
        campaign,
        RowCheck(
            renderer,
            samples,
            policy,
            shared_numbers=shared_numbers,
            token_of=first_token_of(campaign),
        ),
        PlannedVerdicts(PolicyJudge(policy), ledger, now, campaign),
        now,
        commit_rows,
        shared_numbers,
        table_id=uuid4().hex,
    )
    for rows in chunks:
        planner.add(rows)
        on_progress(planner.row_check.counts)
    return planner.finish()


def look_over(
    chunks: Iterable[Rows],
    renderer: EitherRenderer,
    *,
    samples: int = 3,
    known: Callable[[Sequence[str]], Mapping[str, Known]] = lambda _: {},
    policy: OutreachPolicy | None = None,
    verdicts: PlannedVerdicts | None = None,
    numbers_taken: Callable[[Mapping[str, str]], Collection[str]] = lambda _: (),
    shared_numbers: bool = False,
    on_progress: Callable[[RowCounts], None] = lambda _: None,
) -> Intake:
    """Find out what a table would come to, and write nothing.

    Args:
        chunks: The rows, `CHUNK_ROWS` or so at a time.
        renderer: Makes requests of rows.
        samples: How many customers' messages to keep.
        known: What a campaign already holds of some customers.
        policy: Who may be contacted when.
        verdicts: Judges them by it, and counts.
        numbers_taken: Which of customers' numbers are others' of the campaign, by their keys.
        shared_numbers: Whether customers may share a number.
        on_progress: Called after each chunk.

    Example:
        ```python
        from connect_tasks.campaign.planning import look_over
        from connect_tasks import ChatTemplate

        template = ChatTemplate(display_name="{{ name }}")
        renderer = template.bind(instance_id="i-1", contact_flow_id="f-1")
        look_over([[{"customer_id": "0042", "name": "Ada"}]], renderer).valid
        ```
    """
    row_check = RowCheck(renderer, samples, policy, shared_numbers=shared_numbers)
    found = 0
    for rows in chunks:
        valid, _ = row_check.check(rows)
        if not shared_numbers:
            valid = _with_own_numbers(valid, row_check, numbers_taken)
        there = known([row.customer_id for row in valid])
        found += contacted(there.values())
        if verdicts is not None:
            verdicts.of(valid, there)
        on_progress(row_check.counts)
    return row_check.intake(found)


def _with_own_numbers(
    valid: list[ValidRow],
    row_check: RowCheck,
    numbers_taken: Callable[[Mapping[str, str]], Collection[str]],
) -> list[ValidRow]:
    """The rows, without those whose number another customer of the campaign has."""
    numbers = {row.customer_key: row.endpoint for row in valid if row.endpoint is not None}
    taken = numbers_taken(numbers) if numbers else ()
    for row in valid:
        if row.customer_key in taken:
            row_check.take_back(row.customer_key, row.customer_id)
    return [row for row in valid if row.customer_key not in taken]
