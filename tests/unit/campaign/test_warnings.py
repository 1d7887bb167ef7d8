"""What looks like a slip is said before anything is sent."""

import pytest

from connect_tasks.campaign.warnings import OddIds, near_campaigns, slip_of_the_pen


def sentences(*customer_ids: str | None) -> list[str]:
    odd = OddIds()
    odd.look(customer_ids[:2], first_row=0)
    odd.look(customer_ids[2:], first_row=2)
    return list(odd.sentences())


@pytest.mark.parametrize("name", ["4.91512E+11", "4,91512E+11", "1e5", "-2.5E-3", "+1E10"])
def test_scientific_notation_is_told_with_its_rows(name: str) -> None:
    (told,) = sentences("0042", name, None, name)

    assert told.startswith("rows 1, 3 (counted from 0) have an id in scientific notation")


@pytest.mark.parametrize("name", ['="0042"', "=0042", '="'])
def test_a_formula_is_told_with_its_row(name: str) -> None:
    (told,) = sentences("0042", "0043", name)

    assert told.startswith("row 2 (counted from 0) has an id that begins with an equals sign")


@pytest.mark.parametrize("name", ["0042", "E10", "1E", "a=b", "12e", "2026-11-27", "1.5", ""])
def test_other_ids_are_no_slip(name: str) -> None:
    assert sentences(name) == []


def test_of_many_rows_the_first_are_named() -> None:
    (told,) = sentences(*["1e5"] * 8)

    assert told.startswith("rows 0, 1, 2, 3, 4 and 3 more (counted from 0) have an id")


@pytest.mark.parametrize(
    ("name", "other"),
    [
        ("inrt", "intr"),
        ("renewals", "renewal"),
        ("Renewals", "renewals"),
        ("renewals_2026", "renewals-2026"),
        ("reneawls-2026-11", "renewals-2026-11"),
    ],
)
def test_a_name_that_nearly_is_another_one_is_near(name: str, other: str) -> None:
    assert near_campaigns(name, [other, "something else"]) == [other]


@pytest.mark.parametrize(
    ("name", "other"),
    [
        ("renewals-2026-12", "renewals-2026-11"),
        ("wave 2", "wave 10"),
        ("survey", "renewals"),
        ("renewals", "renewals"),
    ],
)
def test_a_series_and_other_names_are_not(name: str, other: str) -> None:
    assert near_campaigns(name, [other]) == []


@pytest.mark.parametrize(("shared", "told"), [(0, 0), (49, 0), (50, 1), (100, 1)])
def test_a_new_campaign_is_a_slip_if_the_other_one_holds_mostly_the_same_customers(
    shared: int, told: int
) -> None:
    customers = [str(number) for number in range(100)]
    found = list(slip_of_the_pen("inrt", ["intr"], customers, lambda _, ids: ids[:shared]))

    assert len(found) == told
    assert all("'inrt' is new, and 'intr' holds" in sentence for sentence in found)
