from collections.abc import Iterator

import botocore.session
import pytest
from botocore import exceptions as boto_errors
from botocore.model import StructureShape
from botocore.parsers import ResponseParserError

from connect_tasks import errors
from connect_tasks.aws.error_table import FOREIGN, MAKE_CLIENT, translate

OPERATIONS = {
    "connect": [
        "StartChatContact",
        "StartOutboundChatContact",
        "StopContact",
        "DescribeContact",
        "DescribeInstance",
        "DescribeContactFlow",
    ],
    "connectparticipant": [
        "CreateParticipantConnection",
        "SendMessage",
        "GetTranscript",
        "DisconnectParticipant",
    ],
}
READS = {
    "CreateParticipantConnection",
    "DescribeContact",
    "DescribeContactFlow",
    "DescribeInstance",
    "GetTranscript",
}

# What a caller can do about each, decided from Amazon's descriptions of the errors.
EXPECTED: dict[str, type[errors.AmazonError]] = {
    "InvalidRequestException": errors.PermanentError,
    "InvalidParameterException": errors.PermanentError,
    "InvalidActiveRegionException": errors.PermanentError,
    "ValidationException": errors.PermanentError,
    "ResourceNotFoundException": errors.NotFoundError,
    "ContactFlowNotPublishedException": errors.PermanentError,
    "ContactNotFoundException": errors.ChatEndedError,
    "LimitExceededException": errors.NoSlotError,
    "ThrottlingException": errors.ThrottledError,
    # Documented, but in no operation's list.
    "TooManyRequestsException": errors.ThrottledError,
}
OF_OPERATION: dict[tuple[str, str], type[errors.AmazonError]] = {
    # The other operation may be the same one, sent before.
    ("StartOutboundChatContact", "ConflictException"): errors.OutcomeUnknownError,
    ("connect", "AccessDeniedException"): errors.AccessDeniedError,
    ("connectparticipant", "AccessDeniedException"): errors.ChatEndedError,
}
FAULTS = {"InternalServiceException", "InternalServerException"}
UNMODELLED = ("TooManyRequestsException", "ThrottlingException", "AccessDeniedException")


def modelled_errors() -> Iterator[tuple[str, str, str]]:
    """Service, operation and code of every error that botocore knows of the calls in use."""
    session = botocore.session.get_session()
    for service, operations in OPERATIONS.items():
        model = session.get_service_model(service)
        for operation in operations:
            shapes = model.operation_model(operation).error_shapes
            codes = {str(shape.error_code) for shape in shapes if isinstance(shape, StructureShape)}
            yield from ((service, operation, code) for code in sorted({*codes, *UNMODELLED}))


MODELLED = list(modelled_errors())


def answer(
    code: str = "", status: int | None = None, message: str = "no"
) -> boto_errors.ClientError:
    response = {
        "Error": {"Code": code, "Message": message},
        "ResponseMetadata": {"HTTPStatusCode": status, "RequestId": "r-1"},
    }
    return boto_errors.ClientError(response, "Any")  # type: ignore[arg-type]


def kind(operation: str, error: Exception) -> type[errors.AmazonError]:
    return type(translate(operation, error))


def expected(service: str, operation: str, code: str) -> type[errors.AmazonError]:
    if code in FAULTS:
        return errors.ServiceFaultError if operation in READS else errors.OutcomeUnknownError
    own = OF_OPERATION.get((operation, code)) or OF_OPERATION.get((service, code))
    return own or EXPECTED[code]


@pytest.mark.parametrize(
    ("service", "operation", "code"), MODELLED, ids=[f"{o} {c}" for _, o, c in MODELLED]
)
def test_every_error_that_botocore_knows_is_in_the_table(
    service: str, operation: str, code: str
) -> None:
    # With a status that says something else, only the code's own entry gives the right answer.
    status = 400 if code in FAULTS else 500

    assert kind(operation, answer(code, status)) is expected(service, operation, code)


# Codes that every AWS service may answer with (IAM and STS documentation, common errors).
@pytest.mark.parametrize(
    "code",
    [
        "ExpiredToken",
        "ExpiredTokenException",
        "IncompleteSignature",
        "InvalidClientTokenId",
        "InvalidSignatureException",
        "MissingAuthenticationToken",
        "MissingAuthenticationTokenException",
        "RequestExpired",
        "SignatureDoesNotMatch",
        "UnrecognizedClientException",
    ],
)
def test_what_is_wrong_with_the_credentials_concerns_the_whole_campaign(code: str) -> None:
    error = translate("StartChatContact", answer(code, 403))

    assert isinstance(error, errors.CredentialsError)
    assert isinstance(error, errors.CampaignWideError)


@pytest.mark.parametrize(
    ("operation", "status", "meaning"),
    [
        ("StartChatContact", 403, errors.AccessDeniedError),
        ("GetTranscript", 403, errors.ChatEndedError),
        ("StartChatContact", 401, errors.CredentialsError),
        ("StartChatContact", 404, errors.NotFoundError),
        ("StopContact", 410, errors.ChatEndedError),
        ("StopContact", 409, errors.PermanentError),
        ("StartOutboundChatContact", 409, errors.OutcomeUnknownError),
        ("StartChatContact", 408, errors.OutcomeUnknownError),
        ("SendMessage", 429, errors.ThrottledError),
        ("StartChatContact", 418, errors.PermanentError),
        ("StartChatContact", 500, errors.OutcomeUnknownError),
        ("StartChatContact", 503, errors.OutcomeUnknownError),
        ("DescribeContact", 503, errors.ServiceFaultError),
        ("StartChatContact", 302, errors.OutcomeUnknownError),
        ("StartChatContact", None, errors.OutcomeUnknownError),
    ],
    ids=[
        "forbidden",
        "forbidden to a participant",
        "unauthorised",
        "not found",
        "gone",
        "a conflict",
        "a conflict with what may be the same call",
        "time-out",
        "too many",
        "another refusal",
        "fault",
        "unavailable",
        "a read unavailable",
        "a redirect",
        "no status",
    ],
)
def test_an_answer_without_a_code_is_judged_by_its_status(
    operation: str, status: int | None, meaning: type[errors.AmazonError]
) -> None:
    # botocore makes the status the code where the answer has none (measured, facts 4).
    assert kind(operation, answer(str(status or ""), status)) is meaning


@pytest.mark.parametrize(
    ("code", "status", "meaning"),
    [
        ("ValidationError", 400, errors.CredentialsError),
        ("AccessDenied", 403, errors.AccessDeniedError),
        ("ExpiredToken", 403, errors.CredentialsError),
        # STS throttles with status 400 (AWS general reference, common errors).
        ("Throttling", 400, errors.ThrottledError),
        ("InternalFailure", 500, errors.ServiceFaultError),
    ],
)
def test_a_role_that_cannot_be_assumed_is_never_the_fault_of_one_contact(
    code: str, status: int, meaning: type[errors.AmazonError]
) -> None:
    assert kind(MAKE_CLIENT, answer(code, status)) is meaning
    assert not issubclass(meaning, errors.PermanentError)


URL = "https://connect.eu-central-1.amazonaws.com/contact/chat"
CUT = [
    boto_errors.ReadTimeoutError(endpoint_url=URL),
    boto_errors.ConnectionClosedError(endpoint_url=URL),
    boto_errors.HTTPClientError(error="reset"),
    boto_errors.IncompleteReadError(actual_bytes=3, expected_bytes=9),
    ResponseParserError("Unable to parse"),
    KeyError("ContactId"),
    ValueError("Expecting value"),
]


@pytest.mark.parametrize("error", CUT, ids=lambda error: type(error).__name__)
def test_a_start_without_a_whole_answer_may_have_happened(error: Exception) -> None:
    assert kind("StartChatContact", error) is errors.OutcomeUnknownError


@pytest.mark.parametrize("operation", ["SendMessage", "StopContact", "DisconnectParticipant"])
def test_another_write_without_an_answer_may_have_happened(operation: str) -> None:
    assert kind(operation, boto_errors.ReadTimeoutError(endpoint_url=URL)) is (
        errors.OutcomeUnknownError
    )


@pytest.mark.parametrize("error", CUT, ids=lambda error: type(error).__name__)
@pytest.mark.parametrize("operation", sorted(READS))
def test_a_read_without_a_whole_answer_changed_nothing(operation: str, error: Exception) -> None:
    assert kind(operation, error) is errors.ServiceFaultError


@pytest.mark.parametrize(
    "error",
    [
        boto_errors.EndpointConnectionError(endpoint_url=URL, error="refused"),
        boto_errors.ConnectTimeoutError(endpoint_url=URL),
    ],
    ids=["refused", "no connection in time"],
)
def test_a_start_that_never_left_may_be_made_again(error: Exception) -> None:
    translated = translate("StartChatContact", error)

    assert isinstance(translated, errors.RetryableError)
    assert not isinstance(translated, errors.OutcomeUnknownError)


@pytest.mark.parametrize(
    "error",
    [
        boto_errors.NoCredentialsError(),
        boto_errors.PartialCredentialsError(provider="env", cred_var="AWS_SECRET_ACCESS_KEY"),
        boto_errors.CredentialRetrievalError(provider="sso", error_msg="no"),
        boto_errors.UnauthorizedSSOTokenError(),
        boto_errors.NoRegionError(),
        boto_errors.ProfileNotFound(profile="team"),
        boto_errors.InvalidRegionError(region_name="eu central"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_a_client_that_cannot_be_made_concerns_the_whole_campaign(error: Exception) -> None:
    assert kind("StartChatContact", error) is errors.CredentialsError


def test_a_request_that_botocore_refuses_is_refused_for_good() -> None:
    error = boto_errors.ParamValidationError(report="Missing required parameter: InstanceId")

    assert kind("StartChatContact", error) is errors.PermanentError


@pytest.mark.parametrize(
    "error",
    [*CUT, answer("Any", 400), boto_errors.NoCredentialsError()],
    ids=lambda error: type(error).__name__,
)
def test_whatever_boto3_raises_is_caught(error: Exception) -> None:
    assert isinstance(error, FOREIGN)


def test_what_amazon_said_stays_on_the_error() -> None:
    error = translate("StopContact", answer("InvalidRequestException", 400, "Bad id"))

    assert vars(error) == {
        "message": "Bad id",
        "operation": "StopContact",
        "code": "InvalidRequestException",
        "status": 400,
        "request_id": "r-1",
    }


def test_without_an_answer_the_exception_gives_the_code() -> None:
    error = translate("StartChatContact", boto_errors.ReadTimeoutError(endpoint_url=URL))

    assert (error.code, error.status, error.request_id) == ("ReadTimeoutError", None, None)
    assert URL in error.message


def test_a_long_message_is_shortened() -> None:
    error = translate("StartChatContact", answer("InvalidRequestException", 400, "a" * 1_000))

    assert error.message == "a" * 299 + "…"


def test_a_message_that_just_fits_is_kept_whole() -> None:
    error = translate("StartChatContact", answer("InvalidRequestException", 400, "a" * 300))

    assert error.message == "a" * 300


# The texts of these may quote the answer, a header or the URL, and with them a bearer token.
@pytest.mark.parametrize(
    "error",
    [
        KeyError("secret-token"),
        ValueError("Invalid header value b'secret-token'"),
        ResponseParserError("Unable to parse response, invalid body b'secret-token'"),
        boto_errors.HTTPClientError(error=ValueError("Invalid header value b'secret-token'")),
    ],
    ids=["missing member", "wrong value", "unreadable answer", "unusable header"],
)
def test_a_text_that_could_hold_a_token_is_never_repeated(error: Exception) -> None:
    translated = translate("CreateParticipantConnection", error)

    assert "secret-token" not in f"{translated} {translated!r} {vars(translated)}"


def test_a_wrong_signature_is_told_without_the_request_that_was_signed() -> None:
    told = "The signature does not match.\n\nThe Canonical String should have been\n"
    refusal = answer("InvalidSignatureException", 403)
    refusal.response["Error"]["Message"] = f"{told}x-amz-security-token:bearer-of-a-session"

    assert translate("StartChatContact", refusal).message == "The signature does not match."
