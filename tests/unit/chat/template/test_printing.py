"""What a text may print: texts, numbers, truth values, dates and times, and nothing else."""

import datetime as dt
import re
import uuid
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connect_tasks.chat.template.chat_template import ChatTemplate
from connect_tasks.chat.template.renderer import Rendered, RowRenderer
from connect_tasks.tables.unreadable_cell import UnreadableCell


def bound(text: str) -> RowRenderer:
    """A template with one text beside the customer's id and name."""
    template = ChatTemplate(display_name="Ada", attributes={"a": text})
    return template.bind(instance_id="i-1", contact_flow_id="f-1")


def rendered(text: str, **row: Any) -> Rendered:
    return bound(text).render({"customer_id": "0042", **row})


def filled(text: str, **row: Any) -> str:
    result = rendered(text, **row)
    assert not result.problems
    assert result.request is not None
    assert result.request.attributes is not None
    return result.request.attributes["a"]


def wrong(text: str, **row: Any) -> str:
    """The one rule that a text breaks in a row."""
    (problem,) = rendered(text, **row).problems
    assert problem.field == "attributes.a"
    return problem.rule


# -- numbers and dates print the same on every way


@pytest.mark.parametrize(
    "way",
    [
        "{{ x }}",
        "{{ x ~ '' }}",
        "{{ '%s' % x }}",
        "{{ '%s' % (x,) }}",
        "{{ '%(x)s' % {'x': x} }}",
        "{{ '{}'.format(x) }}",
        "{{ '{!s}'.format(x) }}",
        "{{ '{x}'.format_map({'x': x}) }}",
        "{{ [x] | join }}",
        "{{ ''.join([x]) }}",
        "{{ x | string }}",
        "{{ '%s' | format(x) }}",
        "{{ 'y' | replace('y', x) }}",
        "{{ x | safe }}",
        "{% set y %}{{ x }}{% endset %}{{ y }}",
        "{% macro m(y) %}{{ y }}{% endmacro %}{{ m(x) }}",
        "{% filter trim %}{{ x }}{% endfilter %}",
    ],
)
@pytest.mark.parametrize(
    ("value", "printed"),
    [
        ("Ada", "Ada"),
        (7, "7"),
        (True, "True"),
        (2.5, "2.5"),
        (3.0, "3"),
        (-0.0, "0"),
        (1e16, "10000000000000000"),
        (Decimal("1.50"), "1.50"),
        (Decimal("5.00"), "5"),
        (Decimal("1E+3"), "1000"),
        (dt.date(2026, 11, 2), "2026-11-02"),
        (dt.datetime(2026, 11, 2, 9, 30, tzinfo=dt.UTC), "2026-11-02T09:30:00+00:00"),
        (dt.time(9, 30), "09:30:00"),
    ],
)
def test_a_value_prints_the_same_on_every_way(way: str, value: object, printed: str) -> None:
    assert filled(way, x=value) == printed


@pytest.mark.parametrize(
    ("text", "printed"),
    [
        ("{{ 10 / 2 }}", "5"),
        ("{{ '%d' % x }}", "3"),
        ("{{ '%.2f' % x }}", "3.00"),
        ("{{ '{:.1f}'.format(x) }}", "3.0"),
        ("{{ '{:>4}'.format(x) }}", "   3"),
        ("{{ '{:%d.%m.}'.format(day) }}", "02.11."),
        ("{{ day.year }}-{{ (day - day).days }}", "2026-0"),
        ("{{ [x, day] | tojson }}", '[3, "2026-11-02"]'),
        ("{{ '100 %% %s' % x }}", "100 % 3"),
        ("{{ '{0.year} {1[a.b]} {1[c][0]}'.format(day, {'a.b': 1, 'c': [2]}) }}", "2026 1 2"),
    ],
)
def test_numbers_and_dates_can_be_formatted(text: str, printed: str) -> None:
    assert filled(text, x=3.0, day=dt.date(2026, 11, 2)) == printed


# -- what is nothing to read


@pytest.mark.parametrize(
    "way",
    [
        "{{ x }}",
        "{{ 'y' ~ x }}",
        "{{ '%s' % x }}",
        "{{ '%s' % (x,) }}",
        "{{ '{}'.format(x) }}",
        "{{ '{0!s}'.format(x) }}",
        "{{ [x] | join }}",
        "{{ ''.join([x]) }}",
        "{{ x | string }}",
        "{{ x | upper }}",
        "{{ x | trim }}",
        "{{ x | e }}",
        "{{ x | replace('a', 'b') }}",
        "{{ 'a' | replace('a', x) }}",
        "{{ 'a' | replace(x, 'b') }}",
        "{{ '%s' | format(x) }}",
        "{{ x | int }}",
        "{{ [x] | map('string') | join }}",
        "{{ [[x]] | map('join') | join }}",
        "{% for y in [x] %}{{ y }}{% endfor %}",
        "{% filter upper %}{{ x }}{% endfilter %}",
        "{% set y %}{{ x }}{% endset %}{{ y }}",
        "{% macro m(y) %}{{ y }}{% endmacro %}{{ m(x) }}",
    ],
)
@pytest.mark.parametrize(
    "value",
    [["a"], {"a": 1}, [], b"Ada", uuid.UUID(int=1)],
)
def test_nothing_else_prints_on_any_way(way: str, value: object) -> None:
    rule = wrong(way, x=value)

    assert "column 'x'" in rule
    assert "template fails" not in rule


@pytest.mark.parametrize(
    ("text", "value", "rule"),
    [
        ("{{ x }}", ["a"], "column 'x' holds a list: write {{ x | join(', ') }}"),
        ("{{ row['x'] }}", ["a"], "column 'x' holds a list: write {{ x | join(', ') }}"),
        (
            "{{ x.y }}",
            {"y": [1]},
            "column 'x' at x.y holds a list: write {{ x.y | join(', ') }}",
        ),
        (
            "{{ x }}",
            {"y": 1},
            "column 'x' holds a struct: write {{ x.member }} with a member's name",
        ),
        (
            "{{ x.title }}",
            "ada",
            "column 'x' gives the method 'title': write {{ x.title() }}, with brackets",
        ),
        (
            "{{ x }}",
            b"\xff",
            "column 'x' holds bytes that are no UTF-8 text: turn them into text first",
        ),
        (
            "{{ x }}",
            dt.timedelta(days=1),
            "column 'x' holds a duration: write {{ x.days }} or {{ x.total_seconds() }}",
        ),
        ("{{ x }}", uuid.UUID(int=1), "column 'x' holds a UUID: turn it into text first"),
        ("{{ x }}", float("inf"), "column 'x' holds an infinite number: provide for it with if"),
    ],
)
def test_a_refusal_names_the_column_and_says_what_to_write(
    text: str, value: object, rule: str
) -> None:
    assert wrong(text, x=value) == rule


@pytest.mark.parametrize(
    "text",
    [
        "{{ x.title }}",
        "{{ x | attr('title') }}",
        "{{ x['title'] }}",
        "{{ x.title ~ '' }}",
        "{{ '{0.title}'.format(x) }}",
        "{{ x.format }}",
        "{{ [x.title] | join }}",
        "{{ '%r' % x }}",
        "{{ '%a' % x }}",
        "{{ '{!r}'.format(x) }}",
        "{{ '{!a}'.format(x) }}",
        "{% for y in x %}{{ loop }}{% endfor %}",
        "{% for y in x %}{{ loop.cycle }}{% endfor %}",
        "{{ x.split('d') }}",
        "{{ x.partition('d') }}",
        "{{ x[0:1] | batch(1) | first }}",
    ],
)
def test_what_python_makes_of_a_text_is_not_printed(text: str) -> None:
    assert "column 'x'" in wrong(text, x="ada")


@pytest.mark.parametrize(
    "text",
    [
        "{% macro m() %}{% endmacro %}{{ m }}",
        "{% set ns = namespace(a=1) %}{{ ns }}",
        "{% set y = [1] %}{{ y }}",
        "{% filter list %}ab{% endfilter %}",
        "{% call range(3) %}x{% endcall %}",
        "{% call 'ab'.split() %}x{% endcall %}",
    ],
)
def test_what_a_template_makes_itself_is_not_printed_either(text: str) -> None:
    assert wrong(text)


@pytest.mark.parametrize(
    "text",
    [
        "{{ [1, 2] }}",
        "{{ (1, 2) }}",
        "{{ {'a': 1} }}",
        "{{ x | map('upper') }}",
        "{{ x | list }}",
        "{{ x | batch(2) }}",
        "{{ x | items }}",
        "{{ range(3) }}",
        "{{ dict(a=1) }}",
        "{{ namespace() }}",
        "{{ x | pprint }}",
        "{{ x | xmlattr }}",
        "{{ 'a' ~ [1] }}",
        "{{ 'a'.title }}",
        "{% autoescape true %}{{ x }}{% endautoescape %}",
    ],
)
def test_a_template_that_no_row_could_fill_is_refused_itself(text: str) -> None:
    with pytest.raises(ValueError, match=r"attributes\.a"):
        ChatTemplate(display_name="Ada", attributes={"a": text})


@pytest.mark.parametrize(
    ("text", "printed"),
    [
        ("{{ x | join(', ') }}", "a, b"),
        ("{{ x | map('upper') | join }}", "AB"),
        ("{{ x[0:1] | join }}", "a"),
        ("{{ x | tojson }}", '["a", "b"]'),
        ("{{ x | length }}{{ x | first }}{{ x | last }}{{ x[0] }}", "2aba"),
        ("{{ (x + ['c']) | reverse | join }}", "cba"),
        ("{{ 'a' in x }}{{ x is string }}", "TrueFalse"),
        ("{% for y in x %}{{ loop.index }}{{ y }}{% endfor %}", "1a2b"),
        ("{{ s.n }}{{ s['n'] }}{{ s.get('n') }}{{ s | length }}", "1112"),
        ("{% for k, v in s.items() %}{{ k }}={{ v }};{% endfor %}", "n=1;items=2;"),
        ("{{ s.items }}", "2"),
        ("{{ people | map(attribute='n') | join(',') }}", "3,1"),
        ("{{ people | sort(attribute='n') | map(attribute='n') | first }}", "1"),
        ("{{ people | sum(attribute='n') }}", "4"),
    ],
)
def test_lists_and_structs_can_be_worked_with(text: str, printed: str) -> None:
    row = {"x": ["a", "b"], "s": {"n": 1, "items": 2}, "people": [{"n": 3}, {"n": 1}]}

    assert filled(text, **row) == printed


def test_a_cell_that_could_not_be_read_is_told_with_its_reason() -> None:
    cell = UnreadableCell("the cell has 200,000 characters")

    assert wrong("{{ x }}", x=cell) == "column 'x': the cell has 200,000 characters"
    assert wrong("{{ 1 if x == 2 }}", x=cell) == "column 'x': the cell has 200,000 characters"
    assert wrong("{{ 1 if x }}", x=cell) == "column 'x': the cell has 200,000 characters"
    assert wrong("{{ x | default('y') }}", x=cell) == "column 'x': the cell has 200,000 characters"


# -- what is missing within a cell


@pytest.mark.parametrize("nothing", [None, float("nan"), "", " ", Decimal("NaN")])
@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("{{ tags[1] }}", "tags[1]"),
        ("{{ tags | join }}", "tags[1]"),
        ("{{ 'Dear ' ~ tags[1] }}", "tags[1]"),
        ("{{ tags | map('upper') | join }}", "tags[1]"),
        ("{{ tags | sort | join }}", "tags[1]"),
        ("{{ '%s' % tags[1] }}", "tags[1]"),
        ("{{ '{0[1]}'.format(tags) }}", "tags[1]"),
        ("{{ tags | tojson }}", "tags[1]"),
        ("{% for tag in tags %}{{ tag }}{% endfor %}", "tags[1]"),
        ("{{ home.city }}", "home.city"),
        ("{{ home['city'] }}", "home.city"),
        ("{{ home.get('city') }}", "home.city"),
        ("{{ home.values() | join }}", "home.city"),
        ("{{ home | items | map('last') | join }}", "home.city"),
        ("{{ [home] | map(attribute='city') | join }}", "home.city"),
        ("{{ home.deep['the city'][0] }}", "home.deep['the city'][0]"),
    ],
)
def test_a_missing_value_at_any_depth_is_the_rows_error(
    text: str, place: str, nothing: object
) -> None:
    deep = {"the city": [nothing]}
    rule = wrong(text, tags=["a", nothing], home={"city": nothing, "deep": deep})

    assert rule.startswith(f"column {place.partition('[')[0].partition('.')[0]!r}")
    assert place in rule


@pytest.mark.parametrize(
    ("text", "printed"),
    [
        ("{{ tags[1] | default('x') }}", "x"),
        ("{{ home.city | default('x') }}", "x"),
        ("{{ home.street | default('x') }}", "x"),
        ("{{ tags[9] | default('x') }}", "x"),
        ("{{ tags | select | join }}", "a"),
        ("{{ tags | select('defined') | join }}", "a"),
        ("{% if home.city %}yes{% else %}no{% endif %}", "no"),
        ("{{ home.city is defined }}", "False"),
        ("{{ home.get('street', 'x') }}", "x"),
        ("{{ [home] | map(attribute='street', default='x') | join }}", "x"),
    ],
)
def test_a_missing_value_at_any_depth_can_be_provided_for(text: str, printed: str) -> None:
    assert filled(text, tags=["a", None], home={"city": None}) == printed


@pytest.mark.parametrize(
    "text",
    ["{{ home.street }}", "{{ home['street'] }}", "{{ home.get('street') }}", "{{ home[3] }}"],
)
def test_a_member_that_is_not_there_is_the_rows_error(text: str) -> None:
    assert "column 'home'" in wrong(text, home={"city": "Paris"})


@pytest.mark.parametrize(
    "text",
    [
        "{{ x | abs }}",
        "{{ x | round }}",
        "{{ x | items | length }}",
        "{{ x | map('upper') | join }}",
        "{{ x | select | join }}",
        "{{ 4 is divisibleby(x) }}",
        "{{ [1] + x }}",
        "{{ 'a' + x }}",
        "{{ 'a' * x }}",
        "{{ '%s' % x }}",
        "{{ '{}'.format(x) }}",
        "{{ 'a'.replace('a', x) }}",
        "{{ 'a'.join(x) }}",
        "{{ 'a' | replace('a', x) }}",
        "{{ 'a' | center(x) }}",
        "{{ range(x) | join }}",
        "{{ 'abc'[x] }}",
        "{{ 'abc'[x:] }}",
        "{{ x[1:] }}",
        "{{ x() }}",
    ],
)
def test_a_missing_column_is_the_same_error_on_every_way(text: str) -> None:
    assert wrong(text, x=None) == "column 'x' is empty"


@pytest.mark.parametrize(
    ("text", "printed"),
    [
        ("Dear{{ ' ' ~ none }}", "Dear "),
        ("a{{ ['b', none] | join }}", "ab"),
        ("a{{ '%s' % none }}", "a"),
        ("a{{ x | default(none) | upper }}", "a"),
    ],
)
def test_none_prints_nothing_on_every_way(text: str, printed: str) -> None:
    assert filled(text) == printed


def test_none_stays_none_through_a_filter_and_leaves_the_field_out() -> None:
    result = rendered("{{ x | default(none) | upper }}")

    assert result.request is not None
    assert result.request.attributes is None or "a" not in result.request.attributes


# -- columns named like words of the template language


@pytest.mark.parametrize(
    "word",
    [
        *("range", "dict", "namespace", "self", "row", "loop", "caller", "varargs", "kwargs"),
        *("super", "cycler", "joiner", "lipsum", "true", "none", "false", "None", "True"),
        *("title", "upper", "join", "defined", "for", "set", "block", "_id", "environment"),
        *("context", "missing", "undefined", "name", "blocks", "resolve", "cond_expr_undefined"),
    ],
)
def test_a_column_named_like_a_word_of_the_template_language_is_the_column(word: str) -> None:
    assert filled(f"{{{{ {word} }}}}!", **{word: "Ada"}) == "Ada!"
    assert filled(f"{{{{ row['{word}'] }}}}!", **{word: "Ada"}) == "Ada!"
    assert filled(f"{{{{ row.{word} }}}}!", **{word: "Ada"}) == "Ada!"


@pytest.mark.parametrize("word", ["range", "dict", "namespace", "self", "row", "loop", "caller"])
@pytest.mark.parametrize(
    ("text", "printed"),
    [
        ("{{ WORD | upper }}", "ADA"),
        ("{{ 'x' ~ WORD }}", "xAda"),
        ("{{ WORD == 'Ada' }}", "True"),
        ("{% if WORD %}yes{% endif %}", "yes"),
        ("{{ WORD | default('x') }}", "Ada"),
        ("{% set y = WORD %}{{ y }}", "Ada"),
    ],
)
def test_such_a_column_can_be_worked_with(word: str, text: str, printed: str) -> None:
    assert filled(text.replace("WORD", word), **{word: "Ada"}) == printed


@pytest.mark.parametrize("word", ["true", "True", "false", "none", "None"])
@pytest.mark.parametrize(
    ("text", "printed"),
    [("{{ WORD | upper }}", "ADA"), ("{{ 'x' ~ WORD }}", "xAda"), ("x{{ WORD | d('y') }}", "xAda")],
)
def test_a_column_named_like_a_constant_is_the_column_where_it_is_printed(
    word: str, text: str, printed: str
) -> None:
    assert filled(text.replace("WORD", word), **{word: "Ada"}) == printed


def test_a_constant_stays_one_where_no_column_has_its_name() -> None:
    text = "{{ true | upper }}{{ 'x' ~ none }}{{ 'y' if true }}{{ n | default('z', true) }}"

    assert filled(text, n="") == "TRUExyz"


@pytest.mark.parametrize("word", ["range", "dict", "namespace", "self", "loop"])
def test_such_a_column_is_empty_like_any_other(word: str) -> None:
    assert wrong(f"{{{{ {word} }}}}", **{word: None}) == f"column {word!r} is empty"
    assert filled(f"{{{{ {word} | default('x') }}}}", **{word: None}) == "x"


def test_a_word_that_is_called_keeps_its_meaning_beside_such_a_column() -> None:
    row = {"range": "a", "dict": "b", "namespace": "c", "row": "d", "self": "e"}
    text = (
        "{% set ns = namespace(n=0) %}{% for i in range(3) %}{% set ns.n = i %}{% endfor %}"
        "{{ ns.n }}{{ dict(k='v').k }}{{ row['range'] }}{{ range }}{{ row }}{{ self }}"
    )

    assert filled(text, **row) == "2vaade"


def test_names_that_a_template_gives_itself_are_its_own() -> None:
    text = (
        "{% set self = 'mine' %}{% for row in people %}{{ row.name }}{% endfor %}{{ self }}"
        "{% set range = 'r' %}{{ range }}"
    )

    assert filled(text, people=[{"name": "Ada"}], self="theirs", range="theirs") == "Adaminer"


def test_the_row_as_a_whole_is_nothing_to_read() -> None:
    assert wrong("{{ row }}", x=1) == (
        "the text gives the whole row: write {{ row['name'] }} with a column's name"
    )


@pytest.mark.parametrize(
    ("one", "other"),
    [("\ufb01", "fi"), ("\xb5", "\u03bc"), ("\u210c", "H"), ("cafe\u0301", "caf\xe9")],
)
@pytest.mark.parametrize(
    "text",
    [
        "{{ ONE | upper }}{{ OTHER | upper }}",
        "{% set ONE = 'x' %}{{ OTHER }}",
        "{% for ONE in OTHER %}{% endfor %}",
        "{% macro ONE() %}{% endmacro %}{{ OTHER }}",
    ],
)
def test_names_that_are_one_to_python_are_never_mixed_up(text: str, one: str, other: str) -> None:
    written = text.replace("ONE", one).replace("OTHER", other)
    with pytest.raises(ValueError, match=r"count as one name: write \{\{ row\['.*'\] \}\}"):
        ChatTemplate(display_name="Ada", attributes={"a": written})

    by_row = f"{{{{ {one} | upper }}}}{{{{ row['{other}'] | upper }}}}"
    assert filled(by_row, **{one: "a", other: "b"}) == "AB"


@pytest.mark.parametrize("name", ["First name", "first name", "1st", "2nd address", "not"])
def test_a_column_whose_name_is_no_identifier_is_told_how_it_is_written(name: str) -> None:
    with pytest.raises(ValueError, match=re.escape(f"is written {{{{ row['{name}'] }}}}")):
        ChatTemplate(display_name=f"Dear {{{{ {name} }}}}")


@pytest.mark.parametrize("text", ["{{ x }}", "{{ x | upper }}", "{{ row['x'] ~ 'y' }}"])
def test_half_of_a_character_is_the_rows_error(text: str) -> None:
    assert wrong(text, x="Zo\ud83d") == (
        "column 'x': the text holds half of a character (a surrogate): write the character itself"
    )
    assert "\U0001f600" in filled(text, x="\U0001f600")


# -- whatever a cell holds


class Odd:
    def __repr__(self) -> str:
        return "<Odd object at 0x7f>"


SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text("abc xyz")
    | st.dates()
    | st.datetimes()
    | st.decimals()
    | st.binary()
    | st.timedeltas()
    | st.builds(Odd)
)
CELLS = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("ab"), inner),
    max_leaves=8,
)
SHAPES = [
    *("{{ c }}", "{{ c.a }}", "{{ c['a'] }}", "{{ c[0] }}", "{{ c[0:1] }}", "{{ c | join }}"),
    *("{{ 'x' ~ c }}", "{{ '%s' % c }}", "{{ '{}'.format(c) }}", "{{ '{0.a}'.format(c) }}"),
    *("{{ c | string }}", "{{ c | upper }}", "{{ c | replace('q', 'r') }}", "{{ c.title }}"),
    *("{{ c.items }}", "{{ [c, c] | join }}", "{{ c | first }}", "{{ c | int }}"),
    *("{% for x in c %}{{ x }}{% endfor %}", "{% for x in c %}{{ x | join }}{% endfor %}"),
    *("{{ c | urlencode }}", "{{ c.values() | join }}", "{{ c or 'x' }}", "{{ c and c }}"),
    *("{{ c | default('x') }}", "{{ c | groupby(0) | first }}", "{{ c + c }}", "{{ c * 2 }}"),
    *("{{ c | map('string') | join }}", "{{ c | e }}", "{{ ''.join(c) }}", "{{ -c }}"),
]
# How Python writes containers, objects and what is missing; `[` and `{` stand in no text of CELLS.
OF_PYTHON = re.compile(r"[\[{(<]|0x|None|nan|inf|Undefined|Decimal|datetime|b'|\\x|object|Odd")


@given(CELLS, st.sampled_from(SHAPES))
def test_whatever_a_cell_holds_is_printed_as_people_write_it_or_is_told(
    cell: object, shape: str
) -> None:
    result = rendered("q" + shape, c=cell)

    if result.problems:
        assert [problem.field for problem in result.problems] == ["attributes.a"]
        rule = result.problems[0].rule
        assert "column 'c'" in rule
    else:
        assert result.request is not None
        assert result.request.attributes is not None
        assert not OF_PYTHON.search(result.request.attributes["a"])


@pytest.mark.parametrize("value", [("a",), {"a"}, {}, b"\xff", object(), 1j, range(2), len])
def test_no_other_kind_of_value_prints_either(value: object) -> None:
    assert wrong("{{ x }}", x=value).startswith("column 'x' holds ")


@given(CELLS)
def test_a_cell_by_itself_prints_or_its_column_is_named(cell: object) -> None:
    result = rendered("{{ c }}", c=cell)

    for problem in result.problems:
        assert problem.rule.startswith("column 'c'")
