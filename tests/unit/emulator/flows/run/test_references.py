import pytest
from hypothesis import given
from hypothesis import strategies as st

from connect_tasks.emulator.flows.run.references import (
    Path,
    path_of,
    references_in,
    resolve,
    text_of,
)
from tests.unit.emulator.flows.run.building import (
    Q,
    action,
    chain,
    invoke,
    play,
    said,
    say,
    shows,
    world,
)

VALUES: dict[Path, object] = {
    ("Attributes", "a"): "A",
    ("Attributes", "favourite place"): "home",
    ("Attributes", "a.b"): "dotted",
    ("External", "n"): 3,
    ("External", "list", "1"): "second",
    ("AwsRegion",): "us-east-1",
}


def look_up(path: Path) -> object:
    return VALUES.get(path)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("$.Attributes.a", "A"),
        ("Dear $.Attributes.a, hello", "Dear A, hello"),
        ("It is $.Attributes.a.", "It is A."),
        ("$.Attributes.a, $.Attributes.a.", "A, A."),
        ("$.Attributes['favourite place']", "home"),
        ("$.Attributes.['favourite place']", "home"),
        ("$.Attributes.['favourite place']!", "home!"),
        ("$.Attributes['a.b']", "dotted"),
        ("$['AwsRegion']", "us-east-1"),
        ("$['Attributes']['a']", "A"),
        ("`$.External.list[1]`", "second"),
        ("`$['External']['list'][1]` is it", "second is it"),
        ("$.External.n", "3"),
        ("$.Attributes.a$.Attributes.a", "AA"),
        ("($.Attributes.a)", "(A)"),
        ("$.Attributes.a/$.External.n", "A/3"),
    ],
)
def test_a_reference_is_replaced_and_the_text_around_it_stays(text: str, shown: str) -> None:
    assert resolve(text, look_up) == shown


@pytest.mark.parametrize("text", ["$", "5$", "$x", "$ 5", "$5.00", "$.", "a $ b", "$$", "`$`", ""])
def test_a_dollar_that_begins_no_reference_stays(text: str) -> None:
    assert resolve(text, look_up) == text


@pytest.mark.parametrize("text", ["$.Attributes.b", "$.Nothing.a", "$.Attributes['no such']"])
def test_what_is_not_set_is_the_empty_text(text: str) -> None:
    assert resolve(f"<{text}>", look_up) == "<>"


def test_an_index_without_backticks_is_text_of_its_own() -> None:
    assert resolve("$.Attributes.a[0]", look_up) == "A[0]"


def test_only_one_reference_and_nothing_else_is_a_path() -> None:
    assert path_of("$.Attributes.a") == ("Attributes", "a")
    assert path_of("`$.External.list[1]`") == ("External", "list", "1")
    assert path_of("$.Attributes.['a b'].c") == ("Attributes", "a b", "c")
    assert path_of("$.Attributes.a ") is None
    assert path_of("text") is None
    assert path_of("$.Attributes.a.") is None


def test_every_reference_in_a_text_is_found_in_order() -> None:
    text = "$.Attributes.a and $['AwsRegion'], `$.External.list[1]`"
    assert references_in(text) == [("Attributes", "a"), ("AwsRegion",), ("External", "list", "1")]


@given(st.text(alphabet="abc $.[]'`x0-_,\n"))
def test_a_text_without_any_value_loses_only_its_references(text: str) -> None:
    resolved = resolve(text, lambda _path: None)
    assert len(resolved) <= len(text)
    assert (resolved == text) == (references_in(text) == [])


@given(st.from_regex(r"[A-Za-z0-9_-]{1,20}", fullmatch=True), st.text())
def test_any_plain_key_reads_the_value_whatever_the_value_holds(key: str, value: str) -> None:
    assert resolve(f"[$.Attributes.{key}]", lambda _path: value) == f"[{value}]"


@given(st.text(min_size=1).filter(lambda key: not set(key) & set("'][")))
def test_any_quoted_key_is_read_as_it_is_written(key: str) -> None:
    assert resolve(f"$.Attributes['{key}']", lambda path: path[1]) == key


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("text", "text"),
        (True, "true"),
        (3, "3"),
        (1.5, "1.5"),
        (None, ""),
        ({"a": [1]}, '{"a":[1]}'),
        ("ü", "ü"),
    ],
)
def test_typed_values_are_written_as_json_scalars(value: object, shown: str) -> None:
    assert text_of(value) == shown


def test_a_value_is_not_resolved_again() -> None:
    attributes = {"a": "$.Attributes.b", "b": "secret"}
    assert shows("$.Attributes.a", attributes=attributes) == "$.Attributes.b"


def test_values_of_a_function_keep_their_type_below_external() -> None:
    answer = {"return": {"ok": True, "n": 3, "deep": {"list": ["x", "y"]}, "none": None}}
    text = (
        "$.External.ok $.External.n $.External.deep.list `$.External.deep.list[1]` $.External.none"
    )
    flow = chain(invoke(ResponseValidation={"ResponseType": "JSON"}), say(text))
    assert said(play(flow, world=world(function=answer))) == ['true 3 ["x","y"] y ']


def test_the_functions_answer_has_a_second_name() -> None:
    flow = chain(invoke(), say("$.LambdaInvocation.ResultData.k"))
    assert said(play(flow, world=world(function={"return": {"k": "v"}}))) == ["v"]


@pytest.mark.parametrize(
    ("reference", "value"),
    [
        ("$.Channel", "CHAT"),
        ("$.InitiationMethod", "API"),
        ("$.LanguageCode", "en-US"),
        ("$.Media.InitialMessage", "Hello"),
        ("$.SegmentAttributes['connect:Subtype']", "connect:Chat"),
        ("$.Attributes.plan", "gold"),
    ],
)
def test_namespaces_of_a_chat_are_filled(reference: str, value: str) -> None:
    assert shows(reference, attributes={"plan": "gold"}, initial_message="Hello") == value


def test_initial_and_previous_contact_are_the_first_contact_itself() -> None:
    played = play(say("$.ContactId $.InitialContactId $.PreviousContactId"))
    assert said(played)[0].split() == [played.contact_id] * 3


@pytest.mark.parametrize(
    "reference",
    [
        "$.CustomerEndpoint.Address",
        "$.SystemEndpoint.Address",
        "$.Queue.Name",
        "$.Queue.ARN",
        "$.CustomerId",
        "$.StoredCustomerInput",
        "$.Customer.FirstName",
        "$.Case.x",
        "$.Wisdom.SessionArn",
        "$.DataTables.x",
        "$.MediaStreams.x",
        "$.Agent.FirstName",
        "$.External.k",
        "$.Lex.IntentName",
        "$.Views.Action",
        "$.FlowAttributes.k",
        "$.Metrics.Queue.Size",
        "$.Loop.l.Index",
        "$.Attributes.a.b.c",
    ],
)
def test_what_a_chat_does_not_have_is_not_set(reference: str) -> None:
    assert shows(f"[{reference}]", attributes={"a": "text"}) == "[]"


def test_the_target_queue_is_there_once_it_is_set() -> None:
    target = action("UpdateContactTargetQueue", QueueId=Q)
    flow = chain(say("[$.Queue.Name]", "before"), target, say("$.Queue.Name $.Queue.ARN", "after"))
    assert said(play(flow, world=world(queue={"name": "Help"}))) == ["[]", f"Help {Q}"]


def test_what_is_not_set_can_be_shown_as_it_is_written() -> None:
    assumed = world(assume={"unset_in_text": "reference"})
    assert shows("[$.Attributes.a]", world=assumed) == "[$.Attributes.a]"


def test_an_index_without_end_reads_nothing() -> None:
    answer = {"return": ["a"]}
    text = f"[`$.External[{'9' * 5000}]`]"
    flow = chain(invoke(ResponseValidation={"ResponseType": "JSON"}), say(text, "say"))
    assert said(play(flow, world=world(function=answer))) == ["[]"]
