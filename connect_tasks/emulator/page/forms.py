"""What is typed into the page's forms, as what it means."""

__all__ = ["FormError", "read_attributes"]


class FormError(ValueError):
    """Something was typed that means nothing; the message is for the person."""


def read_attributes(text: str) -> dict[str, str]:
    r"""Read contact attributes, one on each line; empty lines are nothing.

    Args:
        text: Lines of `name=value`; a value may hold `=` and is otherwise taken as it is.

    Raises:
        FormError: A line has no name, or a name comes twice.

    Example:
        >>> read_attributes("plan=basic\nnote=a=b")
        {'plan': 'basic', 'note': 'a=b'}
    """
    attributes: dict[str, str] = {}
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        name, sign, value = line.partition("=")
        if not sign or not name.strip():
            raise FormError(f"Attributes, line {number}: write name=value.")
        if name.strip() in attributes:
            raise FormError(f"Attributes, line {number}: {name.strip()!r} was given before.")
        attributes[name.strip()] = value.strip()
    return attributes
