"""Write `customers.csv`: a synthetic table of customers, some of them bad on purpose.

```console
$ python data/make_customers.py
```

The same code writes the same bytes on every machine and every Python: the only source of chance is
`random.Random.random`, whose sequence for a given seed Python promises to keep.
"""

# Names are written in their own alphabets.
# ruff: noqa: RUF001

import csv
import io
from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path
from random import Random
from typing import TypeVar

Row = dict[str, str]
T = TypeVar("T")

SEED = 20261122
ROWS = 250
FIRST_NUMBER = 4217
FIRST_RENEWAL = date(2026, 12, 1)
RENEWAL_DAYS = 90
TARGET = Path(__file__).with_name("customers.csv")

COLUMNS = (
    "customer_id",
    "first_name",
    "last_name",
    "plan",
    "renewal_date",
    "language",
    "score",
    "email",
)

# How often each answer from 0 to 10 is given, by plan: the more people pay, the happier they are.
SCORE_WEIGHTS = {
    "basic": (4, 2, 3, 3, 5, 10, 12, 18, 20, 13, 10),
    "plus": (2, 1, 1, 2, 3, 6, 8, 16, 26, 20, 15),
    "pro": (1, 0, 1, 1, 1, 3, 5, 12, 24, 27, 26),
}
PLAN_WEIGHTS = {"basic": 5, "plus": 3, "pro": 2}

# language: (how many of a hundred customers, first names, last names)
NAMES = {
    "en": (
        30,
        "Ada Grace Noah Olivia Amara Ethan Siobhán Liam Zoë Marcus Priya Jordan Hazel Kwame",
        "Okafor Smith O'Brien Taylor Baptiste Nguyen Walker McKenzie Adeyemi Clarke Sharma",
    ),
    "de": (10, "Jürgen Anke Björn Käthe Mehmet Lena", "Müller Groß Schäfer Yılmaz Weiß Krüger"),
    "fr": (9, "Chloé Hélène François Aïcha Loïc Inès", "Lefèvre Benoît Diallo Garçon Noël Traoré"),
    "es": (9, "José Lucía Íñigo Begoña Martín Sofía", "García Muñoz Ibáñez Peña Núñez Quispe"),
    "pt": (6, "João Conceição Thaís Luís", "Gonçalves Simões Assunção Araújo"),
    "pl": (5, "Łukasz Małgorzata Wojciech Zofia", "Wiśniewski Dąbrowska Żak Łuczak"),
    "tr": (4, "Çağla Ömer Işıl Şükrü", "Öztürk Çelik Güneş Şahin"),
    "vi": (4, "Thị Đức Hương Tuấn", "Nguyễn Trần Phạm Đặng"),
    "el": (3, "Ελένη Γιώργος Σοφία", "Παπαδόπουλος Νικολάου"),
    "uk": (3, "Олена Тарас Юлія", "Шевченко Ковальчук"),
    "ar": (4, "فاطمة يوسف ليلى عمر", "الحسن منصور خوري"),
    "hi": (4, "अनन्या रोहन मीरा", "शर्मा वर्मा गुप्ता"),
    "ja": (4, "さくら 陽翔 美咲 健太", "佐藤 鈴木 高橋"),
    "ko": (3, "지우 민준 서연", "김 이 박"),
    "zh": (2, "伟 芳 秀英", "王 李 张"),
}

# position in the finished table: what is changed there. README.md explains each one.
BAD_ROWS: dict[int, Row] = {
    7: {"customer_id": ""},
    23: {"first_name": ""},
    48: {"plan": ""},
    71: {"customer_id": "   "},
    96: {"customer_id": "CRM-" + "0123456789" * 13},
    140: {"first_name": "Wolfeschlegelstein" * 16},
    158: {"last_name": ""},
    201: {"renewal_date": ""},
}
ODD_ROWS: dict[int, Row] = {
    15: {"score": "n/a"},
    34: {"score": "eleven"},
    62: {"first_name": '<script>alert("x")</script>', "last_name": "Tables", "language": "en"},
    88: {"first_name": "{{ 7 * 7 }}", "last_name": "Braces", "language": "en"},
    113: {"first_name": "Conan", "last_name": 'O"Hara, Jr.', "language": "en"},
    187: {"first_name": "=1+1", "last_name": "Formula", "language": "en"},
}
# position: (position of the row that it repeats, what differs)
REPEATED_ROWS: dict[int, tuple[int, Row]] = {
    120: (60, {}),
    230: (5, {"plan": "pro", "score": "0"}),
}


def pick(rng: Random, choices: Sequence[T], weights: Sequence[int] | None = None) -> T:
    """One of *choices*, each as likely as its weight."""
    weights = weights or [1] * len(choices)
    target = rng.random() * sum(weights)
    for choice, weight in zip(choices, weights, strict=True):
        target -= weight
        if target < 0:
            return choice
    return choices[-1]


def plain_customer(rng: Random, number: int) -> Row:
    """One customer with nothing wrong."""
    language = pick(rng, list(NAMES), [share for share, _, _ in NAMES.values()])
    _, first_names, last_names = NAMES[language]
    plan = pick(rng, list(PLAN_WEIGHTS), list(PLAN_WEIGHTS.values()))
    renewal = FIRST_RENEWAL + timedelta(days=int(rng.random() * RENEWAL_DAYS))
    return {
        "customer_id": f"{number:07d}",
        "first_name": pick(rng, first_names.split()),
        "last_name": pick(rng, last_names.split()),
        "plan": plan,
        "renewal_date": renewal.isoformat(),
        "language": language,
        "score": str(pick(rng, range(11), SCORE_WEIGHTS[plan])),
        "email": f"customer-{number:07d}@example.com",
    }


def row_at(position: int, before: Sequence[Row], plain: Row) -> Row:
    """The row at *position*: *plain*, spoilt or replaced where the tables above say so."""
    if position in REPEATED_ROWS:
        original, changes = REPEATED_ROWS[position]
        return before[original] | changes
    return plain | BAD_ROWS.get(position, {}) | ODD_ROWS.get(position, {})


def customers() -> list[Row]:
    """Every row of the table, in order.

    Example:
        >>> customers()[0]["customer_id"]
        '0004217'
    """
    rng = Random(SEED)  # noqa: S311 - synthetic names, not secrets
    number = FIRST_NUMBER
    rows: list[Row] = []
    for position in range(ROWS):
        rows.append(row_at(position, rows, plain_customer(rng, number)))
        number += 1 + int(rng.random() * 60)
    return rows


def as_csv(rows: Sequence[Row]) -> str:
    """The rows as the text of a CSV file with a header."""
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def main() -> None:
    """Write the file beside this script."""
    TARGET.write_bytes(as_csv(customers()).encode())


if __name__ == "__main__":
    main()
