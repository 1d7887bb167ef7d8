"""Pickling: what Prefect writes to a file when a task is delayed, without credentials."""

from collections.abc import Mapping
from typing import Any

from prefect.serializers import PickleSerializer
from pydantic import Field

from connect_tasks.blocks import AmazonConnectInstance, block_name
from connect_tasks.campaign.hand_over.started_chat import CANNOT_TRAVEL
from connect_tasks.errors import InputError

__all__ = ["WithoutSecrets"]


class WithoutSecrets(PickleSerializer[Any]):
    """Prefect's own serializer, for arguments and results that must not show credentials.

    An instance among the arguments is refused, and a function that hands chats over: its name, or
    its place, travels instead. The parameters of the
    flow or task that delays, which Prefect would write down beside them, are left out.

    Example:
        >>> WithoutSecrets().loads(WithoutSecrets().dumps({"parameters": {"connect": "prod"}}))
        {'parameters': {'connect': 'prod'}}
    """

    type: str = Field(default="connect-tasks/without-secrets", frozen=True)

    def dumps(self, obj: Any) -> bytes:
        """Encode arguments or a result.

        Args:
            obj: Either.

        Raises:
            InputError: One of the arguments is an instance, or a hand-over's function.
        """
        return super().dumps(_arguments(obj) if _is_delayed_run(obj) else obj)


def _is_delayed_run(value: object) -> bool:
    return isinstance(value, Mapping) and "context" in value


def _arguments(run: Mapping[str, Any]) -> dict[str, Any]:
    parameters = run.get("parameters", {})
    for argument in parameters.values():
        if isinstance(argument, AmazonConnectInstance):
            block_name(argument)
    if not isinstance(parameters.get("hand_over"), str | None):
        raise InputError(CANNOT_TRAVEL)
    return {**run, "context": {name: _silent(value) for name, value in run["context"].items()}}


def _silent(context: Any) -> Any:
    """A context without the parameters of its run, which it has twice."""
    if not isinstance(context, dict):
        return context
    return {n: {} if n == "parameters" else _silent(v) for n, v in context.items()}
