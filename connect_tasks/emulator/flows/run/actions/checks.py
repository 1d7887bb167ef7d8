"""Actions that find something out: comparisons, loops, chance, hours and metrics."""

from typing import Any

from connect_tasks.emulator.flows.exported.document import Action
from connect_tasks.emulator.flows.run.context import Context
from connect_tasks.emulator.flows.run.numbers import whole
from connect_tasks.emulator.flows.run.outcomes import Done, Failed, Outcome, Result
from connect_tasks.emulator.flows.world.world import Agents, Queue, named

__all__ = [
    "check_hours",
    "check_metric",
    "compare",
    "distribute",
    "get_metrics",
    "loop",
]

_MOST_ROUNDS = 100


def compare(context: Context, action: Action) -> Outcome:
    """Compare a value with each condition."""
    value = context.memory.value(action.parameters.get("ComparisonValue", ""))
    return Result(value, "not set" if value is None else f"compared: {value}")


def loop(context: Context, action: Action) -> Outcome:
    """Go round as often as it says, then out once, and from then on anew."""
    count = whole(context.text(action.parameters, "LoopCount"))
    if count is None or count > _MOST_ROUNDS:
        return Failed(f"LoopCount is no whole number from 0 to {_MOST_ROUNDS}")
    key = (context.flow.file or context.flow.name, action.identifier)
    done = context.rounds.get(key, 0)
    context.rounds[key] = done + 1 if done < count else 0
    if name := action.parameters.get("LoopName"):
        context.memory.loops[str(name)] = {"Index": done}
    return Result("ContinueLooping" if done < count else "DoneLooping", f"{done} of {count}")


def distribute(context: Context, _action: Action) -> Outcome:
    """Draw a number from 1 to 100."""
    drawn = str(context.draw())
    return Result(drawn, f"drawn: {drawn}")


def check_hours(context: Context, action: Action) -> Outcome:
    """Whether it is open: by the hours that are named, else by those of the target queue."""
    arn = context.text(action.parameters, "HoursOfOperationId") or _hours_of_queue(context)
    found = named(context.world.hours, arn) if arn else None
    if found is None:
        return Failed(f"no hours of operation {arn}" if arn else "no hours, and no target queue")
    return Result(str(found[1].is_open(context.now)), f"at {context.now.isoformat()}")


def check_metric(context: Context, action: Action) -> Outcome:
    """A metric of a queue, as the world says it."""
    found = _queue(context, action)
    metric = context.text(action.parameters, "MetricType")
    value = _METRICS.get(metric)
    if found is None or value is None:
        return Failed("no such queue" if found is None else f"no metric {metric}")
    return Result(str(value(found[1])), f"{metric}: {value(found[1])}")


def get_metrics(context: Context, action: Action) -> Outcome:
    """Read all metrics of a queue."""
    found = _queue(context, action)
    if found is None:
        return Failed("no such queue")
    arn, queue = found
    agents = _agents(queue)
    counts = {"Online": agents.online, "Available": agents.available, "Staffed": agents.staffed}
    context.memory.metrics = {
        "Queue": {
            "Name": queue.name,
            "ARN": arn,
            "Size": queue.waiting,
            "OldestContactAge": queue.oldest_seconds,
        },
        "Agents": {name: {"Count": count} for name, count in counts.items()},
    }
    return Done()


def _hours_of_queue(context: Context) -> str:
    return (context.memory.queue[1].hours or "") if context.memory.queue else ""


def _queue(context: Context, action: Action) -> tuple[str, Queue] | None:
    if action.parameters.get("AgentId"):
        return None
    arn = context.text(action.parameters, "QueueId")
    return named(context.world.queues, arn) if arn else context.memory.queue


def _agents(queue: Queue) -> Agents:
    """What the metrics show; a scripted agent counts as one who is free."""
    count = 1 if queue.agent else 0
    return queue.agents or Agents(online=count, staffed=count, available=count)


_METRICS: dict[str, Any] = {
    "NumberOfAgentsAvailable": lambda queue: _agents(queue).available,
    "NumberOfAgentsStaffed": lambda queue: _agents(queue).staffed,
    "NumberOfAgentsOnline": lambda queue: _agents(queue).online,
    "OldestContactInQueueAgeSeconds": lambda queue: queue.oldest_seconds,
    "NumberOfContactsInQueue": lambda queue: queue.waiting,
}
