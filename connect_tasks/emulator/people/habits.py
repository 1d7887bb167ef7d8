"""How patient simulated people are, and how fast."""

from dataclasses import dataclass

__all__ = ["Habits"]


@dataclass(frozen=True, kw_only=True)
class Habits:
    """What all people of a crowd have in common; all times in seconds.

    Attributes:
        think_seconds: Least and most before an answer.
        late_seconds: Least and most before late ones open their link.
        pause_seconds: Silence after which somebody takes it that it is their turn.
        patience_seconds: Silence after which somebody closes the tab.
        most_presses: Presses before somebody gives up on a link that is put off.
        most_answers: Answers before somebody closes the tab.
    """

    think_seconds: tuple[float, float] = (0, 0.05)
    late_seconds: tuple[float, float] = (0.5, 1.5)
    pause_seconds: float = 0.05
    patience_seconds: float = 10
    most_presses: int = 30
    most_answers: int = 20
