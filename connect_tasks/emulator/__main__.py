"""Runs the local Amazon Connect by itself: `python -m connect_tasks.emulator`."""

import argparse
import signal
import threading
from collections.abc import Sequence

from connect_tasks.emulator.local import LocalConnect
from connect_tasks.emulator.quotas import LocalQuotas
from connect_tasks.emulator.scripts import FLOWS


def _arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m connect_tasks.emulator", description="A local Amazon Connect for chats."
    )
    parser.add_argument("--port", type=int, default=4577, help="port of 127.0.0.1; 0 for any")
    parser.add_argument("--seed", type=int, default=0, help="what ids and tokens follow from")
    parser.add_argument("--flow", choices=sorted(FLOWS), default="survey", help="default flow")
    parser.add_argument("--unlimited", action="store_true", help="enforce no quotas")
    return parser.parse_args(argv)


def _announcement(local: LocalConnect) -> str:
    exports = [f"export {name}={value}" for name, value in local.environment().items()]
    flows = [f"# flow {name}: {local.flow_arn(name)}" for name in local.flow_ids]
    chosen = f"# default flow: {local.flow} ({local.flow_id})"
    return "\n".join([*exports, f"# instance: {local.instance_arn}", *flows, chosen])


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt


def main(argv: Sequence[str] | None = None) -> None:
    """Serve until Ctrl-C; what to put into the environment goes to standard output."""
    arguments = _arguments(argv)
    quotas = LocalQuotas.unlimited() if arguments.unlimited else LocalQuotas()
    # A shell starts background jobs with SIGINT ignored; asked to stop, this one does.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _interrupt)
    options = {"seed": arguments.seed, "port": arguments.port}
    try:
        with LocalConnect(flow=arguments.flow, quotas=quotas, **options) as local:
            print(_announcement(local), flush=True)
            threading.Event().wait()
    except OSError as error:
        raise SystemExit(f"Cannot serve on port {arguments.port}: {error.strerror}") from error
    except KeyboardInterrupt:
        return


if __name__ == "__main__":
    main()
