import math
from dataclasses import fields
from pathlib import Path

import pytest

from connect_tasks.emulator.command_line import quotas_of, read_arguments
from connect_tasks.emulator.phones import PhoneKind
from connect_tasks.emulator.phones.arguments import phones_of
from connect_tasks.emulator.quotas import QUOTA_NAMES, LocalQuotas, Rate


def refusal(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    with pytest.raises(SystemExit) as ended:
        read_arguments(arguments)
    assert ended.value.code == 2
    return capsys.readouterr().err


def test_without_arguments_it_is_this_machines_alone_and_keeps_amazons_quotas() -> None:
    arguments = read_arguments([])

    assert (arguments.host, arguments.port) == ("127.0.0.1", 4577)
    assert quotas_of(arguments) == LocalQuotas()
    assert arguments.clock_factor == 1
    assert arguments.state_dir is None


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("0.5-2", (0.5, 2)), ("1", (1, 1)), ("0-0", (0, 0)), (".5-.5", (0.5, 0.5))],
)
def test_think_seconds_are_a_span_or_one_number(text: str, seconds: tuple[float, float]) -> None:
    assert read_arguments(["--think-seconds", text]).think_seconds == seconds


@pytest.mark.parametrize(
    ("argument", "value"),
    [
        *(("--think-seconds", text) for text in ("2-1", "a-b", "-1", "1-", "1-2-3", "1e9", ".")),
        *(("--connect-window", text) for text in ("-1", "nan", "inf", "soon", "")),
        *(("--clock-factor", text) for text in ("0", "-1", "nan", "inf", "10001", "fast")),
        *(("--port", text) for text in ("-1", "65536", "99999999999", "4577.0", "\u0663")),
        *(("--host", text) for text in ("", "127.0.0.1:80", "http://here", "a/b")),
        *(("--open-chats", text) for text in ("-1", "1.5", "many", "\u0663")),
        *(
            ("--quota", text)
            for text in (
                "",
                "StartChatContact",
                "StartChatContact=",
                "StartChatContact=50",
                "StartChatContact=50/0.5",
                "StartChatContact=-1/5",
                "StartChatContact=nan/5",
                "StartChatContact=5/inf",
                "StartChatContact=1/2/3",
                "startchatcontact=1/2",
                "Nothing=1/2",
            )
        ),
        *(
            ("--sns", text)
            for text in ("", "arn:aws:sns:us-east-1:1:t", "=http://here", "t=http://x")
        ),
        *(
            ("--phones", text)
            for text in ("", "deaf", "answer=x", "answer=-1", "answer=0", "answer=nan", "stop,stop")
        ),
        ("--seed", "x"),
        ("--transcript-delay", "-1"),
    ],
)
def test_a_value_that_means_nothing_is_refused_with_its_argument(
    capsys: pytest.CaptureFixture[str], argument: str, value: str
) -> None:
    assert f"argument {argument}" in refusal(capsys, f"{argument}={value}")


def test_without_arguments_all_phones_answer() -> None:
    phones = phones_of(read_arguments([]))

    assert (phones.shares, phones.by_number) == ({PhoneKind.ANSWER: 1}, {})


@pytest.mark.parametrize(
    ("text", "shares"),
    [
        ("silent", {PhoneKind.SILENT: 1}),
        ("answer=0.8,stop=0.2", {PhoneKind.ANSWER: 0.8, PhoneKind.STOP: 0.2}),
        ("answer,undeliverable", {PhoneKind.ANSWER: 1, PhoneKind.UNDELIVERABLE: 1}),
    ],
)
def test_phones_are_of_one_kind_or_of_shares(text: str, shares: dict[PhoneKind, float]) -> None:
    assert phones_of(read_arguments(["--phones", text])).shares == shares


def test_single_phones_come_from_a_table(tmp_path: Path) -> None:
    table = tmp_path / "phones.csv"
    table.write_text("number,kind,texts\n+4915112345678,answer,7\n", encoding="utf-8")

    phones = phones_of(read_arguments(["--phone-table", str(table), "--phones", "silent"]))

    assert phones.by_number == {"+4915112345678": PhoneKind.ANSWER}
    assert phones.texts == {"+4915112345678": ("7",)}
    assert phones.shares == {PhoneKind.SILENT: 1}


def test_an_unknown_operation_is_refused_with_those_that_there_are(
    capsys: pytest.CaptureFixture[str],
) -> None:
    told = refusal(capsys, "--quota", "StartChat=1/2")

    assert all(operation in told for operation in QUOTA_NAMES)


def test_every_rate_of_the_quotas_can_be_named() -> None:
    rates = {field.name for field in fields(LocalQuotas) if isinstance(field.default, Rate)}

    assert set(QUOTA_NAMES.values()) == rates


def test_a_quota_that_is_named_counts_and_the_others_stay() -> None:
    named = ["--quota", "StartChatContact=50/80", "--quota", "SendMessage=unlimited"]

    expected = LocalQuotas(start_chat_contact=Rate(50, 80), send=None)
    assert quotas_of(read_arguments(named)) == expected


def test_the_last_of_two_quotas_for_one_operation_counts() -> None:
    named = ["--quota", "StopContact=1/2", "--quota", "StopContact=3/4"]

    assert quotas_of(read_arguments(named)).stop_contact == Rate(3, 4)


def test_unlimited_leaves_what_is_named() -> None:
    named = ["--unlimited", "--quota", "StartChatContact=5/8", "--open-chats", "3"]
    quotas = quotas_of(read_arguments(named))

    assert quotas.start_chat_contact == Rate(5, 8)
    assert quotas.open_chats == 3
    assert quotas.send is None


@pytest.mark.parametrize(("text", "most"), [("0", 0), ("5000", 5000), ("unlimited", None)])
def test_open_chats_are_a_number_or_unlimited(text: str, most: int | None) -> None:
    quotas = quotas_of(read_arguments(["--open-chats", text]))

    assert quotas.open_chats == most
    assert quotas.start_chat_contact == LocalQuotas().start_chat_contact


def test_flow_files_come_in_their_order() -> None:
    arguments = read_arguments(["--flow-file", "b.json", "--flow-file", "a.json", "--world", "w"])

    assert list(map(str, arguments.flow_file)) == ["b.json", "a.json"]
    assert str(arguments.world) == "w"


@pytest.mark.parametrize(
    ("text", "host"),
    [("0.0.0.0", "0.0.0.0"), ("::1", "::1"), ("[::]", "::"), ("box", "box")],  # noqa: S104 - text, not a socket
)
def test_a_host_is_an_address_of_any_kind(text: str, host: str) -> None:
    assert read_arguments(["--host", text]).host == host


def test_a_clock_can_also_go_slower() -> None:
    assert math.isclose(read_arguments(["--clock-factor", "0.5"]).clock_factor, 0.5)


def test_storage_is_delayed_or_not_kept_and_never_both(capsys: pytest.CaptureFixture[str]) -> None:
    assert "--no-storage" in refusal(capsys, "--no-storage", "--transcript-delay", "1")


def test_topics_lead_to_urls_that_may_hold_what_urls_hold() -> None:
    topic, url = "arn:aws:sns:us-east-1:1:chats", "http://127.0.0.1:1/hook?a=b"
    arguments = read_arguments(["--sns", f"{topic}={url}", "--sns", f"{topic}-2={url}"])

    assert dict(arguments.sns) == {topic: url, f"{topic}-2": url}
    assert not arguments.receipts
