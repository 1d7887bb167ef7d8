"""The pace beside others, by simulation: what is used of what is left, and what is refused."""

import pytest

from tests.unit.aws.pacing.one_api import Api

QUOTAS = [(2, 5, 600.0), (5, 8, 300.0), (50, 80, 40.0), (500, 800, 12.0)]


@pytest.mark.parametrize(("rate", "burst", "seconds"), QUOTAS)
@pytest.mark.parametrize("workers", [1, 2])
def test_granted_in_full_a_quota_is_used_and_nothing_is_refused(
    workers: int, rate: float, burst: int, seconds: float
) -> None:
    api = Api(rate, burst, workers=workers).run_for(seconds)

    assert api.refused == 0
    assert api.used >= 0.98


@pytest.mark.parametrize(("rate", "burst", "seconds"), QUOTAS)
def test_beside_a_client_that_insists_on_half_the_rest_is_used(
    rate: float, burst: int, seconds: float
) -> None:
    api = Api(rate, burst, others=rate / 2).run_for(seconds)

    assert api.used >= 0.98
    assert api.throttled <= 0.025


@pytest.mark.parametrize(("rate", "burst", "seconds"), QUOTAS)
def test_of_a_quota_that_is_granted_by_half_the_half_is_used(
    rate: float, burst: int, seconds: float
) -> None:
    api = Api(rate, burst, said=2 * rate).run_for(seconds)

    assert api.used >= 0.98
    assert api.throttled <= 0.025


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("at", [2.0, 3.3, 9.0])
def test_one_moment_of_refusals_costs_a_tenth_of_the_time(at: float, workers: int) -> None:
    api = Api(5, 8, workers=workers, strays=[(at, 0.0)]).run_until_made(150)
    ideal = (150 + api.made_by_others - 8) / 5

    assert api.refused >= 1
    assert api.ended_at <= 1.1 * ideal
