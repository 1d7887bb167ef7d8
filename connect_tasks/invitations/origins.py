"""Origins: the sites whose pages may press buttons, as a browser names them."""

from collections.abc import Sequence

from connect_tasks.errors import InputError
from connect_tasks.invitations.page_policy import checked_origins

__all__ = ["checked_sites"]

ANY = "*"


def checked_sites(allow_origins: Sequence[str]) -> list[str]:
    """The origins of sites.

    Args:
        allow_origins: Such as `https://www.example.com`; `*` for all. The link's token protects a
            chat, not its site.

    Raises:
        InputError: One is none, and no browser would ever name itself so.

    Example:
        >>> checked_sites(["https://www.example.com"])
        ['https://www.example.com']
    """
    if not isinstance(allow_origins, str) and list(allow_origins) == [ANY]:
        return [ANY]
    sites = checked_origins("allow_origins", allow_origins)
    for site in sites:
        if ANY in site or site != site.lower():
            raise InputError(
                f"allow_origins: {site!r} is no origin as a browser names it: write each site as "
                "https://www.example.com, in small letters."
            )
    return list(sites)
