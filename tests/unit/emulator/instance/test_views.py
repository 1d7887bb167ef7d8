import json
from typing import Any

import pytest

from tests.unit.emulator.flows.run.building import action, chain
from tests.unit.emulator.instance.test_exported_conversation import Exported


def described(resource: Any, data: Any = None) -> dict[str, Any]:
    """What DescribeView tells of a view that a flow shows as its document has it."""
    parameters = {"ViewResource": resource, "ViewData": data}
    here = Exported(chain(action("ShowView", **parameters)))
    socket, token = here.join("main")
    shown = json.loads(socket.items[-1]["Content"])
    view_token = shown["data"]["content"]["viewToken"]
    view: dict[str, Any] = here.call("DescribeView", token, ViewToken=view_token)["View"]
    return view


@pytest.mark.parametrize(
    ("version", "told"),
    [("1", 1), ("007", 7), ("", None), ("latest", None), ("-1", None), ("9" * 5_000, None)],
    ids=lambda value: str(value)[:10],
)
def test_a_view_has_the_version_that_its_flow_names_if_it_is_a_number(
    version: str, told: int | None
) -> None:
    assert described({"Id": "form", "Version": version}).get("Version") == told


@pytest.mark.parametrize("resource", ["form", ["form"], {}, {"Id": ""}, {"Id": ["x"]}], ids=str)
def test_a_view_is_told_of_whatever_its_flow_has_for_it(resource: Any) -> None:
    view = described(resource)
    assert isinstance(view["Id"], str)
    assert view["Name"]


@pytest.mark.parametrize(
    ("data", "names"),
    [({"a": "1", "b": {}}, ["a", "b"]), ([{"a": "1"}], []), ("text", []), (None, [])],
    ids=str,
)
def test_the_schema_of_a_view_names_the_data_that_it_was_shown_with(
    data: Any, names: list[str]
) -> None:
    schema = json.loads(described({"Id": "form"}, data)["Content"]["InputSchema"])
    assert list(schema["properties"]) == names
