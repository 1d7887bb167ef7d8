"""What stays of a customer who was forgotten: the columns that are left as they are, and why."""

from collections.abc import Mapping

__all__ = ["STAYS"]

STAYS: Mapping[str, Mapping[str, str]] = {
    "contacts": {
        "id": "the ledger's own number",
        "campaign": "which campaign contacted somebody",
        "generation": "how often that was",
        "table_id": "which table named them last, a random number",
        "client_token": "finds the contact when the customer is named again",
        "status": "what became of it; one that was not sent becomes failed",
        "end_reason": "how the chat ended, one of seven words",
        "error_code": "Amazon's word for what went wrong",
        "attempts": "how many calls it took",
        "transcript_complete": "whether there was a whole transcript",
        "items_skipped": "how much of it could not be read",
        "sent_at": "when, for the campaign's numbers",
        "planned_at": "the same",
        "started_at": "the same",
        "connected_at": "the same",
        "first_reply_at": "the same",
        "ended_at": "the same",
        "handed_over_at": "the same",
        "not_before": "until when the policy let them wait",
        "variant": "which arm of an experiment they were in, for its counts",
        "endpoint": "a hash that finds their number when another customer has it",
    },
    "refusals": {
        "campaign": "which campaign refused a row",
        "position": "which row of its table",
        "status": "that it was refused",
        "error_code": "one of two words",
    },
    "items": {},
    "invitations": {
        "campaign": "which campaign had a link for somebody",
        "key_id": "which key had signed it",
        "issued_at": "when, for the campaign's numbers",
        "expires_at": "the same",
        "revoked_at": "that nobody can use it",
        "opened_at": "when, for the campaign's numbers",
        "opens": "how often its button was pressed",
        "taken_out": "who took them out, one of two words",
        "not_before": "from when it could be sent, which counts as a contact",
        "not_after": "the same",
    },
    "collected": {},
    "decisions": {
        "id": "the ledger's own number",
        "campaign": "in which campaign somebody was contacted, or not",
        "decided_at": "when, for the record of what was decided",
        "moment": "before which step",
        "decision": "one of four words",
        "rule": "which rule decided",
        "value": "of the policy, and nothing of the customer",
        "until": "for how long",
        "reasons": "all rules that hit, with values of the policy",
        "policy": "which policy it was",
    },
    "suppressions": {
        "customer_hash": "finds who opted out when they are named again",
        "list": "of what they want no more",
        "reason": "how they came onto the list, a word",
        "added_at": "when",
        "expires_at": "until when it holds",
        "removed_at": "when a person took them off it",
    },
}
"""By table: the columns that forgetting leaves as they are, each with the reason.

Of all others nothing is left; transcript items, and what Amazon told of a contact, go as a whole. A
suppression is the customer's and no campaign's: see `unnaming`.
"""
