"""Temporary."""
from connect_tasks.emulator.flows.exported.document import Flow
from connect_tasks.emulator.flows.world.world import World


def check(flow: Flow, world: World) -> list[str]:
    """Check."""
    return []
