"""Every contact of an instance: which one a token has made, and what is kept of the ended."""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from itertools import count
from typing import Any

from connect_tasks.emulator.instance.archive import Archive
from connect_tasks.emulator.instance.chat import Chat
from connect_tasks.emulator.instance.connections import Connections
from connect_tasks.emulator.instance.ended import EndedContact
from connect_tasks.emulator.instance.first_message import phone_number
from connect_tasks.emulator.instance.forgetting import Forgetting
from connect_tasks.emulator.instance.identity import Identities
from connect_tasks.emulator.model.errors import RefusedError, not_found

__all__ = ["Contacts"]

# AWS says it of the sibling calls, and nothing of StartChatContact.
_TOKEN_LIFE = timedelta(days=7)


class Contacts:
    """The contacts of one instance, open, ended and remembered.

    Args:
        now: The clock.
        identities: Makes their ids.
        archive: Where transcripts of ended ones are kept.
        connections: The tokens that were handed out for them.
        remembered: Contacts that ended before a restart; their client tokens stay used.
        kept: How many contacts that have ended are kept whole.

    Attributes:
        chats: Every contact by its id, in order of their start.
        remembered: Contacts that ended before a restart, or are one too many, by their id.
    """

    def __init__(
        self,
        *,
        now: Callable[[], datetime],
        identities: Identities,
        archive: Archive,
        connections: Connections,
        remembered: Iterable[EndedContact],
        kept: int,
    ) -> None:
        self.chats: dict[str, Chat] = {}
        self.remembered = {ended.contact_id: ended for ended in remembered}
        self._now = now
        self._identities = identities
        self._archive = archive
        self._connections = connections
        self._forgetting = Forgetting(kept, self._forget)

    def known(self, request: Mapping[str, Any], flow: str) -> Chat | None:
        """The contact that a request's client token has made, also before a restart."""
        client_token = _token_of(request)
        if not client_token:
            return None
        key = self._key(client_token)
        contact_id = self._contact_id(key)
        if contact_id in self.remembered and contact_id not in self.chats:
            chat = self.make(request, flow, key)
            chat.bury(self.remembered[contact_id])
            self.chats[contact_id] = chat
            self._forgetting.add(contact_id)
            return chat
        return self.chats.get(contact_id)

    def key_for(self, request: Mapping[str, Any]) -> str:
        """What the ids of a new contact follow from."""
        client_token = _token_of(request)
        return self._key(client_token) if client_token else self._key_without_token()

    def make(
        self,
        request: Mapping[str, Any],
        flow: str,
        key: str,
        *,
        continued_from: Chat | None = None,
        follows: Chat | None = None,
    ) -> Chat:
        """A contact; it is not among the others yet."""
        return Chat(
            key=key,
            request=request,
            flow=flow,
            now=self._now,
            identities=self._identities,
            continued_from=continued_from,
            root_id=self._root_of(request.get("RelatedContactId")),
            follows=follows,
        )

    def source_of(self, persistent: Mapping[str, str] | None) -> Chat | None:
        """The ended contact that a persistent chat goes on from; None if it goes on from none.

        Raises:
            RefusedError: There is no such contact, or it has not ended.
        """
        if persistent is None:
            return None
        source = self.chats.get(persistent["SourceContactId"])
        if source is None:
            raise not_found()
        if persistent["RehydrationType"] == "ENTIRE_PAST_SESSION":
            session = (chat for chat in self.chats.values() if chat.session_id == source.session_id)
            ended = [(chat.ended_at, chat.contact_id) for chat in session if chat.ended_at]
            source = self.chats[max(ended)[1]] if ended else source
        if source.is_open:
            raise RefusedError("InvalidRequestException", "The source chat has not ended")
        return source

    def rehydrate(self, chat: Chat, persistent: Mapping[str, str]) -> Chat:
        """Let an open chat go on from an ended one, as PersistentChat does at its start.

        Returns:
            The contact that it goes on from.

        Raises:
            RefusedError: There is no such contact, it has not ended, or the chat goes on from one.
        """
        if chat.first.continued_from is not None:
            message = "The chat continues another one already"
            raise RefusedError("InvalidRequestException", message)
        source = self.source_of(persistent)
        if source is None or source is chat.first:
            raise not_found()
        chat.first.rehydrate(source)
        return source

    def conclude(self, chat: Chat) -> None:
        """A contact has ended: its transcript is kept, and one too many is forgotten."""
        self._archive.add(chat)
        self._forgetting.add(chat.contact_id)

    def _forget(self, contact_id: str) -> None:
        """Forget all of an ended contact but what a restart would leave of it."""
        chat = self.chats.pop(contact_id)
        if chat.ended_at is not None and chat.disconnect_reason is not None:
            ended = chat.as_ended(chat.ended_at, chat.disconnect_reason)
            self.remembered.setdefault(contact_id, ended)
        self._archive.drop(chat)
        if chat.next is None:
            self._connections.forget(chat)

    def _key(self, client_token: str) -> str:
        """What ids follow from; another one each time that a client token has lapsed."""
        keys = (f"{client_token}\x1f{again}" if again else client_token for again in count())
        return next(key for key in keys if not self._has_lapsed(self._contact_id(key)))

    def _key_without_token(self) -> str:
        numbers = count(len(self.chats) + self._forgetting.count)
        keys = (f"\x1fwithout token {number}" for number in numbers)
        return next(key for key in keys if self._contact_id(key) not in self.remembered)

    def _has_lapsed(self, contact_id: str) -> bool:
        made = self.chats.get(contact_id) or self.remembered.get(contact_id)
        return made is not None and self._now() - made.started_at >= _TOKEN_LIFE

    def _contact_id(self, key: str) -> str:
        return self._identities.uuid("contact", key)

    def _root_of(self, related_id: str | None) -> str | None:
        related = self.chats.get(related_id) if related_id else None
        return related.initial_contact_id if related else related_id


def _token_of(request: Mapping[str, Any]) -> str | None:
    """The client token, by the call that it was given to: two calls do not share theirs."""
    token: str | None = request.get("ClientToken")
    return f"on a phone\x1f{token}" if token and phone_number(request) else token
