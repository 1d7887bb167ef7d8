from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connect_tasks.emulator.objects.xml import Tree, document

# What XML 1.0 can hold at all.
TEXT = st.text(alphabet=st.characters(codec="utf-8", exclude_categories=("Cc", "Cs")))


@given(name=TEXT, prefix=TEXT)
def test_whatever_keys_hold_comes_out_as_it_went_in(name: str, prefix: str) -> None:
    root: Tree = ("R", [("Name", name), ("Contents", [("Key", prefix)])])
    # S314: it is our own.
    read = ET.fromstring(document(root, namespace="urn:x"))  # noqa: S314

    assert read.findtext("{urn:x}Name") == name
    assert read.findtext("{urn:x}Contents/{urn:x}Key") == prefix


@pytest.mark.parametrize("text", ["<&>\"'", "é☕", ""])
def test_an_error_is_well_formed_whatever_it_says(text: str) -> None:
    read = ET.fromstring(document(("Error", [("Message", text)])))  # noqa: S314

    assert read.findtext("Message") == text
