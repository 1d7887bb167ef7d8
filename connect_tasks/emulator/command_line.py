"""The arguments of `connect-tasks local` and `python -m connect_tasks.emulator`."""

import argparse
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from connect_tasks.emulator.phones.arguments import add_phones
from connect_tasks.emulator.quotas import QUOTA_NAMES, LocalQuotas, Rate
from connect_tasks.emulator.transcript_storage import TranscriptStorage

__all__ = ["HOST", "PROGRAM", "quotas_of", "read_arguments", "storage_of"]

HOST = "127.0.0.1"
PROGRAM = "python -m connect_tasks.emulator"
_MOST_SECONDS = 7 * 24 * 3600
_MOST_PORT = 65_535
# With more, a day of the machine's would lead beyond the years that Python can count.
_FACTORS = (0.01, 10_000.0)
_SPAN = re.compile(r"([0-9.]+)(?:-([0-9.]+))?")
_UNLIMITED = "unlimited"


def read_arguments(argv: Sequence[str] | None, program: str = PROGRAM) -> argparse.Namespace:
    """Read the arguments; what is wrong with one goes to standard error.

    Args:
        argv: The arguments; those of the process if None.
        program: What was typed in front of them.

    Raises:
        SystemExit: One is wrong (2), or help was asked for (0).
    """
    parser = argparse.ArgumentParser(
        prog=program,
        description="A local Amazon Connect for chats. Its page is at the URL that it prints.",
    )
    _add_flows(parser)
    _add_place(parser)
    _add_streaming(parser)
    add_phones(parser)
    _add_time(parser)
    _add_quotas(parser)
    _add_sight(parser)
    return parser.parse_args(argv)


def quotas_of(arguments: argparse.Namespace) -> LocalQuotas:
    """The quotas to enforce: Amazon's or none, but for those that are named."""
    quotas = LocalQuotas.unlimited() if arguments.unlimited else LocalQuotas()
    named: dict[str, Any] = {}
    for each in arguments.quota:
        named |= each
    if arguments.open_chats is not None:
        most = None if arguments.open_chats == math.inf else int(arguments.open_chats)
        quotas = replace(quotas, open_chats=most)
    return replace(quotas, **named)


def storage_of(arguments: argparse.Namespace) -> TranscriptStorage | None:
    """Where transcripts are kept, if they are."""
    if arguments.no_storage:
        return None
    return TranscriptStorage(delay_seconds=arguments.transcript_delay)


def _add_flows(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("flows")
    group.add_argument("--flow", metavar="NAME", help="the default flow: of a file, or scripted")
    group.add_argument(
        "--flow-file",
        action="append",
        default=[],
        type=Path,
        metavar="F",
        help="a contact flow as exported from the console; can be given more than once",
    )
    group.add_argument(
        "--world",
        type=Path,
        metavar="W",
        help="what stands around the flows: queues, hours, bots, functions (JSON or TOML)",
    )
    group.add_argument(
        "--answer-seconds",
        type=_seconds,
        metavar="S",
        help="how long a scripted flow waits for an answer before it ends the chat",
    )
    group.add_argument(
        "--think-seconds",
        type=_span,
        default=(0.0, 0.0),
        metavar="A-B",
        help="least and most seconds before each utterance of a flow",
    )


def _add_streaming(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("what else is told of chats")
    group.add_argument(
        "--sns",
        action="append",
        default=[],
        type=_topic,
        metavar="ARN=URL",
        help="where what is streamed to an SNS topic is POSTed; can be given more than once",
    )
    group.add_argument(
        "--receipts",
        action="store_true",
        help="the other side confirms each message of the customer as delivered and read",
    )


def _add_place(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("where it is, and what it keeps")
    group.add_argument("--port", type=_port, default=4577, help="the port; 0 for any (4577)")
    group.add_argument(
        "--host",
        type=_host,
        default=HOST,
        help=f"the address to listen on ({HOST}); 0.0.0.0 lets everybody in who reaches it",
    )
    group.add_argument("--seed", type=int, help="what ids and faults follow from (0)")
    group.add_argument(
        "--state-dir",
        type=Path,
        metavar="DIR",
        help="remembers over a restart what is open and what has ended; made if it is not there",
    )
    kept = group.add_mutually_exclusive_group()
    kept.add_argument(
        "--transcript-delay",
        type=_seconds,
        default=0.0,
        metavar="S",
        help="how long after a chat's end its transcript is in S3",
    )
    kept.add_argument("--no-storage", action="store_true", help="keep no transcripts")


def _add_time(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("time")
    group.add_argument(
        "--connect-window",
        type=_seconds,
        default=300.0,
        metavar="S",
        help="how long a new chat waits for its customer (300)",
    )
    group.add_argument(
        "--clock-factor",
        type=_factor,
        default=1.0,
        metavar="X",
        help="let its time run X times as fast: waits, life times, quotas",
    )


def _add_quotas(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("quotas and trouble")
    group.add_argument("--unlimited", action="store_true", help="enforce no quotas but those named")
    group.add_argument(
        "--quota",
        action="append",
        default=[],
        type=_quota,
        metavar="OPERATION=RATE/BURST",
        help="for example StartChatContact=50/80, or =unlimited; can be given more than once",
    )
    group.add_argument(
        "--open-chats", type=_count, metavar="N", help="chats that may be open (500), or unlimited"
    )
    group.add_argument("--faults", type=Path, metavar="FILE", help="what goes wrong: a TOML file")


def _add_sight(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("what it tells")
    group.add_argument(
        "--log-requests",
        action="store_true",
        help="one line for each request on standard error: operation, status, milliseconds",
    )
    group.add_argument(
        "--trace",
        action="store_true",
        help="each action of an exported flow, as a contact comes through it",
    )


def _number(text: str, least: float, most: float, what: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    # Of a number that is none, no comparison holds.
    if not least <= number <= most:
        raise argparse.ArgumentTypeError(f"must be from {least:g} to {most:g}{what}, not {text}")
    return number


def _seconds(text: str) -> float:
    return _number(text, 0, _MOST_SECONDS, " seconds")


def _factor(text: str) -> float:
    return _number(text, *_FACTORS, " times as fast")


def _span(text: str) -> tuple[float, float]:
    found = _SPAN.fullmatch(text)
    if found is None:
        raise argparse.ArgumentTypeError(f"must be seconds such as 0.5-2, not {text}")
    least = _seconds(found[1])
    most = _seconds(found[2]) if found[2] else least
    if most < least:
        raise argparse.ArgumentTypeError(f"must not go down, as {text} does")
    return least, most


def _topic(text: str) -> tuple[str, str]:
    arn, _, url = text.partition("=")
    if not arn.startswith("arn:") or not url:
        raise argparse.ArgumentTypeError("write the ARN of a topic, =, and a URL")
    return arn, url


def _port(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and int(text) <= _MOST_PORT):
        raise argparse.ArgumentTypeError(f"must be from 0 to {_MOST_PORT}, not {text}")
    return int(text)


def _host(text: str) -> str:
    if not text or "/" in text or text.count(":") == 1:
        raise argparse.ArgumentTypeError(f"must be an address without a port, not {text!r}")
    return text.strip("[]")


def _count(text: str) -> float:
    if text == _UNLIMITED:
        return math.inf
    if not (text.isascii() and text.isdecimal()):
        raise argparse.ArgumentTypeError(f"must be a number of chats, or unlimited, not {text}")
    return int(text)


def _quota(text: str) -> Mapping[str, Rate | None]:
    operation, _, rate = text.partition("=")
    if operation not in QUOTA_NAMES:
        known = ", ".join(sorted(QUOTA_NAMES))
        raise argparse.ArgumentTypeError(f"{operation!r} is none of {known}")
    return {QUOTA_NAMES[operation]: None if rate == _UNLIMITED else _rate(text, rate)}


def _rate(text: str, rate: str) -> Rate:
    try:
        per_second, burst = map(float, rate.split("/"))
    except ValueError:
        per_second = burst = math.nan
    if not (0 <= per_second < math.inf and 1 <= burst < math.inf):
        example = "50/80: calls each second, and at once at most (1 or more)"
        raise argparse.ArgumentTypeError(f"{text}: write the rate as {example}")
    return Rate(per_second, burst)
