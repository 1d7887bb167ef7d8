"""Assignment: who is held out and who has which variant; the same whenever it is asked.

A customer's key and a salt decide, nothing else. Hold-out and variants have salts of their own, so
another hold-out moves nobody from one variant to another.
"""

import hashlib
from collections.abc import Callable

from connect_tasks.campaign.policy.outreach_policy import OutreachPolicy
from connect_tasks.campaign.policy.variant import WHOLE, shares_of

__all__ = ["held_out_by", "is_held_out", "share_of", "variant_of"]

_SALT = "connect-tasks"


def share_of(salt: str, customer_key: str) -> int:
    """A number from 0 to 9,999 that is a customer's own under a salt, evenly spread.

    Example:
        >>> share_of("a", "0042") == share_of("a", "0042"), 0 <= share_of("b", "0042") < 10_000
        (True, True)
    """
    # The parts are told apart by a character that neither has to have.
    text = f"{salt}\x1f{customer_key}".encode(errors="surrogatepass")
    return int.from_bytes(hashlib.sha256(text).digest()[:8]) % WHOLE


def is_held_out(customer_key: str, policy: OutreachPolicy) -> bool:
    """Whether a customer is not contacted, so that others can be compared with them.

    Example:
        >>> is_held_out("0042", OutreachPolicy())
        False
    """
    return held_out_by(policy)(customer_key)


def held_out_by(policy: OutreachPolicy) -> Callable[[str], bool]:
    """The same of many customers.

    Example:
        >>> held_out_by(OutreachPolicy())("0042")
        False
    """
    if not policy.hold_out:
        return lambda _: False
    salt, most = f"hold-out\x1f{policy.experiment or _SALT}", round(policy.hold_out * WHOLE)
    return lambda customer_key: share_of(salt, customer_key) < most


def variant_of(customer_key: str, policy: OutreachPolicy) -> str | None:
    """Which variant a customer has; None if the campaign's own.

    Example:
        >>> variant_of("0042", OutreachPolicy(variants={"short": {}}))
        'short'
    """
    if not policy.variants:
        return None
    theirs = share_of(f"variant\x1f{policy.experiment or _SALT}", customer_key)
    reached = 0.0
    for name, share in shares_of(policy.variants).items():
        reached += share
        if theirs < round(reached * WHOLE):
            return name
    return None
