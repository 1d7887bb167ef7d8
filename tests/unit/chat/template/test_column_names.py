"""Whether a table has the columns that a template names, and which were meant."""

import pytest

from connect_tasks.chat.template.chat_template import ChatTemplate
from connect_tasks.chat.template.column_names import near
from connect_tasks.errors import InputError


@pytest.mark.parametrize(
    ("name", "columns", "suggestion"),
    [
        ("naem", ["name", "plan"], " (did you mean 'name'?)"),
        ("NAME", ["x", "Name"], " (did you mean 'Name'?)"),
        ("name", ["quite", "other"], ""),
        ("name", [], ""),
        ("first", ["x", "first-name"], " (did you mean row['first-name']?)"),
        ("a", ["ab", "a.b"], " (did you mean row['a.b']?)"),
        ("First_name", ["First name"], " (did you mean row['First name']?)"),
        ("\ufb01rst", ["first"], " (did you mean 'first'?)"),
        ("\ufb01", ["fi"], " (did you mean 'fi'?)"),
        (
            "caf\xe9",
            ["cafe\u0301"],
            " (did you mean the column whose name only looks the same, 'cafe\\u0301'?)",
        ),
        ("name", ["n" * 10_000], ""),
    ],
)
def test_the_nearest_name_is_suggested(name: str, columns: list[str], suggestion: str) -> None:
    assert near(name, columns) == suggestion


@pytest.mark.parametrize("word", ["range", "dict", "namespace", "self", "loop", "cycler"])
def test_a_word_of_the_template_language_that_is_no_column_is_told_as_absent(word: str) -> None:
    template = ChatTemplate(display_name=f"{{{{ {word} }}}}")

    with pytest.raises(InputError, match=f"'{word}' in participant_details"):
        template.bind(instance_id="i", contact_flow_id="f", columns=["customer_id", "name"])


@pytest.mark.parametrize(
    "text",
    [
        "{% for i in range(3) %}{{ i }}{% endfor %}",
        "{% set ns = namespace(n=1) %}{{ ns.n }}",
        "{{ dict(a=1).a }}",
        "{{ row['name'] }}",
        "{{ none }}",
        "{% for n in name %}{{ loop.index }}{% endfor %}",
        "{% macro m() %}{{ caller() }}{% endmacro %}{% call m() %}x{% endcall %}",
        "{% set self = 1 %}{{ self }}",
    ],
)
def test_a_word_that_means_what_the_language_says_is_looked_for_in_no_table(text: str) -> None:
    template = ChatTemplate(display_name=text)

    template.bind(instance_id="i", contact_flow_id="f", columns=["customer_id", "name"])
