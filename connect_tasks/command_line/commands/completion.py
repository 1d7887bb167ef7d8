"""`completion`: what makes a shell complete commands and options."""

from typing import Annotated, Literal

from cyclopts import Parameter

from connect_tasks.command_line.options import Given
from connect_tasks.command_line.outcome import Outcome
from connect_tasks.errors import InputError

__all__ = ["completion"]


def completion(
    shell: Literal["bash", "zsh", "fish"] | None = None,
    /,
    *,
    install: Annotated[bool, Parameter(negative="")] = False,
    options: Given = None,  # noqa: ARG001 - they are every command's
) -> Outcome:
    """Print the script that makes a shell complete commands and options, or install it.

    Args:
        shell: Which; the one that this runs in if left out.
        install: Write it where the shell finds it, in your home folder, in place of printing it.
            bash and zsh get a line in their start file besides.
        options: What all commands take.
    """
    from cyclopts.completion import ShellDetectionError

    from connect_tasks.command_line.app import make_app

    app = make_app()
    try:
        if not install:
            script = app.generate_completion(shell=shell)
            return Outcome(text=script, document={"script": script})
        place = app.install_completion(shell=shell)
    except ShellDetectionError as error:
        raise InputError("Which shell this is cannot be told: name bash, zsh or fish.") from error
    except OSError as error:
        raise InputError(f"{error.filename} cannot be written: {error.strerror}.") from error
    text = f"Written: {place}. It holds from the next shell on."
    return Outcome(text=text, document={"written": str(place)})
