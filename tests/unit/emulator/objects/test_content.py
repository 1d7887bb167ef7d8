"""Bytes by range, whole or spoilt: whatever is cut out is what a plain byte string gives."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connect_tasks.emulator.faults.plan import FILE_KINDS, FaultKind
from connect_tasks.emulator.model.errors import RefusedError
from connect_tasks.emulator.objects.content import Content, read_range, spoil

FILE = json.dumps({"Version": "2019-08-26", "ContactId": "a", "InitialContactId": "a"}).encode()


@given(
    head=st.binary(max_size=200_000),
    spaces=st.integers(0, 200_000),
    tail=st.binary(max_size=50),
    data=st.data(),
)
def test_chunks_of_any_part_are_the_bytes_of_that_part(
    head: bytes, spaces: int, tail: bytes, data: st.DataObject
) -> None:
    content = Content(head, spaces, tail)
    whole = head + b" " * spaces + tail
    begin = data.draw(st.integers(0, len(whole)))
    end = data.draw(st.integers(begin, len(whole)))

    assert content.size == len(whole)
    assert b"".join(content.chunks(begin, end)) == whole[begin:end]


@given(size=st.integers(1, 50), first=st.integers(0, 60), length=st.integers(0, 60))
def test_a_range_is_cut_out_as_http_wants_it(size: int, first: int, length: int) -> None:
    whole = bytes(range(size))
    last = first + length
    statuses: set[int] = set()

    def part(header: str) -> bytes | None:
        try:
            found = read_range(header, size)
        except RefusedError as refused:
            statuses.add(refused.status)
            return None
        return whole[slice(*found)] if found else whole

    assert part(f"bytes={first}-{last}") == (whole[first : last + 1] or None)
    assert part(f"bytes={first}-") == (whole[first:] or None)
    assert part(f"bytes=-{length}") == (whole[-length:] if length else None)
    assert statuses <= {416}


@pytest.mark.parametrize(
    "header", [None, "", "bytes=-", "bytes=a-b", "items=0-1", "bytes=0-1,3-4", "bytes=5-2", "x"]
)
def test_what_is_no_range_asks_for_everything(header: str | None) -> None:
    assert read_range(header, 10) is None


@pytest.mark.parametrize("kind", [k for k in FaultKind if k not in FILE_KINDS])
def test_what_strikes_calls_and_frames_spoils_no_file(kind: FaultKind) -> None:
    with pytest.raises(ValueError, match="strikes no files"):
        spoil(kind, FILE)


@pytest.mark.parametrize("kind", FILE_KINDS)
def test_a_spoilt_file_has_another_etag(kind: FaultKind) -> None:
    assert spoil(kind, FILE).etag != Content(FILE).etag
