"""Conversations that begin on the customer's phone: StartOutboundChatContact, and the phones.

Experimental, as all of it in this package: made from Amazon's documentation alone.
"""

from collections.abc import Mapping
from functools import partial
from random import Random
from typing import Any

from connect_tasks.emulator.flows.steps import End
from connect_tasks.emulator.instance.backend import Backend
from connect_tasks.emulator.instance.chat import Chat
from connect_tasks.emulator.instance.identity import ACCOUNT, REGION
from connect_tasks.emulator.instance.transcript import TranscriptItem
from connect_tasks.emulator.model.errors import not_found
from connect_tasks.emulator.phones.phone import Phone
from connect_tasks.emulator.phones.settings import LocalPhones, PhoneKind

__all__ = ["Outbound"]


_NUMBERS = f"arn:aws:connect:{REGION}:{ACCOUNT}:phone-number/"


class Outbound:
    """What one instance begins on phones.

    Args:
        backend: The instance.
        phones: The phones.
    """

    def __init__(self, backend: Backend, phones: LocalPhones) -> None:
        self._backend = backend
        self._phones = phones

    def start(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """StartOutboundChatContact: make a contact, or repeat the one that this token made."""
        backend = self._backend
        backend.check_instance(request)
        flow = backend.flow_name(request["ContactFlowId"])
        self._check_source(request["SourceEndpoint"]["Address"])
        chat = backend.contacts.known(request, flow) or backend.open(request, flow)
        return {"ContactId": chat.contact_id}

    def describe_number(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """DescribePhoneNumber: a number that the instance writes from, by its id or ARN."""
        backend, given = self._backend, request["PhoneNumberId"]
        arn = given if given.startswith("arn:") else f"{_NUMBERS}{given}"
        self._check_source(arn)
        drawn = int(backend.identities.uuid("source", arn)[:8], 16)
        summary = {
            "PhoneNumberId": arn.rpartition("/")[2],
            "PhoneNumberArn": arn,
            # Of the range that is kept for what is made up.
            "PhoneNumber": f"+120255501{drawn % 100:02}",
            "PhoneNumberCountryCode": "US",
            "PhoneNumberType": "DID",
            "TargetArn": backend.instance_arn,
            "InstanceId": backend.instance_id,
            "PhoneNumberStatus": {"Status": "CLAIMED"},
        }
        return {"ClaimedPhoneNumberSummary": summary}

    def greet(self, chat: Chat) -> None:
        """Put the phone of a chat that begins on one to work; other chats are left alone.

        The flow begins at once: it has nobody's connection to wait for (inferred).
        """
        if chat.phone_number is None:
            return
        chat.begun_by = self._phones.initiation_method
        phone = self._phone(chat.phone_number, chat.key)
        chance = Random(self._backend.identities.uuid("waits of phone", chat.key))  # noqa: S311 - repeatable, not secret
        self._backend.schedule.after(0, partial(self._backend.connect, chat))
        hear = partial(self._hear, phone, chance)
        chat.watchers.append(hear)
        for item in chat.items:
            hear(chat, item)

    def _check_source(self, arn: str) -> None:
        sources = self._phones.source_arns
        if sources is not None and arn not in sources:
            raise not_found()

    def _phone(self, number: str, key: str) -> Phone:
        phones, uuid = self._phones, self._backend.identities.uuid
        drawn = int(uuid("phone", number)[:8], 16) / 2**32
        return Phone(
            number=number,
            kind=phones.kind_of(number, drawn),
            texts=phones.texts.get(number, ()),
            answers=phones.answers,
            choice=Random(uuid("answers of phone", key)),  # noqa: S311 - repeatable, not secret
            most_answers=phones.most_answers,
        )

    def _hear(self, phone: Phone, chance: Random, chat: Chat, item: TranscriptItem) -> None:
        if item.type != "MESSAGE" or item.participant_role == "CUSTOMER":
            return
        phone.unread.append(item.members() | {"ContactId": chat.contact_id})
        if not phone.is_at_it:
            # Whoever reads the first of several messages writes back after the last of them.
            phone.is_at_it = True
            seconds = chance.uniform(*self._phones.seconds)
            self._backend.schedule.after(seconds, partial(self._react, phone, chat.first))

    def _react(self, phone: Phone, first: Chat) -> None:
        phone.is_at_it = False
        chat = first.latest
        if not chat.is_open:
            return
        if phone.kind is PhoneKind.UNDELIVERABLE and self._phones.undeliverable == "ends":
            self._backend.end(chat, End("SYSTEM_ERROR"))
        elif (text := phone.write_back()) is not None:
            chat.say(chat.customer, text)
            self._backend.hear(chat, text)
