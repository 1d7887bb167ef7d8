"""The options that all commands have, and what follows from them."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Group, Parameter

from connect_tasks.command_line.output import Output
from connect_tasks.errors import InputError

if TYPE_CHECKING:
    from connect_tasks.command_line.settings import Settings

__all__ = ["Given", "Options"]

_EVERYWHERE = Group("Options of all commands", sort_key=100)


@Parameter(name="*", group=_EVERYWHERE, show_default=False)
@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What all commands take.

    Attributes:
        config: The file of settings; `connect-tasks.toml` in this folder if there is one.
        set: A setting as `KEY=VALUE`, such as `template.attributes.plan='{{ plan }}'`; before what
            the file says. Can be given more than once.
        campaign: The campaign's name.
        ledger: SQLAlchemy URL of the ledger, without a password.
        no_prefect: Work without a Prefect server, which saves seconds. The ledger has the record.
        json: Print one JSON document.
        quiet: Print the result, and say nothing on the way but errors.
        verbose: Say more.
    """

    config: Annotated[Path | None, Parameter(name=["--config", "-c"])] = None
    set: Annotated[tuple[str, ...], Parameter(negative="", consume_multiple=False)] = ()
    campaign: str | None = None
    ledger: str | None = None
    no_prefect: Annotated[bool, Parameter(negative="")] = False
    json: Annotated[bool, Parameter(negative="")] = False
    quiet: Annotated[bool, Parameter(name=["--quiet", "-q"], negative="")] = False
    verbose: Annotated[bool, Parameter(name=["--verbose", "-v"], negative="")] = False

    @property
    def output(self) -> Output:
        """How a command speaks while it works."""
        return Output(json=self.json, quiet=self.quiet, verbose=self.verbose)

    def settings(self, flags: Mapping[str, Any] | None = None) -> "Settings":
        """What holds: the file's settings, `--set` over them, flags over both.

        Args:
            flags: What a command's own flags say, by setting, as `campaign.save_to`; None is
                nothing said.

        Raises:
            InputError: A setting cannot be used, and it says where it stands; or two campaigns are
                named.
        """
        from connect_tasks.command_line.settings_file import read_settings

        said = {name: value for name, value in (flags or {}).items() if value is not None}
        self._check_campaign(said.get("campaign.name"))
        own: dict[str, Any] = {
            "campaign.name": self.campaign,
            "campaign.ledger": self.ledger,
            "campaign.prefect": False if self.no_prefect else None,
        }
        return read_settings(self.config, self.set, {**own, **said})

    def _check_campaign(self, named: str | None) -> None:
        """Which of two is meant must not be guessed: one of them may be stopped."""
        if None not in (named, self.campaign) and named != self.campaign:
            raise InputError(
                f"Two campaigns are named, {named!r} and --campaign {self.campaign!r}: name one."
            )


Given = Annotated[Options | None, Parameter(name="*", group=_EVERYWHERE, show_default=False)]
"""The options as a command's parameter: `options: Given = None`."""
