from html.parser import HTMLParser

from hypothesis import given
from hypothesis import strategies as st

from connect_tasks.emulator.page.elements import Html, element

TEXTS = st.text(st.characters(exclude_characters="\r\x00", exclude_categories=["Cs"]))


class Seen(HTMLParser):
    """What a browser makes of a piece of HTML."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


@given(text=TEXTS, value=TEXTS)
def test_whatever_goes_in_is_read_as_text_and_never_as_html(text: str, value: str) -> None:
    seen = Seen(element("p", text, title=value))

    assert seen.tags == [("p", {"title": value})]
    assert seen.text == text


@given(text=TEXTS)
def test_what_is_html_already_is_not_escaped_again(text: str) -> None:
    inner = element("b", text)

    assert (
        element("p", inner, [inner, [text]]) == f"<p>{inner}{inner}{element('b', text)[3:-4]}</p>"
    )
    assert isinstance(inner, Html)


def test_attributes_without_a_value_are_named_or_left_out() -> None:
    assert element(
        "input", required=True, disabled=False, value=None, aria_label="x", for_="y"
    ) == ('<input required aria-label="x" for="y">')
