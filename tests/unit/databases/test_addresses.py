from urllib.parse import quote, quote_plus

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from connect_tasks.databases.addresses import (
    has_secret,
    hide_password,
    hide_password_in,
    with_known_password,
    without_password,
)

# What a person may type into a password; its ends cannot occur in the rest of an address.
PASSWORDS = st.text(alphabet="ab1:/@?#&;=%+ '\"{}\\", max_size=12).map(lambda text: f"zq{text}qz")
QUOTED = PASSWORDS.map(lambda text: quote(text, safe=""))
NAMES = st.sampled_from(
    ["password", "PASSWORD", "sslpassword", "passwd", "Pwd", "oauth_client_secret"]
)


def shows(text: str) -> bool:
    return "zq" in text or "qz" in text


@given(PASSWORDS)
def test_a_password_before_the_host_is_hidden_whatever_is_in_it(password: str) -> None:
    for url in (
        f"postgresql://ada:{password}@host/ledger",
        f"postgresql+psycopg://ada:{password}@host:5432/ledger?sslmode=require",
        f"postgresql:/ada:{password}@host/ledger",
        f"  postgresql://ada:{password}@[::1]/ledger",
        f"ada:{password}@host/ledger",
    ):
        assert not shows(hide_password(url)), url


@given(NAMES, QUOTED)
def test_a_secret_of_the_query_is_hidden(name: str, password: str) -> None:
    url = f"postgresql://ada@host/ledger?sslmode=require&{name}={password}&connect_timeout=3"

    hidden = hide_password(url)

    assert hidden == f"postgresql://ada@host/ledger?sslmode=require&{name}=***&connect_timeout=3"
    assert has_secret(url)


@given(NAMES, st.text(alphabet='ab1:/@?#&=%+ "{}', max_size=12))
def test_a_secret_of_a_keyword_dsn_is_hidden(name: str, middle: str) -> None:
    dsn = f"host=db {name} = 'zq{middle}qz' user=ada"

    assert hide_password(dsn) == f"host=db {name} = *** user=ada"


@given(st.text(alphabet="ab1:/@?#&=%+ ", max_size=12))
def test_a_secret_in_braces_or_between_semicolons_is_hidden(middle: str) -> None:
    password = f"zq{middle}qz"
    odbc = f"DRIVER={{ODBC}};UID=ada;PWD={{{password};}}}}}};Trusted=no"

    assert hide_password(odbc) == "DRIVER={ODBC};UID=ada;PWD=***;Trusted=no"
    assert hide_password(f"Server=db;Pwd={password};App=x") == "Server=db;Pwd=***;App=x"
    assert not shows(hide_password(f"mssql+pyodbc:///?odbc_connect={quote_plus(odbc)}"))


@given(PASSWORDS)
def test_no_error_repeats_a_password_in_any_spelling(password: str) -> None:
    url = f"postgresql://ada:{quote(password, safe='')}@host/ledger"

    for spelling in (password, quote(password, safe=""), quote_plus(password)):
        assert not shows(hide_password_in(f'FATAL: "{spelling}" is wrong', url))


@pytest.mark.parametrize(
    "address",
    [
        "sqlite:///.connect_tasks/ledger.db",
        "sqlite:////home/a:b@c/ledger.db?timeout=3",
        "postgresql://ada@host:5432/ledger?passfile=/x&sslkey=/y&target_session_attrs=any",
        "host=db user=ada passfile=/x",
        ".connect_tasks/ledger.db",
    ],
)
def test_what_holds_no_secret_stays_as_it_is(address: str) -> None:
    assert hide_password(address) == address
    assert not has_secret(address)


@given(QUOTED, st.booleans())
def test_what_is_written_down_is_the_same_database_without_the_password(
    password: str,
    in_query: bool,  # noqa: FBT001 - hypothesis gives it
) -> None:
    given_url = (
        f"postgresql://ada@host:5432/ledger?password={password}&sslmode=require"
        if in_query
        else f"postgresql://ada:{password}@host:5432/ledger?sslmode=require"
    )

    written = without_password(given_url)

    assert written == "postgresql://ada@host:5432/ledger?sslmode=require"
    assert with_known_password(written, {"CONNECT_TASKS_LEDGER": given_url}) == given_url


def test_another_databases_password_is_not_taken() -> None:
    known = {"CONNECT_TASKS_LEDGER": "postgresql://ada:secret@other/ledger"}

    assert with_known_password("postgresql://ada@host/ledger", known) == (
        "postgresql://ada@host/ledger"
    )
    assert with_known_password("sqlite:///x.db", {}) == "sqlite:///x.db"


def test_several_hosts_stay_in_what_is_written_down() -> None:
    url = "postgresql://ada:secret@/ledger?host=one:5432&host=two:5432"

    assert sa.make_url(without_password(url)).query == {"host": ("one:5432", "two:5432")}
