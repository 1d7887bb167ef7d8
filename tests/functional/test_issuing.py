"""Links in a ledger: who has one, whose stays, whose opens nothing."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from connect_tasks.aws.contact_record import NEVER_JOINED
from connect_tasks.campaign import inviting, manage
from connect_tasks.campaign.inviting import revoke
from connect_tasks.campaign.links import InvitationKeys, token_hash
from connect_tasks.errors import InputError
from connect_tasks.ledger import counts, redaction
from connect_tasks.ledger.contact import CampaignMode, CampaignState, Status, Withdrawal
from connect_tasks.ledger.erasure import erase, forget
from connect_tasks.ledger.invitations import MOST_LINKS
from connect_tasks.ledger.issuing import Link
from connect_tasks.ledger.schema import metadata
from connect_tasks.ledger.standing import Standing
from connect_tasks.ledger.store import Ledger
from tests.functional.inviting_world import (
    CAMPAIGN,
    FIRST,
    KEYS,
    NEXT,
    NOON,
    Inviting,
    counted,
    rows,
)

DAY = timedelta(days=1)
BOTH = InvitationKeys(f"{NEXT},{FIRST}")


@pytest.fixture(name="here")
def _here(ledger_url: str) -> Iterator[Inviting]:
    with Ledger(ledger_url) as ledger:
        yield Inviting(ledger)


@pytest.fixture(name="on_sqlite")
def _on_sqlite(ledger: str) -> Iterator[Inviting]:
    with Ledger(ledger) as opened:
        yield Inviting(opened)


# --- who gets one ---


def test_each_valid_row_gets_its_own_link_and_a_refused_one_none(here: Inviting) -> None:
    table = [*rows("0001", "0002"), *rows("0003", name=""), *rows("0001"), *rows("0004")]

    invited = here.invite(table)

    links = {name: here.link(name) for name in ("0001", "0002", "0004")}
    assert here.links() == here.to_send() == links
    assert len(set(links.values())) == 3
    assert invited.standings == counted(new=3)
    assert invited.working == 3
    for record in here.records().values():
        assert record["issued_at"] == NOON
        assert record["expires_at"] == NOON + 30 * DAY
        assert (record["revoked_at"], record["opened_at"], record["opens"]) == (None, None, 0)
        assert (record["status"], record["contact_id"]) == ("planned", None)


def test_a_second_call_gives_the_same_links_and_writes_nothing(here: Inviting) -> None:
    here.invite(rows("0001", "0002"))
    before = here.stored()
    here.later(days=3)

    invited = here.invite(rows("0001", "0002"))

    assert invited.standings == counted(kept=2)
    assert here.stored() == before


def test_new_rows_get_new_links_and_who_is_not_in_the_table_keeps_theirs(here: Inviting) -> None:
    here.invite(rows("0001", "0002"))
    here.later(days=1)

    invited = here.invite(rows("0002", "0003"))

    assert invited.standings == counted(kept=1, new=1)
    assert here.to_send() == {name: here.link(name) for name in ("0002", "0003")}
    assert here.links() == {name: here.link(name) for name in ("0001", "0002", "0003")}
    assert here.records()["0003"]["issued_at"] == NOON + DAY


@pytest.mark.parametrize("again", [" 0042 ", "0042\u200b", "\u00a00042"])
def test_an_id_that_only_looks_different_is_the_same_customer_with_the_same_link(
    here: Inviting, again: str
) -> None:
    here.invite(rows("0042"))

    invited = here.invite(rows(again))

    assert invited.standings == counted(kept=1)
    assert here.links() == {"0042": here.link("0042")}
    # A sender knows the customer by the id of its own table.
    assert here.to_send() == {again: here.link("0042")}


def test_ids_that_differ_have_links_that_differ(here: Inviting) -> None:
    here.invite(rows("0042", "42", "00 42", "a", "A"))

    assert len(set(here.links().values())) == 5


def test_a_corrected_row_keeps_its_link_and_its_chat_has_what_is_right(here: Inviting) -> None:
    here.invite(rows("0001", name="Adda"))

    here.invite(rows("0001", name="Ada"))

    assert here.to_send() == {"0001": here.link("0001")}
    assert '"Ada"' in here.ledger.requests(CAMPAIGN, ["0001"])["0001"]


def test_a_chat_lasts_no_longer_than_said_where_the_row_says_nothing(here: Inviting) -> None:
    here.invite(rows("0001"))

    assert '"ChatDurationInMinutes":240' in here.ledger.requests(CAMPAIGN, ["0001"])["0001"]


def test_a_table_that_does_not_fit_into_one_piece_is_issued_wholly(on_sqlite: Inviting) -> None:
    names = [f"{number:06}" for number in range(MOST_LINKS + 5)]

    invited = on_sqlite.invite(rows(*names))

    assert invited.standings == counted(new=len(names))
    assert list(on_sqlite.to_send()) == names


def test_counting_links_takes_as_long_as_there_are_links_and_not_their_square(
    on_sqlite: Inviting,
) -> None:
    def steps(links: int) -> int:
        on_sqlite.invite(rows(*(f"{number:05}" for number in range(links))))
        taken = [0]

        def count() -> None:
            taken[0] += 1

        with on_sqlite.ledger._reading() as connection:
            database: Any = connection.connection.dbapi_connection
            database.set_progress_handler(count, 100)
            assert counts.counted(connection, CAMPAIGN)["unopened"] == links
            database.set_progress_handler(None, 0)
        return taken[0]

    few, many = steps(250), steps(1_000)

    # Four times as many; sixteen times as long if each walked past all the others.
    assert many < 6 * few


def test_an_interrupted_call_is_made_again_and_goes_on(
    on_sqlite: Inviting, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = on_sqlite.plan = on_sqlite.entered(rows("0001", "0002", "0003"))
    one_by_one = inviting.pieces
    monkeypatch.setattr(inviting, "pieces", lambda names, *_: one_by_one(names, 1))
    issue, left = on_sqlite.ledger.invitations.issue, [2]

    def breaking(_: object, *args: Any, **options: Any) -> dict[str, Standing]:
        left[0] -= 1
        if left[0] < 0:
            raise KeyboardInterrupt
        return issue(*args, **options)

    with monkeypatch.context() as broken:
        broken.setattr("connect_tasks.ledger.invitations.Invitations.issue", breaking)
        with pytest.raises(KeyboardInterrupt):
            on_sqlite.issue(plan)
    assert len(on_sqlite.stored()) == 2
    on_sqlite.later(hours=1)

    assert on_sqlite.issue(plan).standings == counted(kept=2, new=1)
    assert on_sqlite.to_send() == {n: on_sqlite.link(n) for n in ("0001", "0002", "0003")}


# --- who gets none any more ---


def test_a_row_that_a_later_table_refuses_has_a_link_that_is_not_sent(here: Inviting) -> None:
    here.invite(rows("0001", "0002"))

    invited = here.invite([*rows("0001", name=""), *rows("0002")])

    assert invited.standings == counted(kept=1)
    assert here.to_send() == {"0002": here.link("0002")}
    assert here.records()["0001"]["status"] == "failed"


def test_a_table_that_has_the_row_right_again_brings_the_same_link_back(here: Inviting) -> None:
    here.invite(rows("0001"))
    here.invite(rows("0001", name=""))

    invited = here.invite(rows("0001"))

    assert invited.standings == counted(kept=1)
    assert here.to_send() == {"0001": here.link("0001")}
    assert here.records()["0001"]["status"] == "planned"


def test_who_was_refused_at_first_gets_a_link_from_the_table_that_has_them_right(
    here: Inviting,
) -> None:
    here.invite(rows("0001", name=""))
    assert here.stored() == []

    assert here.invite(rows("0001")).standings == counted(new=1)


def test_whom_a_person_took_out_has_no_link_to_send_and_gets_no_new_one(here: Inviting) -> None:
    here.invite(rows("0001"))
    here.entered(rows("0002"))
    manage.withdraw(CAMPAIGN, ["0001", "0002"], here.ledger)

    invited = here.invite(rows("0001", "0002"))

    assert invited.standings == counted(withdrawn=2)
    assert invited.working == 0
    assert here.to_send() == {}
    assert list(here.links()) == ["0001"]


def test_who_was_forgotten_has_a_dead_link_and_never_gets_another(here: Inviting) -> None:
    here.invite(rows("Ada 7", "0002"))
    forget("Ada 7", here.ledger.url, overwrite=False)
    here.keys = InvitationKeys(NEXT)

    invited = here.invite(rows("Ada 7", "0002"))

    assert invited.standings == counted(forgotten=1, renewed=1)
    assert here.to_send() == {"0002": here.link("0002", NEXT)}
    gone = next(row for row in here.stored() if row["customer_id"] != "0002")
    assert gone["revoked_at"] is not None
    assert gone["token_hash"] != token_hash(KEYS.token(CAMPAIGN, "Ada 7"))
    assert "Ada 7" not in str(here.stored())
    assert here.records(BOTH)[gone["customer_id"]]["url"] is None


@pytest.mark.parametrize("again", ["Ada 7", "Ada 7\u200b", "Ada\u00a07 "])
def test_who_was_refused_and_then_forgotten_does_not_come_back_with_a_right_row(
    here: Inviting, again: str
) -> None:
    here.invite(rows("Ada 7"))
    here.invite(rows("Ada 7", name=""))
    forget("Ada 7", here.ledger.url, overwrite=False)

    invited = here.invite(rows(again))

    assert invited.standings == counted(forgotten=1)
    assert [row["status"] for row in here.ledger.contact_records(CAMPAIGN)] == ["failed"]
    assert here.plan
    assert (here.plan.added, here.plan.request_changed) == (0, 0)
    assert here.plan.intake.to_contact == 0


def test_all_links_of_an_erased_campaign_are_dead(here: Inviting) -> None:
    here.invite(rows("0001", "0002"))

    erase(CAMPAIGN, here.ledger.url, overwrite=False)

    assert {record["url"] for record in here.records().values()} == {None}
    assert here.to_send() == {}
    assert here.invite(rows("0001", "0002")).standings == counted(forgotten=2)


@pytest.mark.parametrize(
    ("status", "code", "generation", "standing"),
    [
        (Status.PLANNED, None, 1, Standing.NEW),
        (Status.STARTING, None, 1, Standing.NEW),
        (Status.STARTED, None, 1, Standing.NEW),
        (Status.CONNECTED, None, 1, Standing.NEW),
        (Status.UNKNOWN, None, 1, Standing.NEW),
        (Status.COMPLETED, None, 1, Standing.OVER),
        (Status.COMPLETED, "CUSTOMER_DISCONNECT", 1, Standing.OVER),
        (Status.COMPLETED, NEVER_JOINED, 1, Standing.NEW),
        (Status.FAILED, "InvalidRequestException", 1, Standing.OVER),
        (Status.FAILED, Withdrawal.BY_TABLE, 1, Standing.WITHDRAWN),
        (Status.FAILED, Withdrawal.BY_PERSON, 1, Standing.WITHDRAWN),
        (Status.FAILED, "ForgottenByPerson", 1, Standing.OVER),
    ],
)
def test_only_whom_a_press_could_still_let_talk_gets_a_link(
    here: Inviting, status: Status, code: str | None, generation: int, standing: Standing
) -> None:
    plan = here.plan = here.entered(rows("0001"))
    here.becomes("0001", status=status, error_code=code, generation=generation)

    assert here.issue(plan).standings == {standing: 1}
    assert bool(here.stored()) == bool(here.to_send()) == (standing is Standing.NEW)


def test_the_links_latest_contact_counts(here: Inviting) -> None:
    here.invite(rows("0001"))
    here.becomes("0001", status=Status.FAILED, error_code=Withdrawal.BY_TABLE)

    here.invite(rows("0001"))

    assert here.records()["0001"]["status"] == "planned"
    assert len(list(here.ledger.contact_records(CAMPAIGN))) == 2
    assert len(list(here.ledger.invitations.records(CAMPAIGN))) == 1
    assert len(here.stored()) == 1


def test_nobody_is_no_reason_to_fail(here: Inviting) -> None:
    invited = here.invite([])

    assert str(invited) == "there is nobody to invite"
    assert here.links() == here.to_send() == {}


# --- until when ---


def test_a_link_is_sent_until_its_time_is_over_and_not_a_moment_longer(here: Inviting) -> None:
    here.invite(rows("0001"), expires_after=DAY)
    here.now = NOON + DAY - timedelta(microseconds=1)
    assert here.to_send()
    here.now = NOON + DAY

    assert here.to_send() == {}
    assert here.invite(rows("0001"), expires_after=DAY).standings == counted(expired=1)
    assert here.links() == {"0001": here.link("0001")}


@pytest.mark.parametrize(("said", "standing"), [(3 * DAY, "kept"), (DAY / 2, "expired")])
def test_the_latest_call_says_how_long_a_link_works_from_when_it_was_issued(
    here: Inviting, said: timedelta, standing: str
) -> None:
    here.invite(rows("0001", "0002"), expires_after=DAY)
    here.later(hours=30)

    invited = here.invite(rows("0001"), expires_after=said)

    assert invited.standings == counted(**{standing: 1})
    assert here.records()["0001"]["expires_at"] == NOON + said
    assert here.records()["0001"]["issued_at"] == NOON
    assert here.records()["0002"]["expires_at"] == NOON + DAY


@pytest.mark.parametrize("bad", [timedelta(seconds=30), timedelta(days=367), -DAY, 30, None, "P1D"])
def test_a_time_that_no_link_has_is_refused_before_anything_is_issued(
    here: Inviting, bad: Any
) -> None:
    with pytest.raises(InputError, match="expires_after is"):
        here.invite(rows("0001"), expires_after=bad)
    assert here.stored() == []


# --- keys ---


def test_after_a_change_of_keys_old_links_stay_and_new_ones_have_the_new_key(
    here: Inviting,
) -> None:
    here.invite(rows("0001"))
    before = here.stored()
    here.keys = BOTH

    here.invite(rows("0001", "0002"))

    assert here.to_send() == {"0001": here.link("0001"), "0002": here.link("0002", NEXT)}
    assert here.stored()[0] == before[0]


def test_when_a_key_is_gone_its_links_are_dead_and_the_next_call_gives_others(
    here: Inviting,
) -> None:
    here.invite(rows("0001", "0002"), expires_after=DAY)
    here.becomes("0001", opened_at=NOON, opens=2)
    here.keys = InvitationKeys(NEXT)
    assert here.to_send() == {}
    assert here.links() == {"0001": None, "0002": None}
    here.later(days=2)

    invited = here.invite(rows("0001"), expires_after=DAY)

    assert invited.standings == counted(renewed=1)
    assert here.links() == {"0001": here.link("0001", NEXT), "0002": None}
    first, second = here.stored()
    assert first["token_hash"] == token_hash(here.keys.token(CAMPAIGN, "0001"))
    assert (first["issued_at"], first["expires_at"]) == (here.now, here.now + DAY)
    assert (first["opened_at"], first["opens"]) == (NOON, 2)
    assert second["issued_at"] == NOON


def test_without_keys_everything_is_told_but_the_link(here: Inviting) -> None:
    from connect_tasks.campaign.invitation_rows import invitation_records

    here.invite(rows("0001"))

    (record,) = invitation_records(here.ledger, CAMPAIGN, None)
    assert {**record, "url": here.link("0001")} == here.records()["0001"]
    assert record["url"] is None


def test_no_link_and_no_key_is_at_rest(here: Inviting) -> None:
    here.invite(rows("0001", "0002"))

    with here.ledger._reading() as connection:
        kept = str([connection.execute(sa.select(t)).all() for t in metadata.sorted_tables])
    assert "0002" in kept
    for customer in ("0001", "0002"):
        assert KEYS.token(CAMPAIGN, customer) not in kept
    assert FIRST not in kept
    assert FIRST.encode().hex() not in kept


# --- revoked ---


def test_a_revoked_link_stays_so_whatever_comes(here: Inviting) -> None:
    here.invite(rows("0001", "0002"))
    here.later(hours=1)

    assert revoke(CAMPAIGN, [" 0001"], here.ledger) == 1
    revoked = here.stored()[0]
    assert revoke(CAMPAIGN, "0001", here.ledger) == 0

    for keys in (KEYS, BOTH, InvitationKeys(NEXT)):
        here.keys = keys
        invited = here.invite(rows("0001", "0002"), expires_after=200 * DAY)
        assert invited.standings[Standing.REVOKED] == 1
        assert list(here.to_send()) == ["0002"]
    assert here.stored()[0] == revoked
    assert revoked["revoked_at"] is not None


def test_when_it_was_revoked_is_told_and_the_contact_stays(here: Inviting) -> None:
    here.invite(rows("0001"))

    here.ledger.invitations.revoke(CAMPAIGN, ["0001"], now=NOON + DAY)

    assert here.records()["0001"]["revoked_at"] == NOON + DAY
    assert here.records()["0001"]["status"] == "planned"


def test_nothing_is_revoked_where_one_of_the_customers_is_not_known(here: Inviting) -> None:
    here.invite(rows("0001"))

    with pytest.raises(InputError, match="does not know 1 of these customers, '0009' first"):
        revoke(CAMPAIGN, ["0001", "0009"], here.ledger)
    assert here.stored()[0]["revoked_at"] is None


def test_a_customer_without_a_link_has_none_to_revoke(here: Inviting) -> None:
    here.entered(rows("0001"))

    assert revoke(CAMPAIGN, ["0001"], here.ledger) == 0
    assert revoke(CAMPAIGN, [], here.ledger) == 0


def test_who_was_forgotten_has_no_link_to_revoke(here: Inviting) -> None:
    here.invite(rows("0001"))
    forget("0001", here.ledger.url, overwrite=False)

    assert revoke(CAMPAIGN, ["0001"], here.ledger) == 0


def test_another_campaigns_link_of_the_same_customer_stays(here: Inviting) -> None:
    here.invite(rows("0001"))
    link = Link(customer_key="0001", token_hash="other", key_id=KEYS.signing_id)
    here.ledger.open_campaign("other", "i-1", now=NOON, mode=CampaignMode.INVITATION)
    issued = here.ledger.invitations.issue(
        "other", [link], key_ids=KEYS.ids, now=NOON, expires_after=DAY
    )

    revoke(CAMPAIGN, ["0001"], here.ledger)

    # Whom a campaign does not have, it gives no link.
    assert issued == {"0001": Standing.FORGOTTEN}
    assert len(here.stored()) == 1


# --- ways ---


def test_only_a_campaign_by_invitation_has_links(here: Inviting) -> None:
    here.ledger.open_campaign(CAMPAIGN, "i-1", now=NOON)

    with pytest.raises(InputError, match="is a simulation"):
        here.invite(rows("0001"))
    with pytest.raises(InputError, match="is a simulation"):
        revoke(CAMPAIGN, [], here.ledger)
    assert here.stored() == []


def test_a_plan_of_a_simulation_is_refused_whoever_made_it(here: Inviting) -> None:
    plan = here.entered(rows("0001"))
    with here.ledger._writing() as connection:
        connection.execute(sa.text("UPDATE campaigns SET mode = 'simulation'"))

    with pytest.raises(InputError, match="is a simulation"):
        here.issue(plan)
    assert here.stored() == []


@pytest.mark.parametrize("state", list(CampaignState))
def test_links_are_issued_whatever_is_wanted_of_the_campaign_which_is_told(
    here: Inviting, state: CampaignState
) -> None:
    here.entered(rows("0001"))
    here.ledger.set_state(CAMPAIGN, state)

    invited = here.invite(rows("0001"))

    assert invited.state is state
    assert here.to_send() == {"0001": here.link("0001")}


def test_a_new_address_is_that_of_all_links_of_the_campaign(here: Inviting) -> None:
    here.invite(rows("0001"))
    here.base_url = "https://elsewhere.example.com/chat/"

    here.invite(rows("0002"))

    begin = "https://elsewhere.example.com/chat/i/"
    assert [str(url)[: len(begin)] for url in here.links().values()] == [begin, begin]


def test_a_wrong_address_changes_nothing(here: Inviting) -> None:
    here.invite(rows("0001"))
    here.base_url = "http://chat.example.com"

    with pytest.raises(InputError, match="base_url"):
        here.invite(rows("0001", "0002"))

    assert len(here.stored()) == 1
    assert here.ledger.invitations.base_url(CAMPAIGN) == "https://chat.example.com"


# --- at the same time ---


def test_two_that_invite_the_same_people_at_once_give_each_one_link(here: Inviting) -> None:
    names = [f"{number:04}" for number in range(400)]
    plan = here.plan = here.entered(rows(*names))
    together = threading.Barrier(4)

    def issue(number: int) -> None:
        with Ledger(here.ledger.url) as own:
            another = Inviting(own, keys=KEYS if number % 2 else BOTH)
            together.wait()
            for _ in range(3):
                another.issue(plan, expires_after=(1 + number % 3) * DAY)

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(issue, range(4)))

    here.keys = BOTH
    assert list(here.links()) == names
    for name, url in here.links().items():
        assert url in {here.link(name), here.link(name, NEXT)}
    assert len(here.stored()) == len(names)


def test_a_customer_who_is_being_forgotten_gets_no_link_afterwards(here: Inviting) -> None:
    """The link would bear an id that is to be nowhere."""
    here.entered(rows("Ada 7"))
    link = Link(customer_key="Ada 7", token_hash="of-ada", key_id=KEYS.signing_id)
    issued: list[dict[str, Standing]] = []

    # Open already: opening takes its turn at the file as well.
    own = Ledger(here.ledger.url)

    def issue() -> None:
        issued.append(
            own.invitations.issue(CAMPAIGN, [link], key_ids=KEYS.ids, now=NOON, expires_after=DAY)
        )

    other = threading.Thread(target=issue)
    with here.ledger._writing() as connection:
        for statement in redaction.BEGIN[connection.dialect.name]:
            connection.exec_driver_sql(statement)
        found = redaction.lock_contacts(connection, NOON)
        redaction.empty_contacts(connection, CAMPAIGN, found, NOON)
        other.start()
        # Long enough for one that does not wait; one that does is not through, however long.
        other.join(0.3)
    other.join(30)
    own.close()

    assert issued == [{"Ada 7": Standing.FORGOTTEN}]
    assert here.stored() == []
