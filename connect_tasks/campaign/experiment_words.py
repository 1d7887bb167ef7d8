"""An experiment in words: whether it may be judged by now, and then what the numbers say."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from connect_tasks.campaign.policy.variant import HELD_OUT

__all__ = ["experiment_words"]

_LEAST_ARMS = 2
_REACHED = "The planned samples are reached."
_NO_REPLIES = (
    "Who was held out was sent nothing and has no replies: bring what you know of all customers, "
    "as `experiment(outcomes=...)`, to compare the others with them."
)


def experiment_words(records: Sequence[Mapping[str, Any]], *, awaited: int = 0) -> str:
    """Say what an experiment has come to, in sentences.

    Until the planned samples of all arms are reached, and all their transcripts are there, it says
    how far they are, and nothing else: whoever judges as soon as a difference shows finds one also
    where there is none.

    Args:
        records: As `arm_records` gives them.
        awaited: How many chats are over whose transcript is still to come, and with it replies.

    Example:
        >>> arm = {"arm": "a", "settled": 12, "sample": 400, "sample_reached": False}
        >>> experiment_words([arm])
        'Preliminary: a has 12 of 400 planned. Nothing can be concluded before all are there.'
    """
    arms = [record for record in records if record["arm"] != HELD_OUT]
    planned = [record for record in arms if record.get("sample")]
    held_out = len(arms) < len(records) and not any("outcomes_known" in r for r in records)
    is_there = len(planned) == len(arms) and all(record["sample_reached"] for record in planned)
    if planned and is_there and not awaited:
        told = [_REACHED, *_apart(arms)]
    else:
        told = [_preliminary(arms, planned, awaited)]
    if held_out:
        told.append(_NO_REPLIES)
    return " ".join(told)


def _preliminary(
    arms: Sequence[Mapping[str, Any]], planned: Sequence[Mapping[str, Any]], awaited: int
) -> str:
    if not planned and len(arms) < _LEAST_ARMS:
        return "There is one arm."
    if not planned:
        return (
            "No sample was planned, so that no moment is the one at which to judge: all numbers "
            "stay preliminary. Plan one as `sample` of each variant, before the campaign begins."
        )
    told = [*map(_so_far, arms), *_awaited(awaited)]
    return f"Preliminary: {'; '.join(told)}. Nothing can be concluded before all are there."


def _so_far(record: Mapping[str, Any]) -> str:
    if not record.get("sample"):
        return f"{record['arm']} has no planned sample"
    return f"{record['arm']} has {record['settled']:,} of {record['sample']:,} planned"


def _awaited(count: int) -> Iterator[str]:
    if count:
        yield f"{count:,} transcript{'s are' if count > 1 else ' is'} not there yet"


def _apart(arms: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    first = arms[0]["arm"]
    for record in arms:
        if "difference" not in record:
            continue
        low, high = record["difference_low"], record["difference_high"]
        said = "the data do not tell the two apart" if low <= 0 <= high else "0 is not between them"
        yield (
            f"{record['arm']} against {first}: reply rate {_points(record['difference'])}, with "
            f"95 % or more between {_points(low)} and {_points(high)}: {said}."
        )


def _points(value: float) -> str:
    return f"{value * 100:+.1f} points"
