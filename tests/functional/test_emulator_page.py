"""The page of the local Connect over HTTP: its forms as a browser sends them, and as others do."""

import re
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from connect_tasks.emulator import LocalConnect, LocalQuotas


@pytest.fixture(name="local")
def _local() -> Iterator[LocalConnect]:
    with LocalConnect(quotas=LocalQuotas.unlimited()) as local:
        yield local


@pytest.fixture(name="visitor")
def _visitor(local: LocalConnect) -> Iterator[httpx.Client]:
    """Somebody who has the page open."""
    headers = {"Origin": local.endpoint_url, "Sec-Fetch-Site": "same-origin"}
    with httpx.Client(
        base_url=local.endpoint_url, headers=headers, follow_redirects=True, trust_env=False
    ) as client:
        yield client


def start(visitor: httpx.Client, local: LocalConnect, **fields: str) -> httpx.Response:
    flow_id = local.flow_ids["echo"]
    form = {"flow": flow_id, "name": "Ada", "attributes": "", "message": "", "address": "/"}
    return visitor.post("/_page/start", data={**form, **fields})


def said(local: LocalConnect) -> list[tuple[str | None, str | None]]:
    (contact,) = local.contacts
    messages = (item for item in contact.transcript if item.type == "MESSAGE")
    return [(item.participant_role, item.content) for item in messages]


def test_a_chat_is_started_spoken_in_by_both_and_ended(
    visitor: httpx.Client, local: LocalConnect
) -> None:
    page = start(visitor, local, attributes="plan=basic\r\nregion=EMEA", message="Good morning")
    address = page.url.raw_path.decode()
    (contact,) = local.contacts
    for role, text in (("CUSTOMER", "ping"), ("AGENT", "May I help?")):
        page = visitor.post("/_page/say", data={"address": address, "as": role, "text": text})
        assert page.status_code == 200
        assert text in page.text
    page = visitor.post("/_page/leave", data={"address": address, "as": "AGENT"})

    assert contact.attributes == {"plan": "basic", "region": "EMEA"}
    assert said(local) == [
        ("CUSTOMER", "Good morning"),
        ("SYSTEM", "Hello Ada, I repeat whatever you say."),
        ("CUSTOMER", "ping"),
        ("SYSTEM", "ping"),
        ("AGENT", "May I help?"),
    ]
    assert local.contacts[0].disconnect_reason == "AGENT_DISCONNECT"
    assert "This chat is over" in page.text


def test_what_was_typed_is_still_there_when_it_was_refused(
    visitor: httpx.Client, local: LocalConnect
) -> None:
    page = start(visitor, local, attributes="plan: <basic>")

    assert page.status_code == 400
    assert "Attributes, line 1: write name=value." in page.text
    assert re.search(r"<textarea[^>]*>plan: &lt;basic&gt;</textarea>", page.text)
    assert not local.contacts


def test_a_refusal_of_amazons_is_told_on_the_page(
    visitor: httpx.Client, local: LocalConnect
) -> None:
    page = start(visitor, local, name="x" * 257)

    assert page.status_code == 400
    assert re.search(r'<p role="alert">[^<]*DisplayName', page.text)


def test_a_chat_that_has_ended_meanwhile_is_told(
    visitor: httpx.Client, local: LocalConnect
) -> None:
    address = start(visitor, local).url.raw_path.decode()
    leave = {"address": address, "as": "CUSTOMER"}
    visitor.post("/_page/leave", data=leave)
    page = visitor.post("/_page/leave", data=leave)

    assert page.status_code == 410
    assert "already ended" in page.text
    assert local.contacts[0].disconnect_reason == "CUSTOMER_DISCONNECT"


@pytest.mark.parametrize("action", ["start", "say", "leave"])
@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://evil.example", "Sec-Fetch-Site": "cross-site"},
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "same-site"},
        {},
    ],
)
def test_a_form_of_another_site_changes_nothing(
    visitor: httpx.Client, local: LocalConnect, action: str, headers: dict[str, str]
) -> None:
    address = start(visitor, local).url.raw_path.decode()
    before = local.contacts
    form = {"address": address, "as": "AGENT", "text": "x", "flow": local.flow_ids["echo"]}
    answer = httpx.post(f"{local.endpoint_url}/_page/{action}", data=form, headers=headers)

    assert answer.status_code == 403
    assert local.contacts == before


@pytest.mark.parametrize("path", ["/", "/_local/contacts", "/_local/tokens", "/_local/"])
def test_a_site_whose_name_was_bent_to_here_sees_nothing(local: LocalConnect, path: str) -> None:
    answer = httpx.get(f"{local.endpoint_url}{path}", headers={"Host": "evil.example"})

    assert answer.status_code == 403
    assert "127.0.0.1" in answer.text


def test_a_form_under_a_name_that_was_bent_to_here_is_refused(local: LocalConnect) -> None:
    headers = {"Host": "evil.example", "Origin": "http://evil.example"}
    answer = httpx.post(f"{local.endpoint_url}/_page/start", data={"x": "y"}, headers=headers)

    assert answer.status_code == 403


@pytest.mark.parametrize("path", ["/", "/_local/contacts", "/_local/tokens"])
def test_no_page_of_another_site_may_read_it(local: LocalConnect, path: str) -> None:
    answer = httpx.get(f"{local.endpoint_url}{path}", headers={"Origin": "http://evil.example"})

    assert answer.status_code == 200
    assert "access-control-allow-origin" not in answer.headers


@pytest.mark.parametrize(
    ("path", "members", "status"),
    [
        ("nothing", {"data": {"a": "b"}}, 404),
        ("say", {"json": {"text": "x"}}, 415),
        ("say", {"content": b"text=x"}, 415),
        ("say", {"data": {str(number): "x" for number in range(50)}}, 400),
        ("say", {"data": {"text": "x"}}, 410),
        ("say", {"data": {"text": "x" * 600_000}}, 413),
    ],
)
def test_what_is_no_form_of_the_page_is_refused(
    visitor: httpx.Client, path: str, members: dict[str, Any], status: int
) -> None:
    assert visitor.post(f"/_page/{path}", **members).status_code == status


@pytest.mark.parametrize("body", [b"\xff\xfe", b"text=%ff%fe", b"a=b" + b"&c=d" * 40])
def test_bytes_that_are_no_form_are_refused(visitor: httpx.Client, body: bytes) -> None:
    kind = {"Content-Type": "application/x-www-form-urlencoded"}

    assert visitor.post("/_page/say", content=body, headers=kind).status_code == 400


def test_a_chat_that_is_not_there_is_said(visitor: httpx.Client) -> None:
    page = visitor.get("/?contact=nobody&show=everything&as=root")

    assert page.status_code == 404
    assert "There is no such chat here." in page.text


def test_a_head_has_the_headers_of_the_page_and_no_body(visitor: httpx.Client) -> None:
    head = visitor.head("/")

    assert head.status_code == 200
    assert head.content == b""
    assert "script-src 'sha256-" in head.headers["content-security-policy"]


def test_the_default_flow_is_chosen_beforehand(visitor: httpx.Client, local: LocalConnect) -> None:
    assert f'value="{local.flow_id}" selected' in visitor.get("/").text


def test_the_rooms_of_json_are_listed_and_served(local: LocalConnect) -> None:
    rooms = httpx.get(f"{local.endpoint_url}/_local/").json()

    assert "/_local/contacts" in rooms
    for room in rooms:
        assert httpx.get(f"{local.endpoint_url}{room}").status_code == 200
