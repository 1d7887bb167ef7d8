"""Turn a table of customers into Amazon Connect chats and bring the answers back as tables.

Importing this loads neither Prefect nor pandas nor boto3; those come with
`connect_tasks.tasks`, `connect_tasks.blocks` and `connect_tasks.emulator`.
"""

from importlib.metadata import version as _version
from typing import TYPE_CHECKING as _TYPE_CHECKING
from typing import Any as _Any

from connect_tasks.aws.idempotency import client_token
from connect_tasks.aws.models import StartChatContactRequest, StartChatContactResponse
from connect_tasks.aws.quotas import Quotas
from connect_tasks.aws.retry import RetryPolicy

# For what it remembers: whatever of this package is imported next may load Prefect.
from connect_tasks.aws.server_logs import BEFORE_PREFECT  # noqa: F401
from connect_tasks.chat.template.chat_template import ChatTemplate
from connect_tasks.chat.template.conversation import Conversation
from connect_tasks.chat.template.outbound_template import OutboundChatTemplate
from connect_tasks.chat.template.utterance import After, Utterance

if _TYPE_CHECKING:
    from connect_tasks.campaign.policy import OutreachPolicy

__all__ = [
    "After",
    "ChatTemplate",
    "Conversation",
    "OutboundChatTemplate",
    "OutreachPolicy",
    "Quotas",
    "RetryPolicy",
    "StartChatContactRequest",
    "StartChatContactResponse",
    "Utterance",
    "client_token",
]


def __getattr__(name: str) -> _Any:
    if name == "__version__":
        return _version("connect-tasks")
    if name == "OutreachPolicy":
        # Campaigns come with it, and the ledger with them: only for who asks.
        from connect_tasks.campaign.policy import OutreachPolicy

        return OutreachPolicy
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
