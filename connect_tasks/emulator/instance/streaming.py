"""Chats that are streamed to SNS topics: what of a chat goes there, in which form."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from connect_tasks.emulator.instance.backend import Backend
from connect_tasks.emulator.instance.chat import Chat
from connect_tasks.emulator.instance.identity import ACCOUNT
from connect_tasks.emulator.instance.transcript import TranscriptItem
from connect_tasks.emulator.model.errors import RefusedError

__all__ = ["Notification", "Publish", "Streams"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Notification:
    """One item of a chat on its way to a topic.

    Attributes:
        topic_arn: The topic's ARN.
        message_id: An id of its own.
        message: The item as JSON, as the web socket has it.
        attributes: What subscribers can filter by.
    """

    topic_arn: str
    message_id: str
    message: str
    attributes: Mapping[str, str]


Publish = Callable[[Notification], None]
"""Takes a notification, and returns at once."""


class Streams:
    """What is streamed of the chats of one instance.

    Args:
        backend: The instance.
        publish: Takes what goes to a topic.
        most: Topics that one conversation may be streamed to; any number if None.
    """

    def __init__(self, backend: Backend, publish: Publish, most: int | None) -> None:
        self._backend = backend
        self._publish = publish
        self._most = most

    def greet(self, chat: Chat) -> None:
        """Stream a chat from its start on, where StartChatContact asked for that."""
        streaming = chat.request.get("ChatStreamingConfiguration")
        if streaming:
            streaming_id = self._backend.identities.uuid("streaming", chat.key)
            self._begin(chat, streaming_id, streaming["StreamingEndpointArn"])
            for item in chat.items:
                self._pass_on(chat, item)

    def start(self, chat: Chat, topic_arn: str, client_token: str) -> str:
        """Stream a chat from now on; the same client token gives the same streaming again.

        Returns:
            The id of the streaming.

        Raises:
            RefusedError: The chat is streamed to as many topics as it may be.
        """
        key = (chat.first.key, client_token)
        streaming_id = self._backend.identities.uuid("streaming", *key)
        if streaming_id not in chat.streams:
            topics = {topic for topic in chat.streams.values() if topic} | {topic_arn}
            if self._most is not None and len(topics) > self._most:
                message = f"A chat can be streamed to {self._most} topics"
                raise RefusedError("LimitExceededException", message)
            self._begin(chat, streaming_id, topic_arn)
        return streaming_id

    def stop(self, chat: Chat, streaming_id: str) -> None:
        """Stream a chat no more; a second call does nothing.

        Raises:
            RefusedError: It never had this streaming.
        """
        if streaming_id not in chat.streams:
            raise RefusedError("ResourceNotFoundException", "StreamingId is not known")
        chat.streams[streaming_id] = None

    def _begin(self, chat: Chat, streaming_id: str, topic_arn: str) -> None:
        if not chat.streams:
            chat.watchers.append(self._pass_on)
        chat.streams[streaming_id] = topic_arn

    def _pass_on(self, chat: Chat, item: TranscriptItem) -> None:
        # What two streamings send to one topic comes there once.
        for topic_arn in dict.fromkeys(topic for topic in chat.streams.values() if topic):
            self._publish(self._notification(chat, item, topic_arn))

    def _notification(self, chat: Chat, item: TranscriptItem, topic_arn: str) -> Notification:
        ids = {"InitialContactId": chat.first.contact_id, "ContactId": chat.contact_id}
        message = json.dumps({**item.members(), **ids}, separators=(",", ":"), ensure_ascii=False)
        attributes = {
            **ids,
            "ParticipantRole": item.participant_role,
            "InstanceId": self._backend.instance_id,
            "AccountId": ACCOUNT,
            "Type": item.type,
            "ContentType": item.content_type or None,
            "MessageVisibility": "ALL",
        }
        return Notification(
            topic_arn=topic_arn,
            message_id=self._backend.identities.uuid("notification", item.id, topic_arn),
            message=message,
            attributes={name: value for name, value in attributes.items() if value},
        )
