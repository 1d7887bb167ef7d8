"""Simulated people: they open invitation links over HTTP, and chat over real web sockets."""

from connect_tasks.emulator.flows.answers import Answerer, Question, choose_answer
from connect_tasks.emulator.people.crowd import SHARES, asimulate_people, simulate_people
from connect_tasks.emulator.people.habits import Habits
from connect_tasks.emulator.people.records import (
    Answered,
    PersonKind,
    PersonOutcome,
    PersonRecord,
)

__all__ = [
    "SHARES",
    "Answered",
    "Answerer",
    "Habits",
    "PersonKind",
    "PersonOutcome",
    "PersonRecord",
    "Question",
    "asimulate_people",
    "choose_answer",
    "simulate_people",
]
