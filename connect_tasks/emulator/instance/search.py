"""SearchContacts: which contacts are found, in which order, page by page."""

import base64
import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any, NamedTuple

from connect_tasks.emulator.instance.chat import Chat
from connect_tasks.emulator.instance.descriptions import Contact, method_of, summarise
from connect_tasks.emulator.model.errors import RefusedError
from connect_tasks.emulator.model.strict_json import read_json

__all__ = ["search"]

_DEFAULT_RESULTS = 100
# How contacts are sorted unless told otherwise is not documented.
_DEFAULT_SORT = {"FieldName": "INITIATION_TIMESTAMP", "Order": "DESCENDING"}
_TIMES: Mapping[str, Callable[[Contact], float | None]] = {
    "INITIATION_TIMESTAMP": lambda contact: contact.started_at.timestamp(),
    "DISCONNECT_TIMESTAMP": lambda contact: _seconds(contact.ended_at),
    "CONNECTED_TO_AGENT_TIMESTAMP": lambda contact: _seconds(_agent_joined_at(contact)),
}
_SERVED = {"Channels", "InitiationMethods", "SearchableContactAttributes", "AgentIds", "QueueIds"}


class _Place(NamedTuple):
    """Where a contact stands in the order: what it is sorted by, and its id to tell two apart."""

    value: float | str
    contact_id: str


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
    is_descending = sort["Order"] == "DESCENDING"
    found = {
        _place(contact, sort["FieldName"]): contact
        for contact in contacts
        if _matches(contact, request)
    }
    places = sorted(found, reverse=is_descending)
    after = _read_token(request)
    if after is not None:
        places = [p for p in places if (p < after if is_descending else p > after)]
    page = places[: request.get("MaxResults") or _DEFAULT_RESULTS]
    told = [summarise(found[place], instance_arn) for place in page]
    answer = {"Contacts": told, "TotalCount": len(found)}
    return answer | ({"NextToken": _token(request, page[-1])} if len(page) < len(places) else {})


def _check(request: Mapping[str, Any]) -> None:
    criteria = {name for name, value in (request.get("SearchCriteria") or {}).items() if value}
    if unserved := sorted(criteria - _SERVED):
        message = f"SearchCriteria.{unserved[0]} is not served here"
        raise RefusedError("InvalidRequestException", message)
    if request["TimeRange"]["StartTime"] > request["TimeRange"]["EndTime"]:
        message = "TimeRange.StartTime must not be after TimeRange.EndTime"
        raise RefusedError("InvalidRequestException", message)


def _place(contact: Contact, field: str) -> _Place:
    names = {
        "INITIATION_METHOD": method_of(contact),
        "CHANNEL": "CHAT",
    }
    moment = _time(contact, field)
    # What has no such time comes before what has.
    return _Place(names.get(field, moment if moment is not None else -1.0), contact.contact_id)


def _matches(contact: Contact, request: Mapping[str, Any]) -> bool:
    times = request["TimeRange"]
    moment = _time(contact, times["Type"])
    if moment is None or not times["StartTime"] <= moment <= times["EndTime"]:
        return False
    return all(_criteria(contact, request.get("SearchCriteria") or {}))


def _criteria(contact: Contact, criteria: Mapping[str, Any]) -> Iterator[bool]:
    method = method_of(contact)
    joined = contact.agent_joined if isinstance(contact, Chat) else None
    for name, value in (
        ("Channels", "CHAT"),
        ("InitiationMethods", method),
        ("AgentIds", joined.participant_id if joined else None),
        # No contact here ever waits in a queue.
        ("QueueIds", None),
    ):
        if criteria.get(name):
            yield value in criteria[name]
    if criteria.get("SearchableContactAttributes"):
        yield _has_attributes(contact, criteria["SearchableContactAttributes"])


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


def _time(contact: Contact, name: str) -> float | None:
    """A time of a contact; those of queues and schedules no contact here has."""
    return _TIMES[name](contact) if name in _TIMES else None


def _agent_joined_at(contact: Contact) -> datetime | None:
    joined = contact.agent_joined if isinstance(contact, Chat) else None
    return joined.absolute_time if joined else None


def _seconds(moment: datetime | None) -> float | None:
    return moment.timestamp() if moment is not None else None


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
        place = _Place(float(value) if isinstance(value, (int, float)) else value, contact_id)
    except (ValueError, TypeError):
        fingerprint, place = None, _Place("", "")
    if fingerprint != _fingerprint(request):
        raise RefusedError("InvalidRequestException", "NextToken is not valid")
    return place
