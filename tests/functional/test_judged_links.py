"""Links by a policy: who gets one, between when it may be sent, and what stays as it was."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest

from connect_tasks.ledger.contact import CampaignMode, Status
from connect_tasks.ledger.standing import Standing
from connect_tasks.ledger.store import Ledger
from connect_tasks.ledger.verdicts import Rule
from tests.functional.judged_world import DAY, HOUR, NOON, JudgedLinks, Rules

OFFICE = Rules(opens=9, closes=18)
WEEKLY = Rules(cap=1, look_back=7 * DAY)
EVENING = NOON + 8 * HOUR
NINE = NOON + 21 * HOUR
"""At which the office opens on the next day."""


@pytest.fixture
def here(ledger_url: str) -> Iterator[JudgedLinks]:
    with Ledger(ledger_url) as ledger:
        yield JudgedLinks(ledger)


# --- when ---


def test_a_link_may_be_sent_from_now_until_the_office_closes(here: JudgedLinks) -> None:
    here.rules = OFFICE

    assert here.invite("1") == {"1": Standing.NEW}
    assert here.window("1") == (NOON, NOON + 6 * HOUR)


def test_without_rules_it_may_be_sent_from_now_to_its_end(here: JudgedLinks) -> None:
    assert here.invite("1") == {"1": Standing.NEW}
    here.rules = None
    assert here.invite("2") == {"2": Standing.NEW}

    assert here.window("1") == here.window("2") == (NOON, None)


def test_in_the_evening_it_may_be_sent_when_the_office_opens_again(here: JudgedLinks) -> None:
    here.rules, here.now = OFFICE, EVENING

    assert here.invite("1") == {"1": Standing.DEFERRED}
    assert here.window("1") == (NINE, NINE + 9 * HOUR)
    assert here.contact("1")["status"] == Status.PLANNED


def test_a_second_call_changes_nothing_before_in_and_after_the_window(here: JudgedLinks) -> None:
    here.rules, here.now = OFFICE, EVENING
    here.invite("1", "2")
    before = here.links()

    for now, standing in [
        (EVENING + HOUR, Standing.DEFERRED),
        (NINE, Standing.KEPT),
        (NINE + 9 * HOUR - timedelta.resolution, Standing.KEPT),
        (NINE + 9 * HOUR, Standing.PAST),
        (NINE + 3 * DAY, Standing.PAST),
    ]:
        here.now = now
        assert here.invite("1", "2") == {"1": standing, "2": standing}
        assert here.to_send("1", "2") == (
            {"1": standing, "2": standing} if standing is not Standing.PAST else {}
        )
        assert here.links() == before


@pytest.mark.parametrize("more", [timedelta(0), timedelta.resolution])
def test_a_link_that_would_end_before_it_may_be_sent_is_none_until_it_lasts_longer(
    here: JudgedLinks, more: timedelta
) -> None:
    here.rules, here.now, here.expires_after = OFFICE, EVENING, NINE - EVENING - more
    assert here.invite("1") == {"1": Standing.TOO_LATE}
    assert here.links() == []
    assert here.contact("1")["status"] == Status.PLANNED

    here.expires_after = NINE - EVENING + HOUR
    assert here.invite("1") == {"1": Standing.DEFERRED}


def test_a_link_that_is_shortened_to_before_its_window_is_not_sent_and_comes_back_with_it(
    here: JudgedLinks,
) -> None:
    here.rules, here.now = OFFICE, EVENING
    here.invite("1")
    here.expires_after = NINE - EVENING
    assert here.invite("1") == {"1": Standing.TOO_LATE}
    assert here.to_send("1") == {}

    here.expires_after = 2 * DAY
    assert here.invite("1") == {"1": Standing.DEFERRED}
    assert here.window("1") == (NINE, NINE + 9 * HOUR)


def test_a_link_that_is_prolonged_may_be_sent_no_longer_than_its_window(
    here: JudgedLinks,
) -> None:
    here.rules, here.expires_after = OFFICE, HOUR
    here.invite("1")
    here.expires_after = 30 * DAY
    here.invite("1")

    here.now = NOON + 6 * HOUR - timedelta.resolution
    assert here.to_send("1") == {"1": Standing.KEPT}
    here.now = NOON + 6 * HOUR
    assert here.to_send("1") == {}


# --- who ---


def test_who_opted_out_is_held_out_or_expired_gets_no_link_and_is_withheld_with_the_reason(
    here: JudgedLinks,
) -> None:
    here.rules = replace(OFFICE, held_out={"held"})
    here.opt_out("out")
    here.enter("held", "out", "well")
    assert here.issue("held", "out", "well") == {
        "held": Standing.HELD_OUT,
        "out": Standing.OPTED_OUT,
        "well": Standing.NEW,
    }
    here.rules = replace(OFFICE, expires_after=HOUR)
    here.enter("late")
    here.now += HOUR
    assert here.issue("late") == {"late": Standing.WITHHELD}

    told = {
        key: (here.contact(key)["status"], here.contact(key)["error_code"])
        for key in ("held", "out", "late", "well")
    }
    assert told == {
        "held": (Status.WITHHELD, Rule.HELD_OUT),
        "out": (Status.WITHHELD, Rule.OPTED_OUT),
        "late": (Status.WITHHELD, Rule.EXPIRED),
        "well": (Status.PLANNED, None),
    }
    assert here.contact("out")["error_message"] == "opted_out (all)"
    assert here.contact("out")["ended_at"] == NOON
    assert [link["customer_key"] for link in here.links()] == ["well"]


def test_a_second_call_finds_the_withheld_as_they_are(here: JudgedLinks) -> None:
    here.rules = replace(OFFICE, held_out={"held"})
    here.opt_out("out")
    here.invite("held", "out")
    before, said = here.contact("held"), here.decisions()

    assert here.issue("held", "out") == {"held": Standing.HELD_OUT, "out": Standing.OPTED_OUT}

    assert (here.contact("held"), here.decisions()) == (before, said)


def test_who_waits_is_held_out_in_the_window_in_which_they_would_have_been_sent_it(
    here: JudgedLinks,
) -> None:
    here.rules, here.now = replace(OFFICE, held_out={"1"}), EVENING

    assert here.invite("1") == {"1": Standing.HELD_OUT}
    assert here.contact("1")["error_code"] == Rule.HELD_OUT


def test_an_opt_out_of_a_list_that_does_not_count_changes_nothing(here: JudgedLinks) -> None:
    here.rules = replace(OFFICE, lists=frozenset({"all", "surveys"}))
    here.opt_out("1", "marketing")
    here.opt_out("2", "surveys")

    assert here.invite("1", "2") == {"1": Standing.NEW, "2": Standing.OPTED_OUT}


@pytest.mark.parametrize("waits", [False, True])
def test_who_opts_out_after_that_is_not_sent_their_link_any_more(
    here: JudgedLinks, *, waits: bool
) -> None:
    here.rules, here.now = OFFICE, EVENING if waits else NOON
    here.invite("1", "2")
    window = here.window("1")
    here.opt_out("1")

    assert list(here.to_send("1", "2")) == ["2"]
    standings = here.issue("1", "2")

    assert standings["1"] is Standing.OPTED_OUT
    assert standings["2"] is (Standing.DEFERRED if waits else Standing.KEPT)
    assert here.contact("1")["status"] == Status.WITHHELD
    # Where nobody can have sent it, it does not count as given out.
    assert here.window("1") == ((None, None) if waits else window)


def test_an_opt_out_that_is_taken_back_brings_the_link_back_with_a_table_that_names_them(
    here: JudgedLinks,
) -> None:
    here.rules, here.now = OFFICE, EVENING
    here.invite("1")
    here.opt_out("1")
    here.issue("1")
    here.now = NINE + 2 * HOUR
    here.opt_in("1")
    here.enter("1", generation=2)

    assert here.issue("1") == {"1": Standing.KEPT}
    assert here.window("1") == (NINE + 2 * HOUR, NINE + 9 * HOUR)
    assert list(here.to_send("1")) == ["1"]


def test_who_is_on_a_list_for_a_while_gets_a_link_for_after_that(here: JudgedLinks) -> None:
    here.rules = OFFICE
    here.opt_out("1", expires_at=EVENING)

    assert here.invite("1") == {"1": Standing.DEFERRED}
    assert here.window("1") == (NINE, NINE + 9 * HOUR)
    assert here.to_send("1") == {"1": Standing.DEFERRED}


def test_who_comes_onto_a_list_for_a_while_is_sent_nothing_meanwhile(here: JudgedLinks) -> None:
    here.rules, here.now = OFFICE, EVENING
    here.invite("waits")
    here.now = NINE
    here.invite("sent")
    here.now = EVENING + HOUR
    for name in ("sent", "waits"):
        here.opt_out(name, expires_at=NINE + HOUR)
    assert here.to_send("sent", "waits") == {}

    assert here.issue("waits") == {"waits": Standing.DEFERRED}
    assert here.window("waits") == (NINE + HOUR, NINE + 9 * HOUR)
    assert here.to_send("waits") == {"waits": Standing.DEFERRED}
    here.now = NINE
    assert here.issue("sent") == {"sent": Standing.OPTED_OUT}
    assert here.contact("sent")["status"] == Status.PLANNED
    here.now = NINE + HOUR
    assert here.issue("sent", "waits") == {"sent": Standing.KEPT, "waits": Standing.KEPT}
    assert here.window("sent") == (NINE, NINE + 9 * HOUR)


@pytest.mark.parametrize("status", [Status.STARTED, Status.CONNECTED, Status.UNKNOWN])
def test_who_opts_out_after_their_press_keeps_their_status(
    here: JudgedLinks, status: Status
) -> None:
    here.invite("1")
    here.becomes("1", status=status, contact_id="c-1", sent_at=NOON)
    here.opt_out("1")

    assert here.issue("1") == {"1": Standing.OPTED_OUT}
    assert here.contact("1")["status"] == status


def test_whom_a_press_works_on_is_left_to_it(here: JudgedLinks) -> None:
    here.invite("1")
    here.becomes("1", claimed_by="w-1", claimed_until=NOON + HOUR / 60)
    here.opt_out("1")

    assert here.issue("1") == {"1": Standing.OPTED_OUT}
    assert here.contact("1")["status"] == Status.PLANNED
    here.now += HOUR
    here.issue("1")
    assert here.contact("1")["status"] == Status.WITHHELD


# --- another policy ---


def test_what_may_not_be_sent_yet_takes_the_window_of_another_policy(here: JudgedLinks) -> None:
    here.rules, here.now = OFFICE, EVENING
    here.invite("1")
    here.rules = Rules(opens=11, closes=15, fingerprint="f-2")
    here.now += HOUR

    assert here.issue("1") == {"1": Standing.DEFERRED}
    assert here.window("1") == (NINE + 2 * HOUR, NINE + 6 * HOUR)
    here.rules = Rules(fingerprint="")
    assert here.issue("1") == {"1": Standing.KEPT}
    assert here.window("1") == (here.now, None)


def test_what_may_have_been_sent_keeps_its_window_under_another_policy(here: JudgedLinks) -> None:
    here.rules, here.now = OFFICE, EVENING
    here.invite("1")
    here.rules, here.now = Rules(opens=11, closes=15, fingerprint="f-2"), NINE

    assert here.issue("1") == {"1": Standing.KEPT}
    assert here.window("1") == (NINE, NINE + 9 * HOUR)


def test_a_link_that_waits_gives_way_to_what_others_sent_meanwhile(here: JudgedLinks) -> None:
    here.rules, here.now = replace(OFFICE, cap=1, look_back=DAY), EVENING
    here.invite("1")
    here.rules = None
    here.invite("1", campaign="another")
    here.rules = replace(OFFICE, cap=1, look_back=DAY)

    assert here.issue("1") == {"1": Standing.DEFERRED}
    # A day after the other's, and then the office is closed until it opens.
    moved = (NINE + DAY, NINE + DAY + 9 * HOUR)
    assert here.window("1") == moved
    assert here.issue("1") == {"1": Standing.DEFERRED}
    assert here.window("1") == moved


def test_a_link_that_goes_on_waiting_for_the_same_time_is_decided_about_once(
    here: JudgedLinks,
) -> None:
    here.rules, here.now = OFFICE, EVENING
    here.invite("1")
    before = here.window("1")
    here.issue("1")
    here.now += HOUR
    here.issue("1")

    assert here.window("1") == before
    assert len(list(here.ledger.audit.records())) == 1


def test_a_link_that_was_taken_back_before_it_could_be_sent_leaves_its_place_to_another(
    here: JudgedLinks,
) -> None:
    here.rules, here.now = OFFICE, EVENING
    here.invite("1", "2")
    here.ledger.invitations.revoke("renewals", ["1"], now=here.now)
    here.now = NINE + HOUR
    here.ledger.invitations.revoke("renewals", ["2"], now=here.now)
    here.rules = WEEKLY

    assert here.invite("1", "2", campaign="another") == {
        "1": Standing.NEW,
        "2": Standing.DEFERRED,
    }


def test_whom_another_policy_holds_out_loses_a_link_that_was_not_sent(here: JudgedLinks) -> None:
    here.rules, here.now = OFFICE, EVENING
    here.invite("1")
    here.rules = replace(OFFICE, fingerprint="f-2", held_out={"1"})

    assert here.issue("1") == {"1": Standing.HELD_OUT}
    assert here.contact("1")["status"] == Status.WITHHELD
    assert here.to_send("1") == {}
    assert here.window("1") == (None, None)


# --- what counts ---


def test_a_link_counts_from_when_it_may_be_sent_in_every_campaign(here: JudgedLinks) -> None:
    here.rules, here.now = OFFICE, EVENING
    here.invite("1")
    here.rules, here.now = WEEKLY, NINE + HOUR

    assert here.invite("1", "2", campaign="another") == {
        "1": Standing.DEFERRED,
        "2": Standing.NEW,
    }
    assert here.window("1", "another") == (NINE + 7 * DAY, None)


def test_a_contact_of_a_run_counts_and_a_chat_that_a_person_opened_does_not(
    here: JudgedLinks,
) -> None:
    here.rules = WEEKLY
    here.enter("1", campaign="runs", mode=CampaignMode.SIMULATION)
    here.becomes("1", campaign="runs", status=Status.COMPLETED, sent_at=NOON - HOUR)
    here.rules = None
    here.now -= 8 * DAY
    here.invite("2", campaign="links")
    here.becomes("2", campaign="links", status=Status.COMPLETED, sent_at=NOON - HOUR)
    here.rules, here.now = WEEKLY, NOON

    assert here.invite("1", "2") == {"1": Standing.DEFERRED, "2": Standing.NEW}


def test_only_campaigns_of_the_group_count_where_there_is_one(here: JudgedLinks) -> None:
    here.rules = None
    here.enter("1", "2", campaign="service", limits_group="service", policy={"a": 1})
    here.enter("1", "2", campaign="offers", limits_group="offers", policy={"a": 1})
    here.issue("1", campaign="service")
    here.issue("2", campaign="offers")
    here.rules = replace(WEEKLY, group="offers")

    assert here.invite("1", "2") == {"1": Standing.NEW, "2": Standing.DEFERRED}


def test_a_link_in_place_of_one_whose_key_is_gone_counts_as_another_if_that_was_sent(
    here: JudgedLinks,
) -> None:
    here.rules, here.now = replace(OFFICE, cap=1, look_back=7 * DAY), EVENING
    here.invite("waits")
    here.now -= 8 * HOUR
    here.invite("sent")
    here.key, here.now = "k-2", EVENING + HOUR

    assert here.issue("sent", "waits") == {
        "sent": Standing.DEFERRED,
        "waits": Standing.DEFERRED,
    }
    assert here.window("waits") == (NINE, NINE + 9 * HOUR)
    assert here.window("sent") == (NOON + 7 * DAY, NOON + 7 * DAY + 6 * HOUR)
    assert {link["key_id"] for link in here.links()} == {"k-2"}


def test_who_opted_out_gets_no_link_in_place_of_one_whose_key_is_gone(here: JudgedLinks) -> None:
    here.invite("1")
    before = here.links()
    here.opt_out("1")
    here.key = "k-2"

    assert here.issue("1") == {"1": Standing.OPTED_OUT}
    assert here.links() == before
    assert here.to_send("1") == {}


# --- the record ---


def test_each_decision_is_on_record_with_what_it_was_about(here: JudgedLinks) -> None:
    here.rules, here.now = replace(OFFICE, held_out={"held"}), EVENING
    here.opt_out("out")
    here.invite("held", "out", "waits")
    here.now = NINE
    here.invite("well")

    said = {row["customer_id"]: row for row in here.decisions()}
    assert {key: (row["decision"], row["rule"], row["until"]) for key, row in said.items()} == {
        "held": ("hold_out", "held_out", None),
        "out": ("suppress", "opted_out", None),
        "waits": ("defer", "outside_hours", NINE),
        "well": ("allow", "allowed", None),
    }
    assert len(here.decisions()) == 4
    for row in said.values():
        assert (row["campaign"], row["moment"], row["policy"]) == ("renewals", "link", "f-1")


def test_where_there_are_no_rules_only_what_keeps_somebody_out_is_on_record(
    here: JudgedLinks,
) -> None:
    here.rules = Rules(fingerprint="")
    here.opt_out("out")

    here.invite("out", "well")

    assert [row["customer_id"] for row in here.decisions()] == ["out"]


# --- at the same time ---


@pytest.mark.parametrize("cap", [1, 2])
def test_campaigns_that_invite_the_same_people_at_once_take_no_more_than_is_allowed(
    here: JudgedLinks, cap: int
) -> None:
    """Each customer is a race of three campaigns for what their limit leaves."""
    names, campaigns = [f"{number:03}" for number in range(100)], ["a", "b", "c"]
    for campaign in campaigns:
        here.enter(*names, campaign=campaign)
    together = threading.Barrier(len(campaigns))

    def invite(campaign: str) -> list[Standing]:
        with Ledger(here.ledger.url) as own:
            there = JudgedLinks(own, Rules(cap=cap, look_back=7 * DAY))
            standings: list[Standing] = []
            for name in names:
                together.wait()
                standings += there.issue(name, campaign=campaign).values()
            return standings

    with ThreadPoolExecutor(len(campaigns)) as threads:
        standings = list(threads.map(invite, campaigns))

    for name in names:
        windows = [here.window(name, campaign) for campaign in campaigns]
        begins = sorted(window[0] for window in windows if window)
        # A week after the first, the next ones of them.
        assert begins == [NOON + number // cap * 7 * DAY for number in range(3)]
    taken = sum(one is Standing.NEW for theirs in standings for one in theirs)
    assert taken == cap * len(names)


def test_two_that_invite_many_at_once_in_whichever_order_wait_for_each_other_and_no_longer(
    here: JudgedLinks,
) -> None:
    names = [f"{number:03}" for number in range(300)]
    for campaign in ("a", "b"):
        here.enter(*names, campaign=campaign)
    here.opt_out(names[7])
    together = threading.Barrier(4)

    def invite(number: int) -> dict[str, Standing]:
        order = names if number % 2 else names[::-1]
        with Ledger(here.ledger.url) as own:
            there = JudgedLinks(own, WEEKLY if number < 2 else Rules(fingerprint=""))
            together.wait()
            return there.issue(*order, campaign="ab"[number % 2])

    with ThreadPoolExecutor(4) as threads:
        all_standings = list(threads.map(invite, range(4)))

    assert {standings[names[7]] for standings in all_standings} == {Standing.OPTED_OUT}
    assert {key for standings in all_standings for key in standings} == set(names)
    assert len(here.links()) == 2 * (len(names) - 1)
