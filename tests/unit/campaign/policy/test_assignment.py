"""Who is held out and who has which variant."""

from collections import Counter
from itertools import permutations, product

import pytest

from connect_tasks.campaign.policy.assignment import is_held_out, share_of, variant_of
from connect_tasks.campaign.policy.outreach_policy import OutreachPolicy
from connect_tasks.campaign.policy.variant import Variant, shares_of

KEYS = [f"customer-{number}" for number in range(20_000)]


def policy(
    hold_out: float = 0, experiment: str | None = None, **shares: float | None
) -> OutreachPolicy:
    variants = {name: Variant(share=share) for name, share in shares.items()}
    return OutreachPolicy(hold_out=hold_out, experiment=experiment, variants=variants)


def held_out(one: OutreachPolicy) -> set[str]:
    return {key for key in KEYS if is_held_out(key, one)}


def arms(one: OutreachPolicy) -> dict[str, str | None]:
    return {key: variant_of(key, one) for key in KEYS}


def test_a_number_stays_the_same_for_ever() -> None:
    # sha256("salt\x1f0042"), its first 8 bytes as a number, its last four digits: who is held out
    # today must be so after an update, too.
    assert share_of("salt", "0042") == int("348b204a1c33a413", 16) % 10_000
    assert {share_of("salt", key) for key in KEYS} <= set(range(10_000))


@pytest.mark.parametrize("share", [0.01, 0.1, 0.5, 0.9])
def test_a_share_is_held_out(share: float) -> None:
    # 4.5 standard deviations of so many independent draws.
    slack = 4.5 * (share * (1 - share) * len(KEYS)) ** 0.5

    assert abs(len(held_out(policy(share))) - share * len(KEYS)) < slack


def test_who_is_held_out_stays_so_when_more_are() -> None:
    assert held_out(policy(0.05)) < held_out(policy(0.1)) < held_out(policy(0.2))


def test_another_hold_out_moves_nobody_between_variants() -> None:
    assert arms(policy(0, a=0.5, b=0.5)) == arms(policy(0.3, a=0.5, b=0.5))


def test_hold_out_and_variants_are_dealt_out_independently() -> None:
    one = policy(0.1, a=None, b=None)
    out = held_out(one)

    of_out = Counter(variant_of(key, one) for key in out)

    # Half of some 2,000, by 4.5 standard deviations.
    assert abs(of_out["a"] - len(out) / 2) < 4.5 * (len(out) / 4) ** 0.5


def test_variants_have_their_shares() -> None:
    counts = Counter(arms(policy(a=0.2, b=None, c=None)).values())

    for name, share in (("a", 0.2), ("b", 0.4), ("c", 0.4)):
        slack = 4.5 * (share * (1 - share) * len(KEYS)) ** 0.5
        assert abs(counts[name] - share * len(KEYS)) < slack
    assert None not in counts


def test_who_is_left_over_has_the_campaigns_own() -> None:
    counts = Counter(arms(policy(a=0.25)).values())

    assert set(counts) == {"a", None}
    assert abs(counts["a"] - 5_000) < 300


def test_more_exposure_takes_nobody_out_of_a_variant() -> None:
    small, large = arms(policy(a=0.1)), arms(policy(a=0.4))

    assert all(large[key] == "a" for key, arm in small.items() if arm == "a")


def test_the_order_in_which_variants_are_written_does_not_matter() -> None:
    assert arms(policy(a=0.3, b=0.7)) == arms(policy(b=0.7, a=0.3))


def test_thirds_are_everybody() -> None:
    assert None not in Counter(arms(policy(a=1 / 3, b=1 / 3, c=1 / 3)).values())


def test_the_experiment_decides_and_the_campaign_does_not() -> None:
    names = [None, "spring", "autumn"]
    outs = [held_out(policy(0.2, name)) for name in names]
    by_name = [arms(policy(0, name, a=0.5, b=0.5)) for name in names]

    for one, other in product(range(3), repeat=2):
        if one != other:
            # Independent: a fifth of those who are held out in one are so in the other.
            assert 600 < len(outs[one] & outs[other]) < 1_000
            assert by_name[one] != by_name[other]
    assert held_out(policy(0.2, "spring")) == outs[1]


def test_a_key_may_be_any_text() -> None:
    for key in ("", "\ud800", "\0", "ü", "\x1f", "x" * 100_000):
        assert 0 <= share_of("salt", key) < 10_000
    assert share_of("a\x1f", "b") is not None


@pytest.mark.parametrize("names", list(permutations("abcd")))
def test_what_is_left_is_the_same_in_whatever_order_and_on_whichever_python(
    names: tuple[str, ...],
) -> None:
    # 0.1 + 0.2 + 0.3 is more or less by its order, and by how a Python adds.
    shares = {"a": 0.1, "b": 0.2, "c": 0.3, "d": None}

    of_all = shares_of({name: Variant(share=shares[name]) for name in names})

    assert of_all == {"a": 0.1, "b": 0.2, "c": 0.3, "d": 1 - 0.6}
