"""The preflight's report: what was found out, each thing in words."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from html import escape

__all__ = ["ConnectionReport", "Finding", "Verdict"]


class Verdict(StrEnum):
    """What is known about one thing that a campaign needs."""

    YES = "yes"
    NO = "no"
    UNKNOWN = "not known"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that a campaign needs, and whether it is there.

    Attributes:
        subject: What was looked at.
        verdict: Whether it is as it should be.
        text: What was found, in words.
        advice: What to do about it; empty if nothing.
        is_obstacle: Whether no campaign should be begun because of it.
    """

    subject: str
    verdict: Verdict
    text: str
    advice: str = ""
    is_obstacle: bool = False

    def __str__(self) -> str:
        what = f"{self.text} {self.advice}".strip()
        return f"{self.verdict:<9}  {self.subject}: {what}"


@dataclass(frozen=True, slots=True)
class ConnectionReport:
    """What an instance's credentials can and cannot do; print it, or show it in a notebook.

    Attributes:
        instance_id: The instance.
        findings: What was found, one for each thing that a campaign needs.

    Example:
        ```python
        from connect_tasks.emulator import LocalConnect

        with LocalConnect() as local:
            report = local.instance().check_connection()
        assert report.can_run, report
        ```
    """

    instance_id: str
    findings: tuple[Finding, ...]

    @property
    def can_run(self) -> bool:
        """Whether chats may be started and nothing was found that speaks against it."""
        return not self.obstacles

    @property
    def obstacles(self) -> tuple[Finding, ...]:
        """Why no campaign should be begun; empty if one can run."""
        return tuple(finding for finding in self.findings if finding.is_obstacle)

    @property
    def headline(self) -> str:
        """Whether a campaign can run, as one sentence."""
        if self.can_run:
            return f"A campaign can run on instance {self.instance_id}."
        if any(finding.verdict is Verdict.NO for finding in self.obstacles):
            return f"No campaign can run on instance {self.instance_id}."
        return f"Whether a campaign can run on instance {self.instance_id} is not known."

    def __str__(self) -> str:
        return "\n".join((self.headline, *map(str, self.findings)))

    def to_markdown(self) -> str:
        """The report as a table in Markdown, as Prefect's artifacts want it."""
        rows = "".join(f"| {' | '.join(map(_in_cell, row))} |\n" for row in self._rows())
        return (
            f"**{self.headline}**\n\n| | | what was found | what to do |\n|---|---|---|---|\n{rows}"
        )

    def _repr_html_(self) -> str:
        rows = "".join(
            f"<tr>{''.join(f'<td>{escape(text)}</td>' for text in row)}</tr>"
            for row in self._rows()
        )
        return f"<p><b>{escape(self.headline)}</b></p><table>{rows}</table>"

    def _rows(self) -> Iterator[tuple[str, ...]]:
        return ((f.subject, f.verdict.value, f.text, f.advice) for f in self.findings)


def _in_cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
