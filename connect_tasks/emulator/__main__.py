"""Runs the local Amazon Connect by itself: `python -m connect_tasks.emulator`."""

import argparse
import signal
import threading
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from connect_tasks.emulator.faults.file import read_faults
from connect_tasks.emulator.faults.plan import Fault
from connect_tasks.emulator.flows.scripts import FLOWS
from connect_tasks.emulator.local import LocalConnect
from connect_tasks.emulator.quotas import LocalQuotas
from connect_tasks.emulator.transcript_storage import TranscriptStorage

_MOST_SECONDS = 7 * 24 * 3600


def _arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m connect_tasks.emulator", description="A local Amazon Connect for chats."
    )
    parser.add_argument("--port", type=int, default=4577, help="port of 127.0.0.1; 0 for any")
    parser.add_argument("--seed", type=int, default=0, help="what ids and faults follow from")
    parser.add_argument("--flow", choices=sorted(FLOWS), default="survey", help="default flow")
    parser.add_argument("--unlimited", action="store_true", help="enforce no quotas")
    parser.add_argument("--faults", type=Path, metavar="FILE", help="what goes wrong: a TOML file")
    parser.add_argument(
        "--state", type=Path, metavar="FILE", help="remembers which contacts ended over a restart"
    )
    parser.add_argument(
        "--answer-seconds",
        type=_seconds,
        metavar="S",
        help="how long a flow waits for an answer before it ends the chat",
    )
    kept = parser.add_mutually_exclusive_group()
    kept.add_argument(
        "--transcript-delay",
        type=_seconds,
        default=0.0,
        metavar="S",
        help="how long after a chat's end its transcript is in S3",
    )
    kept.add_argument("--no-storage", action="store_true", help="keep no transcripts")
    return parser.parse_args(argv)


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1
    if not 0 <= seconds <= _MOST_SECONDS:
        raise argparse.ArgumentTypeError(f"must be from 0 to {_MOST_SECONDS} seconds, not {text}")
    return seconds


def _storage(arguments: argparse.Namespace) -> TranscriptStorage | None:
    if arguments.no_storage:
        return None
    return TranscriptStorage(delay_seconds=arguments.transcript_delay)


def _told(storage: TranscriptStorage | None) -> str:
    if storage is None:
        return "# transcripts: not kept"
    place = f"s3://{storage.bucket}/{storage.prefix}"
    return f"# transcripts: {place}, {storage.delay_seconds:g} s after a chat's end"


def _announcement(
    local: LocalConnect, state: Path | None, storage: TranscriptStorage | None
) -> str:
    exports = [f"export {name}={value}" for name, value in local.environment().items()]
    flows = [f"# flow {name}: {local.flow_arn(name)}" for name in local.flow_ids]
    chosen = f"# default flow: {local.flow} ({local.flow_id})"
    kept = f"kept in {state}" if state else "forgotten; --state FILE keeps them"
    ended = f"# after a restart, which contacts have ended is {kept}"
    instance = f"# instance: {local.instance_arn}"
    return "\n".join([*exports, instance, *flows, _told(storage), ended, chosen])


def _faults(path: Path | None) -> tuple[Fault, ...]:
    try:
        return read_faults(path) if path else ()
    except OSError as error:
        raise SystemExit(f"Cannot read {path}: {error.strerror}") from error
    except ValueError as error:
        raise SystemExit(str(error)) from error


def _local(
    arguments: argparse.Namespace, quotas: LocalQuotas, faults: Sequence[Fault]
) -> LocalConnect:
    try:
        return LocalConnect(
            seed=arguments.seed,
            port=arguments.port,
            flow=arguments.flow,
            quotas=quotas,
            faults=faults,
            state=arguments.state,
            answer_seconds=arguments.answer_seconds,
            storage=_storage(arguments),
        )
    except OSError as error:
        raise SystemExit(f"Cannot use {arguments.state}: {error.strerror}") from error
    except ValueError as error:
        raise SystemExit(str(error)) from error


def _table(faults: Sequence[Fault], injected: Counter[tuple[str, str]]) -> str:
    """What was injected of each kind that was planned, also where that is nothing."""
    planned = dict.fromkeys((fault.operation, fault.kind.value) for fault in faults)
    counts = [(*names, str(injected[names])) for names in planned]
    rows = [("operation", "kind", "count"), *counts]
    wide, middle, last = (max(map(len, column)) for column in zip(*rows, strict=True))
    return "\n".join(f"# {a:{wide}}  {b:{middle}}  {c:>{last}}" for a, b, c in rows)


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt


def main(argv: Sequence[str] | None = None) -> None:
    """Serve until Ctrl-C or SIGTERM.

    What to put into the environment goes to standard output, and at the end of a fault plan how
    often each of its faults was injected.

    Args:
        argv: The arguments; those of the process if None.

    Raises:
        SystemExit: The port is taken, or the fault plan or the state cannot be read.
    """
    arguments = _arguments(argv)
    faults = _faults(arguments.faults)
    quotas = LocalQuotas.unlimited() if arguments.unlimited else LocalQuotas()
    # A shell starts background jobs with SIGINT ignored; asked to stop, this one does.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _interrupt)
    local = _local(arguments, quotas, faults)
    try:
        with local:
            print(_announcement(local, arguments.state, _storage(arguments)), flush=True)
            threading.Event().wait()
    except OSError as error:
        raise SystemExit(f"Cannot serve on port {arguments.port}: {error.strerror}") from error
    except KeyboardInterrupt:
        if faults:
            print(_table(faults, local.injected), flush=True)


if __name__ == "__main__":
    main()
