"""Segments: few, in an order, and everybody is in exactly one."""

from hypothesis import given
from hypothesis import strategies as st

from connect_tasks.campaign.plots.segments import NO_VALUE, OTHERS, Segments

IDS = st.text("012", min_size=1, max_size=4)
TABLES = st.lists(st.tuples(st.none() | IDS, st.none() | st.sampled_from("abcdefghi")), max_size=60)


@given(TABLES, st.lists(st.none() | IDS, max_size=30))
def test_everybody_is_in_exactly_one_of_at_most_seven(
    table: list[tuple[str | None, str | None]], asked: list[str | None]
) -> None:
    segments = Segments.of([row[0] for row in table], [row[1] for row in table])
    records = [{"customer_id": customer} for customer in asked]
    parts = segments.parted(records)

    assert len(segments.names) <= 6
    assert sorted(map(str, asked)) == sorted(
        str(record["customer_id"]) for part in parts.values() for record in part
    )


def test_the_first_row_of_a_customer_counts_whatever_kind_its_id_has() -> None:
    segments = Segments.of([42, " 42 ", "0042"], ["plus", "pro", "basic"])

    assert segments.name_of("42") == "plus"
    assert segments.name_of("0042") == "basic"


def test_beyond_six_the_rare_ones_stand_together() -> None:
    values = [*"aaaabbbbccccddddeeee", "f", "g"]
    segments = Segments.of(map(str, range(len(values))), values)

    assert segments.names == ("a", "b", "c", "d", "e", OTHERS)
    assert segments.name_of("20") == segments.name_of("21") == OTHERS


def test_exactly_six_stand_alone() -> None:
    assert Segments.of(map(str, range(6)), "fedcba").names == tuple("abcdef")


def test_numbers_are_sorted_as_numbers_before_words() -> None:
    assert Segments.of("abcd", [10, 9, "none", 100]).names == ("9", "10", "100", "none")


def test_who_has_no_value_comes_last_and_only_if_there_is_somebody() -> None:
    segments = Segments.of(["1", "2"], ["x", None])
    one, two, nobody = {"customer_id": "1"}, {"customer_id": "2"}, {"customer_id": None}

    assert segments.parted([two, one, nobody]) == {"x": [one], NO_VALUE: [two, nobody]}
    assert segments.parted([one]) == {"x": [one]}


def test_names_are_short_and_without_what_no_picture_can_show() -> None:
    (name,) = Segments.of(["1"], ["plan\x00" + "x" * 100]).names

    assert name == "plan" + "x" * 35 + "…"


def test_values_that_begin_alike_are_segments_of_their_own_under_different_names() -> None:
    values = ["x" * 60, "x" * 50, "x" * 30 + "y" * 30, "x" * 60, "x" * 60 + "z"]
    segments = Segments.of("01234", values)
    names = [segments.name_of(customer) for customer in "01234"]

    assert len(set(segments.names)) == 4
    assert set(names) == set(segments.names)
    assert names[0] == names[3]
    assert all(len(name) <= 40 for name in names)


def test_a_value_that_is_called_like_ours_is_not_taken_for_it() -> None:
    values = [NO_VALUE, OTHERS, None, *"aaabbbcccdddefg"]
    segments = Segments.of(map(str, range(len(values))), values)

    assert segments.name_of("2") == NO_VALUE
    assert segments.name_of("0") != NO_VALUE
    assert len(set(segments.names)) == len(segments.names)
