"""Which operations are answered, and where."""

from connect_tasks.emulator.model.validation import service_model

__all__ = ["OPERATIONS", "OWNERS", "STORAGE_OPERATIONS", "declares", "route_of"]

OPERATIONS = {
    "connect": (
        "StartChatContact",
        "StartOutboundChatContact",
        "StopContact",
        "DescribeContact",
        "DescribeInstance",
        "DescribeContactFlow",
        "DescribePhoneNumber",
        "GetContactAttributes",
        "UpdateContactAttributes",
        "ListContactFlows",
        "ListInstances",
        "ListQueues",
        "ListContactReferences",
        "ListInstanceStorageConfigs",
        "SearchContacts",
        "StartContactStreaming",
        "StopContactStreaming",
        "UpdateContact",
        "TagContact",
        "UntagContact",
        "CreatePersistentContactAssociation",
        "UpdateParticipantRoleConfig",
        "CreateParticipant",
        "TransferContact",
        "UpdateParticipantAuthentication",
    ),
    "connectparticipant": (
        "CreateParticipantConnection",
        "SendMessage",
        "SendEvent",
        "GetTranscript",
        "DisconnectParticipant",
        "StartAttachmentUpload",
        "CompleteAttachmentUpload",
        "GetAttachment",
        "DescribeView",
        "GetAuthenticationUrl",
        "CancelParticipantAuthentication",
    ),
}
"""The operations that are answered, by botocore's name of their service."""

OWNERS = {name: service for service, names in OPERATIONS.items() for name in names}
"""The service of each operation."""

STORAGE_OPERATIONS = ("GetObject", "HeadObject", "HeadBucket", "ListObjectsV2")
"""The operations of S3 that are answered, on the bucket of the instance's transcripts."""


def route_of(operation: str) -> tuple[str, str]:
    """HTTP method and path of an operation, from botocore's model."""
    http = service_model(OWNERS[operation]).operation_model(operation).http
    return http["method"], http["requestUri"]


def declares(operation: str, code: str) -> bool:
    """Whether an operation can answer with this error, by botocore's model."""
    model = service_model(OWNERS[operation]).operation_model(operation)
    return any(shape.name == code for shape in model.error_shapes)
