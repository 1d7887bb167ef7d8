"""The page before a browser sees it: its texts, what goes into it, and its policy."""

import base64
import hashlib
import json
import re
from html import unescape
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connect_tasks.errors import InputError
from connect_tasks.invitations.page import InvitationPage, PageEndpoint, RenderedPage
from connect_tasks.invitations.page_policy import checked_origins

LOCAL = PageEndpoint("http://127.0.0.1:8001")
LANGUAGES = ("en", "de", "fr", "es")
PLACEHOLDER = re.compile(r"\{\w+\}")


def rules(page: RenderedPage) -> dict[str, list[str]]:
    parts = [rule.split() for rule in page.headers["Content-Security-Policy"].split("; ")]
    return {name: values for name, *values in parts}


def settings(page: RenderedPage) -> dict[str, Any]:
    found = re.search(r'<script type="application/json" id="settings">(.*?)</script>', html(page))
    assert found
    read: dict[str, Any] = json.loads(found[1])
    return read


def html(page: RenderedPage) -> str:
    return page.body.decode()


def sha256(code: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(code.encode()).digest()).decode()}'"


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_language_has_all_texts_with_the_same_places_to_fill_in(language: str) -> None:
    english, texts = (InvitationPage.shipped_texts(each) for each in ("en", language))

    assert list(texts) == list(english)
    assert all(text.strip() == text != "" for text in texts.values())
    for name, text in texts.items():
        assert sorted(PLACEHOLDER.findall(text)) == sorted(PLACEHOLDER.findall(english[name])), name


def test_every_text_is_used_by_the_page() -> None:
    page = (files("connect_tasks.invitations") / "page.html").read_text(encoding="utf-8")

    unused = [name for name in InvitationPage.shipped_texts() if f"texts.{name}" not in page]
    assert unused == ["title"]
    used = set(re.findall(r"\btexts\.(\w+)", page))
    assert used <= set(InvitationPage.shipped_texts())


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_page_is_of_its_language_and_says_nothing_in_another(language: str) -> None:
    page = InvitationPage(language).render(LOCAL)

    assert f'<html lang="{language}" dir="ltr">' in html(page)
    assert page.headers["Content-Language"] == language
    assert InvitationPage.shipped_texts(language)["start"] in unescape(html(page))


@pytest.mark.parametrize(
    ("language", "direction"),
    [
        ("en", "ltr"),
        ("de-AT", "ltr"),
        ("ar", "rtl"),
        ("he-IL", "rtl"),
        ("fa", "rtl"),
        ("az-Arab", "rtl"),
        ("ur-Latn-PK", "ltr"),
        ("pt-BR", "ltr"),
    ],
)
def test_a_language_decides_the_direction_of_writing(language: str, direction: str) -> None:
    page = InvitationPage(language, InvitationPage.shipped_texts()).render(LOCAL)

    assert f'<html lang="{language}" dir="{direction}">' in html(page)


def test_a_region_of_a_language_that_is_there_needs_no_texts() -> None:
    assert InvitationPage("es-MX").texts["send"] == "Enviar"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"language": "pt"}, "There are no texts in 'pt'.*welcome"),
        ({"language": "en us"}, "no language tag"),
        ({"language": ""}, "no language tag"),
        ({"texts": {"hello": "Hi"}}, "has no texts hello"),
        ({"texts": {"send": 3}}, "'send' must be a text, not int"),
        ({"texts": {"typing": "{who} writes"}}, r"'typing' can have filled in: \{name\}"),
        ({"texts": {"send": "{name}"}}, "'send' can have filled in: nothing"),
        ({"texts": {"too_long": "Too long"}}, r"must say where the number stands: \{count\}"),
        ({"images_from": "https://a.example"}, "must be a list of origins"),
        ({"images_from": ["a.example"]}, "'a.example' is no origin"),
        ({"images_from": ["https://a.example/path"]}, "no origin"),
        ({"sockets_to": ["https://a.example"]}, "no origin such as wss://"),
        ({"frame_ancestors": ["https://a.example; script-src *"]}, "no origin"),
        ({"template": "no/such/file.html"}, "file.html cannot be read"),
    ],
)
def test_what_cannot_be_used_is_refused_with_its_name(arguments: dict[str, Any], said: str) -> None:
    with pytest.raises(InputError, match=said):
        InvitationPage(**arguments)


@pytest.mark.parametrize("url", ["", "127.0.0.1:8001", "https://a.example/prod", "ws://a.example"])
def test_an_endpoint_is_an_origin_over_http(url: str) -> None:
    with pytest.raises(InputError, match="participant_url"):
        PageEndpoint(url)


@pytest.mark.parametrize(
    ("url", "sockets"),
    [
        (
            "https://participant.connect.us-east-1.amazonaws.com",
            "wss://*.transport.connect.us-east-1.amazonaws.com",
        ),
        (
            "https://participant.connect-fips.us-gov-west-1.amazonaws.com/",
            "wss://*.transport.connect.us-gov-west-1.amazonaws.com",
        ),
        ("http://127.0.0.1:8001", "ws://127.0.0.1:8001"),
        ("https://connect.example.com:8443", "wss://connect.example.com:8443"),
        ("https://participant.connect.evil.example", "wss://participant.connect.evil.example"),
    ],
)
def test_a_page_reaches_its_own_app_the_endpoint_and_its_sockets_only(
    url: str, sockets: str
) -> None:
    page = InvitationPage().render(PageEndpoint(url))

    assert rules(page)["connect-src"] == ["'self'", url.rstrip("/"), sockets]
    assert settings(page)["endpoint"] == url.rstrip("/")


def test_a_policy_allows_exactly_the_code_that_stands_in_the_page() -> None:
    page = InvitationPage().render(LOCAL)
    (script,) = re.findall(r"<script>(.*?)</script>", html(page), re.DOTALL)
    (style,) = re.findall(r"<style>(.*?)</style>", html(page), re.DOTALL)

    allowed = rules(page)
    assert allowed["default-src"] == ["'none'"]
    assert allowed["script-src"] == [sha256(script)]
    assert allowed["style-src"] == [sha256(style)]
    assert allowed["frame-ancestors"] == allowed["base-uri"] == allowed["form-action"] == ["'none'"]
    assert allowed["require-trusted-types-for"] == ["'script'"]
    assert "unsafe" not in page.headers["Content-Security-Policy"]


def test_what_the_owner_allows_more_stands_in_the_policy() -> None:
    page = InvitationPage(
        images_from=["https://cdn.example.com"],
        sockets_to=["wss://proxy.example.com"],
        frame_ancestors=["https://www.example.com"],
    ).render(LOCAL)

    assert "https://cdn.example.com" in rules(page)["img-src"]
    assert "wss://proxy.example.com" in rules(page)["connect-src"]
    assert rules(page)["frame-ancestors"] == ["https://www.example.com"]
    assert settings(page)["images"] == ["https://cdn.example.com"]


def test_a_page_has_nothing_of_customers_and_may_not_be_kept_or_found() -> None:
    headers = InvitationPage().render(LOCAL).headers

    assert headers["Cache-Control"] == "no-store"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert "noindex" in headers["X-Robots-Tag"]
    assert headers["Content-Type"] == "text/html; charset=utf-8"


def test_nothing_in_the_page_comes_from_elsewhere_and_no_text_becomes_markup() -> None:
    page = (files("connect_tasks.invitations") / "page.html").read_text(encoding="utf-8")

    assert re.findall(r"(?:src|href)=\"(?!data:)", page) == []
    assert re.findall(r"@import|url\(", page) == []
    banned = r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|DOMParser|eval\(|console\."
    assert re.findall(banned, page) == []
    assert re.findall(r"\bon\w+=\"|\bstyle=\"", page) == []


@given(title=st.text(), welcome=st.text().filter(lambda it: not PLACEHOLDER.search(it)))
def test_texts_of_any_kind_stay_texts(title: str, welcome: str) -> None:
    texts = {"welcome": welcome.replace("\r", ""), "send": f'</script><!-- " {title[:9]!r}'}
    texts = {name: PLACEHOLDER.sub("", text) for name, text in texts.items()}
    texts = {name: text.encode("utf-8", "replace").decode() for name, text in texts.items()}
    plain = InvitationPage().render(LOCAL)
    page = InvitationPage(title=title.encode("utf-8", "replace").decode(), texts=texts).render(
        LOCAL
    )

    assert html(page).count("<script") == html(plain).count("<script")
    assert html(page).count("</script>") == html(plain).count("</script>")
    assert html(page).count("<!--") == html(plain).count("<!--")
    assert rules(page)["script-src"] == rules(plain)["script-src"]
    assert settings(page)["texts"]["send"] == texts["send"]


@given(st.text())
def test_only_an_origin_can_stand_in_a_policy(text: str) -> None:
    try:
        checked_origins("images_from", [text])
    except InputError:
        return
    assert re.fullmatch(r"https?://[\w.*:\[\]-]+", text, re.ASCII)


def test_a_template_of_ones_own_replaces_parts_and_its_code_is_allowed(tmp_path: Path) -> None:
    template = tmp_path / "page.html"
    template.write_bytes(
        b'\xef\xbb\xbf{% extends "page.html" %}\r\n'
        b"{% block style %}<style>\r\n:root { --accent: #0a7 }\r\n</style>{% endblock %}\r\n"
        b'{% block brand %}<img src="/logo.png" alt="Acme">{% endblock %}\r\n'
        b"{% block head %}<script>var a = '<b>&amp;';\r\n</script>{% endblock %}\r\n"
    )
    page = InvitationPage(template=template).render(LOCAL)

    assert html(page).startswith("<!doctype html>")
    assert '<img src="/logo.png" alt="Acme">' in html(page)
    assert sha256("\n:root { --accent: #0a7 }\n") in rules(page)["style-src"]
    assert sha256("var a = '<b>&amp;';\n") in rules(page)["script-src"]
    assert len(rules(page)["script-src"]) == 2


def test_a_page_of_ones_own_altogether_gets_the_settings_and_a_policy(tmp_path: Path) -> None:
    template = tmp_path / "mine.html"
    template.write_text(
        '<html lang="{{ language }}"><script type="application/json">{{ settings|tojson }}</script>'
        "<script>1</script><script src=/mine.js></script>{{ title }}"
    )
    page = InvitationPage("fr", template=template, title="A & B").render(LOCAL)

    assert "A &amp; B" in html(page)
    assert rules(page)["script-src"] == [sha256("1")]
    assert rules(page)["style-src"] == ["'none'"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (b"{% block %}", "no Jinja2 template"),
        (b"{{ nobody }}", "cannot be filled"),
        (b"\xff", "read"),
    ],
)
def test_a_template_that_is_wrong_is_named(tmp_path: Path, text: bytes, said: str) -> None:
    (tmp_path / "page.html").write_bytes(text)

    with pytest.raises(InputError, match=said):
        InvitationPage(template=tmp_path / "page.html").render(LOCAL)


def test_a_page_is_made_once_for_an_endpoint() -> None:
    page = InvitationPage()

    assert page.render(LOCAL) is page.render(PageEndpoint("http://127.0.0.1:8001/"))
    assert page.render(LOCAL) is not page.render(PageEndpoint("http://127.0.0.1:8002"))
