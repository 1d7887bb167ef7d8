import pytest

from tests.unit.emulator.world import World


@pytest.fixture
def world() -> World:
    return World()
