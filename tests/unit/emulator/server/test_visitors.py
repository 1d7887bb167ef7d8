"""Who may look at the page and send its forms: a browser's word for where it comes from."""

import pytest

from connect_tasks.emulator.server.visitors import (
    is_host_known,
    is_host_local,
    is_host_written,
    is_own_form,
    url_host,
)

HOST = {"host": "127.0.0.1:4577"}
OWN = {"origin": "http://127.0.0.1:4577"}
SAME = {"sec-fetch-site": "same-origin"}


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "127.0.0.1:4577",
        "localhost:8080",
        "LOCALHOST",
        "bucket.localhost:1",
        "[::1]",
        "[::1]:4577",
        "192.168.1.7:80",
    ],
)
def test_this_machine_and_addresses_are_known(host: str) -> None:
    assert is_host_known(host)


@pytest.mark.parametrize(
    "host",
    [
        "",
        "evil.example",
        "evil.example:4577",
        "localhost.evil.example",
        "notlocalhost",
        "127.0.0.1.evil.example",
        "a b",
        "localhost/",
        "user@localhost",
        "localhost:x",
        "::1",
    ],
)
def test_a_name_that_may_have_been_bent_to_here_is_not(host: str) -> None:
    assert not is_host_known(host)


@pytest.mark.parametrize(
    "headers",
    [
        {**HOST, **OWN},
        {**HOST, **SAME},
        {**HOST, **OWN, **SAME},
        {"host": "box:1", "origin": "https://box:1"},
    ],
)
def test_the_pages_own_forms_may_act(headers: dict[str, str]) -> None:
    assert is_own_form(headers)


@pytest.mark.parametrize(
    "more",
    [
        {},
        {"origin": "null"},
        {"origin": ""},
        {"origin": "http://evil.example"},
        {"origin": "http://127.0.0.1:8080"},
        {"origin": "http://127.0.0.1:4577.evil.example"},
        {"origin": "file://127.0.0.1:4577"},
        *({**OWN, "sec-fetch-site": site} for site in ("cross-site", "same-site", "none", "")),
        {**SAME, "origin": "http://evil.example"},
    ],
)
def test_forms_of_other_sites_and_of_who_does_not_say_may_not(more: dict[str, str]) -> None:
    assert not is_own_form({**HOST, **more})


@pytest.mark.parametrize(
    ("host", "is_local"),
    [
        ("127.0.0.1", True),
        ("127.8.8.8", True),
        ("::1", True),
        ("localhost", True),
        ("0.0.0.0", False),  # noqa: S104 - text, not a socket
        ("::", False),
        ("192.168.1.7", False),
        ("box", False),
    ],
)
def test_only_loopback_is_this_machines_alone(host: str, *, is_local: bool) -> None:
    assert is_host_local(host) is is_local


@pytest.mark.parametrize(
    ("host", "written"),
    [
        ("0.0.0.0", "127.0.0.1"),  # noqa: S104 - text, not a socket
        ("::", "[::1]"),
        ("::1", "[::1]"),
        ("10.0.0.1", "10.0.0.1"),
        ("box.example", "box.example"),
        ("localhost", "localhost"),
    ],
)
def test_a_url_names_a_host_that_can_be_asked(host: str, written: str) -> None:
    assert url_host(host) == written


@pytest.mark.parametrize("host", ["a b", "a\r\nb", "x/y", "x?y", "", "u@h", "h:port", "h:123456"])
def test_what_is_no_host_is_not_taken_for_one(host: str) -> None:
    assert not is_host_written(host)
