"""Lists of what an instance has: flows, queues, and the instance itself, page by page."""

import base64
from collections.abc import Mapping, Sequence
from typing import Any

from connect_tasks.emulator.instance.backend import Backend
from connect_tasks.emulator.instance.descriptions import describe_instance, flow_type, queue_id
from connect_tasks.emulator.model.errors import RefusedError

__all__ = ["Listings"]

_DEFAULT_RESULTS = 100
_DEFAULT_INSTANCES = 10
_MARK = "after:"


class Listings:
    """The calls that list something.

    Args:
        backend: The instance.
    """

    def __init__(self, backend: Backend) -> None:
        self._backend = backend

    def list_instances(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """ListInstances: this one."""
        backend = self._backend
        instance = describe_instance(backend.instance_id, backend.instance_arn)["Instance"]
        return _page("InstanceSummaryList", [instance], request, _DEFAULT_INSTANCES)

    def list_contact_flows(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """ListContactFlows: scripted and exported ones, by name; all of them are published."""
        backend = self._backend
        backend.check_instance(request)
        wanted = request.get("ContactFlowTypes")
        flows = [
            {
                "Id": flow_id,
                "Arn": backend.flow_arn(name),
                "Name": name,
                "ContactFlowType": flow_type(backend.flows.exported.get(name)),
                "ContactFlowState": "ACTIVE",
                "ContactFlowStatus": "PUBLISHED",
            }
            for name, flow_id in sorted(backend.flow_ids.items())
        ]
        found = [flow for flow in flows if not wanted or flow["ContactFlowType"] in wanted]
        return _page("ContactFlowSummaryList", found, request, _DEFAULT_RESULTS)

    def list_queues(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """ListQueues: those of the world, by name; none of them is an agent's own."""
        self._backend.check_instance(request)
        types = request.get("QueueTypes")
        queues = [
            {
                "Id": queue_id(arn),
                "Arn": arn,
                "Name": queue.name or queue_id(arn),
                "QueueType": "STANDARD",
            }
            for arn, queue in self._backend.flows.world.queues.items()
            if not types or "STANDARD" in types
        ]
        queues.sort(key=lambda queue: (queue["Name"], queue["Arn"]))
        return _page("QueueSummaryList", queues, request, _DEFAULT_RESULTS)


def _page(
    name: str, found: Sequence[Mapping[str, Any]], request: Mapping[str, Any], default: int
) -> dict[str, Any]:
    """One page of a list that does not change while the instance runs."""
    begin = _read_token(request.get("NextToken"), len(found))
    end = begin + (request.get("MaxResults") or default)
    answer: dict[str, Any] = {name: list(found[begin:end])}
    return answer if end >= len(found) else answer | {"NextToken": _token(end)}


def _token(begin: int) -> str:
    return base64.urlsafe_b64encode(f"{_MARK}{begin}".encode()).decode()


def _read_token(token: str | None, count: int) -> int:
    if not token:
        return 0
    for begin in range(1, count):
        if token == _token(begin):
            return begin
    raise RefusedError("InvalidRequestException", "NextToken is not valid")
