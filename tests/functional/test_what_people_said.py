"""From links over people who chat to tables: what stands there is what they say they answered."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from matplotlib.patches import Rectangle

from connect_tasks.aws.pacing.clock import SystemClock
from connect_tasks.campaign.collection.collecting import collect_campaign
from connect_tasks.campaign.results import CampaignResult
from connect_tasks.emulator import LocalConnect, LocalQuotas
from connect_tasks.emulator.people import Habits, PersonKind, PersonRecord, simulate_people
from connect_tasks.ledger.store import Ledger
from tests.functional.links_world import CAMPAIGN, KEY, LinksWorld
from tests.functional.world import FAST

CUSTOMERS = [f"{number:04}" for number in range(24)]
KINDS = {
    PersonKind.PROMPT: 6.0,
    PersonKind.TWICE: 2.0,
    PersonKind.HALF_WAY: 2.0,
    PersonKind.STOP: 2.0,
    PersonKind.NEVER: 2.0,
    PersonKind.SCANNER: 1.0,
}


class Ahead(SystemClock):
    """Some minutes ahead: Amazon has written its transcripts, and whoever collects looks again."""

    def now(self) -> datetime:
        return super().now() + timedelta(minutes=10)


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[list[PersonRecord], str]]:
    """People who answered, and the ledger in which all of it was collected."""
    url = f"sqlite:///{tmp_path_factory.mktemp('people') / 'ledger.db'}"
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("CONNECT_TASKS_INVITATION_KEYS", KEY)
        quotas = LocalQuotas.unlimited()
        with Ledger(url) as ledger, LocalConnect(flow="feedback", quotas=quotas) as local:
            world = LinksWorld(local, ledger)
            tokens = dict(zip(CUSTOMERS, world.invite(*CUSTOMERS), strict=True))
            with world.site() as site:
                people = simulate_people(
                    {name: f"{site.url}/i/{token}" for name, token in tokens.items()},
                    endpoint_url=local.endpoint_url,
                    seed=4,
                    shares=KINDS,
                    habits=Habits(think_seconds=(0, 0.02)),
                )
            instance = local.instance(quotas=FAST).connect()
            for _ in range(2):
                collect_campaign(ledger, CAMPAIGN, instance, clock=Ahead())
        yield people, url


def of_customer(table: Any, customer: str | None) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = table[table["customer_id"] == customer].to_dict("records")
    return found


def who_ended(people: list[PersonRecord]) -> list[PersonRecord]:
    return [person for person in people if person.outcome in {"completed", "stopped"}]


def test_every_answer_stands_in_the_table_beside_its_question(
    story: tuple[list[PersonRecord], str],
) -> None:
    people, url = story
    replies = CampaignResult(CAMPAIGN, url).replies
    ended = who_ended(people)

    assert {person.kind for person in ended} >= {PersonKind.PROMPT, PersonKind.STOP}
    for person in ended:
        rows = [
            row for row in of_customer(replies, person.customer_id) if row["answer"] is not None
        ]
        assert [(row["contact_id"], row["answer"]) for row in rows] == [
            (told.contact_id, told.answer) for told in person.answers
        ]
        for row, told in zip(rows, person.answers, strict=True):
            assert told.question in row["question"]
        numbers = [row["number"] for row in of_customer(replies, person.customer_id)]
        assert numbers == list(range(1, len(numbers) + 1))


def test_nobody_else_answered(story: tuple[list[PersonRecord], str]) -> None:
    people, url = story
    replies = CampaignResult(CAMPAIGN, url).replies
    silent = {person.customer_id for person in people if not person.answers}

    assert silent
    assert silent.isdisjoint(replies["customer_id"])


def test_scores_that_the_flow_stored_are_those_that_were_answered(
    story: tuple[list[PersonRecord], str],
) -> None:
    people, url = story
    attributes = CampaignResult(CAMPAIGN, url).attributes
    answered = [person for person in people if person.outcome == "completed"]

    assert {"score", "reason", "contact_again"} <= set(attributes.columns)
    for person in answered:
        (row,) = of_customer(attributes, person.customer_id)
        score, reason = (told.answer for told in person.answers[:2])
        assert (row["score"], row["reason"]) == (score, reason)


def test_the_funnel_counts_people(story: tuple[list[PersonRecord], str]) -> None:
    people, url = story
    result = CampaignResult(CAMPAIGN, url)
    opened = sum(person.presses > 0 for person in people)
    ended, answered = len(who_ended(people)), sum(bool(person.answers) for person in people)

    summary = result.summary
    assert [summary[name] for name in ("issued", "opened", "started", "joined")] == [
        *(len(CUSTOMERS), opened, opened, opened),
    ]
    assert summary["completed"] == ended
    # What somebody said in a chat that goes on is known when it is over.
    assert ended <= summary["replied"] <= answered
    assert summary["in_hands"] == opened - ended
    assert result.conclusion.name == "Waiting"


def test_the_contacts_say_how_much_was_said_and_why_it_ended(
    story: tuple[list[PersonRecord], str],
) -> None:
    people, url = story
    contacts = CampaignResult(CAMPAIGN, url).contacts
    for person in who_ended(people):
        (row,) = of_customer(contacts, person.customer_id)
        own = [told for told in person.answers if told.contact_id == row["contact_id"]]
        assert row["messages_sent"] == len(own)
        assert row["disconnect_reason"] == "CONTACT_FLOW_DISCONNECT"


def test_the_report_has_their_answers(
    story: tuple[list[PersonRecord], str], tmp_path: Path
) -> None:
    people, url = story
    CampaignResult(CAMPAIGN, url).save(tmp_path)
    page = (tmp_path / "report.html").read_text()

    assert "What people were asked, and what they answered" in page
    assert "Hello …, how satisfied are you with us, from 1 to 5?" in page
    assert f"of {len(people)} people invited answered" in page


def test_what_is_drawn_is_what_the_tables_say(story: tuple[list[PersonRecord], str]) -> None:
    result = CampaignResult(CAMPAIGN, story[1])
    summary, replies = result.summary, result.replies
    funnel, answers = result.plot(), result.plot("answers", question="satisfied")
    reasons = result.plot("answers", question="main reason", by="score")

    (steps,) = funnel.axes
    assert [text.get_text().split()[0] for text in steps.texts] == [
        str(summary[step])
        for step in ("issued", "opened", "started", "joined", "replied", "completed")
    ]
    asked = replies[replies["question"].str.contains("satisfied")]
    bars = [bar for axes in answers.axes for bar in axes.patches if isinstance(bar, Rectangle)]
    drawn = [bar.get_height() for bar in bars]
    assert sum(drawn) == asked["answer"].notna().sum() > 0
    assert drawn[1:6] == [(asked["answer"] == str(score)).sum() for score in range(1, 6)]
    told = replies[replies["question"].str.contains("main reason")]
    mine = told.merge(result.attributes[["customer_id", "score"]], on="customer_id")
    parts = {panel.title.rpartition("\n")[2][0]: panel.numbers for panel in reasons.chart.panels}
    assert set(parts) >= set(mine["score"])
    for score, theirs in mine.groupby("score")["answer"]:
        drawn_of = {name: count for name, count in parts[str(score)].items() if count}
        assert drawn_of == theirs.value_counts().to_dict()
