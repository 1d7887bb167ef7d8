"""One request from arrival to answer: authorise, throttle, validate, carry out, count."""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from connect_tasks.emulator.instance.attachments import Attachments
from connect_tasks.emulator.instance.backend import Backend
from connect_tasks.emulator.instance.changes import Changes
from connect_tasks.emulator.instance.confirming import confirm_all
from connect_tasks.emulator.instance.listings import Listings
from connect_tasks.emulator.instance.outbound import Outbound
from connect_tasks.emulator.instance.participant import ParticipantService
from connect_tasks.emulator.instance.queries import Queries
from connect_tasks.emulator.instance.sign_ins import SignIns
from connect_tasks.emulator.instance.streaming import Notification, Publish, Streams
from connect_tasks.emulator.model.errors import RefusedError, access_denied, expired
from connect_tasks.emulator.model.operations import OWNERS, declares
from connect_tasks.emulator.model.queries import read_query
from connect_tasks.emulator.model.rules import RULES
from connect_tasks.emulator.model.strict_json import read_json
from connect_tasks.emulator.model.validation import Problem, Validator
from connect_tasks.emulator.phones.settings import LocalPhones
from connect_tasks.emulator.quotas import LocalQuotas, Throttle

__all__ = ["Request", "Service", "access_key_of"]


_MOST_NAMED = 20
"""Problems that a refusal names; the others are only counted."""


def _publish_nowhere(_: Notification) -> None:
    """Stand in where no topic has a subscriber."""


@dataclass(frozen=True, slots=True)
class Request:
    """A request as it came over the wire.

    Attributes:
        operation: Name of the operation.
        params: Members of path, query and body; `None` if the body is not JSON.
        bearer: The `X-Amz-Bearer` header.
        authorization: The `Authorization` header.
    """

    operation: str
    params: Any
    bearer: str = ""
    authorization: str = ""

    @classmethod
    def read(
        cls,
        operation: str,
        body: bytes,
        path: Mapping[str, str],
        headers: Mapping[str, str],
        query: str = "",
    ) -> "Request":
        """Put a request together from its parts on the wire."""
        try:
            params = read_json(body or b"{}")
        except ValueError:
            params = None
        if isinstance(params, dict):
            params = {**params, **path, **read_query(operation, query)}
        bearer, authorization = headers.get("x-amz-bearer", ""), headers.get("authorization", "")
        return cls(operation, params, bearer, authorization)

    @property
    def access_key(self) -> str:
        """The access key that the request was signed with; empty if there is none."""
        return access_key_of(self.authorization)


class Service:
    """Both services of one instance.

    Args:
        backend: The instance.
        quotas: The rates to enforce.
        now: Seconds of the instance's clock.
        publish: Takes what is streamed to SNS topics.
        receipts: Whether the other side confirms each message of the customer.
        phones: The phones that it reaches; all answer if None.

    Attributes:
        attachments: The files that are sent.
        sign_ins: Who is asked to sign in.
        calls: Requests that arrived, by operation, refused ones included.
        refusals: Requests that were refused, by operation and error code.
        expired_keys: Access keys that have expired.
    """

    def __init__(
        self,
        backend: Backend,
        quotas: LocalQuotas,
        now: Callable[[], float],
        *,
        publish: Publish = _publish_nowhere,
        receipts: bool = False,
        phones: LocalPhones | None = None,
    ) -> None:
        self.calls: Counter[str] = Counter()
        self.refusals: Counter[tuple[str, str]] = Counter()
        self.expired_keys: set[str] = set()
        self._backend = backend
        self._throttle = Throttle(quotas)
        self._now = now
        self.attachments = Attachments(backend, quotas)
        self.sign_ins = SignIns(backend)
        streams = Streams(backend, publish, quotas.topics)
        outbound = Outbound(backend, phones or LocalPhones())
        confirming = [confirm_all] if receipts else []
        backend.welcome += [streams.greet, *confirming, outbound.greet]
        participant = ParticipantService(backend, self.attachments, self.sign_ins)
        queries, listings = Queries(backend, self.attachments), Listings(backend)
        changes = Changes(backend, streams, quotas)
        self._contact_calls: dict[str, Callable[[Any], dict[str, Any]]] = {
            "StartChatContact": backend.start_chat,
            "StartOutboundChatContact": outbound.start,
            "StopContact": backend.stop_contact,
            "DescribeContact": queries.describe_contact,
            "DescribeInstance": queries.describe_instance,
            "DescribeContactFlow": queries.describe_contact_flow,
            "DescribePhoneNumber": outbound.describe_number,
            "GetContactAttributes": queries.get_contact_attributes,
            "ListContactReferences": queries.list_contact_references,
            "ListInstanceStorageConfigs": queries.list_instance_storage_configs,
            "SearchContacts": queries.search_contacts,
            "ListContactFlows": listings.list_contact_flows,
            "ListInstances": listings.list_instances,
            "ListQueues": listings.list_queues,
            "UpdateContactAttributes": changes.update_contact_attributes,
            "UpdateContact": changes.update_contact,
            "TagContact": changes.tag_contact,
            "UntagContact": changes.untag_contact,
            "StartContactStreaming": changes.start_streaming,
            "StopContactStreaming": changes.stop_streaming,
            "CreatePersistentContactAssociation": changes.associate,
            "UpdateParticipantRoleConfig": changes.update_role_config,
            "CreateParticipant": changes.create_participant,
            "TransferContact": changes.transfer_contact,
            "UpdateParticipantAuthentication": self.sign_ins.finish,
        }
        self._participant_calls: dict[str, Callable[[str, Any], dict[str, Any]]] = {
            "CreateParticipantConnection": participant.create_connection,
            "SendMessage": participant.send_message,
            "SendEvent": participant.send_event,
            "GetTranscript": participant.get_transcript,
            "DisconnectParticipant": participant.disconnect,
            "StartAttachmentUpload": participant.start_attachment_upload,
            "CompleteAttachmentUpload": participant.complete_attachment_upload,
            "GetAttachment": participant.get_attachment,
            "DescribeView": participant.describe_view,
            "GetAuthenticationUrl": participant.get_authentication_url,
            "CancelParticipantAuthentication": participant.cancel_authentication,
        }
        self._validators = {
            operation: Validator.for_input(service, operation)
            for operation, service in OWNERS.items()
        }

    def answer(self, request: Request) -> dict[str, Any]:
        """Carry a request out.

        Returns:
            The body of the answer.

        Raises:
            RefusedError: It was refused, and nothing was changed.
        """
        self._backend.schedule.run_due()
        try:
            return self._carry_out(request)
        except RefusedError as refusal:
            self.refusals[request.operation, refusal.code] += 1
            raise

    def customer_id(self, request: Request) -> str | None:
        """Whose request this is, as far as that can be told."""
        if request.operation not in self._contact_calls:
            return self._backend.connections.customer_id(request.bearer)
        params = request.params if isinstance(request.params, dict) else {}
        contact_id = params.get("ContactId") or params.get("InitialContactId")
        chat = self._backend.chats.get(str(contact_id))
        named = chat.customer_id if chat else params.get("CustomerId") or _number_in(params)
        # Nothing has been checked yet: it can be of any type.
        return named if isinstance(named, str) else None

    def _carry_out(self, request: Request) -> dict[str, Any]:
        operation = request.operation
        self._authorise(request)
        self._throttle.admit(operation, self._now())
        self._validate(request)
        if operation in self._contact_calls:
            return self._contact_calls[operation](request.params)
        return self._participant_calls[operation](request.bearer, request.params)

    def _authorise(self, request: Request) -> None:
        if OWNERS[request.operation] == "connectparticipant":
            # Botocore signs these calls when it has credentials; the service does not look at that.
            if not request.bearer:
                raise access_denied()
        elif not request.authorization.startswith("AWS4-HMAC-SHA256 "):
            message = "Missing Authentication Token"
            raise RefusedError("MissingAuthenticationTokenException", message)
        elif request.access_key in self.expired_keys:
            raise expired()

    def _validate(self, request: Request) -> None:
        if request.params is None:
            raise _invalid(request.operation, [Problem("", "Body must be JSON", malformed=True)])
        problems = self._validators[request.operation](request.params)
        if not problems:
            rules = RULES.get(request.operation, ())
            problems = [problem for rule in rules for problem in rule(request.params)]
        if problems:
            raise _invalid(request.operation, problems)


def access_key_of(signature: str) -> str:
    """The access key in an `Authorization` header, or in the credential of a signed link."""
    _, name, credential = signature.rpartition("Credential=")
    return (credential if name else signature).partition("/")[0] if "/" in signature else ""


def _number_in(params: Mapping[str, Any]) -> object:
    """Whose phone a request names: whoever is written to there has no other id."""
    destination = params.get("DestinationEndpoint")
    return destination.get("Address") if isinstance(destination, dict) else None


def _invalid(operation: str, problems: list[Problem]) -> RefusedError:
    plural = "s" if len(problems) > 1 else ""
    listed = "; ".join(map(str, problems[:_MOST_NAMED]))
    message = f"{len(problems)} validation error{plural} detected: {listed}"
    if OWNERS[operation] == "connectparticipant":
        return RefusedError("ValidationException", message)
    codes = ["InvalidParameterException", "InvalidRequestException"]
    if any(problem.malformed for problem in problems):
        codes.reverse()
    return RefusedError(next(code for code in codes if declares(operation, code)), message)
