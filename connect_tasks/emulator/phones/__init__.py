"""The phones behind StartOutboundChatContact: who has which, and what they write back."""

from connect_tasks.emulator.phones.settings import LocalPhones, PhoneKind
from connect_tasks.emulator.phones.table import read_phones

__all__ = ["LocalPhones", "PhoneKind", "read_phones"]
