import json
from pathlib import Path
from typing import Any

import pytest

from connect_tasks.emulator.flows.exported.document import Condition
from connect_tasks.emulator.flows.exported.files import MOST_BYTES
from connect_tasks.emulator.flows.exported.forms import read_flow
from connect_tasks.emulator.flows.exported.problems import FlowFileError
from tests.unit.emulator.flows.documents import (
    ARN,
    BOTS,
    CORPUS,
    FLOWS,
    WORLDS,
    action,
    condition,
    document,
    error,
    problems_of,
    texts_of,
    write,
)

SENTENCE = "This is the old export format ('modules')."
ANSWER = {
    "Name": "Survey",
    "Type": "CUSTOMER_QUEUE",
    "Id": "14be1ade",
    "Arn": "arn:aws:connect:eu-central-1:1:instance/6f1c/contact-flow/14be1ade",
    "State": "ACTIVE",
}


# --- the forms ---


@pytest.mark.parametrize("path", FLOWS, ids=lambda path: path.stem)
def test_every_export_of_the_corpus_is_read_with_all_of_its_actions(path: Path) -> None:
    given = json.loads(path.read_text(encoding="utf-8"))
    flow = read_flow(path)

    assert (flow.name, flow.type) == (given["Metadata"]["name"], given["Metadata"]["type"])
    assert [*flow.actions] == [entry["Identifier"] for entry in given["Actions"]]
    assert flow.start == given["StartAction"]
    assert json.loads(flow.content) == given
    assert flow.file == str(path)


def test_an_action_keeps_its_branches_in_the_order_of_the_document(tmp_path: Path) -> None:
    compare = action(
        "one",
        "Compare",
        {"ComparisonValue": "$.Attributes.plan"},
        NextAction="end",
        Conditions=[condition("b", "end"), condition("a", "one", "TextContains")],
        Errors=[error("NoMatchingCondition", "end")],
    )
    flow = read_flow(write(tmp_path, document(compare, action("end"))))

    assert flow.actions["one"].conditions == (
        Condition("Equals", "b", "end"),
        Condition("TextContains", "a", "one"),
    )
    assert dict(flow.actions["one"].errors) == {"NoMatchingCondition": "end"}
    assert (flow.actions["one"].next_action, flow.actions["end"].next_action) == ("end", None)


def test_a_json_text_of_the_content_is_the_content(tmp_path: Path) -> None:
    content = json.dumps(document(action(), Metadata={"name": "x"}))
    flow = read_flow(write(tmp_path, json.dumps(content)))

    assert (flow.name, flow.content) == ("x", content)


@pytest.mark.parametrize("wrap", [lambda a: {"ContactFlow": a}, lambda a: a], ids=["answer", "its"])
@pytest.mark.parametrize("as_text", [True, False], ids=["text", "object"])
def test_an_answer_of_the_api_is_unwrapped_and_says_what_the_flow_is(
    tmp_path: Path, wrap: Any, *, as_text: bool
) -> None:
    inner = document(Metadata={"name": "another", "type": "contactFlow"})
    answer = wrap({**ANSWER, "Content": json.dumps(inner) if as_text else inner})
    flow = read_flow(write(tmp_path, answer))

    assert (flow.name, flow.type, flow.arn) == ("Survey", "customerQueue", ANSWER["Arn"])
    assert json.loads(flow.content) == inner


def test_an_answer_of_a_module_is_unwrapped(tmp_path: Path) -> None:
    answer = {"ContactFlowModule": {"Name": "M", "Id": "1", "Content": json.dumps(document())}}
    flow = read_flow(write(tmp_path, answer))

    assert (flow.name, flow.arn) == ("M", "1")


def test_a_flow_without_a_name_goes_by_that_of_its_file(tmp_path: Path) -> None:
    assert read_flow(write(tmp_path, document(), "my survey.json")).name == "my survey"


def test_the_old_export_is_refused_with_the_sentence_that_helps(tmp_path: Path) -> None:
    old = {
        "modules": [{"id": "1", "type": "PlayPrompt", "branches": [], "parameters": []}],
        "start": "1",
        "version": "1",
        "type": "contactFlow",
    }
    (problem,) = problems_of(write(tmp_path, old))

    assert problem.text.startswith(SENTENCE)
    assert "aws connect describe-contact-flow" in problem.text
    assert problem.text.endswith("--query ContactFlow.Content --output text`.")


@pytest.mark.parametrize(
    "placeholder", ["${queue_arn}", "{{queueArn}}", "${Token[A.1]}", f"${{var.{'x' * 100}}}"]
)
def test_a_template_is_refused_by_its_first_placeholder_and_its_place(
    tmp_path: Path, placeholder: str
) -> None:
    first = action("one", "MessageParticipant", {"Text": "Hello"}, NextAction="to queue")
    second = action(
        "to queue", "UpdateContactTargetQueue", {"QueueId": placeholder}, NextAction="end"
    )
    third = action("end", "X", {"Text": "${later}"})
    (problem,) = problems_of(write(tmp_path, document(first, second, third)))

    assert problem.identifier == "to queue"
    assert f"Parameters.QueueId has the placeholder '{placeholder}'" in problem.text
    assert "the first of 2" in problem.text


def test_a_template_that_is_no_json_is_refused_by_its_first_placeholder(tmp_path: Path) -> None:
    (problem,) = problems_of(write(tmp_path, '{\n "Actions": ${jsonencode(actions)}\n}'))

    assert problem.text.startswith("line 2 has the placeholder '${jsonencode(actions)}'.")


def test_a_placeholder_in_the_name_of_a_member_is_one_too(tmp_path: Path) -> None:
    given = action("one", "UpdateContactAttributes", {"Attributes": {"${name}": "x"}})
    (problem,) = problems_of(write(tmp_path, document(given)))

    assert problem.text.startswith("Parameters.Attributes has the placeholder '${name}'.")


def test_a_world_of_modules_is_no_old_export(tmp_path: Path) -> None:
    (problem,) = problems_of(write(tmp_path, {"modules": {"arn": "module.json"}}))

    assert problem.text.startswith("This is a world file;")


@pytest.mark.parametrize(
    "text", ["Give me 5$ {now}", "a } and {b}", "$.Attributes.x, {x}", "$ {x}"]
)
def test_texts_that_only_look_like_templates_are_texts(tmp_path: Path, text: str) -> None:
    assert not problems_of(
        write(tmp_path, document(action("one", "MessageParticipant", {"Text": text})))
    )


def test_a_placeholder_in_what_only_the_designer_shows_is_no_template(tmp_path: Path) -> None:
    notes = {"Annotations": [{"content": "{{todo}}"}]}

    assert not problems_of(write(tmp_path, document(Metadata=notes)))


@pytest.mark.parametrize(
    ("path", "said"),
    [
        *((path, "world file") for path in WORLDS),
        *((path, "file of a bot") for path in BOTS),
        (CORPUS / "queue-hours.expected.json", "expected conversations"),
    ],
    ids=lambda value: value.name if isinstance(value, Path) else "",
)
def test_a_file_of_another_kind_is_called_by_its_name(path: Path, said: str) -> None:
    (problem,) = problems_of(path)

    assert said in problem.text


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ([], "A flow is a JSON object, not a list."),
        (5, "A flow is a JSON object, not a number."),
        (None, "A flow is a JSON object, not null."),
        ({"ContactFlowSummaryList": []}, "This is a list of flows;"),
        ({"Resources": {}}, "This is a CloudFormation template;"),
        ({"ContactFlow": {}}, "Content is missing."),
        ({"ContactFlow": {"Content": ""}}, "Content is empty."),
        ({"ContactFlow": {"Content": 5}}, "Content must be a text, not a number."),
        ({"ContactFlow": {"Content": "[]"}}, "A flow is a JSON object, not a list."),
        ({"ContactFlow": {"Content": "{"}}, "is no JSON: line 1, column 2:"),
    ],
    ids=str,
)
def test_what_is_no_flow_is_refused_with_what_it_is(tmp_path: Path, given: Any, said: str) -> None:
    (problem,) = problems_of(write(tmp_path, given))

    assert problem.text.startswith(said)


# --- the file ---


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is empty."),
        (b" \n\t", "is empty."),
        (b"\xef\xbb\xbf", "is empty."),
        (b'{"Version": \n  nope}', "is no JSON: line 2, column 3: Expecting value."),
        (b"\x80\x81", "is no UTF-8 at byte 0;"),
        (b'{"a": "M\xfcller"}', "is no UTF-8 at byte 8;"),
        (b'{"a": NaN}', "is no JSON: NaN is no value of JSON."),
        (b'{"a": "\\ud800"}', "is no JSON: half a surrogate pair."),
        (b"[" * 100_000, "is no JSON: more than 64 lists and objects within each other."),
        (b"[" * 70 + b"]" * 70, "is no JSON: more than 64 lists and objects within each other."),
        (b"1" * 5_000, "is no JSON: a number of too many digits."),
        (b" " * (MOST_BYTES + 1), "has more than 10 MB;"),
    ],
    ids=lambda value: str(value)[:20],
)
def test_a_file_that_is_no_text_of_json_is_refused_with_the_place(
    tmp_path: Path, content: bytes, said: str
) -> None:
    path = tmp_path / "flow.json"
    path.write_bytes(content)
    (problem,) = problems_of(path)

    assert problem.file == str(path)
    assert problem.text.startswith(said)


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_a_byte_order_mark_is_no_part_of_the_text(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "flow.json"
    path.write_text(json.dumps(document()), encoding=encoding)

    assert read_flow(path).start == "one"


@pytest.mark.parametrize(
    ("name", "said"),
    [
        (".", "is a folder; name a file in it."),
        ("nowhere.json", "is not there;"),
        ("a\0b", "is no path."),
        ("x" * 300, "cannot be read: File name too long."),
    ],
    ids=["folder", "nowhere", "null", "long"],
)
def test_a_path_that_leads_to_no_file_is_refused(tmp_path: Path, name: str, said: str) -> None:
    (problem,) = problems_of(tmp_path / name)

    assert problem.text.startswith(said)


# --- the error ---


def test_the_error_lists_all_problems_with_file_and_identifier(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        document(
            action("one", "MessageParticipant", []), action("two", ""), Version="1", StartAction="x"
        ),
    )
    with pytest.raises(FlowFileError) as raised:
        read_flow(path)

    assert str(raised.value).splitlines() == [
        f"{path}: Version must be '2019-10-30', not '1'.",
        f"{path}: one: Parameters must be an object, not a list.",
        f"{path}: two: Type is empty.",
        f"{path}: StartAction 'x' is the Identifier of no action.",
    ]
    assert len(texts_of(path)) == 4
    assert ARN not in str(raised.value)
