"""Tests of contact flows: from tables of cases, and from files of expected conversations."""

from connect_tasks.testing.case import Case
from connect_tasks.testing.case_result import CaseResult
from connect_tasks.testing.case_table import read_cases
from connect_tasks.testing.pytest_cases import CheckedCase, cases
from connect_tasks.testing.rehearsing import rehearse_cases
from connect_tasks.testing.result import RegressionResult

__all__ = [
    "Case",
    "CaseResult",
    "CheckedCase",
    "RegressionResult",
    "cases",
    "read_cases",
    "rehearse_cases",
]
