"""How often something is shown."""

import itertools

from connect_tasks.tasks.artifacts import UpdateInterval


class CampaignMonitor:
    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


def shown(beat: UpdateInterval, watch: CampaignMonitor, until: int) -> list[float]:
    """When it was due, asked five times a second."""
    times = []
    while watch.seconds < until:
        if beat.is_due:
            times.append(watch.seconds)
            beat.done()
        watch.seconds += 0.2
    return times


def test_it_is_due_at_once_and_then_never_sooner_than_its_pause() -> None:
    watch = CampaignMonitor()
    times = shown(UpdateInterval(1, watch), watch, until=60)

    assert times[0] == 0
    assert min(b - a for a, b in itertools.pairwise(times)) > 0.9
    assert 50 <= len(times) <= 60


def test_in_a_long_time_it_is_due_ever_more_rarely_and_at_least_once_a_minute() -> None:
    watch = CampaignMonitor()
    times = shown(UpdateInterval(1, watch), watch, until=24 * 60 * 60)
    pauses = [b - a for a, b in itertools.pairwise(times)]

    assert len(times) < 2_000
    assert 59 < max(pauses) < 61


def test_after_a_failure_it_is_tried_again_soon() -> None:
    watch = CampaignMonitor()
    beat = UpdateInterval(1, watch)
    beat.failed()
    watch.seconds = 14.9
    assert not beat.is_due
    watch.seconds = 15
    assert beat.is_due
