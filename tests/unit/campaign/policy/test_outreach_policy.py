"""What a policy may say, what is wrong with one, and how it is kept."""

import json
import re
import tomllib
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pydantic import ValidationError

from connect_tasks.aws.problems import problems
from connect_tasks.campaign.policy.open_hours import WEEK_MINUTES, OpenHours, stretches
from connect_tasks.campaign.policy.outreach_policy import OutreachPolicy
from connect_tasks.errors import InputError
from tests.unit.campaign.policy.reference import DAYS

NINE_TO_FIVE = {"start_time": "09:00", "end_time": "17:00"}


def hours(**days: Any) -> dict[str, Any]:
    return {"communication_time": {"default_time_zone": "UTC", "open_hours": days}}


def window(start: Any, end: Any = "24:00") -> dict[str, Any]:
    return {"start_time": start, "end_time": end}


def period(start: Any, end: Any, name: Any = "holidays") -> dict[str, Any]:
    one = {"name": name, "start_date": start, "end_date": end}
    return {"communication_time": {"default_time_zone": "UTC", "restricted_periods": [one]}}


def zone(name: Any) -> dict[str, Any]:
    return {
        "communication_time": {
            "default_time_zone": name,
            "open_hours": {"MONDAY": [window("09:00")]},
        }
    }


def limits(*each: tuple[Any, Any], **more: Any) -> dict[str, Any]:
    made = [{"max_count_per_recipient": most, "frequency": often} for most, often in each]
    return {"communication_limits": {"limits": made, **more}}


WRONG: list[tuple[str, dict[str, Any], str]] = [
    ("no day has a window", hours(), "never opens"),
    ("all days are empty", hours(MONDAY=[], SUNDAY=[]), "never opens"),
    ("a window of nothing", hours(MONDAY=[window("09:00", "09:00")]), "never opens"),
    ("a window from midnight to midnight", hours(MONDAY=[window("00:00", "00:00")]), "24:00"),
    ("a window at the end of a day", hours(MONDAY=[window("24:00", "02:00")]), "of the next day"),
    ("no such weekday", hours(MONDAI=[NINE_TO_FIVE]), "MONDAY"),
    ("a weekday twice", hours(MONDAY=[NINE_TO_FIVE], monday=[NINE_TO_FIVE]), "monday"),
    ("windows overlap", hours(MONDAY=[NINE_TO_FIVE, window("16:59")]), "overlap"),
    ("a window twice", hours(MONDAY=[NINE_TO_FIVE, NINE_TO_FIVE]), "overlap"),
    (
        "a window overlaps the next day's",
        hours(MONDAY=[window("22:00", "03:00")], TUESDAY=[window("02:59", "05:00")]),
        "MONDAY 22:00-03:00 and TUESDAY 02:59-05:00",
    ),
    (
        "a window overlaps the next week's",
        hours(SUNDAY=[window("22:00", "03:00")], MONDAY=[window("00:00", "05:00")]),
        "SUNDAY 22:00-03:00 and MONDAY 00:00-05:00",
    ),
    *(
        (f"a time of {value!r}", hours(MONDAY=[window(value)]), "whole minutes")
        for value in (
            "9am",
            "25:00",
            "24:01",
            "09:60",
            "09:00:30",
            "",
            None,
            540,
            True,
            "\u0660\u0669:\u0660\u0660",
        )
    ),
    ("a time of a zone", hours(MONDAY=[window(time(9, tzinfo=UTC))]), "whole minutes"),
    ("a period that ends before it begins", period("2026-12-26", "2026-12-24"), "before it begins"),
    ("a period without a name", period("2026-12-24", "2026-12-26", ""), "at least 1 character"),
    ("a period of a number", period(20261224, "2026-12-26"), "must be a date"),
    ("a period of no day", period("2026-02-29", "2026-12-26"), "valid date"),
    ("a period that never ends", period(date.min, date.max), "never opens"),
    (
        "no time at all",
        {"communication_time": {"default_time_zone": "UTC"}},
        "leave communication_time",
    ),
    (
        "no zone at all",
        {"communication_time": {"open_hours": {"MONDAY": [NINE_TO_FIVE]}}},
        "needs a time zone",
    ),
    *(
        (f"a zone of {name!r}", zone(name), "time zone")
        for name in (
            "Nowhere/City",
            "",
            " ",
            "+02:00",
            "UTC+2",
            "EST",
            "../../etc/passwd",
            "/etc/localtime",
            "localtime",
            "posix/Europe/Berlin",
            "Europe/Berlin\0",
            "Europe",
            "{zone}",
            "x" * 10_000,
        )
    ),
    ("no limit", limits(), "at least one item"),
    ("a limit of no contacts", limits((0, 1)), "greater than or equal to 1"),
    ("a limit in no time", limits((1, 0)), "greater than or equal to 1"),
    ("a limit in more than 30", limits((1, 31)), "less than or equal to 30"),
    ("a limit of a truth", limits((True, 1)), "must be a number"),
    ("three limits", limits((1, 1), (2, 2), (3, 3)), "at most 2"),
    ("two limits for a time", limits((1, 7), (2, 7)), "same time"),
    ("a group without a name", limits((1, 7), group=" "), "plain characters"),
    *(
        (f"a time of {value!r} to contact them", {"expires_after": value}, "")
        for value in (0, -1, "P0D", "-P1D", "soon", True, float("inf"), "PT0.5S")
    ),
    *(
        (f"a time of {value!r} without a unit", {"expires_after": value}, "write P14D")
        for value in (14, 14.0, 1_209_600, True)
    ),
    ("a list without a name", {"suppression": [""]}, "is empty"),
    ("a list twice", {"suppression": ["news", "news"]}, "once"),
    ("a list in two spellings", {"suppression": ["News", "news"]}, "once"),
    ("a list with a space", {"suppression": ["the news"]}, "letters and digits"),
    ("a text for lists", {"suppression": "news"}, "must be a list"),
    ("opt-outs to a list that nobody asks", {"opt_out": {"list": "news"}}, "one of suppression"),
    ("an opt-out word of no letter", {"opt_out": {"words": {"de": ["!"]}}}, "a letter"),
    ("a text for opt-out words", {"opt_out": {"words": {"de": "halt"}}}, "must be a list"),
    *(
        (f"a hold-out of {value!r}", {"hold_out": value}, "")
        for value in (1, -0.1, 0.00001, 0.99999, True, float("nan"), "many")
    ),
    ("variants of more than all", {"variants": {"a": {"share": 0.6}, "b": {"share": 0.5}}}, "1.1"),
    ("a variant for nobody", {"variants": {"a": {"share": 0}}}, "greater than"),
    ("a variant that nothing is left for", {"variants": {"a": {"share": 1}, "b": {}}}, "leave"),
    ("a variant called as results call others", {"variants": {"own": {}}}, "results call others"),
    ("a variant without a name", {"variants": {"": {}}}, "at least 1 character"),
    ("variants that differ by a space", {"variants": {"a": {}, " a": {}}}, "plain characters"),
    ("a sample of nobody", {"variants": {"a": {"sample": 0}}}, "greater than"),
    (
        "a template that is none",
        {"variants": {"a": {"template": {"display_name": "{{"}}}},
        "line 1",
    ),
    ("no steps", {"ramp": ()}, "at least one item"),
    ("steps that fall", {"ramp": (500, 50)}, "ascend"),
    ("a step twice", {"ramp": (50, 50)}, "ascend"),
    ("steps of both kinds", {"ramp": (0.1, 50)}, "both kinds"),
    ("a step of all", {"ramp": (0.5, 1.0)}, "after the last step"),
    ("a step of a part of a customer", {"ramp": (50.5,)}, "whole customers"),
    *(
        (f"a step of {value!r}", {"ramp": (value,)}, "must be")
        for value in (0, -1, True, "50", None, float("nan"), float("inf"))
    ),
    ("a rate of all", {"ramp": {"steps": [5], "most_errors": 1}}, "less than 1"),
    ("a rate below none", {"ramp": {"steps": [5], "most_opt_outs": -0.1}}, "greater than"),
    ("a field that is misspelt", {"supression": ["news"]}, "suppression"),
    ("a hold-out in percent", {"hold_out": 10}, "10 % is 0.1"),
    ("a hold-out with a sign", {"hold_out": "10 %"}, "as 0.1 for 10 %"),
    ("a rate in percent", {"ramp": {"steps": [5], "most_errors": 2}}, "10 % is 0.1"),
    ("a share in percent", {"variants": {"a": {"share": 50}}}, "10 % is 0.1"),
    ("a ramp of one text", {"ramp": "50"}, "as [50, 500]"),
    ("one window alone", hours(MONDAY=window("09:00", "20:00")), "must be a list, in [ ]"),
    ("a window in a text", hours(MONDAY=["09:00-20:00"]), "must be fields by name"),
    ("words without a language", {"opt_out": {"words": ["stop"]}}, "must be values by name"),
    ("a list by a number", {"suppression": [5]}, "must be text"),
]


@pytest.mark.parametrize(
    ("fields", "says"), [case[1:] for case in WRONG], ids=[name[:40] for name, *_ in WRONG]
)
def test_what_is_wrong_with_a_policy_is_one_sentence(fields: dict[str, Any], says: str) -> None:
    with pytest.raises(ValidationError) as raised:
        OutreachPolicy.model_validate(fields)

    (problem,) = problems(raised.value)
    assert says in f"{problem}"
    assert problem.field.split(".")[0].split("[")[0] in fields
    assert "\n" not in str(problem)
    assert not re.search(r"Input|tuple|dictionary|instance of|Value error|\.$", str(problem))


def test_a_window_may_be_written_in_some_ways() -> None:
    day = [window("T09:00", time(12)), window(" 13:00:00 ", "18:00")]

    made = OpenHours.model_validate({"monday": day})

    assert made.on("MONDAY") == "09:00-12:00, 13:00-18:00"


@example([0, 5, 30, 31, 150, WEEK_MINUTES // 60])
@example([0, 5, 5 + 24, WEEK_MINUTES // 60])
@example([0, WEEK_MINUTES // 60])
@given(st.lists(st.integers(0, WEEK_MINUTES // 60), min_size=2, max_size=20, unique=True))
def test_stretches_are_the_hours_that_are_open(cuts: list[int]) -> None:
    """Windows of whole hours, each cut at each midnight, so that many touch."""
    pairs = list(zip(sorted(cuts)[::2], sorted(cuts)[1::2], strict=False))
    expected = {hour for start, end in pairs for hour in range(start, end)}
    days: dict[str, list[dict[str, str]]] = {}
    for start, end in pairs:
        for first, last in _by_day(start, end):
            clock = window(f"{first % 24:02}:00", f"{last % 24 or 24:02}:00")
            days.setdefault(DAYS[first // 24], []).append(clock)

    made = stretches(OpenHours.model_validate(days))

    if len(expected) == WEEK_MINUTES // 60:
        assert made == ()
        return
    assert {m % WEEK_MINUTES // 60 for s, n in made for m in range(s, s + n, 60)} == expected
    assert sum(one.minutes for one in made) == 60 * len(expected)
    begins = {hour for hour in expected if (hour - 1) % (WEEK_MINUTES // 60) not in expected}
    assert {one.start // 60 for one in made} == begins


def _by_day(start: int, end: int) -> Iterator[tuple[int, int]]:
    while start < end:
        stop = min(end, (start // 24 + 1) * 24)
        yield start, stop
        start = stop


FULL: dict[str, Any] = {
    "communication_time": {
        "open_hours": {"MONDAY": [NINE_TO_FIVE], "FRIDAY": [window("22:00", "02:00")]},
        "restricted_periods": [
            {"name": "holidays", "start_date": "2026-12-24", "end_date": "2026-12-26"}
        ],
        "default_time_zone": "europe/berlin",
        "time_zone_column": "zone",
    },
    "communication_limits": {
        "limits": [{"max_count_per_recipient": 2, "frequency": 7}],
        "group": "marketing",
    },
    "expires_after": "14 days",
    "suppression": ["marketing"],
    "opt_out": {"words": {"de": ["abmelden"]}},
    "hold_out": 0.1,
    "experiment": "autumn",
    "variants": {
        "short": {"share": 0.5, "sample": 400},
        "long": {
            "template": {"display_name": "{{ name }}", "initial_message": "Good day {{ name }}"},
            "conversation": {"messages": ["{{ question }}"]},
        },
    },
    "ramp": [0.01, 0.1],
}


def test_a_policy_that_was_stored_is_the_same_policy() -> None:
    policy = OutreachPolicy.model_validate(FULL)

    stored = json.loads(json.dumps(policy.model_dump(mode="json")))

    assert OutreachPolicy.model_validate(stored) == policy
    assert OutreachPolicy.model_validate(stored).fingerprint == policy.fingerprint


@pytest.mark.parametrize("days", [1, 14, 999_999_999])
def test_a_duration_that_was_stored_is_the_same(days: int) -> None:
    policy = OutreachPolicy(expires_after=timedelta(days=days, seconds=1))

    assert OutreachPolicy.model_validate(policy.model_dump(mode="json")) == policy


def test_equal_policies_have_the_same_fingerprint_and_others_another() -> None:
    other_order = {**FULL, "variants": dict(reversed(FULL["variants"].items()))}

    prints = [OutreachPolicy.model_validate(one).fingerprint for one in (FULL, other_order)]
    changed = [
        OutreachPolicy.model_validate({**FULL, name: value}).fingerprint
        for name, value in [("hold_out", 0.2), ("experiment", "winter"), ("ramp", (0.01, 0.2))]
    ]

    assert prints[0] == prints[1]
    assert re.fullmatch("[0-9a-f]{12}", prints[0])
    assert len({prints[0], *changed}) == 4


def test_a_policy_without_rules_has_no_fingerprint() -> None:
    assert OutreachPolicy().fingerprint == ""
    assert OutreachPolicy.model_validate(OutreachPolicy().model_dump(mode="json")).fingerprint == ""


def test_opt_outs_go_to_the_first_list_and_else_to_all() -> None:
    assert OutreachPolicy().opt_out_list == "all"
    assert OutreachPolicy(suppression=("news", "offers")).opt_out_list == "news"
    chosen = OutreachPolicy.model_validate({"suppression": ["news"], "opt_out": {"list": "all"}})
    assert chosen.opt_out_list == "all"


def test_opt_out_words_are_replaced_language_by_language() -> None:
    words = {"de": ["abmelden"], "fr": [], "en": ["stop"]}

    policy = OutreachPolicy.model_validate({"opt_out": {"words": words}})

    assert policy.opt_out_words == {"de": ("abmelden",), "fr": (), "en": ("stop",)}
    assert "fr" in OutreachPolicy.model_validate({"opt_out": {"words": {}}}).opt_out_words


def test_a_ramp_may_be_its_steps_alone() -> None:
    for steps in ((50, 500), [50.0, 500.0], {"steps": (50, 500)}):
        policy = OutreachPolicy.model_validate({"ramp": steps})
        assert policy.ramp is not None
        assert policy.ramp.steps == (50, 500)
        assert all(isinstance(step, int) for step in policy.ramp.steps)


# --- the form ---


def test_every_field_of_the_form_has_a_title_or_a_description() -> None:
    schema = OutreachPolicy.model_json_schema()

    ours = ["CommunicationTime", "CommunicationLimits", "CommunicationLimit", "OpenHours"]
    ours += ["RestrictedPeriod", "TimeWindow", "OptOut", "Ramp", "Variant"]
    for model in [schema, *(schema["$defs"][name] for name in ours)]:
        assert model["description"]
        for name, field in model["properties"].items():
            assert field.get("description"), name


# --- the file ---


TOML = """
expires_after = "P14D"
suppression = ["marketing"]
ramp = [50, 500]

[communication_time]
default_time_zone = "Europe/Berlin"

[[communication_time.restricted_periods]]
name = "holidays"
start_date = 2026-12-24
end_date = 2026-12-26

[communication_time.open_hours]
MONDAY = [{start_time = "09:00", end_time = 18:00:00}]

[[communication_limits.limits]]
max_count_per_recipient = 2
frequency = 7
"""


def test_a_policy_is_read_from_a_file(tmp_path: Path) -> None:
    (tmp_path / "policy.toml").write_text(TOML, encoding="utf-8")

    policy = OutreachPolicy.from_toml(tmp_path / "policy.toml")

    time_of = policy.communication_time
    assert time_of is not None
    assert time_of.open_hours is not None
    assert time_of.open_hours.on("MONDAY") == "09:00-18:00"
    assert time_of.restricted_periods[0].start_date == date(2026, 12, 24)
    assert (policy.expires_after, policy.suppression) == (timedelta(days=14), ("marketing",))


def test_a_file_may_begin_with_a_byte_order_mark(tmp_path: Path) -> None:
    (tmp_path / "policy.toml").write_bytes(b"\xef\xbb\xbf" + TOML.encode())

    assert OutreachPolicy.from_toml(str(tmp_path / "policy.toml")).ramp is not None


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (None, "No such file"),
        (b"hold_out =\nramp = [5]", "line 1"),
        (b"a = 1\na = 2\n", "line 2"),
        (b"# \n\xff", "UTF-8 (line 2)"),
        (b"[communication_time.open_hours]\nMONDAI = []", "communication_time.open_hours.MONDAI"),
        (b"hold_out = 2", "hold_out = 2"),
        (b"#" * 1_000_001, "larger than 1 MB"),
        (b"a = " + b"[" * 100_000, "no TOML"),
    ],
)
def test_what_is_wrong_with_a_file_names_it_and_the_place(
    tmp_path: Path, content: bytes | None, says: str
) -> None:
    path = tmp_path / "policy.toml"
    if content is not None:
        path.write_bytes(content)

    with pytest.raises(InputError) as raised:
        OutreachPolicy.from_toml(path)

    assert str(path) in str(raised.value)
    assert says in str(raised.value)
    assert str(raised.value).endswith(".")


@pytest.mark.parametrize("path", [".", "no\0file"])
def test_what_is_no_file_is_said(path: str) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        OutreachPolicy.from_toml(path)


def test_a_policy_cannot_be_changed() -> None:
    policy = OutreachPolicy.model_validate(FULL)

    with pytest.raises(ValidationError):
        policy.hold_out = 0.5  # type: ignore[misc]


def test_a_copy_with_another_value_is_another_policy() -> None:
    policy = OutreachPolicy.model_validate(FULL)
    copied = policy.model_copy(update={"hold_out": 0.5})

    assert policy.fingerprint != copied.fingerprint


def test_the_time_of_a_datetime_is_no_date() -> None:
    with pytest.raises(ValidationError):
        OutreachPolicy.model_validate(period(datetime(2026, 12, 24, 10, tzinfo=UTC), "2026-12-26"))


def test_each_policy_on_the_page_about_them_is_one() -> None:
    page = (Path(__file__).parents[4] / "docs/policy.md").read_text(encoding="utf-8")
    shown = re.findall(r"```toml\n(.*?)```", page, re.DOTALL)

    made = [OutreachPolicy.model_validate(tomllib.loads(text)) for text in shown]

    assert made[0].ramp is not None
    words = next(one.opt_out_words for one in made if "de" in one.opt_out_words)
    assert words == {"en": OutreachPolicy().opt_out_words["en"], **words, "fr": ()}
    (variant,) = (one.variants["short"] for one in made if one.variants)
    assert variant.template is not None
    # It would be said as the customer.
    assert variant.template.initial_message is None
    assert variant.template.attributes
