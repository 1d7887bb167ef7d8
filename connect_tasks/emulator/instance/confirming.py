"""The other side of a chat confirms what the customer says, as an agent's workspace does."""

from connect_tasks.emulator.flows.steps import SYSTEM_MESSAGE, Speaker
from connect_tasks.emulator.instance.chat import Chat
from connect_tasks.emulator.instance.transcript import TranscriptItem

__all__ = ["confirm_all"]


def confirm_all(chat: Chat) -> None:
    """From now on each message of the customer is delivered and read at once.

    The agent confirms it who is there first, else who of the flow spoke last.

    Args:
        chat: A chat that has just begun.
    """
    chat.watchers.append(_confirm)


def _confirm(chat: Chat, item: TranscriptItem) -> None:
    if item.type == "EVENT" or item.participant_role != "CUSTOMER":
        return
    agents = [speaker for speaker in chat.present if speaker.role == "AGENT"]
    reader = agents[0] if agents else _last_of_flow(chat)
    for event in ("message.delivered", "message.read"):
        chat.acknowledge(event, reader, item.id)


def _last_of_flow(chat: Chat) -> Speaker:
    for item in reversed(chat.items):
        if item.type == "MESSAGE" and item.participant_role == "SYSTEM":
            return Speaker("SYSTEM", item.display_name or "")
    return SYSTEM_MESSAGE
