"""The preflight's questions: asks Amazon what a campaign needs, and starts no chat.

Whether a call is permitted is asked with a call that cannot succeed, because it names a flow or a
contact that does not exist: Amazon looks at permissions first, at the rest later (ADR 0018).
"""

import uuid
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from connect_tasks.aws.client import ClientOptions, make_client
from connect_tasks.aws.error_table import FOREIGN, MAKE_CLIENT, translate
from connect_tasks.aws.pacing.clock import Clock, SystemClock
from connect_tasks.aws.preflight.diagnosis import Answer, Answers, judge
from connect_tasks.aws.preflight.granting import OPEN_CHATS, START_RATE
from connect_tasks.aws.preflight.report import ConnectionReport
from connect_tasks.aws.quiet_logs import quieten_boto
from connect_tasks.aws.transcript_store import make_store_client
from connect_tasks.errors import AmazonError

if TYPE_CHECKING:
    import boto3

__all__ = ["inspect_instance"]

_CONNECT_SECONDS = 3.0
_METRIC_AGE = timedelta(minutes=10)
_A_SECOND = timedelta(seconds=1)


def inspect_instance(
    make_session: "Callable[[], boto3.Session]",
    parameters: Mapping[str, Any],
    *,
    instance_id: str,
    flow_id: str,
    most_open_chats: int,
    starts_per_second: float = 0,
    source_number: str | None = None,
    read_timeout_seconds: float = 5,
    clock: Clock | None = None,
) -> ConnectionReport:
    """Find out what credentials can do on an instance. No chat is started, and nobody contacted.

    Each question is one call, and all are asked at the same time; it takes some seconds at most
    once there is a session. A second call asks again.

    Args:
        make_session: Makes a boto3 session.
        parameters: Keyword arguments of boto3's `Session.client`, such as `endpoint_url`.
        instance_id: The instance's ID.
        flow_id: The ID of the flow that is to receive the chats.
        most_open_chats: How many chats campaigns may have open.
        starts_per_second: How many chats campaigns start each second.
        source_number: The ARN of the phone number that campaigns write by, where they write to
            phones; empty where it comes from their tables.
        read_timeout_seconds: How long to wait for an answer, each time a call is tried.
        clock: Tells the time; the machine's by default.

    Returns:
        What was found; what Amazon refuses is a finding, not an error.

    Example:
        ```python
        import boto3
        from connect_tasks.aws.preflight.questions import inspect_instance

        ids = {"instance_id": "…", "flow_id": "…"}
        print(inspect_instance(boto3.Session, {}, **ids, most_open_chats=500))
        ```
    """
    quieten_boto()
    try:
        amazon = _Amazon(make_session(), parameters, instance_id, read_timeout_seconds)
    except FOREIGN as error:
        answers = Answers.all_refused(translate(MAKE_CLIENT, error))
    except AmazonError as error:
        answers = Answers.all_refused(error)
    else:
        with closing(amazon):
            answers = _ask_all(amazon, flow_id, source_number, (clock or SystemClock()).now())
    findings = judge(
        answers,
        flow_id=flow_id,
        most_open_chats=most_open_chats,
        instance_id=instance_id,
        starts_per_second=starts_per_second,
    )
    return ConnectionReport(instance_id, findings)


class _Amazon:
    """The five services that are asked, each with one method a question."""

    def __init__(
        self,
        session: "boto3.Session",
        parameters: Mapping[str, Any],
        instance_id: str,
        read_timeout_seconds: float,
    ) -> None:
        options = ClientOptions(
            parameters=parameters,
            connect_timeout_seconds=_CONNECT_SECONDS,
            read_timeout_seconds=read_timeout_seconds,
        )
        self._instance_id = instance_id
        self._connect = make_client(session, "connect", options)
        self._sts = make_client(session, "sts", options)
        self._cloudwatch = make_client(session, "cloudwatch", options)
        self._quotas = make_client(session, "service-quotas", options)
        self._s3 = make_store_client(session, options)
        self.region = str(self._connect.meta.region_name)

    def close(self) -> None:
        for client in (self._connect, self._sts, self._cloudwatch, self._quotas, self._s3):
            client.close()

    def caller(self) -> Answer:
        return {"Arn": self._sts.get_caller_identity()["Arn"]}

    def instance(self) -> Any:
        return self._connect.describe_instance(InstanceId=self._instance_id)["Instance"]

    def flow(self, flow_id: str) -> Any:
        return self._connect.describe_contact_flow(
            InstanceId=self._instance_id, ContactFlowId=flow_id
        )["ContactFlow"]

    def start(self) -> Any:
        """Ask for a chat in a flow that was never made: a new random ID, not the campaign's."""
        answer = self._connect.start_chat_contact(
            InstanceId=self._instance_id,
            ContactFlowId=_nowhere(),
            ParticipantDetails={"DisplayName": "connect-tasks permission check"},
            ClientToken=_nowhere(),
        )
        # This is not expected ever to be reached; a chat that nobody joins runs no flow.
        with suppress(*FOREIGN):
            self._connect.stop_contact(InstanceId=self._instance_id, ContactId=answer["ContactId"])
        return answer

    def write(self) -> Any:
        """Ask for a message by a number that was never claimed, to one that no phone has."""
        region, nobody = self.region, "+12025550142"
        answer = self._connect.start_outbound_chat_contact(
            InstanceId=self._instance_id,
            ContactFlowId=_nowhere(),
            SourceEndpoint={
                "Type": "CONNECT_PHONENUMBER_ARN",
                "Address": f"arn:aws:connect:{region}:123456789012:phone-number/{_nowhere()}",
            },
            DestinationEndpoint={"Type": "TELEPHONE_NUMBER", "Address": nobody},
            SegmentAttributes={"connect:Subtype": {"ValueString": "connect:SMS"}},
            ClientToken=_nowhere(),
        )
        # This is not expected ever to be reached, either.
        with suppress(*FOREIGN):
            self._connect.stop_contact(InstanceId=self._instance_id, ContactId=answer["ContactId"])
        return answer

    def number(self, arn: str) -> Any:
        return self._connect.describe_phone_number(PhoneNumberId=arn)["ClaimedPhoneNumberSummary"]

    def stop(self) -> Any:
        return self._connect.stop_contact(InstanceId=self._instance_id, ContactId=_nowhere())

    def describe(self) -> Any:
        return self._connect.describe_contact(InstanceId=self._instance_id, ContactId=_nowhere())

    def open_chats(self, now: datetime) -> Answer:
        dimensions = {"InstanceId": self._instance_id, "MetricGroup": "Chats"}
        metric = {
            "Namespace": "AWS/Connect",
            "MetricName": "ConcurrentActiveChats",
            "Dimensions": [{"Name": name, "Value": value} for name, value in dimensions.items()],
        }
        stat = {"Metric": metric, "Period": 60, "Stat": "Maximum"}
        found = self._cloudwatch.get_metric_data(
            MetricDataQueries=[{"Id": "open", "MetricStat": stat}],
            StartTime=now - _METRIC_AGE,
            EndTime=now,
            ScanBy="TimestampDescending",
        )
        results = found["MetricDataResults"]
        return {"Values": [value for result in results for value in result["Values"]]}

    def searched(self, now: datetime) -> Any:
        time_range = {"Type": "INITIATION_TIMESTAMP", "StartTime": now - _A_SECOND, "EndTime": now}
        return self._connect.search_contacts(
            InstanceId=self._instance_id, TimeRange=time_range, MaxResults=1
        )

    def granted(self, code: str) -> Answer:
        """What is granted to the account, and to each instance by itself."""
        found = self._quotas.list_service_quotas(
            ServiceCode="connect", QuotaCode=code, QuotaAppliedAtLevel="ALL"
        )
        return {"Quotas": found["Quotas"]}

    def places(self, kind: str) -> Answer:
        found = self._connect.list_instance_storage_configs(
            InstanceId=self._instance_id, ResourceType=kind
        )
        kept = [one["S3Config"] for one in found["StorageConfigs"] if one["StorageType"] == "S3"]
        places = [
            {
                "Bucket": one["BucketName"],
                "Prefix": one["BucketPrefix"].strip("/"),
                "Key": one.get("EncryptionConfig", {}).get("KeyId"),
            }
            for one in kept
        ]
        return {"Places": places}

    def listed(self, place: Mapping[str, str]) -> Any:
        return self._s3.list_objects_v2(
            Bucket=place["Bucket"], Prefix=f"{place['Prefix']}/", MaxKeys=1
        )

    def read(self, place: Mapping[str, str], listed: Mapping[str, Any]) -> Answer:
        """One byte of a file, or of one that does not exist where there is none yet."""
        files = listed.get("Contents") or [{"Key": f"{place['Prefix']}/{_nowhere()}.json"}]
        with self._s3.get_object(Bucket=place["Bucket"], Key=files[0]["Key"], Range="bytes=0-0")[
            "Body"
        ] as body:
            return {"Bytes": len(body.read(1))}


def _ask_all(amazon: _Amazon, flow_id: str, source: str | None, now: datetime) -> Answers:
    """Ask everything at the same time: where nothing answers, one wait is enough."""
    questions: dict[str, tuple[str, Callable[[], Any]]] = {
        "caller": ("GetCallerIdentity", amazon.caller),
        "instance": ("DescribeInstance", amazon.instance),
        "flow": ("DescribeContactFlow", lambda: amazon.flow(flow_id)),
        "start": ("StartChatContact", amazon.start),
        "stop": ("StopContact", amazon.stop),
        "describe": ("DescribeContact", amazon.describe),
        "open_chats": ("GetMetricData", lambda: amazon.open_chats(now)),
        "searched": ("SearchContacts", lambda: amazon.searched(now)),
        "attachments": ("ListInstanceStorageConfigs", lambda: amazon.places("ATTACHMENTS")),
        "start_quota": ("ListServiceQuotas", lambda: amazon.granted(START_RATE.code)),
        "open_quota": ("ListServiceQuotas", lambda: amazon.granted(OPEN_CHATS.code)),
    }
    if source is not None:
        questions["written"] = ("StartOutboundChatContact", amazon.write)
    if source:
        questions["number"] = ("DescribePhoneNumber", lambda: amazon.number(source))
    with ThreadPoolExecutor(len(questions) + 1, "inspection") as pool:
        pending = {name: pool.submit(_ask, *question) for name, question in questions.items()}
        of_transcripts = pool.submit(_ask_about_transcripts, amazon)
        answers = {name: future.result() for name, future in pending.items()}
        return Answers(region=amazon.region, **answers, **of_transcripts.result())


def _ask_about_transcripts(amazon: _Amazon) -> dict[str, Answer]:
    """One after the other: each names what the one before it found."""
    places = _ask("ListInstanceStorageConfigs", lambda: amazon.places("CHAT_TRANSCRIPTS"))
    if isinstance(places, AmazonError) or not places["Places"]:
        return {"places": places}
    place = places["Places"][0]
    listed = _ask("ListObjectsV2", lambda: amazon.listed(place))
    if isinstance(listed, AmazonError):
        return {"places": places, "listed": listed}
    read = _ask("GetObject", lambda: amazon.read(place, listed))
    return {"places": places, "listed": listed, "read": read}


def _ask(operation: str, call: Callable[[], Any]) -> Answer:
    try:
        answer: Mapping[str, Any] = call()
    except FOREIGN as error:
        return translate(operation, error)
    return answer


def _nowhere() -> str:
    """The ID of something that does not exist."""
    return str(uuid.uuid4())
