"""Plain shapes: parts of Amazon's models that are the same in Python and, as JSON, on the wire.

botocore walks through every value of every call to find out what is to be done with it. Where a
model holds nothing but texts, whole numbers, lists and objects, that is nothing, each time anew.
Here it is found out once.

A plain shape must never differ from botocore, whatever version that is. So none is used unless
botocore, asked once with every member filled, says the same; and what is not as the model has it is
left to botocore each time, to be judged in its own words.
"""

import json
from collections.abc import Callable, Mapping
from typing import Any, Self

__all__ = ["NotPlainError", "PlainInput", "PlainOutput"]

_Check = Callable[[Any], bool]
_Read = Callable[[Any], Any]

_LIMITS = {"required", "min", "document", "union"}
"""What botocore looks at in a model beyond types, and so is looked at here."""

# What JSON writes with an escape, and what it need not.
_TEXT = 'ä\u2028"\\/<\x7f\n\U0001f600'


class NotPlainError(Exception):
    """Only botocore can tell what this means."""


class PlainInput:
    """Makes the headers and bodies of an operation's requests.

    Args:
        check: Whether arguments are as the model has them.
        located: The headers that members stand in, by the names of the members.
        headers: Those that are in each request.
    """

    def __init__(self, check: _Check, located: Mapping[str, str], headers: dict[str, str]) -> None:
        self._check = check
        self._located = located
        self._headers = headers

    @classmethod
    def of(cls, model: Any, serializer: Any) -> Self | None:
        """For an operation, as botocore's serializer for it does it.

        Args:
            model: The operation, as botocore knows it.
            serializer: botocore's.

        Returns:
            None if there is something that only botocore can do.
        """
        shape = model.input_shape
        try:
            sample = _sample(shape)
            theirs = serializer.serialize_to_request(sample, model)
            located = _located(shape)
            rest = {n: v for n, v in theirs["headers"].items() if n not in located.values()}
            plain = cls(_check_of(shape, {}), located, rest)
            same = plain.parts(sample) == (theirs["headers"], theirs["body"])
            return plain if same and _is_checked_alike(serializer) else None
        except Exception:  # noqa: BLE001 - nothing in here may cost a call
            return None

    def parts(self, arguments: dict[str, Any]) -> tuple[dict[str, str], bytes] | None:
        """What botocore would make of arguments, as headers and a body; None if it must be asked.

        Args:
            arguments: The operation's, with Amazon's names.
        """
        if not self._check(arguments):
            return None
        headers, body = {**self._headers}, {**arguments}
        for name, header in self._located.items():
            if name in body:
                headers[header] = body.pop(name)
        return headers, json.dumps(body).encode()


class PlainOutput:
    """Reads an operation's answers.

    Args:
        read: Makes botocore's of what JSON holds.
    """

    def __init__(self, read: _Read) -> None:
        self._read = read

    @classmethod
    def of(cls, model: Any, parser: Any) -> Self | None:
        """For an operation, as botocore's parser for it does it.

        Args:
            model: The operation, as botocore knows it.
            parser: botocore's.

        Returns:
            None if there is something that only botocore can do.
        """
        shape = model.output_shape
        try:
            if _located(shape):
                return None
            body = json.dumps({**_sample(shape), "NobodyKnows": _TEXT}).encode()
            answer = {"status_code": 200, "headers": {}, "body": body, "context": {}}
            theirs = parser.parse(answer, shape)
            del theirs["ResponseMetadata"]
            plain = cls(_read_of(shape, {}))
            return plain if plain.read(body) == theirs else None
        except Exception:  # noqa: BLE001 - nothing in here may cost a call
            return None

    def read(self, body: bytes) -> dict[str, Any]:
        """What botocore would take an answer for, but for `ResponseMetadata`.

        Args:
            body: Of an answer that is no refusal.

        Raises:
            NotPlainError: It is not as the model has it.
        """
        if not body:
            return {}
        try:
            read: dict[str, Any] = self._read(json.loads(body.decode()))
        except (ValueError, RecursionError) as error:
            raise NotPlainError from error
        return read


def _is_checked_alike(serializer: Any) -> bool:
    checked = serializer._param_validator.VALIDATED_METADATA_ATTRS  # noqa: SLF001 - known nowhere else
    return bool(checked == _LIMITS)


def _located(shape: Any) -> dict[str, str]:
    """The members that stand in headers, and in which; none may stand anywhere else."""
    if shape.serialization:
        raise NotPlainError(shape.name)
    found = {}
    for name, member in shape.members.items():
        place = member.serialization
        if not place:
            continue
        if place != {"location": "header", "name": place.get("name")} or _is_no_text(member):
            raise NotPlainError(name)
        found[name] = place["name"]
    return found


def _is_no_text(shape: Any) -> bool:
    return bool(shape.type_name != "string")


# --- what is given ---


def _check_of(shape: Any, known: dict[str, _Check]) -> _Check:
    least = shape.metadata.get("min", 0)
    match shape.type_name:
        case "string":
            return lambda value: type(value) is str and len(value) >= least
        case "integer" | "long":
            return lambda value: type(value) is int and value >= least
        case "boolean":
            return lambda value: type(value) is bool
        case "list":
            return _list_check(_check_of(shape.member, known), least)
        case "map":
            return _map_check(_check_of(shape.key, known), _check_of(shape.value, known))
        case "structure" if not (shape.is_document_type or shape.is_tagged_union):
            return _structure_check(shape, known)
    raise NotPlainError(shape.name)


def _list_check(check: _Check, least: int) -> _Check:
    def is_plain(value: Any) -> bool:
        return type(value) is list and len(value) >= least and all(map(check, value))

    return is_plain


def _map_check(check_key: _Check, check: _Check) -> _Check:
    def is_plain(value: Any) -> bool:
        return (
            type(value) is dict and all(map(check_key, value)) and all(map(check, value.values()))
        )

    return is_plain


def _structure_check(shape: Any, known: dict[str, _Check]) -> _Check:
    if shape.name in known:
        return known[shape.name]
    members: dict[str, _Check] = {}
    required = frozenset(shape.metadata.get("required", ()))

    def is_plain(value: Any) -> bool:
        if type(value) is not dict or not required <= value.keys():
            return False
        for name, part in value.items():
            check = members.get(name)
            if check is None or not check(part):
                return False
        return True

    # Before its members: it may hold itself.
    known[shape.name] = is_plain
    members.update({name: _check_of(member, known) for name, member in shape.members.items()})
    return is_plain


# --- what is answered ---


def _as_it_is(value: Any) -> Any:
    return value


def _read_of(shape: Any, known: dict[str, _Read]) -> _Read:
    match shape.type_name:
        case "string" | "integer" | "long" | "boolean":
            # Whatever it is: botocore does not look either.
            return _as_it_is
        case "list":
            return _list_reader(_read_of(shape.member, known))
        case "structure" if not (shape.is_document_type or shape.is_tagged_union):
            return _structure_reader(shape, known)
    raise NotPlainError(shape.name)


def _list_reader(read: _Read) -> _Read:
    def read_list(value: Any) -> list[Any]:
        if type(value) is not list:
            raise NotPlainError
        return [None if item is None else read(item) for item in value]

    return read_list


def _structure_reader(shape: Any, known: dict[str, _Read]) -> _Read:
    if shape.name in known:
        return known[shape.name]
    members: list[tuple[str, _Read]] = []

    def read_structure(value: Any) -> dict[str, Any]:
        if type(value) is not dict:
            raise NotPlainError
        made = {}
        for name, read in members:
            part = value.get(name)
            if part is not None:
                made[name] = read(part)
        return made

    known[shape.name] = read_structure
    members.extend((name, _read_of(member, known)) for name, member in shape.members.items())
    return read_structure


# --- what botocore is asked once ---


def _sample(shape: Any, inside: frozenset[str] = frozenset()) -> Any:
    """Something of a shape with every member filled; what holds itself holds itself no more."""
    least = shape.metadata.get("min", 0)
    match shape.type_name:
        case "string":
            return _TEXT * (1 + least)
        case "integer" | "long":
            return least + 1
        case "boolean":
            return True
        case "list":
            return [_sample(shape.member, inside)] * max(least, 1)
        case "map":
            return {_sample(shape.key, inside): _sample(shape.value, inside)}
        case "structure":
            inside |= {shape.name}
            members = shape.members.items()
            return {n: _sample(one, inside) for n, one in members if _is_new(one, inside)}
    raise NotPlainError(shape.name)


def _is_new(shape: Any, inside: frozenset[str]) -> bool:
    match shape.type_name:
        case "list":
            return _is_new(shape.member, inside)
        case "map":
            return _is_new(shape.value, inside)
    return shape.name not in inside
