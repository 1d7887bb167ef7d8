"""Layouts: the tables that come out. Their columns are always the same, also for no rows at all."""

from collections.abc import Iterable

from connect_tasks.tables.table_layout import COUNT, SECONDS, TEXT, TIME, TRUTH, TableLayout

__all__ = [
    "ATTRIBUTE_VALUES",
    "CAMPAIGNS",
    "CONTACTS",
    "DECISIONS",
    "INVITATIONS",
    "LINKS",
    "MESSAGES",
    "REPLIES",
    "SUPPRESSIONS",
    "attributes_layout",
    "customers_layout",
]

CONTACTS = TableLayout(
    {
        "campaign": TEXT,
        "customer_id": TEXT,
        "status": TEXT,
        "end_reason": TEXT,
        "contact_id": TEXT,
        "participant_id": TEXT,
        "client_token": TEXT,
        "generation": COUNT,
        "attempts": COUNT,
        "error_code": TEXT,
        "error_message": TEXT,
        "request_id": TEXT,
        "planned_at": TIME,
        "started_at": TIME,
        "connected_at": TIME,
        "first_reply_at": TIME,
        "ended_at": TIME,
        "transcript_complete": TRUTH,
        "items_skipped": COUNT,
        "handed_over_at": TIME,
        "disconnect_reason": TEXT,
        "messages_sent": COUNT,
        "not_before": TIME,
        "time_zone": TEXT,
        "variant": TEXT,
    }
)
"""One row for each contact or refused row."""

MESSAGES = TableLayout(
    {
        "customer_id": TEXT,
        "contact_id": TEXT,
        "message_id": TEXT,
        "absolute_time": TIME,
        "participant_role": TEXT,
        "participant_id": TEXT,
        "display_name": TEXT,
        "type": TEXT,
        "content_type": TEXT,
        "content": TEXT,
    }
)
"""One row for each transcript item."""

REPLIES = TableLayout(
    {
        "customer_id": TEXT,
        "contact_id": TEXT,
        "number": COUNT,
        "question": TEXT,
        "asked_at": TIME,
        "asked_by": TEXT,
        "answer": TEXT,
        "answered_at": TIME,
        "seconds_to_answer": SECONDS,
        "possible_opt_out": TRUTH,
    }
)
"""One row for each question that a customer was asked, and what they answered."""

INVITATIONS = TableLayout(
    {
        "customer_id": TEXT,
        "url": TEXT,
        "issued_at": TIME,
        "not_before": TIME,
        "not_after": TIME,
        "expires_at": TIME,
        "revoked_at": TIME,
        "opened_at": TIME,
        "opens": COUNT,
        "contact_id": TEXT,
        "status": TEXT,
    }
)
"""One row for each link. Whoever has its URL speaks as the customer."""

LINKS = TableLayout(
    {
        "customer_id": TEXT,
        "url": TEXT,
        "not_before": TEXT,
        "not_after": TEXT,
        "expires_at": TEXT,
    }
)
"""One row for each link that can be sent; times as text, in the form that senders take."""

DECISIONS = TableLayout(
    {
        "campaign": TEXT,
        "customer_id": TEXT,
        "decided_at": TIME,
        "moment": TEXT,
        "decision": TEXT,
        "rule": TEXT,
        "value": TEXT,
        "until": TIME,
        "reasons": TEXT,
        "policy": TEXT,
    }
)
"""One row for each time that a policy decided about a customer."""

CAMPAIGNS = TableLayout(
    {
        "campaign": TEXT,
        "instance_id": TEXT,
        "mode": TEXT,
        "state": TEXT,
        "created_at": TIME,
        "customers": COUNT,
        "waiting": COUNT,
        "unknown": COUNT,
    }
)
"""One row for each campaign of a ledger."""


SUPPRESSIONS = TableLayout(
    {
        "customer_id": TEXT,
        "list": TEXT,
        "reason": TEXT,
        "source": TEXT,
        "added_at": TIME,
        "expires_at": TIME,
    }
)
"""One row for each customer on each list of those whom nobody is to contact."""


ATTRIBUTE_VALUES = TableLayout(
    {
        "customer_id": TEXT,
        "contact_id": TEXT,
        "attribute": TEXT,
        "value": TEXT,
    }
)
"""One row for each attribute of a customer, where many campaigns are in one table."""


def attributes_layout(names: Iterable[str]) -> TableLayout:
    """The table of what flows stored: who it is of, then a column of text for each attribute.

    Args:
        names: The attributes' columns, in their order.

    Example:
        >>> list(attributes_layout(["score"]).frame([]).columns)
        ['customer_id', 'contact_id', 'score']
    """
    return TableLayout(dict.fromkeys(("customer_id", "contact_id", *names), TEXT))


def customers_layout(attributes: Iterable[str]) -> TableLayout:
    """The table of customers as requests have them: it can be contacted again as it is.

    Args:
        attributes: The names of the attributes, in their order.

    Example:
        >>> list(customers_layout(["plan"]).frame([]).columns)
        ['customer_id', 'display_name', 'attributes.plan']
    """
    names = (f"attributes.{name}" for name in attributes)
    return TableLayout(dict.fromkeys(("customer_id", "display_name", *names), TEXT))
