from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connect_tasks.emulator.model.queries import read_query

STORAGE = "ListInstanceStorageConfigs"


@given(kind=st.text(min_size=1), token=st.text(), most=st.integers(-(10**9), 10**9))
def test_members_come_by_the_names_of_the_model(kind: str, token: str, most: int) -> None:
    query = urlencode({"resourceType": kind, "nextToken": token, "maxResults": most, "other": 1})

    assert read_query(STORAGE, query) == {
        "ResourceType": kind,
        "NextToken": token,
        "MaxResults": most,
    }


@given(kinds=st.lists(st.text(), min_size=1, max_size=5))
def test_a_list_is_its_name_again_and_again(kinds: list[str]) -> None:
    query = urlencode({"referenceTypes": kinds}, doseq=True)

    assert read_query("ListContactReferences", query) == {"ReferenceTypes": kinds}


@pytest.mark.parametrize("text", ["ten", "1.5", "", "٣", "9" * 5000, "--1", "1e3"])
def test_what_is_no_number_stays_a_text_and_will_be_refused_as_one(text: str) -> None:
    assert read_query(STORAGE, urlencode({"maxResults": text})) == {"MaxResults": text}


@pytest.mark.parametrize("operation", ["StartChatContact", "SendMessage", "DescribeContact"])
def test_where_the_model_has_no_query_nothing_is_read(operation: str) -> None:
    assert read_query(operation, "InstanceId=a&resourceType=b") == {}
