"""The keys of assets: each place that a person chooses has one of its own, and Prefect takes it."""

import string
from pathlib import Path
from urllib.parse import quote

import pytest
import sqlalchemy as sa
from hypothesis import example, given
from hypothesis import strategies as st
from prefect.assets import Asset

from connect_tasks.databases.opening import Database
from connect_tasks.tables.destinations import as_uri
from connect_tasks.tasks.assets import asset_key, place_of

TEXT = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=40)
SEGMENTS = st.lists(st.text(string.printable, max_size=12), max_size=5).map("/".join)


@pytest.mark.parametrize(
    ("place", "key"),
    [
        ("s3://tables/renewals/contacts.csv", "s3://tables/renewals/contacts.csv"),
        ("s3://tables/a.csv?endpoint_override=minio&scheme=http", "s3://tables/a.csv"),
        ("/srv/out/contacts.csv", "file:///srv/out/contacts.csv"),
        ("file:///srv/out/contacts.csv", "file:///srv/out/contacts.csv"),
        ("https://files.example.com/a.csv?sig=secret", "https://files.example.com/a.csv"),
        ("postgresql+psycopg://ada:secret@db/shop/contacts", "postgresql://db/shop/contacts"),
        ("sqlite:////srv/shop.db/contacts", "sqlite:////srv/shop.db/contacts"),
        ("campaign://renewals-2026-11", "campaign://renewals-2026-11"),
    ],
)
def test_an_ordinary_place_is_its_own_key(place: str, key: str) -> None:
    assert asset_key(place) == key


def test_a_path_of_this_machine_counts_from_its_root() -> None:
    assert asset_key("out/contacts.csv") == asset_key(str(Path.cwd() / "out" / "contacts.csv"))


@given(st.sampled_from(["s3://", "file:///", "/", "", "campaign://", "gs+x://"]), TEXT | SEGMENTS)
@example("s3://", "a" * 2000)
@example("/", "a" * 2000 + "/contacts.csv")
@example("s3://", "a" * 2000 + "/" + "b" * 200)
@example("", "C:\\tables\\customers.csv")
@example("campaign://", "Verlängerung 2026 <Ä>")
@example("", "~0")
@example("", "~\x00/contacts.csv")
@example("/", "#?&%\"'<>[]{}|\\^`")
def test_whatever_place_it_is_prefect_takes_its_key(begin: str, rest: str) -> None:
    key = asset_key(begin + rest)

    assert Asset(key=key).key == key
    assert asset_key(begin + rest) == key


@given(TEXT, TEXT)
@example("a b", "a_b")
@example("a" * 600, "a" * 601)
@example("a/b c", "a/b_c")
@example("10:00@noon?", "11:00@noon!")
def test_two_campaigns_have_two_keys(one: str, other: str) -> None:
    same = asset_key(f"campaign://{one}") == asset_key(f"campaign://{other}")

    assert same == (one == other)


@given(st.text(string.printable, min_size=1, max_size=12).map("pw-{}-wp".format))
@example("pw-/-wp")
@example("pw-?-wp")
@example("pw-#-wp")
@example("pw-@/?@-wp")
def test_no_password_is_in_a_key_or_a_link_whatever_it_holds(password: str) -> None:
    place = f"s3://KEY:{password}@bucket/renewals/contacts.csv?secret_key={quote(password)}"

    assert asset_key(place) == as_uri(place) == "s3://bucket/renewals/contacts.csv"


@given(st.text(string.printable.replace("@", ""), min_size=1, max_size=12))
@example("se/cret")
@example("se?cret")
@example("p[w")
def test_where_a_database_is_says_nothing_of_how_one_signs_in(password: str) -> None:
    written = f"postgresql://ada:{password}@db:5432/shop?sslpassword={quote(password)}"
    encoded = sa.URL.create("postgresql", "ada", password, "db", 5432, "shop")

    for url in (written, encoded):
        assert Database(url).place == "postgresql://db:5432/shop"
    assert asset_key(Database(written).place) == "postgresql://db:5432/shop"


@pytest.mark.parametrize("url", ["sqlite:///shop.db", "sqlite:////srv/shop.db"])
def test_a_database_in_a_file_is_where_its_file_is(url: str) -> None:
    assert Database(url).place == url


def test_only_a_file_is_a_place() -> None:
    assert place_of(Path("customers.csv")) == "customers.csv"
    assert place_of("s3://tables/customers.parquet") == "s3://tables/customers.parquet"
    assert place_of(object()) is None
