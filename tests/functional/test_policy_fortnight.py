"""A fortnight of three campaigns, half an hour a step: who is started when is who may be, then.

The ledger claims and writes as a worker has it do, with a clock of the test's own. A reference
that knows only the rules says, step by step, who should be contacted; it shares no code.
"""

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from connect_tasks import ChatTemplate, Conversation
from connect_tasks.campaign.planning import plan_campaign
from connect_tasks.campaign.policy.judge import PolicyJudge
from connect_tasks.campaign.policy.outreach_policy import OutreachPolicy
from connect_tasks.campaign.suppression import suppress
from connect_tasks.ledger.changes import Progress
from connect_tasks.ledger.claims import ClaimTerms
from connect_tasks.ledger.contact import Status
from connect_tasks.ledger.sending import Sending
from connect_tasks.ledger.store import Ledger
from tests.postgresql import new_database

pytestmark = pytest.mark.timeout(180)

# Clocks go back in New York on 2026-11-01, and go forward in Lord Howe Island on 2026-10-04.
ZONES = ("America/New_York", "Australia/Lord_Howe", "Asia/Kolkata")
BEGINS = {
    "autumn": datetime(2026, 10, 24, 7, tzinfo=UTC),
    "spring": datetime(2026, 9, 26, tzinfo=UTC),
}
STEP = timedelta(minutes=30)
STEPS = 14 * 24 * 2
CAMPAIGNS = ("renewals", "survey", "reminder")
PERIOD = timedelta(days=3)
EXPIRES = timedelta(days=9)
OPENS, CLOSES = time(9), time(20)
LATE_OPENS, LATE_CLOSES = time(22), time(2)
SATURDAY, SUNDAY = 5, 6
HOLIDAY = {"autumn": date(2026, 10, 28), "spring": date(2026, 9, 30)}
TERMS = ClaimTerms(lease=timedelta(minutes=1), token_validity=timedelta(hours=24))


def policy(season: str) -> OutreachPolicy:
    day = [{"start_time": "09:00", "end_time": "20:00"}]
    week = ("MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY")
    holiday = HOLIDAY[season].isoformat()
    return OutreachPolicy.model_validate(
        {
            "communication_time": {
                "open_hours": {
                    **dict.fromkeys(week, day),
                    # Over midnight, into Sunday.
                    "SATURDAY": [{"start_time": "22:00", "end_time": "02:00"}],
                },
                "restricted_periods": [
                    {"name": "a holiday", "start_date": holiday, "end_date": holiday}
                ],
                "time_zone_column": "zone",
            },
            "communication_limits": {"limits": [{"max_count_per_recipient": 1, "frequency": 3}]},
            "expires_after": EXPIRES,
        }
    )


@dataclass
class Reference:
    """The rules again, asked for each customer at each step."""

    season: str
    zones: dict[str, str]
    opted_out_at: dict[str, datetime]
    sent: dict[str, list[datetime]] = field(default_factory=dict)
    told: list[tuple[datetime, str, str]] = field(default_factory=list)

    def play(self, steps: Iterator[datetime]) -> None:
        left = [(campaign, customer) for campaign in CAMPAIGNS for customer in self.zones]
        for now in steps:
            for campaign, customer in list(left):
                if self._may(customer, now):
                    left.remove((campaign, customer))
                    self.sent.setdefault(customer, []).append(now)
                    self.told.append((now, campaign, customer))

    def _may(self, customer: str, now: datetime) -> bool:
        if now >= self.opted_out_at.get(customer, now + STEP):
            return False
        if now - BEGINS[self.season] >= EXPIRES:
            return False
        if any(now - at < PERIOD for at in self.sent.get(customer, ())):
            return False
        there = now.astimezone(ZoneInfo(self.zones[customer]))
        if there.date() == HOLIDAY[self.season]:
            return False
        clock, day = there.time().replace(tzinfo=None), there.weekday()
        if day < 5:
            return OPENS <= clock < CLOSES
        return (day == 5 and clock >= LATE_OPENS) or (day == 6 and clock < LATE_CLOSES)


@pytest.fixture(
    params=[
        "autumn on SQLite",
        pytest.param("spring on PostgreSQL", marks=pytest.mark.long),
    ]
)
def world(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Ledger, str]]:
    season, _, database = str(request.param).partition(" on ")
    with ExitStack() as stack:
        url = f"sqlite:///{tmp_path / 'ledger.db'}"
        if database == "PostgreSQL":
            url = stack.enter_context(new_database())
        yield stack.enter_context(Ledger(url)), season


def test_everybody_is_contacted_when_they_first_may_be_and_nobody_otherwise(
    world: tuple[Ledger, str],
) -> None:
    ledger, season = world
    begin = BEGINS[season]
    zones = {f"{number:02}": ZONES[number % 3] for number in range(30)}
    opted_out = {name: begin + timedelta(days=1 + int(name) / 4) for name in list(zones)[::5]}
    steps = [begin + number * STEP for number in range(STEPS)]
    reference = Reference(season, zones, opted_out)
    reference.play(iter(steps))
    for campaign in CAMPAIGNS:
        _plan(ledger, campaign, season, zones)

    told = []
    for now in steps:
        for name in [name for name, at in opted_out.items() if now - STEP < at <= now]:
            suppress(name, ledger=ledger.url, expires_at=None)
        for campaign in CAMPAIGNS:
            told += [(now, campaign, name) for name in _started(ledger, campaign, season, now)]

    assert sorted(told) == sorted(reference.told)
    assert len(told) > len(zones)


def _plan(ledger: Ledger, campaign: str, season: str, zones: dict[str, str]) -> None:
    template, now = ChatTemplate(display_name="Ada"), BEGINS[season]
    renderer = template.bind(
        instance_id="i-1", contact_flow_id="f-1", conversation=Conversation(settle_seconds=0)
    )
    ledger.open_campaign(campaign, "i-1", now=now, policy=policy(season).model_dump(mode="json"))
    rows = [{"customer_id": name, "zone": zone} for name, zone in zones.items()]
    plan_campaign(ledger, campaign, [rows], renderer, now=now, policy=policy(season))


def _started(ledger: Ledger, campaign: str, season: str, now: datetime) -> Iterator[str]:
    judge = PolicyJudge(policy(season))
    sending = Sending(judge=lambda: judge, now=lambda: now, token_validity=TERMS.token_validity)
    claimed = ledger.claim(campaign, "w", most=100, now=now, terms=TERMS, judge=lambda: judge)
    for contact in claimed:
        starting = contact.advance(Status.STARTING, sent_at=now)
        started = starting.advance(Status.STARTED, started_at=now, contact_id=f"c-{contact.id}")
        completed = started.advance(Status.COMPLETED, ended_at=now)
        ledger.apply("w", [Progress(starting, contact.status, sends=True)], sending=sending)
        ledger.apply("w", [Progress(started, starting.status)])
        ledger.apply("w", [Progress(completed, started.status)])
        yield contact.customer_id
