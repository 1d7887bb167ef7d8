"""What people note down at a contact: its name, tags, references, and segment attributes."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

__all__ = ["Details"]


@dataclass(slots=True)
class Details:
    """The details of one contact; UpdateContact and TagContact set them.

    Attributes:
        name: Its name.
        description: Its description.
        references: What agents are shown, by name: type and value of each.
        tags: Its tags.
        segment_attributes: Those that were set after the start.
    """

    name: str | None = None
    description: str | None = None
    references: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)
    segment_attributes: dict[str, Mapping[str, Any]] = field(default_factory=dict)

    def members(self) -> dict[str, Any]:
        """What DescribeContact tells of them; what is not set is None."""
        return {"Name": self.name, "Description": self.description, "Tags": dict(self.tags) or None}
