import json
import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from connect_tasks.emulator.flows.exported.problems import FlowFileError
from connect_tasks.emulator.flows.world.reading import Reader, read_together, read_world
from connect_tasks.emulator.flows.world.world import Queue, World, named
from tests.unit.emulator.flows.documents import ARN, BOTS, WORLDS, document, write

FLOW_ARN = ARN.replace("queue/one", "contact-flow/one")
BOT = {"bot": "B", "intents": [{"name": "Hello", "utterances": ["hello"]}]}
WHOLE: dict[str, Any] = {
    "flows": {FLOW_ARN: "flow.json"},
    "modules": {f"{ARN}/m": "module.json"},
    "bots": {"arn:b": "bot.json"},
    "queues": {
        ARN: {
            "name": "Support",
            "hours": "arn:h",
            "capacity": 10,
            "waiting": 1,
            "oldestSeconds": 60,
            "agents": {"online": 3, "staffed": 2, "available": 1},
            "agent": {"displayName": "Alex", "says": ["Hello", "Goodbye"]},
            "enabled": True,
        }
    },
    "hours": {
        "arn:h": {"name": "O", "timeZone": "Europe/Berlin", "open": {"MONDAY": ["09:00", "17:00"]}}
    },
    "lambdas": {
        "arn:f": "stubs.py:look_up",
        "arn:t": {
            "sequence": [{"return": 1}, {"fail": "throttle"}],
            "cases": [{"when": {"Parameters.k": "v"}, "return": {"a": [1]}, "seconds": 1.5}],
            "otherwise": {"fail": "error"},
        },
    },
    "assumptions": {"unset_in_text": "reference"},
}
TOML = """
[flows]
"{flow}" = "flow.json"
[bots]
"arn:b" = "bot.json"
[queues."{queue}"]
name = "Support"
agent = {{ displayName = "Alex", says = ["Hello"] }}
[hours."arn:h"]
timeZone = "Europe/Berlin"
open = {{ MONDAY = ["09:00", "17:00"] }}
[lambdas]
"arn:f" = "stubs.py:look_up"
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with all files that the worlds here name."""
    write(tmp_path, document())
    write(tmp_path, document(), "module.json")
    write(tmp_path, BOT, "bot.json")
    write(tmp_path, "def look_up(event, context):\n    return {}\n", "stubs.py")
    return tmp_path


def world_of(folder: Path, content: Any, **options: Any) -> World:
    return read_world(write(folder, content, "x.world.json"), **options)


def problems_of(folder: Path, content: Any, **options: Any) -> list[str]:
    """Place and text of all that is wrong with a world."""
    with pytest.raises(FlowFileError) as refused:
        world_of(folder, content, **options)
    return [f"{problem.identifier}: {problem.text}" for problem in refused.value.problems]


# --- what a world holds ---


@pytest.mark.parametrize("path", WORLDS, ids=lambda path: path.stem)
def test_every_world_of_the_corpus_is_read_with_all_that_it_names(path: Path) -> None:
    given_world = json.loads(path.read_text(encoding="utf-8"))
    world = read_world(path)

    for member, entries in given_world.items():
        assert list(getattr(world, member)) == list(entries)


def test_every_member_of_a_world_is_read(folder: Path) -> None:
    world = world_of(folder, WHOLE)
    queue, function = world.queues[ARN], world.lambdas["arn:t"]

    assert world.flows[FLOW_ARN].arn == FLOW_ARN
    assert world.modules[f"{ARN}/m"].name == "module"
    assert world.bots["arn:b"].bot == "B"
    assert (queue.name, queue.hours, queue.capacity, queue.waiting) == ("Support", "arn:h", 10, 1)
    assert queue.oldest_seconds == 60
    assert queue.agent is not None
    assert queue.agent.says == ("Hello", "Goodbye")
    assert world.hours["arn:h"].time_zone == "Europe/Berlin"
    assert [answer.fail for answer in function.sequence] == [None, "throttle"]
    assert function.cases[0].returned == {"a": [1]}
    assert world.assumptions.unset_in_text == "reference"


def test_a_world_in_toml_is_the_same_as_in_json(folder: Path) -> None:
    text = TOML.format(flow=FLOW_ARN, queue=ARN)
    in_toml = read_world(write(folder, text, "x.toml"))

    assert in_toml == world_of(folder, tomllib.loads(text))
    assert in_toml.queues[ARN].name == "Support"


def test_without_a_file_nothing_stands_around_a_flow() -> None:
    assert read_world(None) == World()
    assert read_world(None, patch={"queues": {ARN: {"name": "S"}}}).queues[ARN] == Queue(name="S")


def test_an_empty_world_is_one(folder: Path) -> None:
    assert world_of(folder, {}) == World()


def test_paths_are_relative_to_the_world_file(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder.parent)
    write(folder, {"bots": {"a": "bot.json"}, "lambdas": {"f": "stubs.py:look_up"}}, "w.json")
    world = read_world(Path(folder.name) / "w.json")

    assert world.bots["a"].bot == "B"
    assert world.lambdas["f"].python == f"{folder / 'stubs.py'}:look_up"


def test_flows_that_lead_to_each_other_are_no_trouble(folder: Path) -> None:
    world = world_of(folder, {"flows": {"arn:1": "flow.json", "arn:2": "flow.json"}})

    assert [flow.arn for flow in world.flows.values()] == ["arn:1", "arn:2"]


def test_an_arn_that_the_flow_itself_says_is_kept(folder: Path) -> None:
    answer = {"ContactFlow": {"Arn": "arn:own", "Content": json.dumps(document())}}
    write(folder, answer, "answer.json")

    assert world_of(folder, {"flows": {"arn:x": "answer.json"}}).flows["arn:x"].arn == "arn:own"


# --- the patch ---


def test_a_patch_replaces_members_and_none_removes(folder: Path) -> None:
    patch = {"queues": {ARN: {"capacity": None, "waiting": 7}}, "lambdas": None}
    world = world_of(folder, WHOLE, patch=patch)

    assert (world.queues[ARN].capacity, world.queues[ARN].waiting) == (None, 7)
    assert world.queues[ARN].name == "Support"
    assert world.lambdas == {}


def test_what_a_patch_removes_is_never_looked_at(folder: Path) -> None:
    content = {"bots": {"a": "nowhere.json"}, "hours": {"h": {"timeZone": "Nowhere"}}}

    assert world_of(folder, content, patch={"bots": None, "hours": {"h": None}}) == World()


def test_what_a_patch_brings_is_checked(folder: Path) -> None:
    said = problems_of(folder, WHOLE, patch={"queues": {ARN: {"capacity": -1}}, "x": 1})

    assert len(said) == 2
    assert said[0].startswith(f"queues.{ARN}.capacity: ")


def test_a_patch_that_is_nested_too_deep_is_refused(folder: Path) -> None:
    patch: Any = {}
    for _ in range(5_000):
        patch = {"queues": patch}

    assert problems_of(folder, {}, patch=patch) == [": is nested too deep."]


# --- what is wrong ---


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ([], ": must be an object, not a list."),
        ({"queue": {}}, "queue: there is no such member; did you mean 'queues'?"),
        ({"queues": []}, "queues: must be an object, not a list."),
        ({"queues": {"": {}}}, "queues: has a member without a name; name it by its ARN."),
        ({"queues": {"q": 5}}, "queues.q: must be an object, not 5."),
        (
            {"queues": {"q": {"capcity": 5}}},
            "queues.q.capcity: there is no such member; did you mean 'capacity'?",
        ),
        (
            {"queues": {"q": {"agent": {"display_nam": "A"}}}},
            "queues.q.agent.display_nam: there is no such member; did you mean 'displayName'?",
        ),
        ({"queues": {"q": {"name": 5}}}, "queues.q.name: must be a text, not 5."),
        ({"queues": {"q": {"waiting": "x"}}}, "queues.q.waiting: must be a whole number, not 'x'."),
        (
            {"queues": {"q": {"agent": {"says": "Hi"}}}},
            "queues.q.agent.says: must be a list, not 'Hi'.",
        ),
        ({"hours": {"h": {"timeZone": 5}}}, "hours.h.timeZone: must be a text, not 5."),
        ({"flows": {"f": "no.json"}}, "flows.f: there is no file "),
        ({"flows": {"f": 5}}, "flows.f: must be the name of a file, not 5."),
        ({"bots": {"b": ""}}, "bots.b: must be the name of a file, not ''."),
        ({"bots": {"b": "."}}, ": is a folder; name a file in it."),
        ({"bots": {"b": "flow.json"}}, "intents: is missing."),
        ({"lambdas": {"f": {}}}, "lambdas.f: a function is 'file.py:name', or has one of"),
        ({"lambdas": {"f": 5}}, "lambdas.f: a function is 'file.py:name', or has one of"),
        ({"lambdas": {"f": {"fail": "no"}}}, "lambdas.f.otherwise.fail: must be 'error' or"),
        (
            {"lambdas": {"f": {"cases": [{"retrun": 1}]}}},
            "lambdas.f.cases[0].retrun: there is no such member; did you mean 'return'?",
        ),
        ({"lambdas": {"f": "no.py:look_up"}}, "lambdas.f: there is no file "),
        ({"lambdas": {"f": "stubs.py"}}, "lambdas.f: 'stubs.py': a Python function is written"),
        ({"lambdas": {"f": "stubs.py:"}}, "lambdas.f: 'stubs.py:': a Python function is written"),
        (
            {"lambdas": {"f": "stubs.py:lookup"}},
            "lambdas.f: stubs.py defines no 'lookup'; did you mean 'look_up'?",
        ),
        (
            {"assumptions": {"unset_in_text": "x"}},
            "assumptions.unset_in_text: must be 'empty' or 'reference', not 'x'.",
        ),
    ],
    ids=lambda value: str(value)[:50],
)  # fmt: skip
def test_what_is_wrong_is_said_with_the_path_of_the_member(
    folder: Path, content: Any, said: str
) -> None:
    assert any(text.startswith(said) for text in problems_of(folder, content))


def test_all_that_is_wrong_is_said_at_once_also_in_the_files_that_are_named(folder: Path) -> None:
    write(folder, document(Version="1"), "bad.json")
    content = {
        "flows": {"f": "bad.json", "g": "bad.json"},
        "bots": {"b": "no.json"},
        "queues": {"q": {"waiting": -1}},
        "hours": {"h": {"timeZone": "Nowhere"}},
        "lambdas": {"l": "stubs.py:no", "m": {"seconds": "x"}},
        "more": 1,
    }
    with pytest.raises(FlowFileError) as refused:
        world_of(folder, content)
    places = [problem.identifier for problem in refused.value.problems]

    # The file that two members name is wrong once.
    assert places == [
        "",
        "bots.b",
        "queues.q.waiting",
        "hours.h.timeZone",
        "lambdas.l",
        "lambdas.m.seconds",
        "more",
    ]
    assert refused.value.problems[0].file == str(folder / "bad.json")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a = ", ": is no TOML: Invalid value (at end of document)."),
        ("a = 1\nb = ?\n", ": is no TOML: Invalid value (at line 2, column 5)."),
        ("a = " + "[" * 5_000, ": is nested too deep."),
        ("a = " + "[" * 100 + "]" * 100, ": is nested too deep."),
        ('flows = "x"', "flows: must be an object, not a text."),
    ],
    ids=lambda value: value[:20],
)
def test_toml_that_is_none_is_refused_with_the_place(folder: Path, text: str, said: str) -> None:
    with pytest.raises(FlowFileError) as refused:
        read_world(write(folder, text, "w.toml"))
    (problem,) = refused.value.problems

    assert f"{problem.identifier}: {problem.text}" == said


def test_a_member_that_is_there_twice_is_refused(folder: Path) -> None:
    text = '{"queues": {"q": {"name": "A"}, "q": {"name": "B"}}}'

    assert problems_of(folder, text) == ["q: is there twice; keep one."]


def test_a_patch_of_nothing_hides_nothing(folder: Path) -> None:
    assert problems_of(folder, [], patch={}) == [": must be an object, not a list."]


def test_a_bot_says_where_in_its_file_it_is_wrong(folder: Path) -> None:
    slot = {"name": "n", "pattern": "("}
    write(folder, {"intents": [{"name": "A", "slots": [slot], "responses": "x"}]}, "bot.json")

    said = problems_of(folder, {"bots": {"b": "bot.json"}})
    assert said[0].startswith("intents[0].slots[0].pattern: '(' is no regular expression")
    assert said[1] == ("intents[0].responses: there is no such member; did you mean 'response'?")


def test_an_utterance_that_is_too_large_with_its_slots_is_refused(folder: Path) -> None:
    slots = [{"name": name, "pattern": "a{1000}"} for name in ("s", "t")]
    intent = {"name": "A", "slots": slots, "utterances": ["{s}", "{s} {t}"]}
    write(folder, {"intents": [intent]}, "bot.json")
    (said,) = problems_of(folder, {"bots": {"b": "bot.json"}})

    assert said.startswith("intents[0].utterances[1]: the pattern")


def test_flows_and_their_world_are_read_together_and_all_that_is_wrong_is_said(
    folder: Path,
) -> None:
    good, bad = folder / "flow.json", write(folder, document(Version="1"), "bad.json")
    world = write(folder, {"flows": {"f": "bad.json"}, "more": 1}, "w.json")
    with pytest.raises(FlowFileError) as refused:
        read_together([good, bad, folder / "no.json"], world)

    assert [Path(problem.file).name for problem in refused.value.problems] == [
        "bad.json",
        "no.json",
        "w.json",
    ]
    flows, around = read_together([good], None)
    assert ([flow.name for flow in flows], around) == (["flow"], World())


# --- functions in Python ---


def test_a_function_is_looked_at_and_never_run(folder: Path) -> None:
    write(folder, "import nowhere\nopen('ran', 'w')\ndef f(event, context): 1/0\n", "s.py")
    world = world_of(folder, {"lambdas": {"a": "s.py:f"}})

    assert world.lambdas["a"].python == f"{folder / 's.py'}:f"
    assert not Path("ran").exists()


@pytest.mark.parametrize(
    "code",
    [
        "def f(event, context): ...",
        "def f(event, context=None, *, more=1): ...",
        "def f(*arguments): ...",
        "f = lambda event, context: {}",
        "f: object = print",
        "a, f = print, print",
        "from functools import partial as f",
        "from os import *",
        "class f: ...",
        "if True:\n    pass\nelse:\n    def f(event, context): ...",
        "try:\n    import x\nexcept ImportError:\n    def f(event, context): ...",
        "try:\n    from x import f\nexcept ImportError:\n    f = None",
        "def f(event, context): ...\nf.about = 3",
        "f, g = print, 3",
        "f = g = lambda event, context: {}",
        "f = print if True else None",
    ],
)
def test_a_function_is_whatever_the_file_gives_its_name_to(folder: Path, code: str) -> None:
    write(folder, code, "s.py")

    assert world_of(folder, {"lambdas": {"a": "s.py:f"}}).lambdas["a"].python


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("def g(event, context): ...", "s.py defines no 'f'; there are g."),
        ("def g():\n    def f(event, context): ...", "s.py defines no 'f'; there are g."),
        ("f: object", "s.py defines no 'f'; there are none."),
        ("async def f(event, context): ...", "s.py:f is asynchronous;"),
        ("def f(event): ...", "s.py:f must take two arguments, (event, context)."),
        ("def f(event, context, more): ...", "s.py:f must take two arguments"),
        ("def f(event, context, *, more): ...", "s.py:f must take two arguments"),
        ("f = 3", "s.py:f is no function."),
        ("f = None", "s.py:f is no function."),
        ("f = {'a': 1}", "s.py:f is no function."),
        ("f = g = ['a']", "s.py:f is no function."),
        ("f: object = 'text'", "s.py:f is no function."),
        ("f = f'{1}'", "s.py:f is no function."),
        ("import json as f", "s.py:f is a module, and no function."),
        ("f = lambda event: {}", "s.py:f must take two arguments"),
        ("def f(event): ...\ndef f(): ...", "s.py:f must take two arguments"),
        ("def f(:", "s.py is no Python: line 1:"),
        ("x = " + "(" * 500 + ")" * 500, "s.py is no Python"),
        ("x = " + "-" * 100_000 + "1", "s.py is no Python"),
        ("\0", "s.py is no Python"),
    ],
    ids=lambda value: value[:30].replace("\0", "null"),
)
def test_what_cannot_be_called_as_lambda_calls_it_is_refused(
    folder: Path, code: str, said: str
) -> None:
    write(folder, code, "s.py")
    (text,) = problems_of(folder, {"lambdas": {"a": "s.py:f"}})

    assert text.startswith(f"lambdas.a: {said}")


# --- reading again ---


def test_a_file_is_parsed_again_only_after_it_has_changed(folder: Path) -> None:
    path = write(folder, {"flows": {"a": "flow.json"}}, "w.json")
    reader = Reader()
    first, second = (reader.world(path).flows["a"] for _ in range(2))
    write(folder, document(Metadata={"name": "another"}))
    third = reader.world(path).flows["a"]

    assert first.actions is second.actions
    assert (second.name, third.name) == ("flow", "another")


def test_a_file_that_is_gone_is_not_remembered(folder: Path) -> None:
    path = write(folder, {"bots": {"a": "bot.json"}}, "w.json")
    reader = Reader()
    reader.world(path)
    (folder / "bot.json").unlink()

    with pytest.raises(FlowFileError, match="there is no file"):
        reader.world(path)


def test_patches_of_one_reader_do_not_touch_each_other(folder: Path) -> None:
    path = write(folder, WHOLE, "w.json")
    reader = Reader()
    patched = reader.world(path, patch={"queues": {ARN: {"waiting": 9}}, "hours": None})

    assert (patched.queues[ARN].waiting, patched.hours) == (9, {})
    assert reader.world(path) == read_world(path)


# --- what an ARN names ---


@pytest.mark.parametrize(
    ("key", "arn", "is_found"),
    [
        ("arn:aws:connect:a:1:instance/i/queue/q", "arn:aws:connect:b:2:instance/j/queue/q", True),
        ("arn:aws:connect:a:1:instance/i/queue/q", "q", True),
        ("arn:aws:connect:a:1:instance/i/queue/q", "arn:aws:connect:a:1:instance/i/queue/r", False),
        ("a:contact-flow/f", "b:contact-flow/f:$LATEST", True),
        ("arn:aws:lambda:a:1:function:look", "arn:aws:lambda:b:2:function:look:live", True),
        ("arn:aws:lambda:a:1:function:look:live", "arn:aws:lambda:a:1:function:send:live", False),
        ("arn:aws:lex:a:1:bot-alias/B/TSTALIASID", "arn:aws:lex:b:2:bot-alias/B/TSTALIASID", True),
        ("arn:aws:lex:a:1:bot-alias/B/TSTALIASID", "arn:aws:lex:a:1:bot-alias/C/TSTALIASID", False),
        ("q", "", False),
    ],
)
def test_an_arn_is_matched_by_what_it_names_and_not_by_where(
    key: str, arn: str, *, is_found: bool
) -> None:
    assert (named({key: 1}, arn) == (key, 1)) is is_found


def test_a_whole_arn_goes_before_its_last_part() -> None:
    assert named({"a/q": 1, "b/q": 2}, "b/q") == ("b/q", 2)


# --- nothing else ever comes out ---

ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=8,
)


def _replaced(value: Any, numbers: list[int], new: Any) -> Any:
    """A value with something replaced, at a place that the numbers lead to."""
    if not numbers or not isinstance(value, dict | list) or not value:
        return new
    keys = list(value) if isinstance(value, dict) else list(range(len(value)))
    key = keys[numbers[0] % len(keys)]
    copy = value.copy()
    copy[key] = _replaced(value[key], numbers[1:], new)
    return copy


FUZZED = settings(
    max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@pytest.mark.thorough
@FUZZED
@given(numbers=st.lists(st.integers(0, 20), max_size=6), new=ANY_JSON, patch=ANY_JSON)
def test_a_world_with_any_member_replaced_is_read_or_refused(
    folder: Path, numbers: list[int], new: Any, patch: Any
) -> None:
    try:
        world_of(folder, _replaced(WHOLE, numbers, new), patch=patch)
    except FlowFileError as refused:
        reasons = [problem.text for problem in refused.problems]
    else:
        reasons = ["none"]
    assert all(reasons)


@pytest.mark.thorough
@FUZZED
@given(
    numbers=st.lists(st.integers(0, 20), max_size=6),
    new=ANY_JSON,
    bot=st.sampled_from([json.loads(path.read_text(encoding="utf-8")) for path in BOTS]),
)
def test_a_bot_with_any_member_replaced_is_read_or_refused(
    folder: Path, numbers: list[int], new: Any, bot: Any
) -> None:
    write(folder, _replaced(bot, numbers, new), "bot.json")
    outcome: Any
    try:
        outcome = world_of(folder, {"bots": {"b": "bot.json"}}).bots["b"].intents
    except FlowFileError as refused:
        outcome = refused.problems
    assert outcome
