"""The instance of the settings: a saved block's name, or the block that its fields make."""

import pytest

from connect_tasks.blocks import AmazonConnectInstance
from connect_tasks.command_line.instance import instance_of
from connect_tasks.command_line.settings import InstanceSettings, Settings
from connect_tasks.emulator.instance.identity import INSTANCE_ID
from connect_tasks.errors import InputError


def settings(*, prefect: bool = True, **instance: object) -> Settings:
    return Settings.model_validate({"instance": instance, "campaign": {"prefect": prefect}})


def test_a_blocks_name_is_passed_on() -> None:
    assert instance_of(settings(block="production")) == "production"


def test_without_prefect_nobody_knows_a_block() -> None:
    with pytest.raises(InputError, match="saved block 'production'"):
        instance_of(settings(prefect=False, block="production"))


def test_without_prefect_nobody_counts_starts_by_its_limit() -> None:
    named = {"instance_id": "i-1", "contact_flow_id": "f-1", "start_limit": "shared"}

    with pytest.raises(InputError, match="limit 'shared'"):
        instance_of(settings(prefect=False, **named))


def test_fields_make_the_block_and_awss_own_chain_says_who_calls() -> None:
    made = instance_of(
        settings(
            instance_id="i-1",
            contact_flow_id="f-1",
            region="eu-central-1",
            quotas={"open_chats": 7},
        ),
        environ={},
    )

    assert isinstance(made, AmazonConnectInstance)
    assert (made.instance_id, made.contact_flow_id) == ("i-1", "f-1")
    assert made.quotas.open_chats == 7
    assert made.aws_credentials is not None
    assert made.aws_credentials.region_name == "eu-central-1"
    assert made.aws_credentials.aws_access_key_id is None


@pytest.mark.parametrize(
    ("instance_id", "endpoint_url", "environ", "key"),
    [
        (INSTANCE_ID, "http://127.0.0.1:4577", {}, "local"),
        (INSTANCE_ID, None, {"AWS_ENDPOINT_URL_CONNECT": "http://localhost:4577"}, "local"),
        (INSTANCE_ID, None, {}, None),
        ("i-1", "http://127.0.0.1:4577", {}, None),
        (INSTANCE_ID, "https://proxy.example.com", {}, None),
    ],
)
def test_only_the_local_one_needs_no_keys(
    instance_id: str, endpoint_url: str | None, environ: dict[str, str], key: str | None
) -> None:
    given = settings(instance_id=instance_id, contact_flow_id="f-1", endpoint_url=endpoint_url)
    made = instance_of(given, environ=environ)

    assert isinstance(made, AmazonConnectInstance)
    assert made.aws_credentials is not None
    assert made.aws_credentials.aws_access_key_id == key


def test_what_the_block_refuses_is_told() -> None:
    with pytest.raises(InputError, match=r"\[instance\] cannot be used: instance_id"):
        instance_of(settings(instance_id="i 1", contact_flow_id="f-1"))


def test_none_is_refused_with_what_to_do() -> None:
    with pytest.raises(InputError, match="connect-tasks init"):
        instance_of(Settings())


def test_the_fields_say_what_the_blocks_do() -> None:
    ours, theirs = InstanceSettings.model_fields, AmazonConnectInstance.model_fields
    shared = ours.keys() & theirs.keys()

    assert shared == {
        "instance_id",
        "contact_flow_id",
        "quotas",
        "start_limit",
        "connects_with_start",
    }
    texts = shared - {"quotas"}
    assert {name: ours[name].description for name in texts} == {
        name: theirs[name].description for name in texts
    }
