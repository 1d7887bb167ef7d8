"""JUnit XML, as build servers read it: one test case for each case."""

import re
from collections.abc import Sequence
from pathlib import Path
from xml.etree import ElementTree as ET

from connect_tasks.testing.case_result import CaseResult

__all__ = ["write_junit"]

# Characters that no XML may hold, escaped or not.
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def write_junit(path: Path, flow: str, cases: Sequence[CaseResult]) -> None:
    """Write what came of cases to a file, in place of one that is there.

    Args:
        path: The file.
        flow: The flow's name.
        cases: The cases, in order.

    Raises:
        OSError: It cannot be written.
    """
    seconds = [one.happened.seconds if one.happened else 0.0 for one in cases]
    counts = {
        "name": _allowed(flow),
        "tests": str(len(cases)),
        "failures": str(sum(not one.passed for one in cases)),
        "errors": "0",
        "skipped": "0",
        "time": f"{sum(seconds):.3f}",
    }
    root = ET.Element("testsuites", counts)
    suite = ET.SubElement(root, "testsuite", counts)
    for one, took in zip(cases, seconds, strict=True):
        _add(suite, flow, one, took)
    ET.indent(root)
    ET.ElementTree(root).write(path, encoding="utf-8", xml_declaration=True)


def _add(suite: ET.Element, flow: str, one: CaseResult, took: float) -> None:
    named = {"classname": _allowed(flow), "name": _allowed(one.case.name), "time": f"{took:.3f}"}
    test = ET.SubElement(suite, "testcase", named)
    if not one.passed:
        told = _allowed(one.difference)
        failure = ET.SubElement(
            test, "failure", {"message": told.partition("\n")[0], "type": "difference"}
        )
        failure.text = _allowed(f"{one.difference}\n\n{one.side_by_side(width=120)}")


def _allowed(text: str) -> str:
    return _NOT_XML.sub("\N{REPLACEMENT CHARACTER}", text)
