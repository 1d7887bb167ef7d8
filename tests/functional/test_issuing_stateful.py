"""Links under whatever order of events, against a small model of what each customer should have."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from connect_tasks.aws.idempotency import canonical_key
from connect_tasks.campaign import manage
from connect_tasks.campaign.inviting import revoke
from connect_tasks.campaign.links import InvitationKeys
from connect_tasks.errors import InputError
from connect_tasks.ledger.erasure import forget
from connect_tasks.ledger.store import Ledger
from connect_tasks.ledger.verdicts import Suppression
from tests.functional.inviting_world import CAMPAIGN, FIRST, NEXT, Inviting, rows

CUSTOMERS = ["0001", "0002", "0003"]
SPELT = {"0001": "0001", "0002": " 0002\u200b", "0003": "0003\u00a0"}

some = st.lists(st.sampled_from(CUSTOMERS), unique=True)
key_rings = st.sampled_from([FIRST, f"{NEXT},{FIRST}", NEXT])


@dataclass
class Expected:
    """What a customer should have, by the rules in words and none of the code."""

    in_campaign: bool = False
    is_out_by: str | None = None
    is_forgotten: bool = False
    is_over: bool = False
    is_revoked: bool = False
    has_opted_out: bool = False
    is_withheld: bool = False
    key: str = ""
    until: datetime | None = None
    issued_at: datetime | None = None

    def can_be_reached(self) -> bool:
        return self.in_campaign and not (self.is_out_by or self.is_forgotten or self.is_over)


class Links(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.folder = TemporaryDirectory()
        self.ledger = Ledger(f"sqlite:///{Path(self.folder.name, 'ledger.db')}")
        self.here = Inviting(self.ledger)
        self.here.entered([])
        self.ring = FIRST
        self.model = {name: Expected() for name in CUSTOMERS}
        self.table: list[str] = []

    def teardown(self) -> None:
        self.ledger.close()
        self.folder.cleanup()

    @rule(right=some, wrong=some, days=st.integers(1, 9))
    def invite(self, right: list[str], wrong: list[str], days: int) -> None:
        wrong = [name for name in wrong if name not in right]
        table = rows(*(SPELT[name] for name in right)) + rows(*wrong, name="")
        self.here.invite(table, expires_after=timedelta(days=days))
        self.table = right
        for name in wrong:
            self.refuse(self.model[name])
        for name in right:
            self.welcome(self.model[name], timedelta(days=days))

    def refuse(self, one: Expected) -> None:
        if one.can_be_reached():
            one.is_out_by = "table"

    def welcome(self, one: Expected, span: timedelta) -> None:
        is_planned_anew = not one.in_campaign or one.is_out_by == "table" or one.is_withheld
        if one.is_out_by == "table":
            one.is_out_by = None
        one.in_campaign = True
        if one.can_be_reached() and is_planned_anew:
            one.is_withheld = one.has_opted_out
        if not one.can_be_reached() or one.is_revoked or one.is_withheld:
            return
        if one.has_opted_out:
            self.keep_from(one, span)
            return
        if not one.key or one.key not in self.ring:
            one.key, one.issued_at = self.ring.split(",")[0], self.here.now
        assert one.issued_at
        one.until = one.issued_at + span

    def keep_from(self, one: Expected, span: timedelta) -> None:
        """Who has opted out gets no link; one that has expired says no more about them."""
        if one.key in self.ring.split(","):
            assert one.issued_at
            one.until = one.issued_at + span
            one.is_withheld = self.here.now < one.until
        else:
            one.is_withheld = True

    @rule(name=st.sampled_from(CUSTOMERS), back=st.booleans())
    def somebody_opts_out_or_in(self, name: str, *, back: bool) -> None:
        entry = Suppression("all", "person", "test", self.here.now)
        if back:
            self.ledger.suppressions.remove([(name, "all")], now=self.here.now)
        else:
            self.ledger.suppressions.add([(SPELT[name], entry)])
        self.model[name].has_opted_out = not back

    @rule(days=st.integers(1, 5))
    def time_passes(self, days: int) -> None:
        self.here.later(days=days)

    @rule(ring=key_rings)
    def keys_change(self, ring: str) -> None:
        self.ring = ring
        self.here.keys = InvitationKeys(ring)

    @rule(name=st.sampled_from(CUSTOMERS))
    def a_person_revokes(self, name: str) -> None:
        one = self.model[name]
        if self.done(lambda: revoke(CAMPAIGN, [SPELT[name]], self.ledger), one):
            one.is_revoked = one.is_revoked or bool(one.key)

    @rule(name=st.sampled_from(CUSTOMERS))
    def a_person_takes_out(self, name: str) -> None:
        one = self.model[name]
        if one.is_withheld:
            return
        taken = self.done(lambda: manage.withdraw(CAMPAIGN, [name], self.ledger), one)
        if taken and not (one.is_over or one.is_forgotten):
            one.is_out_by = "person"

    @rule(name=st.sampled_from(CUSTOMERS))
    def a_person_has_forgotten(self, name: str) -> None:
        one = self.model[name]
        if self.done(lambda: forget(name, self.ledger.url, overwrite=False), one):
            # Who was never more than a refused row is not known any more, and may come again.
            one.is_forgotten = one.in_campaign

    @rule(name=st.sampled_from(CUSTOMERS))
    def a_conversation_ends(self, name: str) -> None:
        one = self.model[name]
        if one.can_be_reached() and not one.is_withheld:
            self.here.becomes(name, status="completed", contact_id=f"c-{name}")
            one.is_over = True

    def done(self, act: Any, one: Expected) -> bool:
        """Whether it could be done: nobody can be meant who was never there."""
        try:
            act()
        except InputError:
            assert not one.in_campaign
            return False
        return True

    @invariant()
    def each_has_the_link_that_they_should_have(self) -> None:
        for name, record in self.named().items():
            one = self.model[name]
            assert record["url"] == (self.here.link(name, one.key) if self.opens(one) else None)
            assert record["expires_at"] == one.until
            assert record["issued_at"] == one.issued_at
            assert (record["revoked_at"] is not None) == one.is_revoked
        have = {n for n, one in self.model.items() if one.key and not one.is_forgotten}
        assert self.named().keys() == have

    @invariant()
    def whoever_is_withheld_is_so_in_the_ledger(self) -> None:
        latest = {row["customer_id"]: row for row in self.ledger.contact_records(CAMPAIGN)}
        withheld = {canonical_key(n) for n, row in latest.items() if row["status"] == "withheld"}
        model = self.model.items()
        assert withheld == {n for n, one in model if one.is_withheld and not one.is_forgotten}

    @invariant()
    def only_links_that_work_are_sent_each_under_the_tables_own_id(self) -> None:
        sent = {SPELT[n]: self.here.link(n, self.model[n].key) for n in self.table if self.works(n)}
        given = self.here.to_send() if self.here.plan else {}
        assert {canonical_key(name): url for name, url in given.items()} == {
            canonical_key(name): url for name, url in sent.items()
        }
        # As the table writes it, but for the spaces around it that no request has.
        assert {name.strip() for name in given} <= {spelt.strip() for spelt in SPELT.values()}

    def works(self, name: str) -> bool:
        one = self.model[name]
        is_alive = one.until is not None and self.here.now < one.until
        is_wanted = not (one.is_revoked or one.has_opted_out or one.is_withheld)
        return one.can_be_reached() and is_wanted and self.opens(one) and is_alive

    def opens(self, one: Expected) -> bool:
        """Whether the key is there by which the link can be written."""
        return bool(one.key) and one.key in self.ring

    def named(self) -> dict[str, Mapping[str, Any]]:
        found = {canonical_key(name): record for name, record in self.here.records().items()}
        return {name: found[name] for name in CUSTOMERS if name in found}


Links.TestCase.settings = settings(
    max_examples=25,
    stateful_step_count=15,
    phases=[Phase.generate],
    derandomize=True,
    database=None,
    suppress_health_check=list(HealthCheck),
)
TestLinks = Links.TestCase
