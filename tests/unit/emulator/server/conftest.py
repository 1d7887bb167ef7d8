from collections.abc import Iterator

import pytest

from tests.unit.emulator.server.peer import FakeLoop, fake_loop


@pytest.fixture
def loop() -> Iterator[FakeLoop]:
    with fake_loop() as made:
        yield made
