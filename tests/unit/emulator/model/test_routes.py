from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connect_tasks.emulator.model.operations import OWNERS, route_of
from connect_tasks.emulator.model.routes import find_route


@given(operation=st.sampled_from(sorted(OWNERS)), value=st.text(max_size=60))
def test_a_member_of_the_path_may_hold_anything_percent_encoded(operation: str, value: str) -> None:
    method, template = route_of(operation)
    names = [part[1:-1] for part in template.split("/") if part.startswith("{")]
    path = template.format(**dict.fromkeys(names, quote(value, safe="")))

    destination = find_route(method, path)

    assert destination is not None
    assert (destination.operation, destination.is_served) == (operation, True)
    assert destination.params == dict.fromkeys(names, value)


@pytest.mark.parametrize(
    ("method", "path", "operation"),
    [
        ("POST", "/search-agent-statuses", "SearchAgentStatuses"),
        ("POST", "/contact/schedule", "UpdateContactSchedule"),
        ("GET", "/users-summary/a", "ListUsers"),
    ],
)
def test_an_operation_that_is_not_served_is_known(method: str, path: str, operation: str) -> None:
    destination = find_route(method, path)

    assert destination is not None
    assert (destination.operation, destination.is_served) == (operation, False)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/contact/chat"),
        ("put", "/contact/chat"),
        ("PUT", "/contact/chat/"),
        ("PUT", "//contact/chat"),
        ("PUT", "contact/chat"),
        ("GET", "/contacts/a/b/c/d/e/f/g"),
        ("GET", ""),
    ],
)
def test_what_amazon_does_not_have_leads_nowhere(method: str, path: str) -> None:
    assert find_route(method, path) is None
