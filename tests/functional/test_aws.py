"""The calls themselves: where they go, and with whose rights."""

import pickle
from typing import Any

import boto3
import pytest
from botocore.config import Config
from pydantic import SecretStr

from connect_tasks.aws.client import ClientOptions, ConnectApi
from connect_tasks.aws.idempotency import canonical_json
from connect_tasks.emulator import LocalConnect, LocalQuotas
from connect_tasks.errors import ChatEndedError, CredentialsError, PermanentError
from tests.functional.world import always, session


def request(local: LocalConnect) -> str:
    return canonical_json(
        {
            "InstanceId": local.instance_id,
            "ContactFlowId": local.flow_id,
            "ParticipantDetails": {"DisplayName": "Ada"},
            "ClientToken": "once",
        }
    )


def api_for(local: LocalConnect) -> ConnectApi:
    return ConnectApi(session, ClientOptions(parameters={"endpoint_url": local.endpoint_url}))


def test_the_standard_aws_environment_decides_unless_told_otherwise(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with LocalConnect(quotas=LocalQuotas.unlimited()) as local:
        for name, value in local.environment().items():
            monkeypatch.setenv(name, value)
        api = ConnectApi()
        response = api.start_chat(request(local))
        assert response.participant_token
        api.connect_participant(response.participant_token)

        assert local.calls == {"StartChatContact": 1, "CreateParticipantConnection": 1}


def test_a_participant_needs_no_credentials_only_its_token(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with LocalConnect(quotas=LocalQuotas.unlimited()) as local:
        started = api_for(local).start_chat(request(local))
        assert started.participant_token
        monkeypatch.setenv("AWS_REGION", "us-east-1")
        monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        nobody = ConnectApi(options=ClientOptions(parameters={"endpoint_url": local.endpoint_url}))
        connection = nobody.connect_participant(started.participant_token)

        assert connection.url.get_secret_value().startswith("ws://127.0.0.1:")
        with pytest.raises(CredentialsError, match="credentials"):
            nobody.start_chat(request(local))


def test_a_missing_region_is_said_before_anything_is_called() -> None:
    with pytest.raises(CredentialsError, match="region"):
        ConnectApi().make_clients()


def test_a_call_names_the_software_and_whoever_else_wants_to_be_named() -> None:
    sent: dict[str, str] = {}

    def note(request: Any, event_name: str, **_: Any) -> None:
        sent[event_name.rpartition(".")[2]] = request.headers["User-Agent"].decode()

    def watched() -> boto3.Session:
        made = session()
        made.events.register("before-send", note)
        return made

    names: dict[str, Any] = {"user_agent_appid": "team-7", "user_agent_extra": "our-notebook/3"}
    config = Config(**names)
    with LocalConnect(quotas=LocalQuotas.unlimited()) as local:
        options = ClientOptions(parameters={"endpoint_url": local.endpoint_url, "config": config})
        api = ConnectApi(watched, options)
        started = api.start_chat(request(local))
        assert started.participant_token
        api.connect_participant(started.participant_token)

    assert sent.keys() == {"StartChatContact", "CreateParticipantConnection"}
    for agent in sent.values():
        assert agent.startswith(f"Boto3/{boto3.__version__} ")
        assert agent.split().count("app/team-7") == 1
        assert agent.split().count("our-notebook/3") == 1


def test_an_api_that_is_sent_to_another_process_makes_clients_of_its_own() -> None:
    with LocalConnect(quotas=LocalQuotas.unlimited()) as local:
        api = api_for(local)
        first = api.start_chat(request(local))
        again = pickle.loads(pickle.dumps(api)).start_chat(request(local))  # noqa: S301 - our own

        assert again.contact_id == first.contact_id
        assert local.calls == {"StartChatContact": 2}


def test_nothing_is_retried_below_us() -> None:
    faults = [always("StartChatContact", 429, "LimitExceededException")]
    with LocalConnect(quotas=LocalQuotas.unlimited(), faults=faults) as local:
        with pytest.raises(Exception, match="LimitExceeded"):
            api_for(local).start_chat(request(local))

        assert local.calls["StartChatContact"] == 1


def test_a_wrong_token_says_that_the_chat_is_over() -> None:
    with (
        LocalConnect(quotas=LocalQuotas.unlimited()) as local,
        pytest.raises(ChatEndedError),
    ):
        api_for(local).connect_participant(SecretStr("made up"))


def test_an_error_says_the_operation_the_code_and_amazons_request_id() -> None:
    with LocalConnect(quotas=LocalQuotas.unlimited()) as local:
        wrong = request(local).replace("Ada", "x" * 257)
        with pytest.raises(PermanentError) as caught:
            api_for(local).start_chat(wrong)

    error = caught.value
    assert (error.operation, error.status) == ("StartChatContact", 400)
    assert error.code == "InvalidParameterException"
    assert error.request_id
