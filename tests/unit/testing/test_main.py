"""`python -m connect_tasks.testing`: files of expected conversations, played and compared."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from connect_tasks.testing.__main__ import main

CORPUS = Path(__file__).parents[3] / "data" / "flows"
FILES = sorted(CORPUS.glob("*.expected.json"))

Edit = Callable[[dict[str, Any]], object]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return Path(shutil.copytree(CORPUS, tmp_path / "corpus"))


def edited(folder: Path, edit: Edit, name: str = "lambda-loop") -> str:
    path = folder / f"{name}.expected.json"
    document = json.loads(path.read_text(encoding="utf-8"))
    edit(document)
    path.write_text(json.dumps(document), encoding="utf-8")
    return str(path)


def test_there_is_a_corpus() -> None:
    conversations = [c for path in FILES for c in json.loads(path.read_text())["conversations"]]

    assert (len(FILES), len(conversations)) == (4, 20)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name.partition(".")[0])
def test_what_comes_of_the_corpus_is_what_its_files_expect(
    path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    expected = json.loads(path.read_text(encoding="utf-8"))["conversations"]

    assert main([str(path), "--json"]) == 0
    happened = json.loads(capsys.readouterr().out)

    # Compared here once more, and not by what is tried.
    assert [one["name"] for one in happened] == [one["name"] for one in expected]
    for got, want in zip(happened, expected, strict=True):
        assert got["lines"] == want["lines"]
        assert want["end"].items() <= got["end"].items()
        assert got["attributesAfter"] == want["attributesAfter"]


def test_the_json_of_several_files_is_one_flat_list_and_all_that_is_printed(
    capsys: pytest.CaptureFixture[str],
) -> None:
    main([*map(str, FILES), "--json"])

    printed = capsys.readouterr()
    listed = json.loads(printed.out)
    assert len(listed) == 20
    assert {frozenset(one) for one in listed} == {
        frozenset({"name", "lines", "end", "attributesAfter"})
    }
    assert all(len(line) == 2 for one in listed for line in one["lines"])


def test_a_difference_is_marked_beside_what_was_expected_and_told_by_the_exit_code(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def other(document: dict[str, Any]) -> None:
        document["conversations"][0]["lines"][2][1] = "Hello Zoë."

    assert main([edited(folder, other)]) == 1
    printed = capsys.readouterr().out
    marked = [line for line in printed.splitlines() if line.startswith("  !")]
    assert "DIFFERENT: lambda-loop.expected.json: found at once; nested JSON" in printed
    assert "FLOW: Hello Zoë Müller from Köln" in marked[0]
    assert "| FLOW: Hello Zoë." in marked[0]
    assert "4 of 5 conversations as expected." in printed


def set_in(conversation: int, **members: Any) -> Edit:
    return lambda document: document["conversations"][conversation].update(members)


@pytest.mark.parametrize(
    ("edit", "code"),
    [
        pytest.param(set_in(0, end={"state": "queued"}), 1, id="state"),
        pytest.param(set_in(0, end={"state": "ended", "reason": "API"}), 1, id="reason"),
        pytest.param(
            set_in(0, end={"reason": ["API", "CONTACT_FLOW_DISCONNECT"]}),
            0,
            id="one of the reasons",
        ),
        pytest.param(set_in(0, end={"state": "ended", "queue": "Sales"}), 1, id="queue"),
        pytest.param(set_in(0, attributesAfter={}), 1, id="an attribute more"),
        pytest.param(set_in(1, attributesAfter={"plan": "gold"}), 1, id="an attribute less"),
        pytest.param(set_in(0, lines=[]), 1, id="lines more"),
        pytest.param(
            set_in(3, lines=[["PROMPT", "What is your customer number?"], ["CUSTOMER", "500000"]]),
            1,
            id="a line more",
        ),
        pytest.param(set_in(0, lines=None, end=None, attributesAfter=None), 0, id="nothing"),
        pytest.param(set_in(0, end="ended"), 0, id="a state alone"),
        pytest.param(set_in(0, comment="of ours", inferred="nothing"), 0, id="unknown members"),
        pytest.param(set_in(0, name=None), 0, id="no name"),
    ],
)
def test_each_member_is_compared_where_it_is_given(folder: Path, edit: Edit, code: int) -> None:
    assert main([edited(folder, edit)]) == code


@pytest.mark.parametrize(
    ("speaker", "code"), [("PROMPT", 0), ("FLOW", 1), ("BOT", 1), ("AGENT", 1), ("prompt", 0)]
)
def test_a_bots_own_text_is_a_prompt(folder: Path, speaker: str, code: int) -> None:
    def say(document: dict[str, Any]) -> None:
        document["conversations"][0]["lines"][0][0] = speaker

    assert main([edited(folder, say)]) == code


def test_a_prompt_that_is_expected_may_come_from_the_flow_or_its_bot(folder: Path) -> None:
    def prompts(document: dict[str, Any]) -> None:
        for conversation in document["conversations"]:
            for line in conversation["lines"]:
                line[0] = line[0] if line[0] == "CUSTOMER" else "PROMPT"

    assert main([edited(folder, prompts, "order-status-bot")]) == 0


def test_one_line_that_is_not_expected_is_one_difference_and_moves_no_other(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def second_alone(document: dict[str, Any]) -> None:
        document["conversations"] = [
            {**one, "lines": [["PROMPT", one["lines"][1][1]]]}
            for one in document["conversations"]
            if one["name"] == "open, nobody free"
        ]

    assert main([edited(folder, second_alone, "queue-hours")]) == 1
    printed = capsys.readouterr().out
    marked = [line for line in printed.splitlines() if line.startswith("  !")]
    assert "All colleagues of Support" in marked[0]
    assert "You are in the queue" not in "".join(marked)


def test_the_contacts_own_id_can_be_expected(folder: Path) -> None:
    def store(document: dict[str, Any]) -> None:
        for action in document["Actions"]:
            if action["Type"] == "UpdateContactAttributes":
                action["Parameters"]["Attributes"]["id"] = "$.ContactId"

    flow = folder / "lambda-loop.json"
    content = json.loads(flow.read_text(encoding="utf-8"))
    store(content)
    flow.write_text(json.dumps(content), encoding="utf-8")

    def expect(value: Any) -> Edit:
        def edit(document: dict[str, Any]) -> None:
            for number in (0, 2):
                document["conversations"][number]["attributesAfter"]["id"] = value

        return edit

    assert main([edited(folder, expect({"$is": "contactId"}))]) == 0
    assert main([edited(folder, expect("another"))]) == 1


# --- what cannot be used ---


def test_everything_that_is_wrong_is_told_at_once_and_the_rest_is_played(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def spoil(document: dict[str, Any]) -> None:
        document["conversations"][0].update(
            now="soon", draws=["x", True, 30, "31"], customer=[{"silence": "long"}]
        )
        document["conversations"][1]["lines"] = [["FLOW"], "Hello"]
        document["conversations"][2] = "Hello"

    assert main([edited(folder, spoil), "--json"]) == 2
    printed = capsys.readouterr()
    told = printed.err.splitlines()
    for place in (
        "now is 'soon'",
        "draws holds 'x'",
        "draws holds True",
        "customer is silent for 'long'",
        "lines[1]",
    ):
        assert sum(place in line for line in told) == 1
    assert any("conversation 3" in line for line in told)
    assert "found at once" in told[0]
    listed = json.loads(printed.out)
    assert [one["name"] for one in listed[3:]] == [
        "the function throws",
        "the function is slower than its limit of 4 s",
    ]
    assert all(one["lines"] for one in listed[3:])


KINDS: list[tuple[Any, str]] = [
    ({}, "an object"),
    ([], "a list"),
    (True, "true or false"),
    ("x", "a text"),
    (5, "a number"),
]


@pytest.mark.parametrize(
    ("member", "value", "told"),
    [
        *(("displayName", value, kind) for value, kind in KINDS[:2]),
        *(("attributes", value, kind) for value, kind in KINDS[1:]),
        *(("worldPatch", value, kind) for value, kind in KINDS[1:]),
        *(("attributes", {"a": value}, kind) for value, kind in [*KINDS[:2], (None, "null")]),
    ],
    ids=str,
)
def test_what_a_member_is_instead_is_said_in_words(
    folder: Path, member: str, value: Any, told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    def spoil(document: dict[str, Any]) -> None:
        document["conversations"] = [{member: value}]

    assert main([edited(folder, spoil)]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert f" is {told}: write " in line


@pytest.mark.parametrize("silence", [10**400, -(10**400), "9" * 5_000, "-1", [], None], ids=str)
def test_a_silence_that_nobody_can_keep_is_told(
    folder: Path, silence: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    def spoil(document: dict[str, Any]) -> None:
        document["conversations"] = [{"customer": [{"silence": silence}], "draws": [10**400]}]

    assert main([edited(folder, spoil)]) == 2
    told = capsys.readouterr().err
    assert "customer is silent for" in told
    assert max(map(len, told.splitlines())) < 300


BROKEN = {
    "no JSON": "{",
    "no object": "[]",
    "empty": "",
    "another text": "\udcff",
    "deep": "[" * 100_000,
    "no flow": '{"conversations": [{}]}',
    "no conversations": '{"flow": "lambda-loop.json"}',
    "an empty list": '{"flow": "lambda-loop.json", "conversations": []}',
    "a flow that is not there": '{"flow": "nowhere.json", "conversations": [{}]}',
    "a world that is not there": (
        '{"flow": "lambda-loop.json", "world": "nowhere.json", "conversations": [{}]}'
    ),
    "a flow that is none": '{"flow": "number.bot.json", "conversations": [{}]}',
    "a flow that is a folder": '{"flow": ".", "conversations": [{}]}',
    "a flow that is a list": '{"flow": ["lambda-loop.json"], "conversations": [{}]}',
    "a name that no system has": '{"flow": "a\\u0000b", "conversations": [{}]}',
}


@pytest.mark.parametrize("text", BROKEN.values(), ids=list(BROKEN))
def test_a_file_that_cannot_be_used_is_told_in_lines_and_keeps_no_other_from_being_played(
    folder: Path, text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    broken = folder / "broken.expected.json"
    broken.write_bytes(text.encode("utf-8", "surrogateescape"))

    assert main([str(broken), str(folder / "queue-hours.expected.json"), "--json"]) == 2
    printed = capsys.readouterr()
    assert "broken" in printed.err or "nowhere" in printed.err or "number.bot" in printed.err
    assert "Traceback" not in printed.err
    assert len(json.loads(printed.out)) == 6


def test_a_mark_that_says_utf_8_is_no_part_of_a_file(folder: Path) -> None:
    path = folder / "queue-hours.expected.json"
    path.write_text(path.read_text(encoding="utf-8"), encoding="utf-8-sig")

    assert main([str(path)]) == 0


def test_a_file_that_is_not_there_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["nowhere.expected.json"]) == 2
    assert "nowhere.expected.json: cannot be read" in capsys.readouterr().err


def test_a_world_patch_that_makes_no_world_is_that_conversations_fault_alone(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    patch = {"queues": {"arn": {"capacity": "many", "waiting": "few"}}}
    path = edited(folder, set_in(1, worldPatch=patch))

    assert main([path, "--json"]) == 2
    printed = capsys.readouterr()
    told = printed.err.splitlines()
    assert ["capacity" in told[0], "waiting" in told[1], len(told)] == [True, True, 2]
    assert all("'invalid, then unknown: two rounds, then done'" in line for line in told)
    assert [bool(one["lines"]) for one in json.loads(printed.out)] == [True, False, *[True] * 3]


def test_text_that_no_terminal_can_show_is_escaped_in_json(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = edited(folder, set_in(0, customer=["\ud800 100001"]))

    assert main([path, "--json"]) == 1
    said = json.loads(capsys.readouterr().out)[0]["lines"][1]
    assert said == ["CUSTOMER", "\ud800 100001"]


STUB = """
print("loaded")

def look(event, context):
    print("called")
    return {"status": "unknown"}
"""


def test_what_a_function_of_the_users_prints_is_no_part_of_the_json(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    world = folder / "lambda-loop.world.json"
    document = json.loads(world.read_text(encoding="utf-8"))
    document["lambdas"] = dict.fromkeys(document["lambdas"], "stub.py:look")
    world.write_text(json.dumps(document), encoding="utf-8")
    (folder / "stub.py").write_text(STUB, encoding="utf-8")

    assert main([str(folder / "lambda-loop.expected.json"), "--json"]) == 1
    printed = capsys.readouterr()
    assert ["FLOW", "We do not know the number 100001."] in json.loads(printed.out)[0]["lines"]
    assert printed.err.splitlines().count("loaded") == 1
    assert "called" in printed.err


SHOWS = {
    "Version": "2019-10-30",
    "StartAction": "view",
    "Actions": [
        {
            "Identifier": "view",
            "Type": "ShowView",
            "Parameters": {"ViewResource": {"Id": "form"}, "ViewData": {"Heading": "Well?"}},
            "Transitions": {"NextAction": "bye"},
        },
        {
            "Identifier": "bye",
            "Type": "MessageParticipant",
            "Parameters": {"Text": "You chose $.Views.Action."},
            "Transitions": {"NextAction": "end"},
        },
        {"Identifier": "end", "Type": "DisconnectParticipant"},
    ],
}


@pytest.mark.parametrize(
    ("deed", "said"), [("Yes", [["CUSTOMER", "Yes"]]), ({"action": "Yes", "data": {"a": 1}}, [])]
)
def test_a_view_is_no_line_and_neither_is_what_is_chosen_in_it(
    tmp_path: Path, deed: Any, said: list[list[str]]
) -> None:
    (tmp_path / "shows.json").write_text(json.dumps(SHOWS))
    lines = [*said, ["FLOW", "You chose Yes."]]
    conversation = {"name": "one", "customer": [deed], "lines": lines}
    path = tmp_path / "shows.expected.json"
    path.write_text(json.dumps({"flow": "shows.json", "conversations": [conversation]}))

    assert main([str(path)]) == 0


@pytest.mark.parametrize(
    ("slip", "meant"),
    [("line", "lines"), ("ends", "end"), ("attributesafter", "attributesAfter"), ("Draw", "draws")],
)
def test_a_misspelt_member_is_told_since_its_conversation_could_not_fail(
    folder: Path, slip: str, meant: str, capsys: pytest.CaptureFixture[str]
) -> None:
    def misspell(document: dict[str, Any]) -> None:
        conversation = document["conversations"][0]
        conversation[slip] = conversation.pop(meant, [])

    assert main([edited(folder, misspell)]) == 2
    assert f"{slip} is not known; did you mean {meant!r}?" in capsys.readouterr().err


def test_members_of_another_version_are_passed_over(folder: Path) -> None:
    extra = {"priority": 1, "author": "Ada", "tags": ["a"], "note": "", "customerId": "7"}
    assert main([edited(folder, set_in(0, **extra))]) == 0
