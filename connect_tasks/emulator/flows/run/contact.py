"""What a flow knows of the contact that it runs for, from the request that started it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

__all__ = ["Contact"]


@dataclass(kw_only=True)
class Contact:
    """A contact as its flow sees it.

    Attributes:
        contact_id: Its id; another one once a disconnect flow runs.
        initial_contact_id: The id of the first contact of its chat.
        previous_contact_id: The id of the contact before it; its own for the first one, as a
            captured event has it.
        attributes: Contact attributes, kept up to date by the flow and by whoever else sets some.
        customer_id: CustomerId of the request.
        customer_endpoint: Where it reaches the customer: type and address; None in a browser.
        system_endpoint: Where it is written from, in the same way.
        initial_message: InitialMessage of the request.
        name: Name of the request.
        description: Description of the request.
        references: References of the request.
        segment_attributes: SegmentAttributes of the request.
        tags: Tags of the contact.
        content_types: Content types that its client takes; every one if None.
        instance_arn: The instance that it is on.
        region: The instance's region.
        language_code: Its language.
        has_related: Whether the request names a related contact.
    """

    contact_id: str
    initial_contact_id: str
    previous_contact_id: str | None = None
    attributes: dict[str, str] = field(default_factory=dict)
    customer_id: str | None = None
    customer_endpoint: Mapping[str, str] | None = None
    system_endpoint: Mapping[str, str] | None = None
    initial_message: str | None = None
    name: str | None = None
    description: str | None = None
    references: Mapping[str, Any] = field(default_factory=dict)
    segment_attributes: Mapping[str, Any] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    content_types: tuple[str, ...] | None = None
    instance_arn: str = ""
    region: str = ""
    language_code: str = "en-US"
    has_related: bool = False
