"""boto3's clients of Amazon's two services, and a call by one of them."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from botocore import xform_name

from connect_tasks.aws.calls import Call, Service
from connect_tasks.aws.error_table import FOREIGN, translate

if TYPE_CHECKING:
    from mypy_boto3_connect import ConnectClient
    from mypy_boto3_connectparticipant import ConnectParticipantClient

__all__ = ["Clients", "call_by"]

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Clients:
    """boto3's clients of one session."""

    connect: "ConnectClient"
    participant: "ConnectParticipantClient"

    def of(self, service: Service) -> Any:
        """The client of one of the services."""
        return self.connect if service == "connect" else self.participant


def call_by(clients: Clients, call: Call[Result]) -> Result:
    """Make a call by boto3, once.

    Raises:
        AmazonError: It failed, or may have.
    """
    method = getattr(clients.of(call.service), xform_name(call.operation))
    try:
        return call.read(method(**call.arguments))
    except FOREIGN as error:
        raise translate(call.operation, error) from error
