"""What one can ask `connect` about an instance: its contacts, its flows, its storage."""

from collections.abc import Mapping
from typing import Any

from connect_tasks.emulator.instance.attachments import Attachments
from connect_tasks.emulator.instance.backend import Backend
from connect_tasks.emulator.instance.descriptions import (
    Contact,
    describe_chat,
    describe_ended,
    describe_flow,
    describe_instance,
)
from connect_tasks.emulator.instance.references import list_references
from connect_tasks.emulator.instance.search import search
from connect_tasks.emulator.model.errors import RefusedError, not_found

__all__ = ["Queries"]

_SAVED = ":$SAVED"


class Queries:
    """The calls that change nothing.

    Args:
        backend: The instance.
        attachments: The files that were sent in its chats.
    """

    def __init__(self, backend: Backend, attachments: Attachments) -> None:
        self._backend = backend
        self._attachments = attachments

    def describe_contact(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """DescribeContact: the contact's record, ended or not."""
        backend = self._backend
        backend.check_instance(request)
        contact_id = request["ContactId"]
        if contact_id in backend.chats:
            chat = backend.chats[contact_id]
            return describe_chat(chat, backend.instance_arn, backend.archive.recordings(chat))
        if contact_id in backend.contacts.remembered:
            return describe_ended(backend.contacts.remembered[contact_id], backend.instance_arn)
        raise not_found()

    def get_contact_attributes(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """GetContactAttributes: as the request or the flow has set them; none of one remembered."""
        self._backend.check_instance(request)
        contact_id = request["InitialContactId"]
        self._check_contact(contact_id)
        chat = self._backend.chats.get(contact_id)
        return {"Attributes": dict(chat.attributes) if chat else {}}

    def list_contact_references(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """ListContactReferences: what UpdateContact has set, and the files that were sent."""
        self._backend.check_instance(request)
        self._check_contact(request["ContactId"])
        chat = self._backend.chats.get(request["ContactId"])
        if chat is None:
            return {"ReferenceSummaryList": []}
        arn = self._backend.instance_arn
        found = list_references(chat, self._attachments, request["ReferenceTypes"], arn)
        return {"ReferenceSummaryList": found}

    def list_instance_storage_configs(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """ListInstanceStorageConfigs: the bucket of the transcripts; of nothing else there is."""
        self._backend.check_instance(request)
        config = self._backend.archive.config()
        if request.get("NextToken"):
            raise RefusedError("InvalidRequestException", "NextToken is not valid")
        is_asked = request["ResourceType"] == "CHAT_TRANSCRIPTS"
        return {"StorageConfigs": [config] if config and is_asked else []}

    def search_contacts(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """SearchContacts: one page of the contacts of a time, of those before a restart too."""
        self._backend.check_instance(request)
        remembered, chats = self._backend.contacts.remembered, self._backend.chats
        contacts: dict[str, Contact] = {**remembered, **chats}
        return search(contacts.values(), request, self._backend.instance_arn)

    def describe_instance(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """DescribeInstance: the instance, which is always active."""
        self._backend.check_instance(request)
        return describe_instance(self._backend.instance_id, self._backend.instance_arn)

    def describe_contact_flow(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """DescribeContactFlow: a flow; what is saved of it is what is published."""
        backend = self._backend
        backend.check_instance(request)
        name = backend.flow_name(request["ContactFlowId"].removesuffix(_SAVED))
        flow = backend.flows.exported.get(name)
        return describe_flow(name, backend.flow_ids[name], backend.flow_arn(name), flow)

    def _check_contact(self, contact_id: str) -> None:
        if (
            contact_id not in self._backend.chats
            and contact_id not in self._backend.contacts.remembered
        ):
            raise not_found()
