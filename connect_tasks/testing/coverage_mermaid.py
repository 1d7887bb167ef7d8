"""Coverage as a Mermaid flowchart, for pages that draw those, such as a repository's."""

from collections.abc import Iterator

from connect_tasks.testing.action_caption import caption
from connect_tasks.testing.coverage import ActionCoverage, BranchCoverage, FlowCoverage
from connect_tasks.testing.coverage_layout import Edge, edges_of

__all__ = ["mermaid"]

_STYLES = (
    "classDef reached fill:#e6f4ea,stroke:#1e7e34,color:#14532d",
    "classDef unreached fill:#fdecea,stroke:#c62828,color:#7f1d1d,stroke-dasharray:5 4",
)


def mermaid(covered: FlowCoverage) -> str:
    """Draw a flow; what was not reached is dashed and red.

    Args:
        covered: The flow, and how much of it was reached.
    """
    return "\n".join(["flowchart TD", *(f"    {line}" for line in _lines(covered))])


def _lines(covered: FlowCoverage) -> Iterator[str]:
    names = {one.action.identifier: f"a{n}" for n, one in enumerate(covered.actions)}
    for one in covered.actions:
        kind = "reached" if one.times else "unreached"
        yield f'{names[one.action.identifier]}["{_text(one)}"]:::{kind}'
    unreached = []
    for number, edge in enumerate(edges_of(covered)):
        line = "-->" if edge.times else "-.->"
        label = "<br>".join(_label(branch, edge) for branch in edge.named)
        told = f'|"{label}"|' if label else ""
        yield f"{names[edge.source]} {line}{told} {names[edge.target]}"
        if not edge.times:
            unreached.append(str(number))
    yield from _STYLES
    if unreached:
        yield f"linkStyle {','.join(unreached)} stroke:#c62828"


def _text(one: ActionCoverage) -> str:
    lines = [
        _escaped(one.action.type),
        _escaped(caption(one.action)),
        f"{one.times:,}\N{MULTIPLICATION SIGN}",
    ]
    return "<br>".join(line for line in lines if line)


def _label(branch: BranchCoverage, edge: Edge) -> str:
    """Its name; of several at one line also whether it is this one that was not taken."""
    is_hidden = edge.times and not branch.times
    return _escaped(branch.label) + (" (not reached)" if is_hidden else "")


def _escaped(text: str) -> str:
    """Mermaid knows entities by their numbers; everything but letters and digits becomes one."""
    return "".join(
        letter if letter.isalnum() or letter in " .,:_-?!" else f"#{ord(letter)};"
        for letter in text
    )
