"""Which machine and which versions the numbers come from."""

import os
import platform
from importlib.metadata import version
from pathlib import Path
from typing import Any

__all__ = ["cpu_seconds", "describe", "heading"]

_PACKAGES = ("boto3", "prefect", "sqlalchemy", "pydantic", "websockets", "pandas")


def describe() -> dict[str, Any]:
    """The machine: processor, cores, memory, and how busy it was before the bench began."""
    return {
        "processor": _processor(),
        "cores": len(os.sched_getaffinity(0)),
        "memory_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30),
        "load_before": round(os.getloadavg()[0], 1),
        "python": platform.python_version(),
        "versions": {name: version(name) for name in _PACKAGES},
    }


def heading(machine: dict[str, Any]) -> str:
    """The machine in one or two lines."""
    versions = ", ".join(f"{name} {number}" for name, number in machine["versions"].items())
    return (
        f"{machine['processor']}, {machine['cores']} cores, {machine['memory_gib']} GiB, "
        f"load {machine['load_before']} before\nPython {machine['python']}, {versions}"
    )


def cpu_seconds(pid: int) -> float:
    """The processor time that a process and its threads have used so far."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _processor() -> str:
    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.machine())
