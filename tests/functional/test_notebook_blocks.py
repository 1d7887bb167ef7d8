"""Blocks where an event loop runs, as in a notebook or an async flow."""

import asyncio
import gc
from typing import Any
from uuid import UUID

import pandas as pd
import pytest
from prefect import flow

from connect_tasks import Conversation
from connect_tasks.blocks import AmazonConnectInstance
from connect_tasks.emulator import LocalConnect
from connect_tasks.flows.outreach import outreach


@pytest.mark.usefixtures("prefect_home")
@pytest.mark.parametrize("is_awaited", [False, True])
def test_a_block_is_saved_and_loaded_inside_a_running_loop(*, is_awaited: bool) -> None:
    name = f"in-a-notebook-{is_awaited}".lower()

    async def cell() -> tuple[object, object]:
        block = AmazonConnectInstance(instance_id="i-1", contact_flow_id="f-1")
        if is_awaited:
            saved = await block.save(name, overwrite=True)  # type: ignore[misc]
            return saved, await AmazonConnectInstance.load(name)
        return block.save(name, overwrite=True), AmazonConnectInstance.load(name)

    saved, loaded = asyncio.run(cell())

    assert isinstance(saved, UUID)
    assert isinstance(loaded, AmazonConnectInstance)
    assert loaded.instance_id == "i-1"


@pytest.mark.usefixtures("prefect_home")
@pytest.mark.parametrize("is_awaited", [False, True])
def test_what_the_readme_shows_works_in_a_cell_of_a_notebook(
    local: LocalConnect, ledger: str, *, is_awaited: bool
) -> None:
    local.instance(flow="echo").save("of-the-readme", overwrite=True)

    async def cell() -> Any:
        loading: Any = AmazonConnectInstance.load("of-the-readme")
        return outreach(
            pd.DataFrame({"customer_id": ["0042"], "display_name": ["Ada"]}),
            campaign=f"hello-{is_awaited}",
            connect=await loading if is_awaited else loading,
            conversation=Conversation(max_replies=1),
            ledger=ledger,
        )

    assert asyncio.run(cell()).summary["completed"] == 1


# Prefect leaves sockets of an async flow to the garbage collector.
@pytest.mark.filterwarnings("ignore::ResourceWarning")
@pytest.mark.usefixtures("prefect_home")
def test_an_async_flow_may_wait_for_a_block_or_not() -> None:
    AmazonConnectInstance(instance_id="i-1", contact_flow_id="f-1").save("asked", overwrite=True)

    @flow
    async def ask() -> list[str]:
        waited: Any = await AmazonConnectInstance.load("asked")
        return [waited.instance_id, AmazonConnectInstance.load("asked").instance_id]

    assert asyncio.run(ask()) == ["i-1", "i-1"]
    gc.collect()
