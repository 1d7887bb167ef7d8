import inspect
import pickle
import re
from collections.abc import Iterator

import pytest

from connect_tasks import errors
from connect_tasks.errors import AmazonError, ConnectTasksError, InputError, ThrottledError

_DRAWN = re.compile(r"^(?P<lines>[│├└─ ]*)(?P<name>[A-Z]\w+Error)\b")


def family(kind: type[ConnectTasksError]) -> Iterator[type[ConnectTasksError]]:
    yield kind
    for child in kind.__subclasses__():
        if child.__module__ == errors.__name__:
            yield from family(child)


# One of them is of two kinds.
ALL = list(dict.fromkeys(family(ConnectTasksError)))
OF_AMAZON = list(family(AmazonError))


def drawn_tree() -> dict[str, str]:
    """Each class of the drawing with the one that it hangs from."""
    parents: dict[str, str] = {}
    above: list[str] = []
    for line in inspect.cleandoc(errors.__doc__ or "").splitlines():
        if found := _DRAWN.match(line):
            depth = len(found["lines"]) // 4
            above[depth:] = [found["name"]]
            parents[found["name"]] = above[depth - 1] if depth else "ConnectTasksError"
    return parents


@pytest.mark.parametrize("kind", ALL, ids=lambda kind: kind.__name__)
def test_an_error_survives_pickle(kind: type[ConnectTasksError]) -> None:
    again = pickle.loads(pickle.dumps(kind("the ledger is full")))  # noqa: S301 - our own bytes

    assert type(again) is kind
    assert str(again) == "the ledger is full"


@pytest.mark.parametrize("kind", OF_AMAZON, ids=lambda kind: kind.__name__)
def test_what_amazon_said_survives_pickle(kind: type[AmazonError]) -> None:
    error = kind("no", operation="StopContact", code="Gone", status=410, request_id="r-1")

    again = pickle.loads(pickle.dumps(error))  # noqa: S301 - our own bytes

    assert type(again) is kind
    assert again.args == ("no",)
    assert vars(again) == {
        "message": "no",
        "operation": "StopContact",
        "code": "Gone",
        "status": 410,
        "request_id": "r-1",
    }


def test_the_drawing_shows_the_classes_as_they_are() -> None:
    bases = {kind.__name__: kind.__bases__[0].__name__ for kind in ALL}

    assert drawn_tree() == {**bases, "ConnectTasksError": "ConnectTasksError"}


def test_all_lists_every_exception() -> None:
    assert sorted(errors.__all__) == sorted(kind.__name__ for kind in ALL)


def test_every_exception_is_documented() -> None:
    assert [kind.__name__ for kind in ALL if not kind.__doc__] == []


def test_a_wrong_argument_is_also_a_value_error() -> None:
    assert issubclass(InputError, ValueError)


ANSWERED = ThrottledError("slow down", operation="StopContact", code="TooMany", status=429)
UNANSWERED = ThrottledError("cut", operation="GetTranscript", code="ReadTimeoutError")


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (ANSWERED, "StopContact TooMany 429: slow down"),
        (UNANSWERED, "GetTranscript ReadTimeoutError: cut"),
        (ThrottledError("slow down"), "slow down"),
    ],
    ids=["with an answer", "without an answer", "nothing known"],
)
def test_the_text_says_where_it_happened(error: AmazonError, text: str) -> None:
    assert str(error) == text
