"""The local Amazon Connect: real HTTP and web sockets on this machine, and no AWS account.

It knows nothing of the rest of connect_tasks, and validates against botocore's model of the
services.
"""

from connect_tasks.emulator.faults.file import read_faults
from connect_tasks.emulator.faults.plan import Fault, FaultKind
from connect_tasks.emulator.instance.record import ContactRecord
from connect_tasks.emulator.instance.transcript import TranscriptItem
from connect_tasks.emulator.limits import LocalLimits
from connect_tasks.emulator.local import LocalConnect
from connect_tasks.emulator.phones import LocalPhones, PhoneKind, read_phones
from connect_tasks.emulator.quotas import LocalQuotas, Rate
from connect_tasks.emulator.transcript_storage import TranscriptStorage

__all__ = [
    "ContactRecord",
    "Fault",
    "FaultKind",
    "LocalConnect",
    "LocalLimits",
    "LocalPhones",
    "LocalQuotas",
    "PhoneKind",
    "Rate",
    "TranscriptItem",
    "TranscriptStorage",
    "read_faults",
    "read_phones",
]
