"""Starts per second over time against the quota: the picture in `docs/benchmarks.md`."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

__all__ = ["draw"]

_PER_SECOND = 50
_OURS, _THEIRS, _QUOTA = "#0b62a4", "#b9c4cc", "#c0392b"


def draw(rows: Sequence[Mapping[str, Any]], path: Path) -> None:
    """Draw the three settings at 50/s side by side.

    Args:
        rows: What `out/bench.json` has of each row.
        path: The SVG file to write.

    Raises:
        SystemExit: The last run did not measure line a.
    """
    import matplotlib as mpl

    mpl.use("svg")
    # Texts as texts keep the file small, and readable for machines.
    mpl.rcParams.update({"svg.fonttype": "none", "svg.hashsalt": "bench", "font.size": 9})
    import matplotlib.pyplot as plt

    chosen = [row for row in rows if row["line"] == "a" and row["per_second"] == _PER_SECOND]
    if not chosen:
        raise SystemExit("The last run measured no line a: run `python -m tests.bench a` first.")
    figure, panels = plt.subplots(1, len(chosen), figsize=(9, 2.6), sharey=True, squeeze=False)
    for panel, row in zip(panels[0], chosen, strict=True):
        _panel(panel, row)
    panels[0][0].set_ylabel("starts in each second")
    panels[0][-1].legend(loc="upper right", frameon=False)
    figure.tight_layout()
    figure.savefig(path, metadata={"Date": None, "Creator": None})


def _panel(panel: Any, row: Mapping[str, Any]) -> None:
    # The last second is not a whole one.
    ours, theirs = row["ours_by_second"][:-1], row["theirs_by_second"][:-1]
    seconds = range(len(ours))
    panel.bar(seconds, theirs, color=_THEIRS, width=0.9, align="edge", label="another client")
    panel.bar(
        seconds, ours, bottom=theirs, color=_OURS, width=0.9, align="edge", label="connect-tasks"
    )
    panel.axhline(row["per_second"], color=_QUOTA, label=f"quota {row['per_second']}/s")
    panel.set_title(_title(row))
    panel.set_xlabel("seconds")
    panel.spines[["top", "right"]].set_visible(False)


def _title(row: Mapping[str, Any]) -> str:
    if row["others"]:
        return "another client takes half"
    return "one worker" if row["workers"] == 1 else f"{row['workers']} workers"
