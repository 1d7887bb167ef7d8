"""Started chats that go to their customers in the company's own app."""

from connect_tasks.campaign.hand_over.started_chat import StartedChat

__all__ = ["StartedChat"]
