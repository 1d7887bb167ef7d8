"""Credentials of an assumed role that expire in the middle of a campaign."""

import json
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from prefect_aws import AwsClientParameters, AwsCredentials
from pydantic import SecretStr

from connect_tasks import Quotas
from connect_tasks.aws.client import ConnectApi
from connect_tasks.blocks import AmazonConnectInstance
from connect_tasks.campaign.funnel import Funnel
from connect_tasks.campaign.run import run_campaign
from connect_tasks.emulator import LocalConnect, LocalQuotas
from connect_tasks.errors import (
    AccessDeniedError,
    CampaignHaltedError,
    CredentialsError,
    NotFoundError,
    ThrottledError,
)
from tests.functional.local_aws import LocalAws, local_aws
from tests.functional.world import CAMPAIGN, FAST, World, customers, world

ROLE = "arn:aws:iam::111122223333:role/campaigns"
# So that a campaign of 60 lasts long enough for its credentials to expire twice.
STEADY = FAST.model_copy(update={"starts_per_second": 10, "start_burst": 5})


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[LocalAws]:
    with local_aws() as running:
        for name, value in running.environment().items():
            monkeypatch.setenv(name, value)
        yield running


def block(local: LocalConnect, quotas: Quotas = STEADY) -> AmazonConnectInstance:
    return AmazonConnectInstance(
        instance_id=local.instance_id,
        contact_flow_id=local.flow_id,
        aws_credentials=AwsCredentials(
            aws_access_key_id="AKIAOWN",
            aws_secret_access_key=SecretStr("own"),
            region_name="us-east-1",
            assume_role_arn=ROLE,
        ),
        aws_client_parameters=AwsClientParameters(endpoint_url=local.endpoint_url),
        quotas=quotas,
    )


class Expiry:
    """Lets a role's key expire each time that so many more chats were started with it."""

    def __init__(self, local: LocalConnect, every: int) -> None:
        self._local = local
        self._every = every
        self.expired = 0

    def __call__(self, funnel: Funnel) -> None:
        if funnel.started >= (self.expired + 1) * self._every and self.expired < 2:
            self.expired += 1
            self._local.expire_credentials(f"ASIA{self.expired}")


def run(here: World, instance: AmazonConnectInstance, expiry: Expiry) -> Funnel:
    return run_campaign(
        here.ledger,
        CAMPAIGN,
        instance.connect(),
        conversation=here.conversation,
        on_progress=expiry,
    )


def test_a_campaign_outlives_the_credentials_of_its_role(aws: LocalAws, tmp_path: Path) -> None:
    with world(tmp_path) as here:
        here.plan(customers(60))
        expiry = Expiry(here.local, every=15)
        run(here, block(here.local), expiry)

        assert expiry.expired == 2
        assert here.local.refusals[("StartChatContact", "ExpiredTokenException")] >= 2
        here.assert_once_each(60)
        assert {row["attempts"] for row in here.contacts()} == {1}
        assert aws.assumed == 3


def test_a_role_that_is_taken_away_halts_the_campaign_and_fails_nobody(
    aws: LocalAws, tmp_path: Path
) -> None:
    def and_refuse(funnel: Funnel) -> None:
        if funnel.started >= 15:
            aws.refusal = (403, "AccessDenied")
        expiry(funnel)

    with world(tmp_path) as here:
        here.plan(customers(60))
        expiry = Expiry(here.local, every=15)
        with pytest.raises(CampaignHaltedError, match="AccessDenied"):
            run_campaign(
                here.ledger,
                CAMPAIGN,
                block(here.local).connect(),
                conversation=here.conversation,
                on_progress=and_refuse,
            )
        halted = {row["status"] for row in here.contacts()}
        aws.refusal = None
        run(here, block(here.local), Expiry(here.local, every=1000))

        assert "failed" not in halted
        here.assert_once_each(60)


def refused_together(api: ConnectApi, local: LocalConnect, threads: int) -> list[type[Exception]]:
    """Ask from many threads at one moment; what each was refused with."""
    together = threading.Barrier(threads)

    def ask(_: int) -> type[Exception]:
        together.wait()
        try:
            api.describe_contact(local.instance_id, "nobody")
        except Exception as error:  # noqa: BLE001 - it is what is asked for
            return type(error)
        raise AssertionError("nobody was found")

    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(ask, range(threads)))


def test_many_calls_that_fail_at_one_moment_make_one_new_session(aws: LocalAws) -> None:
    with LocalConnect(quotas=LocalQuotas.unlimited()) as local:
        api = block(local).connect().api
        api.make_clients()
        for expired in range(1, 4):
            local.expire_credentials(f"ASIA{expired}")
            # The calls were permitted after all: what they asked for does not exist.
            assert set(refused_together(api, local, threads=16)) == {NotFoundError}
            assert aws.assumed == 1 + expired


def test_credentials_that_stay_refused_are_asked_for_once_a_call(aws: LocalAws) -> None:
    with LocalConnect(quotas=LocalQuotas.unlimited()) as local:
        for number in range(1, 10):
            local.expire_credentials(f"ASIA{number}")
        api = block(local).connect().api
        with pytest.raises(CredentialsError):
            api.describe_contact(local.instance_id, "nobody")

        assert (local.calls["DescribeContact"], aws.assumed) == (2, 2)


@pytest.mark.parametrize(
    ("refusal", "meaning"),
    [
        ((403, "AccessDenied"), AccessDeniedError),
        ((400, "ValidationError"), CredentialsError),
        ((400, "PackedPolicyTooLarge"), CredentialsError),
        ((400, "Throttling"), ThrottledError),
    ],
    ids=lambda value: value[1] if isinstance(value, tuple) else "",
)
def test_a_role_that_is_refused_while_a_chat_is_started_fails_no_contact(
    aws: LocalAws, refusal: tuple[int, str], meaning: type[Exception]
) -> None:
    with LocalConnect(quotas=LocalQuotas.unlimited()) as local:
        api = block(local).connect().api
        api.make_clients()
        local.expire_credentials("ASIA1")
        aws.refusal = refusal
        request = {
            "InstanceId": local.instance_id,
            "ContactFlowId": local.flow_id,
            "ParticipantDetails": {"DisplayName": "Ada"},
            "ClientToken": "once",
        }
        with pytest.raises(meaning):
            api.start_chat(json.dumps(request))

        assert local.contacts == []
