"""Prefect's own standards for blocks, asked of every block of the package."""

import inspect

import pytest
from prefect.blocks.core import Block
from prefect.testing.standard_test_suites.blocks import BlockStandardTestSuite
from prefect_aws import AwsCredentials

from connect_tasks import blocks

BLOCKS = [
    found
    for found in vars(blocks).values()
    if inspect.isclass(found)
    and issubclass(found, Block)
    and found.__module__.startswith(f"{blocks.__name__}.")
]


def test_there_is_a_block() -> None:
    names = [block.__name__ for block in BLOCKS]

    assert names == ["AmazonConnectInstance", "OutreachPolicyBlock"]


@pytest.mark.parametrize("block", BLOCKS)
class TestBlocks(BlockStandardTestSuite):
    """The suite of prefect.testing, but for the download of the logo."""

    @pytest.fixture
    def block(self) -> type[Block]:
        """Each of the package's blocks."""
        raise NotImplementedError

    def test_has_a_valid_image(self, block: type[Block]) -> None:
        # The suite downloads it. It is the one of prefect-aws, whose own tests do so.
        assert str(block._logo_url) == str(AwsCredentials._logo_url)

    def test_every_field_has_a_title_in_the_form(self, block: type[Block]) -> None:
        assert [name for name, field in block.model_fields.items() if not field.title] == []

    def test_the_form_asks_first_for_what_everybody_has_to_give(self, block: type[Block]) -> None:
        schema = block.model_json_schema()
        in_order = sorted(schema["properties"], key=lambda n: schema["properties"][n]["position"])

        assert in_order[: len(schema["required"])] == schema["required"]
