"""Assets: the files of a result in Prefect's lineage, with what they were made of.

Written in a run, each table is an asset that was materialised from its campaign and, if that is a
file, the table of its customers. Elsewhere the files are written, and nothing else happens.
"""

import hashlib
import os
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path, PurePath
from typing import Any

from prefect.assets import Asset, AssetProperties, add_asset_metadata, materialize

from connect_tasks.databases.opening import Database
from connect_tasks.tables.destinations import as_uri, folder_for
from connect_tasks.tables.file_facts import csv_facts
from connect_tasks.tasks.run_context import NO_RECORD, in_run
from connect_tasks.tasks.run_log import plain_errors

__all__ = ["RESULT_TABLES", "asset_key", "place_of", "save_files", "save_in_database"]

RESULT_TABLES = ("contacts", "messages", "replies", "attributes", "decisions")
"""The tables that `CampaignResult.save` writes as CSV."""

_CAMPAIGN = "campaign://"
_MOST = 512
_MOST_OF_NAME = 100
# What Prefect takes in no key, and what nobody could read in one.
_UNFIT = re.compile(r"[\x00-\x20\x7f\"'#?&%<>\[\]{}|\\^`]")


def asset_key(place: str) -> str:
    """The key of what is at a path or URI; another place has another.

    User, password and query of a URI are no part of it. What Prefect takes in no key is written as
    `_`, and a key that is changed so, or is cut, gets a few letters that stand for what it was.

    Args:
        place: A file, a folder, or whatever else has a URI.

    Example:
        >>> asset_key("s3://tables/renewals/contacts.csv?endpoint_override=minio")
        's3://tables/renewals/contacts.csv'
        >>> asset_key("campaign://Renewals 2026")
        'campaign://~ddca1ec9/Renewals_2026'
    """
    # A campaign's name may hold whatever a URI is cut at.
    uri = place if place.startswith(_CAMPAIGN) else as_uri(place)
    scheme, _, whole = uri.partition("://")
    kind = re.sub(r"[^a-z0-9].*", "", scheme.lower()) or "file"
    fit = _UNFIT.sub("_", whole.encode(errors="replace").decode())
    if fit == whole and len(f"{kind}://{fit}") <= _MOST:
        return f"{kind}://{fit}"
    mark = hashlib.sha256(whole.encode(errors="surrogatepass")).hexdigest()[:8]
    folder, _, name = fit.rpartition("/")
    most = _MOST - _MOST_OF_NAME - len(f"{kind}://~{mark}/")
    return f"{kind}://{folder[:most]}~{mark}/{name[-_MOST_OF_NAME:]}"


def place_of(table: object) -> str | None:
    """The path or URI of a table, if it is a file; None for rows, streams and queries.

    Example:
        >>> place_of("s3://tables/customers.parquet"), place_of([{"customer_id": "0042"}])
        ('s3://tables/customers.parquet', None)
    """
    return os.fspath(table) if isinstance(table, str | PurePath) else None


def save_files(
    campaign: str,
    place: str,
    write: Callable[[Path], None],
    *,
    tables: Sequence[str] = RESULT_TABLES,
    source: str | None = None,
) -> None:
    """Write a campaign's files; in a run also tell Prefect's lineage of them.

    Prefect is told of each table its rows, columns and fingerprint, and nothing that is in it. That
    the files cannot be written it is told, too.

    Args:
        campaign: Its name.
        place: The folder or `s3://` URI.
        write: Writes `<table>.csv` of each table, and whatever else, to a folder of this machine.
        tables: The tables.
        source: The path or URI of the customers' table, if it has one.

    Raises:
        InputError: Nothing can be written there.
    """

    def save() -> Mapping[str, dict[str, Any]]:
        with folder_for(place) as folder:
            write(folder)
            return {name: csv_facts(folder / f"{name}.csv") for name in tables} if told else {}

    told = in_run()
    folder, question, query = place.partition("?") if "://" in place else (place, "", "")
    files = {name: f"{folder.rstrip('/')}/{name}.csv{question}{query}" for name in tables}
    _save(campaign, files, save, source)


def save_in_database(
    campaign: str, database: str, write: Callable[[], None], *, source: str | None = None
) -> None:
    """Write a campaign's tables to a database; in a run also tell Prefect's lineage of them.

    Args:
        campaign: Its name.
        database: SQLAlchemy URL; what is secret in it is told to nobody.
        write: Writes them there.
        source: The path or URI of the customers' table, if it has one.

    Raises:
        InputError: Nothing can be written there.
    """

    def save() -> Mapping[str, dict[str, Any]]:
        write()
        return {}

    address = Database(database).place
    places = {name: f"{address}/connect_tasks_{name}" for name in RESULT_TABLES}
    _save(campaign, places, save, source)


def _save(
    campaign: str,
    places: Mapping[str, str],
    save: Callable[[], Mapping[str, dict[str, Any]]],
    source: str | None,
) -> None:
    if not in_run():
        save()
        return
    assets = {name: _asset(campaign, name, place) for name, place in places.items()}
    made_of: list[Asset | str] = [asset_key(f"{_CAMPAIGN}{campaign}")]
    made_of += [asset_key(source)] if source else []

    @materialize(
        *assets.values(),
        by="connect-tasks",
        asset_deps=made_of,
        name="save-tables",
        task_run_name=f"save-{campaign}",
        **NO_RECORD,
    )
    @plain_errors
    def save_tables() -> None:
        for name, facts in save().items():
            add_asset_metadata(assets[name], facts)

    save_tables()


def _asset(campaign: str, table: str, place: str) -> Asset:
    properties = AssetProperties(name=f"{table} of {campaign}")
    return Asset(key=asset_key(place), properties=properties)
