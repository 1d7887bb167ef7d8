"""The form's order: what must be filled in comes first, whatever a call in Python begins with.

Prefect shows a flow's parameters in the order of its signature, and a table's template, which is
optional, stands second there.
"""

import inspect
from collections.abc import Callable
from inspect import Parameter, Signature
from typing import Any

__all__ = ["as_form"]

_ORDERED = (Parameter.POSITIONAL_OR_KEYWORD, Parameter.KEYWORD_ONLY)


def as_form(function: Callable[..., Any]) -> Signature:
    """The signature of a flow as its form shows it: required parameters first.

    What has moved can only be given by name there. All else is as the function has it: also the
    order, where it is the form's already or a parameter is not given by name.

    Args:
        function: The flow's.

    Example:
        >>> def outreach(customers, template=None, *, campaign): ...
        >>> as_form(outreach)
        <Signature (customers, *, campaign, template=None)>
    """
    signature = _signature_of(function)
    given = list(signature.parameters.values())
    wanted = sorted(given, key=lambda parameter: parameter.default is not Parameter.empty)
    if wanted == given or any(parameter.kind not in _ORDERED for parameter in given):
        return signature
    pairs = enumerate(zip(given, wanted, strict=True))
    stay = next(place for place, (before, after) in pairs if before != after)
    by_name = [parameter.replace(kind=Parameter.KEYWORD_ONLY) for parameter in wanted[stay:]]
    return signature.replace(parameters=[*wanted[:stay], *by_name])


def _signature_of(function: Callable[..., Any]) -> Signature:
    """As Prefect reads it, which does without types that are there for type checkers alone."""
    try:
        return inspect.signature(function, eval_str=True)
    except (NameError, TypeError):
        return inspect.signature(function)
