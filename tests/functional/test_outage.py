"""A connection to the ledger that breaks after a commit: the answer is lost, the commit is not."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from connect_tasks.errors import LedgerUnreachableError
from connect_tasks.ledger.changes import Change
from connect_tasks.ledger.contact import Contact
from connect_tasks.ledger.store import Ledger
from tests.functional.world import World, customers, world

COUNT = 30


class Forgetful(Ledger):
    """Does what it is told, and every so often breaks before it can say so."""

    every = 3
    calls = 0

    def apply(self, worker: str, changes: Sequence[Change], **more: Any) -> None:
        super().apply(worker, changes, **more)
        self._break_now_and_then()

    def claim(self, *args: Any, **options: Any) -> list[Contact]:
        claimed = super().claim(*args, **options)
        self._break_now_and_then()
        return claimed

    def _break_now_and_then(self) -> None:
        self.calls += 1
        if self.calls % self.every == 1:
            raise LedgerUnreachableError("The ledger: the database server cannot be reached.")


@pytest.fixture
def forgetful(tmp_path: Path) -> Iterator[World]:
    with world(tmp_path) as here, Forgetful(here.ledger.url) as ledger:
        here.plan(customers(COUNT))
        here.ledger = ledger
        yield here


def test_commits_that_went_unanswered_lose_and_double_nobody(
    forgetful: World, caplog: pytest.LogCaptureFixture
) -> None:
    forgetful.run()

    everybody = {f"{number:04}": 1 for number in range(COUNT)}
    assert forgetful.made() == everybody
    assert [row["status"] for row in forgetful.contacts()] == ["completed"] * COUNT
    assert [said for said in forgetful.said() if said[0] == "CUSTOMER"] == [
        ("CUSTOMER", "9")
    ] * COUNT
    # It was never taken for another worker's doing.
    assert "taken over" not in caplog.text
    assert forgetful.local.calls["StartChatContact"] == COUNT
