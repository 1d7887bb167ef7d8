"""Runs the local Amazon Connect by itself: `python -m connect_tasks.emulator`."""

import argparse
import logging
import signal
import sys
import threading
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TextIO

from connect_tasks.emulator.command_line import PROGRAM, quotas_of, read_arguments, storage_of
from connect_tasks.emulator.faults.file import read_faults
from connect_tasks.emulator.faults.plan import Fault
from connect_tasks.emulator.local import LocalConnect
from connect_tasks.emulator.phones.arguments import phones_of
from connect_tasks.emulator.phones.settings import LocalPhones
from connect_tasks.emulator.server.visitors import is_host_local
from connect_tasks.emulator.transcript_storage import TranscriptStorage

_REQUESTS = "connect_tasks.emulator.server.request_log"
_TRACE = "connect_tasks.emulator.flows.run.journey"


def _told(storage: TranscriptStorage | None) -> str:
    if storage is None:
        return "# transcripts: not kept"
    place = f"s3://{storage.bucket}/{storage.prefix}"
    return f"# transcripts: {place}, {storage.delay_seconds:g} s after a chat's end"


def _kinds(phones: LocalPhones) -> str:
    shares = {kind: share for kind, share in phones.shares.items() if share}
    total = sum(shares.values())
    several = ", ".join(f"{share / total:.0%} {kind}" for kind, share in shares.items())
    of_their_own = f", {len(phones.by_number)} by table" if phones.by_number else ""
    return (several if len(shares) > 1 else next(iter(shares))) + of_their_own


def _announcement(local: LocalConnect, arguments: argparse.Namespace, phones: LocalPhones) -> str:
    exports = [f"export {name}={value}" for name, value in local.environment().items()]
    flows = [f"# flow {name}: {local.flow_arn(name)}" for name in local.flow_ids]
    chosen = f"# default flow: {local.flow} ({local.flow_id})"
    folder = arguments.state_dir
    kept = f"kept in {folder}" if folder else "forgotten; --state-dir DIR keeps them"
    lines = [
        f"# instance: {local.instance_arn}",
        *flows,
        _told(storage_of(arguments)),
        f"# phones: {_kinds(phones)}; experimental, never compared with Amazon",
        f"# after a restart, its contacts are {kept}",
        f"# to look at and speak in chats: {local.endpoint_url}/",
        chosen,
    ]
    return "\n".join([*exports, *lines])


def _warning(local: LocalConnect, host: str) -> str:
    return (
        f"WARNING: listening on {host}, beyond this machine ({local.endpoint_url} from here). "
        "Whoever reaches it can start, read and end chats, at / and by the API, and read every "
        "text and token at /_local/. There is no password. Without --host it is this machine's "
        "alone."
    )


def _show_log(name: str, level: int, stream: TextIO, form: str) -> None:
    handler = logging.StreamHandler(stream)
    handler.setFormatter(logging.Formatter(form))
    log = logging.getLogger(name)
    log.setLevel(level)
    log.addHandler(handler)
    log.propagate = False


def _faults(path: Path | None) -> tuple[Fault, ...]:
    try:
        return read_faults(path) if path else ()
    except OSError as error:
        raise SystemExit(f"Cannot read {path}: {error.strerror}") from error
    except ValueError as error:
        raise SystemExit(str(error)) from error


def _phones(arguments: argparse.Namespace) -> LocalPhones:
    try:
        return phones_of(arguments)
    except OSError as error:
        raise SystemExit(f"Cannot read {arguments.phone_table}: {error.strerror}") from error
    except ValueError as error:
        raise SystemExit(str(error)) from error


def _local(
    arguments: argparse.Namespace, faults: Sequence[Fault], phones: LocalPhones
) -> LocalConnect:
    try:
        return LocalConnect(
            seed=arguments.seed,
            port=arguments.port,
            host=arguments.host,
            flow=arguments.flow,
            flow_files=arguments.flow_file,
            world=arguments.world,
            quotas=quotas_of(arguments),
            faults=faults,
            think_seconds=arguments.think_seconds,
            connect_window_seconds=arguments.connect_window,
            answer_seconds=arguments.answer_seconds,
            clock_factor=arguments.clock_factor,
            state_dir=arguments.state_dir,
            storage=storage_of(arguments),
            log_requests=arguments.log_requests,
            sns=dict(arguments.sns),
            receipts=arguments.receipts,
            phones=phones,
        )
    except OSError as error:
        raise SystemExit(f"Cannot use {error.filename}: {error.strerror}") from error
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


def main(argv: Sequence[str] | None = None, program: str = PROGRAM) -> None:
    """Serve until Ctrl-C or SIGTERM.

    What to put into the environment goes to standard output, and at the end of a fault plan how
    often each of its faults was injected.

    Args:
        argv: The arguments; those of the process if None.
        program: What was typed in front of them.

    Raises:
        SystemExit: An argument is wrong (2); the port is taken, or a file that is named cannot be
            read (1).
    """
    arguments = read_arguments(argv, program)
    faults, phones = _faults(arguments.faults), _phones(arguments)
    # A shell starts background jobs with SIGINT ignored; asked to stop, this one does.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _interrupt)
    if arguments.log_requests:
        _show_log(_REQUESTS, logging.INFO, sys.stderr, "%(asctime)s %(message)s")
    if arguments.trace:
        _show_log(_TRACE, logging.DEBUG, sys.stdout, "# %(asctime)s %(message)s")
    local = _local(arguments, faults, phones)
    try:
        with local:
            print(_announcement(local, arguments, phones), flush=True)
            if not is_host_local(arguments.host):
                print(_warning(local, arguments.host), file=sys.stderr, flush=True)
            threading.Event().wait()
    except OSError as error:
        where = f"port {arguments.port} of {arguments.host}"
        raise SystemExit(f"Cannot serve on {where}: {error.strerror}") from error
    except KeyboardInterrupt:
        if faults:
            print(_table(faults, local.injected), flush=True)


if __name__ == "__main__":
    main()
