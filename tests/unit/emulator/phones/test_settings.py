import pytest
from hypothesis import given
from hypothesis import strategies as st

from connect_tasks.emulator.phones import LocalPhones, PhoneKind

SHARES = {PhoneKind.ANSWER: 3, PhoneKind.SILENT: 1}


@pytest.mark.parametrize("shares", [{}, {"answer": 0}, {"answer": -1, "stop": 2}])
def test_shares_of_nothing_are_refused(shares: dict[PhoneKind, float]) -> None:
    with pytest.raises(ValueError, match="shares"):
        LocalPhones(shares=shares)


def test_a_kind_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match="deaf"):
        LocalPhones(by_number={"+4915112345678": "deaf"})  # type: ignore[dict-item]


@given(st.floats(0, 1, exclude_max=True))
def test_a_kind_is_drawn_by_its_share(drawn: float) -> None:
    kind = LocalPhones(shares=SHARES).kind_of("+4915112345678", drawn)

    assert kind is (PhoneKind.ANSWER if drawn < 0.75 else PhoneKind.SILENT)


def test_a_share_of_nothing_is_nobodys() -> None:
    phones = LocalPhones(shares={PhoneKind.STOP: 0, PhoneKind.ANSWER: 1})

    assert phones.kind_of("+4915112345678", 0) is PhoneKind.ANSWER
