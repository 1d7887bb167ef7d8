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

    @property
    def typed_campaign(self) -> str | None:
        """The campaign that was typed, with `--campaign` or `--set`; not that of the file.

        Raises:
            InputError: What `--set` says is no setting, or a secret.
        """
        from connect_tasks.command_line.overrides import overridden, typed_settings

        table = overridden({}, typed_settings(self.set)).get("campaign")
        by_set = table.get("name") if isinstance(table, Mapping) else None
        return self.campaign if self.campaign is not None else by_set

    def settings(
        self, flags: Mapping[str, Any] | None = None, *, of_campaign: bool = True
    ) -> "Settings":
        """What holds: the file's settings, `--set` over them, flags over both.

        Args:
            flags: What a command's own flags say, by setting, as `campaign.save_to`; None is
                nothing said.
            of_campaign: Whether the command is about one campaign, so that naming one has a
                meaning.

        Raises:
            InputError: A setting cannot be used, and it says where it stands; or two campaigns are
                named, or one where the command is about more.
        """
        from connect_tasks.command_line.settings_file import read_settings

        if not of_campaign and self.typed_campaign is not None:
            raise InputError(
                f"This command is about more than campaign {self.typed_campaign!r}: leave "
                "--campaign out. Nothing was done."
            )
        said = {name: value for name, value in (flags or {}).items() if value is not None}
        self._check_campaign(said.get("campaign.name"))
        own: dict[str, Any] = {
            "campaign.name": self.campaign,
            "campaign.ledger": self.ledger,
            "campaign.prefect": False if self.no_prefect else None,
        }
        settings = read_settings(self.config, self.set, {**own, **said})
        if "campaign.save_to" not in (flags or {}) or "campaign.save_to" in said:
            return settings
        return self._kept_apart(settings)

    def _kept_apart(self, settings: "Settings") -> "Settings":
        """Of a campaign that is not the file's, nothing is written over what is."""
        from connect_tasks.command_line.overrides import overridden, typed_settings
        from connect_tasks.command_line.settings_file import SettingsText, find_settings

        table = overridden({}, typed_settings(self.set)).get("campaign")
        file = SettingsText(find_settings(self.config, Path.cwd()))
        of_file = file.fields.get("campaign", {}).get("name", settings.campaign.name)
        place = settings.campaign.save_to
        is_typed = isinstance(table, Mapping) and "save_to" in table
        if place is None or is_typed or of_file == settings.campaign.name:
            return settings
        self.output.say(
            f"Nothing is saved: save_to of the settings is for the tables of campaign {of_file}. "
            "Give --save-to for these."
        )
        campaign = settings.campaign.model_copy(update={"save_to": None})
        return settings.model_copy(update={"campaign": campaign})

    def _check_campaign(self, named: str | None) -> None:
        """Which of two is meant must not be guessed: one of them may be stopped."""
        if None not in (named, self.campaign) and named != self.campaign:
            raise InputError(
                f"Two campaigns are named, {named!r} and --campaign {self.campaign!r}: name one."
            )


Given = Annotated[Options | None, Parameter(name="*", group=_EVERYWHERE, show_default=False)]
"""The options as a command's parameter: `options: Given = None`."""
