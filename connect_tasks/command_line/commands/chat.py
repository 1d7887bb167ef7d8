"""`chat`: be the customer oneself, at a local Amazon Connect."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from connect_tasks.command_line.options import Given, Options
from connect_tasks.command_line.outcome import Outcome
from connect_tasks.command_line.output import Output

if TYPE_CHECKING:
    from connect_tasks.command_line.own_chat import Answered

__all__ = ["chat"]

_COLUMNS = ("question", "answer", "seconds")


def chat(
    *,
    name: str = "there",
    attribute: Annotated[Mapping[str, str] | None, Parameter(negative="")] = None,
    flow: str | None = None,
    flow_file: Annotated[tuple[Path, ...], Parameter(negative="", consume_multiple=False)] = (),
    world: Path | None = None,
    options: Given = None,
) -> Outcome:
    """Be the customer: prints a link to a chat on this machine, and then what you answered.

    Nothing is kept, and no account is needed.

    Args:
        name: What the flow calls you.
        attribute: An attribute of the contact, as `--attribute.plan plus`. Can be given more than
            once.
        flow: The flow's name: of a file, or scripted (`feedback`, `survey`, `agent`, `echo`).
        flow_file: A contact flow as exported from the console. Can be given more than once.
        world: What stands around the flows: queues, hours, bots, functions.
        options: What all commands take.
    """
    from connect_tasks.command_line.own_chat import Scene, be_the_customer

    output = (options or Options()).output
    scene = Scene(
        name=name, attributes=attribute or {}, flow=flow, flow_files=flow_file, world=world
    )

    answered = be_the_customer(scene, lambda link, there: _tell(output, link, there))
    document = {"replies": list(answered.replies), "stored": dict(answered.stored)}
    return Outcome(text=_told(answered), document=document)


def _tell(output: Output, link: str, there: str) -> None:
    output.say(f"The local Amazon Connect shows the chat from the other side at {there}/")
    output.say("Open this in your browser, press the button, and answer; Ctrl-C ends:\n")
    # Also where quiet was asked for: without it there is no chat.
    from rich.console import Console

    Console(stderr=True, highlight=False).print(f"  {link}\n", markup=False, soft_wrap=True)


def _told(answered: "Answered") -> str:
    from rich.console import Console
    from rich.table import Table

    table = Table(title="What you answered", title_justify="left")
    for heading in _COLUMNS:
        table.add_column(heading, overflow="fold")
    for reply in answered.replies:
        table.add_row(*("" if value is None else str(value) for value in reply.values()))
    console = Console(highlight=False)
    with console.capture() as captured:
        console.print(table, markup=False)
    told = ", ".join(f"{name} {value}" for name, value in answered.stored.items())
    return captured.get() + f"What the flow stored: {told or 'nothing'}"
