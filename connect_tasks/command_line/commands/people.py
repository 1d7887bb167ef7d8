"""The commands that leave people alone: take them out, forget them, put them on a list.

None of them asks Prefect, and none takes an id as an argument.
"""

import os
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from connect_tasks.command_line.customer_ids import PIPE
from connect_tasks.command_line.exit_codes import ExitCode
from connect_tasks.command_line.options import Given, Options
from connect_tasks.command_line.outcome import Outcome

if TYPE_CHECKING:
    from connect_tasks.ledger.erasure import Erased

__all__ = ["forget", "suppress", "withdraw"]


def _no_option(_: type[object], value: str | None) -> None:
    if value is not None and value.startswith("-") and value != PIPE:
        # Not repeated: it may be of a customer.
        raise ValueError("What begins with a hyphen is an option, and this command has none such")


# Else `-` would be an option.
_Customers = Annotated[str | None, Parameter(allow_leading_hyphen=True, validator=_no_option)]
_Yes = Annotated[bool, Parameter(name=["--yes", "-y"], negative="")]
_Flag = Annotated[bool, Parameter(negative="")]


def withdraw(
    customers: _Customers = None,
    /,
    *,
    reason: str = "",
    yes: _Yes = False,
    options: Given = None,
) -> Outcome:
    """Take customers out of a campaign before anybody contacts them, for good.

    Args:
        customers: A file with a column `customer_id`, or `-` for ids on standard input, one a line;
            you are asked when left out. Ids are no arguments.
        reason: Why, for the record.
        yes: Do not ask first.
        options: What all commands take.
    """
    from connect_tasks.campaign import manage
    from connect_tasks.command_line.confirming import confirm
    from connect_tasks.command_line.customer_ids import customers_from, ids_of

    settings = (options or Options()).settings()
    name, ids = settings.campaign_name, ids_of(customers_from(customers))
    confirm(f"Take {_people(len(ids))} out of campaign {name}, for good?", yes=yes)
    taken = manage.withdraw(name, ids, settings.campaign.ledger, reason=reason)
    others = "the others were contacted already, or taken out before"
    text = f"{taken:,} of {_people(len(ids))} taken out of campaign {name}"
    return Outcome(
        text=f"{text}{'' if taken == len(ids) else f'; {others}'}.",
        document={"campaign": name, "customers": len(ids), "withdrawn": taken},
        code=ExitCode.DONE if taken == len(ids) else ExitCode.LOOK,
    )


def forget(
    customers: _Customers = None,
    /,
    *,
    everybody: _Flag = False,
    unread: _Flag = False,
    yes: _Yes = False,
    options: Given = None,
) -> Outcome:
    """Take customers out of the ledger; that they were contacted stays, under a hash.

    It is done in every campaign, unless `--campaign` names one. Refused while a chat with them is
    under way, its outcome is unknown, or what they said in it was not read yet.

    Args:
        customers: A file with a column `customer_id`, or `-` for ids on standard input, one a line;
            you are asked when left out. Ids are no arguments.
        everybody: All customers of the campaign that `--campaign` names.
        unread: Also those whose words were not read yet: an opt-out in them is lost.
        yes: Do not ask first.
        options: What all commands take.
    """
    from connect_tasks.command_line import forgetting
    from connect_tasks.command_line.confirming import confirm
    from connect_tasks.command_line.customer_ids import customers_from, ids_of
    from connect_tasks.ledger.opening import default_url

    given = options or Options()
    url = given.settings().campaign.ledger or default_url(os.environ)
    campaign = given.typed_campaign
    forgetting.check(url, campaign, everybody=everybody, customers=customers)
    ids = None if everybody else ids_of(customers_from(customers))
    who = f"all customers of campaign {campaign}" if ids is None else _people(len(ids))
    where = "" if ids is None else f" in {f'campaign {campaign}' if campaign else 'all campaigns'}"
    confirm(f"Forget {who}{where}? What they said is gone for good.", yes=yes)
    erased, refused = forgetting.forget(url, campaign, ids, unread=unread)
    return _of_erased(erased, refused)


def suppress(
    customers: _Customers = None,
    /,
    *,
    list: str = "all",  # noqa: A002 - a field's name
    reason: str = "person",
    source: str = "",
    new_list: _Flag = False,
    take_off: _Flag = False,
    yes: _Yes = False,
    options: Given = None,
) -> Outcome:
    """Put customers on a list of those whom nobody is to contact. It holds from the next call on.

    Args:
        customers: A file with a column `customer_id`, or `-` for ids on standard input, one a line;
            you are asked when left out. Ids are no arguments.
        list: Which list: `all` holds in every campaign, another one where a policy names it.
        reason: Why, in a word, such as person, complaint, import.
        source: Where that came from, such as a ticket's number.
        new_list: Make the list also where another one is called nearly so.
        take_off: Take them off the list instead; that asks first.
        yes: Do not ask first.
        options: What all commands take.
    """
    from connect_tasks.campaign import suppression
    from connect_tasks.command_line.confirming import confirm
    from connect_tasks.command_line.customer_ids import customers_from

    ledger = (options or Options()).settings(of_campaign=False).campaign.ledger
    given = customers_from(customers)
    if take_off:
        confirm(f"Let them be contacted again, and take them off list {list}?", yes=yes)
        count = suppression.unsuppress(given, list=list, ledger=ledger)
        return _on_list(list, count, "taken off list", "removed")
    said: dict[str, Any] = {"reason": reason, "source": source, "new_list": new_list}
    count = suppression.suppress(given, list=list, ledger=ledger, **said)
    return _on_list(list, count, "put on list", "added")


def _on_list(name: str, count: int, words: str, key: str) -> Outcome:
    text = f"{_people(count)} {words} {name}, where no row says another."
    return Outcome(text=text, document={"list": name, key: count})


def _of_erased(erased: "Erased", refused: int) -> Outcome:
    messages, rows = f"{erased.messages:,} messages", f"{erased.refusals:,} refused rows"
    lines = [f"{erased.contacts:,} contacts were forgotten, {messages} and {rows} with them."]
    if refused:
        lines.append(f"{_people(refused)} could not be forgotten now; standard error says why.")
    if not erased.overwritten:
        lines.append("The ledger was in use: run this again to overwrite what was deleted.")
    return Outcome(
        text="\n".join(lines),
        document={
            "contacts": erased.contacts,
            "messages": erased.messages,
            "refusals": erased.refusals,
            "suppressions": erased.suppressions,
            "overwritten": erased.overwritten,
            "not_forgotten": refused,
        },
        code=ExitCode.LOOK if refused else ExitCode.DONE,
    )


def _people(count: int) -> str:
    return "1 customer" if count == 1 else f"{count:,} customers"
