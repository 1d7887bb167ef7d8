"""The schema: the ledger's tables, and how older ones become them."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Dialect

__all__ = [
    "FIRST",
    "HAS_OPEN_CHAT",
    "LATER_MIGRATIONS",
    "MIGRATIONS",
    "SCHEMA_VERSION",
    "campaigns",
    "ceilings",
    "collected",
    "contacts",
    "decisions",
    "holders",
    "invitations",
    "items",
    "ledger",
    "metadata",
    "paces",
    "refusals",
    "suppressions",
    "tallies",
    "tally_changes",
]

SCHEMA_VERSION = 8


class _UtcDateTime(sa.types.TypeDecorator[datetime]):
    """Aware UTC times in Python, plain ones on disk: the same on SQLite and PostgreSQL."""

    impl = sa.DateTime
    cache_ok = True

    @property
    def python_type(self) -> type[datetime]:
        return datetime

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002 - SQLAlchemy's signature
        return None if value is None else value.astimezone(UTC).replace(tzinfo=None)

    def result_processor(self, dialect: Dialect, coltype: object) -> Callable[[Any], Any] | None:  # noqa: ARG002 - SQLAlchemy's signature
        # In one step: results have millions of times.
        return _from_text if dialect.name == "sqlite" else _from_plain


def _from_text(value: str | None) -> datetime | None:
    if value is None:
        return None
    try:
        return datetime.fromisoformat(value + "+00:00")
    except ValueError:
        # A person wrote a date.
        return datetime.fromisoformat(value).replace(tzinfo=UTC)


def _from_plain(value: datetime | None) -> datetime | None:
    return None if value is None else value.replace(tzinfo=UTC)


# A greeting counted as a reply once. What the transcript has shows what was answered; of forgotten
# customers there is none, and what was counted stays.
_ONLY_ANSWERS = """
UPDATE contacts SET first_reply_at = (
    SELECT min(theirs.absolute_time) FROM items AS theirs
    WHERE theirs.campaign = contacts.campaign AND theirs.contact_id = contacts.contact_id
        AND theirs.type IN ('MESSAGE', 'ATTACHMENT')
        AND coalesce(theirs.participant_role, '') <> 'CUSTOMER'
        AND theirs.absolute_time > (
            SELECT min(ours.absolute_time) FROM items AS ours
            WHERE ours.campaign = contacts.campaign AND ours.contact_id = contacts.contact_id
                AND ours.type IN ('MESSAGE', 'ATTACHMENT') AND ours.participant_role = 'CUSTOMER'
        )
)
WHERE first_reply_at IS NOT NULL AND contact_id IS NOT NULL
"""

MIGRATIONS: Mapping[int, tuple[str, ...]] = {
    1: (
        "ALTER TABLE campaigns ADD COLUMN state TEXT NOT NULL DEFAULT 'running'",
        "ALTER TABLE campaigns ADD COLUMN conversation JSON",
    ),
    2: (
        (
            "CREATE INDEX contacts_claimed ON contacts (campaign, claimed_by) "
            "WHERE claimed_until IS NOT NULL"
        ),
    ),
    # What the keys are is said by `keys`, in the same transaction.
    3: (
        "ALTER TABLE contacts ADD COLUMN customer_key TEXT NOT NULL DEFAULT ''",
        "ALTER TABLE contacts ADD COLUMN table_id TEXT",
        "ALTER TABLE refusals ADD COLUMN customer_key TEXT",
    ),
    # Nobody knows it of the chats of before: NULL.
    4: (
        "ALTER TABLE contacts ADD COLUMN transcript_complete BOOLEAN",
        "ALTER TABLE contacts ADD COLUMN items_skipped INTEGER NOT NULL DEFAULT 0",
        _ONLY_ANSWERS,
    ),
    # Until then our side was the only one that spoke as a customer.
    5: (
        "ALTER TABLE campaigns ADD COLUMN mode TEXT NOT NULL DEFAULT 'simulation'",
        "ALTER TABLE campaigns ADD COLUMN base_url TEXT",
        "ALTER TABLE contacts ADD COLUMN handed_over_at TIMESTAMP",
    ),
    # The two indexes come again, with `not_before` in them, and where older ledgers had none;
    # `database` fills `hash_key` in.
    6: (
        "ALTER TABLE ledger ADD COLUMN hash_key TEXT",
        "ALTER TABLE campaigns ADD COLUMN policy JSON",
        "ALTER TABLE campaigns ADD COLUMN limits_group TEXT",
        "ALTER TABLE campaigns ADD COLUMN ramp_step INTEGER NOT NULL DEFAULT 0",
        "ALTER TABLE campaigns ADD COLUMN looked_for TEXT",
        "ALTER TABLE contacts ADD COLUMN not_before TIMESTAMP",
        "ALTER TABLE contacts ADD COLUMN time_zone TEXT",
        "ALTER TABLE contacts ADD COLUMN variant TEXT",
        "DROP INDEX IF EXISTS contacts_by_status",
        "DROP INDEX IF EXISTS contacts_by_table",
    ),
    # Until then nobody was contacted at a number. What is there is counted into `tallies` besides,
    # by `database`.
    7: ("ALTER TABLE contacts ADD COLUMN endpoint TEXT",),
}
"""By version: what makes a ledger of it one of the next version, beside the tables that are new."""

LATER_MIGRATIONS: Mapping[int, Mapping[str, tuple[str, ...]]] = {
    6: {
        "invitations": (
            "ALTER TABLE invitations ADD COLUMN not_before TIMESTAMP",
            "ALTER TABLE invitations ADD COLUMN not_after TIMESTAMP",
            "UPDATE invitations SET not_before = issued_at",
        ),
    },
}
"""The same for tables that still older ledgers do not have: those get them as they are now."""

metadata = sa.MetaData()

ledger = sa.Table(
    "ledger",
    metadata,
    sa.Column("schema_version", sa.Integer, primary_key=True),
    # With it customers' ids are hashed in `suppressions`, so that those who were forgotten are
    # known again.
    sa.Column("hash_key", sa.Text),
)

campaigns = sa.Table(
    "campaigns",
    metadata,
    sa.Column("campaign", sa.Text, primary_key=True),
    sa.Column("instance_id", sa.Text, nullable=False),
    sa.Column("created_at", _UtcDateTime, nullable=False),
    sa.Column("state", sa.Text, nullable=False, server_default="running"),
    sa.Column("conversation", sa.JSON(none_as_null=True)),
    sa.Column("mode", sa.Text, nullable=False, server_default="simulation"),
    sa.Column("base_url", sa.Text),
    sa.Column("policy", sa.JSON(none_as_null=True)),
    # Of the policy, what other campaigns' limits ask for.
    sa.Column("limits_group", sa.Text),
    # How many steps of the policy's ramp were passed.
    sa.Column("ramp_step", sa.Integer, nullable=False, default=0, server_default="0"),
    # By which words all that was said was looked through for opt-outs.
    sa.Column("looked_for", sa.Text),
)


def _partial_index(
    name: str, *columns: sa.ColumnElement[Any], where: sa.ColumnElement[bool] | sa.TextClause
) -> sa.Index:
    """An index of some rows of a table; the two databases have a word of their own each."""
    return sa.Index(name, *columns, sqlite_where=where, postgresql_where=where)


contacts = sa.Table(
    "contacts",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("campaign", sa.Text, nullable=False),
    sa.Column("customer_id", sa.Text, nullable=False),
    sa.Column("generation", sa.Integer, nullable=False),
    sa.Column("status", sa.Text, nullable=False),
    sa.Column("client_token", sa.Text, nullable=False, unique=True),
    sa.Column("request", sa.Text, nullable=False),
    sa.Column("fingerprint", sa.Text, nullable=False),
    sa.Column("messages", sa.JSON, nullable=False),
    sa.Column("attempts", sa.Integer, nullable=False, default=0),
    sa.Column("sent_at", _UtcDateTime),
    sa.Column("end_reason", sa.Text),
    sa.Column("contact_id", sa.Text),
    sa.Column("participant_id", sa.Text),
    sa.Column("error_code", sa.Text),
    sa.Column("error_message", sa.Text),
    sa.Column("request_id", sa.Text),
    sa.Column("planned_at", _UtcDateTime, nullable=False),
    sa.Column("started_at", _UtcDateTime),
    sa.Column("connected_at", _UtcDateTime),
    sa.Column("first_reply_at", _UtcDateTime),
    sa.Column("ended_at", _UtcDateTime),
    sa.Column("claimed_by", sa.Text),
    sa.Column("claimed_until", _UtcDateTime),
    sa.Column("customer_key", sa.Text, nullable=False, server_default=""),
    sa.Column("table_id", sa.Text),
    sa.Column("transcript_complete", sa.Boolean),
    sa.Column("items_skipped", sa.Integer, nullable=False, default=0, server_default="0"),
    sa.Column("handed_over_at", _UtcDateTime),
    # Before when the policy lets nobody contact them; NULL if it has not said so.
    sa.Column("not_before", _UtcDateTime),
    sa.Column("time_zone", sa.Text),
    sa.Column("variant", sa.Text),
    # Of the number at which they are contacted only a hash: see `endpoints`.
    sa.Column("endpoint", sa.Text),
    # Who may be contacted is found without walking past all who must wait.
    sa.Index("contacts_by_status", "campaign", "status", "not_before", "id"),
)

# One contact for each key: an id that only looks different is the same customer's.
sa.Index(
    "contacts_by_key",
    contacts.c.campaign,
    contacts.c.customer_key,
    contacts.c.generation,
    unique=True,
)

# Whether another customer has a number is asked for each that is planned: not by walking through
# all of them.
_partial_index(
    "contacts_by_endpoint",
    contacts.c.campaign,
    contacts.c.endpoint,
    where=contacts.c.endpoint.is_not(None),
)

# A run claims the customers of its table: not by walking past all who wait and are not in it.
_partial_index(
    "contacts_by_table",
    contacts.c.campaign,
    contacts.c.table_id,
    contacts.c.status,
    contacts.c.not_before,
    contacts.c.id,
    where=contacts.c.table_id.is_not(None),
)

# Claims are renewed every few seconds: not by walking through a million contacts.
_partial_index(
    "contacts_claimed",
    contacts.c.campaign,
    contacts.c.claimed_by,
    where=contacts.c.claimed_until.is_not(None),
)

# What Amazon tells of a contact, and what was said in it, is found by its id there: not by walking
# through all contacts for each.
_partial_index(
    "contacts_by_contact_id",
    contacts.c.campaign,
    contacts.c.contact_id,
    where=contacts.c.contact_id.is_not(None),
)

# How often somebody was contacted, by whichever campaign: not by walking through all contacts.
_partial_index(
    "contacts_by_recipient",
    contacts.c.customer_key,
    contacts.c.sent_at,
    where=contacts.c.sent_at.is_not(None),
)

# How many contacts a campaign has begun, and which of them last: not by walking past all who wait.
_partial_index(
    "contacts_begun",
    contacts.c.campaign,
    contacts.c.sent_at,
    where=contacts.c.sent_at.is_not(None),
)

HAS_OPEN_CHAT = "contacts.status IN ('started', 'connected')"
"""The condition of the index of open chats, which a query must repeat in these words."""

# People's chats are counted whenever slots are shared: not by walking past all who were started.
_partial_index(
    "contacts_open",
    contacts.c.campaign,
    contacts.c.started_at,
    where=sa.text("status IN ('started', 'connected')"),
)

FIRST: sa.ColumnElement[int] = sa.literal_column("1")
"""What the generation of a contact is compared with in the index of further ones: a query must
do so too, and not with a parameter."""

# For which contacts another one stands: not by asking it of each. Most customers have only one.
_partial_index(
    "contacts_further",
    contacts.c.campaign,
    contacts.c.customer_key,
    contacts.c.generation,
    where=contacts.c.generation != FIRST,
)

refusals = sa.Table(
    "refusals",
    metadata,
    sa.Column("campaign", sa.Text, primary_key=True),
    sa.Column("position", sa.Integer, primary_key=True),
    sa.Column("customer_id", sa.Text),
    sa.Column("status", sa.Text, nullable=False),
    sa.Column("error_code", sa.Text, nullable=False),
    sa.Column("error_message", sa.Text, nullable=False),
    sa.Column("customer_key", sa.Text),
)

items = sa.Table(
    "items",
    metadata,
    sa.Column("campaign", sa.Text, primary_key=True),
    sa.Column("contact_id", sa.Text, primary_key=True),
    sa.Column("message_id", sa.Text, primary_key=True),
    sa.Column("customer_id", sa.Text, nullable=False),
    sa.Column("absolute_time", _UtcDateTime, nullable=False),
    sa.Column("participant_role", sa.Text),
    sa.Column("participant_id", sa.Text),
    sa.Column("display_name", sa.Text),
    sa.Column("type", sa.Text, nullable=False),
    sa.Column("content_type", sa.Text),
    sa.Column("content", sa.Text),
)

# A link is its customer's, whichever generation of theirs a press of its button starts. Of its
# token there is only a hash: with the table alone nobody can open a chat.
invitations = sa.Table(
    "invitations",
    metadata,
    sa.Column("token_hash", sa.Text, primary_key=True),
    sa.Column("campaign", sa.Text, nullable=False),
    sa.Column("customer_id", sa.Text, nullable=False),
    sa.Column("customer_key", sa.Text, nullable=False),
    sa.Column("key_id", sa.Text, nullable=False),
    sa.Column("issued_at", _UtcDateTime, nullable=False),
    sa.Column("expires_at", _UtcDateTime, nullable=False),
    sa.Column("revoked_at", _UtcDateTime),
    sa.Column("opened_at", _UtcDateTime),
    sa.Column("opens", sa.Integer, nullable=False, default=0, server_default="0"),
    # Of the chat after one that was sent (`next_chats`): who let there be none, and its row.
    sa.Column("taken_out", sa.Text),
    sa.Column("next_row", sa.Text),
    # Between when the link may be sent: it is given out for the first.
    sa.Column("not_before", _UtcDateTime),
    sa.Column("not_after", _UtcDateTime),
    sa.Index("invitations_by_customer", "campaign", "customer_key", unique=True),
    sa.Index("invitations_by_recipient", "customer_key", "not_before"),
)

# Whom nobody is to contact, by list. The hash stays when a customer is forgotten, their id does
# not: whoever opted out is not contacted when they are named again.
suppressions = sa.Table(
    "suppressions",
    metadata,
    sa.Column("customer_hash", sa.Text, primary_key=True),
    sa.Column("list", sa.Text, primary_key=True),
    sa.Column("customer_id", sa.Text),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("source", sa.Text, nullable=False),
    sa.Column("added_at", _UtcDateTime, nullable=False),
    sa.Column("expires_at", _UtcDateTime),
    # When a person took it away last: what was said before does not bring it back.
    sa.Column("removed_at", _UtcDateTime),
    sa.Index("suppressions_by_list", "list", "added_at"),
)

# Why somebody was contacted, or not: only ever added to.
decisions = sa.Table(
    "decisions",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("campaign", sa.Text, nullable=False),
    sa.Column("customer_id", sa.Text, nullable=False),
    sa.Column("customer_key", sa.Text, nullable=False),
    sa.Column("decided_at", _UtcDateTime, nullable=False),
    sa.Column("moment", sa.Text, nullable=False),
    sa.Column("decision", sa.Text, nullable=False),
    sa.Column("rule", sa.Text, nullable=False),
    sa.Column("value", sa.Text, nullable=False),
    sa.Column("until", _UtcDateTime),
    sa.Column("reasons", sa.JSON, nullable=False),
    sa.Column("policy", sa.Text, nullable=False),
    sa.Index("decisions_by_campaign", "campaign", "id"),
    sa.Index("decisions_by_customer", "customer_key"),
)

# What Amazon knows of a contact once it was asked: of a customer's own one, and of those that
# followed from it (transfers, a survey in the disconnect flow), which have ids of their own.
# `initial_contact_id` is the one that `contacts` holds.
collected = sa.Table(
    "collected",
    metadata,
    sa.Column("campaign", sa.Text, primary_key=True),
    sa.Column("contact_id", sa.Text, primary_key=True),
    sa.Column("initial_contact_id", sa.Text, nullable=False),
    sa.Column("initiation_method", sa.Text),
    sa.Column("started_at", _UtcDateTime),
    sa.Column("connected_at", _UtcDateTime),
    sa.Column("ended_at", _UtcDateTime),
    sa.Column("disconnect_reason", sa.Text),
    sa.Column("messages_sent", sa.Integer),
    sa.Column("attributes", sa.JSON(none_as_null=True)),
    sa.Column("described_at", _UtcDateTime, nullable=False),
    sa.Column("transcript", sa.Text, nullable=False),
    sa.Column("looks", sa.Integer, nullable=False, default=0, server_default="0"),
    sa.Column("look_again_at", _UtcDateTime),
    sa.Column("trouble", sa.Text),
    # Until when others may follow from it, and be found: NULL once they were looked for after that.
    sa.Column("follow_until", _UtcDateTime),
    sa.Index("collected_by_initial", "campaign", "initial_contact_id"),
    sa.Index("collected_by_transcript", "campaign", "transcript", "looks"),
)

# What is to be looked at again: not by walking through all that was collected.
_partial_index(
    "collected_open",
    collected.c.campaign,
    collected.c.described_at,
    where=collected.c.ended_at.is_(None),
)
_partial_index(
    "collected_to_follow",
    collected.c.campaign,
    collected.c.follow_until,
    where=collected.c.follow_until.is_not(None),
)
_partial_index(
    "collected_to_look",
    collected.c.campaign,
    collected.c.look_again_at,
    collected.c.transcript,
    where=collected.c.look_again_at.is_not(None),
)

# The three tables that all workers of an instance share. Their times are seconds since 1970: they
# are reckoned with, and nobody reads them.

paces = sa.Table(
    "paces",
    metadata,
    sa.Column("instance_id", sa.Text, primary_key=True),
    sa.Column("api", sa.Text, primary_key=True),
    sa.Column("full_rate", sa.Double, nullable=False),
    sa.Column("burst", sa.Integer, nullable=False),
    sa.Column("rate", sa.Double, nullable=False),
    sa.Column("credit", sa.Double, nullable=False),
    sa.Column("seen_at", sa.Double, nullable=False),
    sa.Column("slowed_at", sa.Double, nullable=False),
)

ceilings = sa.Table(
    "ceilings",
    metadata,
    sa.Column("instance_id", sa.Text, primary_key=True),
    sa.Column("quota", sa.Integer, nullable=False),
    sa.Column("ceiling", sa.Integer, nullable=False),
    sa.Column("step", sa.Integer, nullable=False),
    sa.Column("probe_at", sa.Double),
    sa.Column("probe_seconds", sa.Double, nullable=False),
)

holders = sa.Table(
    "holders",
    metadata,
    sa.Column("instance_id", sa.Text, primary_key=True),
    sa.Column("worker", sa.Text, primary_key=True),
    sa.Column("open", sa.Integer, nullable=False),
    sa.Column("wanted", sa.Integer, nullable=False),
    sa.Column("granted", sa.Integer, nullable=False),
    sa.Column("until", sa.Double, nullable=False),
)

# How many of a campaign's contacts and refused rows are how far: kept by the database (`tallies`,
# the module), since counting them takes the longer the more there are.
_TALLIED = (
    "planned",
    "starting",
    "started",
    "connected",
    "completed",
    "failed",
    "unknown",
    "withheld",
    "withdrawn",
    "reached_started",
    "reached_connected",
    "replied",
    "handed_over",
    "handed_over_open",
    "transcripts_incomplete",
    "transcripts_unchecked",
    "items_skipped",
    "rejected",
    "duplicate",
)

tallies = sa.Table(
    "tallies",
    metadata,
    sa.Column("campaign", sa.Text, primary_key=True),
    *(sa.Column(name, sa.Integer, nullable=False, server_default="0") for name in _TALLIED),
    sa.Column("planned_at", _UtcDateTime),
    sa.Column("ended_at", _UtcDateTime),
)

# In PostgreSQL, what is not in `tallies` yet: so many rows more or less that are so. There is no
# index, as there are never many.
tally_changes = sa.Table(
    "tally_changes",
    metadata,
    sa.Column("more", sa.Integer, nullable=False),
    *(
        sa.Column(name, contacts.c[name].type)
        for name in (
            "campaign",
            "status",
            "error_code",
            "started_at",
            "connected_at",
            "first_reply_at",
            "handed_over_at",
            "transcript_complete",
            "items_skipped",
            "planned_at",
            "ended_at",
        )
    ),
)

# How many changes there were.
sa.Sequence("tally_number", metadata=metadata, data_type=sa.BigInteger)
