"""What a campaign needs besides its instance: a ledger, keys for links, a policy, and Prefect."""

import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from connect_tasks.aws.preflight.report import Finding, Verdict
from connect_tasks.campaign.links import KEYS_VARIABLE, InvitationKeys
from connect_tasks.command_line.settings import Settings
from connect_tasks.databases.addresses import hide_password
from connect_tasks.errors import InputError, LedgerError
from connect_tasks.ledger.database import file_of, ledger_exists
from connect_tasks.ledger.opening import default_url, opened

__all__ = ["judge_keys", "judge_ledger", "judge_policy", "judge_prefect", "readiness"]


def readiness(
    settings: Settings, environ: Mapping[str, str], prefect_answers: Callable[[], str | None]
) -> Iterator[Finding]:
    """Say of each thing whether it is there. Nothing is made, and nobody contacted.

    Args:
        settings: What holds.
        environ: Where the ledger's URL and the keys of links may be.
        prefect_answers: See `judge_prefect`.
    """
    yield judge_ledger(settings.campaign.ledger or default_url(environ))
    yield judge_keys(environ, are_needed=settings.campaign.base_url is not None)
    if settings.policy is not None and settings.policy.block is None:
        yield judge_policy(settings.policy.parameter())
    if settings.campaign.prefect:
        yield judge_prefect(prefect_answers)


def judge_ledger(url: str) -> Finding:
    """Whether the ledger can be opened, or where there is none yet, made.

    Args:
        url: Its SQLAlchemy URL.
    """
    subject, shown = "Ledger", hide_password(url)
    try:
        if not ledger_exists(url):
            return _not_there(subject, url, shown)
        with opened(url):
            pass
    except (InputError, LedgerError) as error:
        return Finding(subject, Verdict.NO, str(error), is_obstacle=True)
    return Finding(subject, Verdict.YES, f"{shown} is there and can be written.")


def judge_keys(environ: Mapping[str, str], *, are_needed: bool) -> Finding:
    """Whether there are keys for links, and none that could be guessed.

    Args:
        environ: The environment.
        are_needed: Whether links are meant to be issued.
    """
    subject = "Keys of links"
    if not environ.get(KEYS_VARIABLE) and not are_needed:
        return Finding(
            subject,
            Verdict.UNKNOWN,
            f"{KEYS_VARIABLE} is not set.",
            "Only `invite` and `serve` need it.",
        )
    try:
        keys = InvitationKeys.from_environment(environ)
    except InputError as error:
        # Campaigns without links can run all the same.
        return Finding(subject, Verdict.NO, str(error), is_obstacle=are_needed)
    return Finding(subject, Verdict.YES, f"{len(keys.ids)}, the first signs.")


def judge_policy(policy: object) -> Finding:
    """Whether the policy can be read.

    Args:
        policy: Itself, or its file's path.
    """
    from connect_tasks.blocks import load_policy

    try:
        load_policy(policy)
    except InputError as error:
        return Finding("Policy", Verdict.NO, str(error), is_obstacle=True)
    return Finding("Policy", Verdict.YES, "it can be used.")


def judge_prefect(answers: Callable[[], str | None]) -> Finding:
    """Whether there is a Prefect server.

    Args:
        answers: Asks the server that is set, and returns its URL without a password; None where
            none is set. It raises a `ConnectionError`, in words, where none answers.
    """
    subject, without = "Prefect", "--no-prefect, or prefect = false under [campaign], does without."
    try:
        url = answers()
    except ConnectionError as error:
        return Finding(
            subject,
            Verdict.NO,
            f"{error}.",
            f"Start it with `prefect server start`, or correct PREFECT_API_URL; {without}",
            is_obstacle=True,
        )
    if url is None:
        text = "PREFECT_API_URL is not set: each command starts a server of its own."
        return Finding(subject, Verdict.YES, text, without.capitalize())
    return Finding(subject, Verdict.YES, f"{url} answers.")


def _not_there(subject: str, url: str, shown: str) -> Finding:
    file = file_of(url)
    if file is None or file.exists():
        text = f"{shown} answers; its tables are made with the first run."
        return Finding(subject, Verdict.YES, text)
    folder = _nearest(file.absolute().parent)
    if not (folder.is_dir() and os.access(folder, os.W_OK | os.X_OK)):
        text = f"{shown} is not there, and {folder} cannot be written to."
        advice = "Name another place with campaign.ledger or CONNECT_TASKS_LEDGER."
        return Finding(subject, Verdict.NO, text, advice, is_obstacle=True)
    return Finding(subject, Verdict.YES, f"{shown} is made with the first run.")


def _nearest(folder: Path) -> Path:
    """What there is of a path."""
    return next(place for place in (folder, *folder.parents) if place.exists())
