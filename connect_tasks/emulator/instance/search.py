"""SearchContacts: which contacts are found, in which order, page by page."""

import base64
import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from heapq import nlargest, nsmallest
from typing import Any

from connect_tasks.emulator.instance.chat import Chat
from connect_tasks.emulator.instance.descriptions import Contact, method_of, queue_info, summarise
from connect_tasks.emulator.model.errors import RefusedError
from connect_tasks.emulator.model.strict_json import read_json

__all__ = ["search"]

_DEFAULT_RESULTS = 100
# How contacts are sorted unless told otherwise is not documented.
_DEFAULT_SORT = {"FieldName": "INITIATION_TIMESTAMP", "Order": "DESCENDING"}
_SERVED = {"Channels", "InitiationMethods", "SearchableContactAttributes", "AgentIds", "QueueIds"}
_NEVER = -1.0

# Where a contact stands in the order: what it is sorted by, and its id to tell two apart.
_Place = tuple[float | str, str]
_Test = Callable[[Contact], bool]


def search(
    contacts: Iterable[Contact], request: Mapping[str, Any], instance_arn: str
) -> dict[str, Any]:
    """One page of SearchContacts.

    A page begins after the last contact of the page before, so that a contact that comes into
    being between two pages moves no other one.

    Args:
        contacts: Every contact.
        request: SearchContacts' parameters.
        instance_arn: The instance's ARN.

    Raises:
        RefusedError: A criterion is not served here, the times are the wrong way round, or the
            page token belongs to another search.
    """
    _check(request)
    sort = request.get("Sort") or _DEFAULT_SORT
    places = _places(_found(contacts, request), sort["FieldName"])
    page, is_last = _page(places, request, is_descending=sort["Order"] == "DESCENDING")
    told = [summarise(places[place], instance_arn) for place in page]
    answer = {"Contacts": told, "TotalCount": len(places)}
    return answer if is_last else answer | {"NextToken": _token(request, page[-1])}


def _check(request: Mapping[str, Any]) -> None:
    criteria = {name for name, value in (request.get("SearchCriteria") or {}).items() if value}
    if unserved := sorted(criteria - _SERVED):
        message = f"SearchCriteria.{unserved[0]} is not served here"
        raise RefusedError("InvalidRequestException", message)
    if request["TimeRange"]["StartTime"] > request["TimeRange"]["EndTime"]:
        message = "TimeRange.StartTime must not be after TimeRange.EndTime"
        raise RefusedError("InvalidRequestException", message)


def _page(
    places: Iterable[_Place], request: Mapping[str, Any], *, is_descending: bool
) -> tuple[list[_Place], bool]:
    """The places of one page in their order, and whether it is the last one."""
    after, size = _read_token(request), request.get("MaxResults") or _DEFAULT_RESULTS
    if after is not None:
        places = [p for p in places if (p < after if is_descending else p > after)]
    choose = nlargest if is_descending else nsmallest
    page = choose(size + 1, places)
    return page[:size], len(page) <= size


def _found(contacts: Iterable[Contact], request: Mapping[str, Any]) -> list[Contact]:
    times = request["TimeRange"]
    begin, end, time_of = times["StartTime"], times["EndTime"], _time_of(times["Type"])
    tests = tuple(_tests(request.get("SearchCriteria") or {}))
    # Both ends count; AWS does not say.
    return [
        contact
        for contact in contacts
        if max(begin, 0) <= time_of(contact) <= end and all(test(contact) for test in tests)
    ]


def _places(contacts: Iterable[Contact], field: str) -> dict[_Place, Contact]:
    if field == "CHANNEL":
        return {("CHAT", contact.contact_id): contact for contact in contacts}
    if field == "INITIATION_METHOD":
        return {(method_of(contact), contact.contact_id): contact for contact in contacts}
    time_of = _time_of(field)
    return {(time_of(contact), contact.contact_id): contact for contact in contacts}


def _tests(criteria: Mapping[str, Any]) -> Iterator[_Test]:
    """What a contact must be, of all that is asked for."""
    if methods := criteria.get("InitiationMethods"):
        yield lambda contact: method_of(contact) in methods
    if attributes := criteria.get("SearchableContactAttributes"):
        yield lambda contact: _has_attributes(contact, attributes)
    if agents := criteria.get("AgentIds"):
        yield lambda contact: _agent_id(contact) in agents
    if queues := criteria.get("QueueIds"):
        yield lambda contact: _queue_id(contact) in queues
    # Every contact here is a chat.
    if "CHAT" not in (criteria.get("Channels") or ["CHAT"]):
        yield lambda _: False


def _has_attributes(contact: Contact, wanted: Mapping[str, Any]) -> bool:
    attributes = contact.attributes if isinstance(contact, Chat) else {}
    hits = [attributes.get(one["Key"]) in one["Values"] for one in wanted["Criteria"]]
    match wanted.get("MatchType") or "MATCH_ALL":
        case "MATCH_ANY":
            return any(hits)
        case "MATCH_NONE":
            return not any(hits)
        case _:
            return all(hits)


def _agent_id(contact: Contact) -> str | None:
    joined = contact.agent_joined if isinstance(contact, Chat) else None
    return joined.participant_id if joined else None


def _queue_id(contact: Contact) -> str | None:
    info = queue_info(contact)
    return info["Id"] if info else None


def _enqueued_at(contact: Contact) -> float:
    info = queue_info(contact)
    return info["EnqueueTimestamp"] if info else _NEVER


def _time_of(name: str) -> Callable[[Contact], float]:
    """Gives a time of a contact in seconds, before all others where it has none."""
    match name:
        case "INITIATION_TIMESTAMP":
            return lambda contact: contact.started_at.timestamp()
        case "DISCONNECT_TIMESTAMP":
            return lambda contact: contact.ended_at.timestamp() if contact.ended_at else _NEVER
        case "CONNECTED_TO_AGENT_TIMESTAMP":
            return _agent_joined_at
        case "ENQUEUE_TIMESTAMP":
            return _enqueued_at
        case _:
            # That of a schedule no contact here has.
            return lambda _: _NEVER


def _agent_joined_at(contact: Contact) -> float:
    joined = contact.agent_joined if isinstance(contact, Chat) else None
    return joined.absolute_time.timestamp() if joined else _NEVER


def _fingerprint(request: Mapping[str, Any]) -> str:
    """What is searched, without what may differ from page to page."""
    asked = {k: v for k, v in request.items() if k not in ("NextToken", "MaxResults") and v}
    return hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()[:16]


def _token(request: Mapping[str, Any], last: _Place) -> str:
    parts = [_fingerprint(request), *last]
    return base64.urlsafe_b64encode(json.dumps(parts).encode()).decode()


def _read_token(request: Mapping[str, Any]) -> _Place | None:
    token = request.get("NextToken")
    if not token:
        return None
    try:
        fingerprint, value, contact_id = read_json(base64.urlsafe_b64decode(token))
        place = (value, contact_id)
    except (ValueError, TypeError):
        fingerprint, place = None, ("", "")
    if fingerprint != _fingerprint(request):
        raise RefusedError("InvalidRequestException", "NextToken is not valid")
    return place
