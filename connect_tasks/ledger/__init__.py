"""The ledger: the database that remembers every contact of every campaign."""

from connect_tasks.ledger.erasure import erase, forget
from connect_tasks.ledger.store import Ledger

__all__ = ["Ledger", "erase", "forget"]
