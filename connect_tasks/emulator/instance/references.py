"""References of a contact: what agents are shown beside it, and the files that were sent in it."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from connect_tasks.emulator.instance.attachments import Attachments
from connect_tasks.emulator.instance.chat import Chat

__all__ = ["list_references"]

_STORE = "amazon-connect-local/connect/local/Attachments/chat"

# The member that tells of a reference, by its type.
_MEMBERS = {
    "URL": "Url",
    "ATTACHMENT": "Attachment",
    "NUMBER": "Number",
    "STRING": "String",
    "DATE": "Date",
    "EMAIL": "Email",
}


def list_references(
    chat: Chat, attachments: Attachments, types: Sequence[str], instance_arn: str
) -> list[dict[str, Any]]:
    """What ListContactReferences tells of a contact.

    Args:
        chat: The contact.
        attachments: The files that were sent.
        types: The types of references that are asked for.
        instance_arn: The instance's ARN.
    """
    files = [_of_file(*file) for file in _files(chat, attachments, instance_arn)]
    given = [_given(name, one) for name, one in chat.details.references.items()]
    wanted = {_MEMBERS[kind] for kind in types if kind in _MEMBERS}
    return [reference for reference in (*given, *files) if wanted & reference.keys()]


def _given(name: str, reference: Mapping[str, Any]) -> dict[str, Any]:
    members = {"Name": name, "Value": reference.get("Value") or ""}
    if reference["Type"] == "ATTACHMENT":
        more = {key: reference.get(key) for key in ("Status", "Arn")}
        members |= {key: value for key, value in more.items() if value is not None}
    return {_MEMBERS[reference["Type"]]: members}


def _files(
    chat: Chat, attachments: Attachments, instance_arn: str
) -> Iterator[tuple[str, str, str]]:
    """Id, place and ARN of each file."""
    for upload in attachments.sent_in(chat):
        day = f"{upload.until:%Y/%m/%d}"
        place = f"{_STORE}/{day}/{chat.contact_id}_{upload.id}_{upload.name}"
        yield upload.id, place, f"{instance_arn}/file/{upload.id}"


def _of_file(file_id: str, place: str, arn: str) -> dict[str, Any]:
    members = {"Name": file_id, "Value": place, "Status": "APPROVED", "Arn": arn}
    return {"Attachment": members}
