"""Change records made by chance, as hard on a merge as its rules allow.

Few keys and few sequences: late records, repeats, tombstones and two values under one
sequence are the rule. They are delivered as raw files, one JSON object a line.
"""

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any

import lake as lakes
import weir
from columns import EPOCH, NASTY_TEXTS, TYPES, Column

Record = dict[str, Any]

MOMENTS = [
    datetime(1, 1, 2, tzinfo=UTC),
    datetime(1969, 12, 31, 23, 59, 59, 999999, tzinfo=UTC),
    EPOCH,
    datetime(2024, 2, 29, 0, 0, 0, 1, tzinfo=UTC),
    datetime(9999, 12, 30, tzinfo=UTC),
]
CLOCKS = [moment.replace(tzinfo=None) for moment in MOMENTS]


def numbers(*texts: str) -> list[Decimal]:
    """Return exact numbers."""
    return [Decimal(text) for text in texts]


POOLS: dict[str, list[Any]] = {
    "string": NASTY_TEXTS,
    "int32": [-(2**31), -1, 0, 1, 2**31 - 1],
    "int64": [-(2**63), -(2**53) - 1, 0, 1, 2**53 + 1, 2**63 - 1],
    "float32": [0.0, -0.0, 0.5, -3.4028234663852886e38, math.nan, math.inf, -math.inf],
    "float64": [0.0, -0.0, 0.1, 1.7976931348623157e308, math.nan, math.inf, -math.inf],
    "decimal(38,0)": numbers("9" * 38, "-" + "9" * 38, "0", "10"),
    "decimal(38,38)": numbers("0." + "9" * 38, "0", "-0.1"),
    "decimal(10,2)": numbers("99999999.99", "-0.01", "0", "9", "10"),
    "decimal(1,0)": numbers("-9", "0", "9"),
    "boolean": [False, True],
    "date": [date(1, 1, 1), date(1969, 12, 31), date(2024, 2, 29), date(9999, 12, 31)],
    "timestamp": CLOCKS,
    "zoned timestamp": MOMENTS,
    "binary": [b"", b"\x00", b"\x00\xff", b"\x7f", b"\x80", b"\xff\xff"],
    "json": [{}, {"a": 1, "b": [None]}, [1, 2], "text", 0, True],
}


@dataclass(frozen=True)
class Made:
    """A table that is filled by chance."""

    name: str
    columns: list[Column]
    key: list[str]

    @property
    def others(self) -> list[Column]:
        """The columns outside of the key."""
        return [column for column in self.columns if column.name not in self.key]

    def contract(self, **settings: Any) -> str:
        """Return its contract; settings are `weir.…`, with `_` for `.`."""
        properties = []
        for column in self.columns:
            entry = column.declared()
            if column.name in self.key:
                place = self.key.index(column.name) + 1
                entry |= {"primaryKey": True, "primaryKeyPosition": place}
                entry["required"] = True
            properties.append(entry)
        told = {f"weir.{name.replace('_', '.')}": of for name, of in settings.items()}
        return weir.contract(self.name, properties, {"weir.format": "json"} | told)


def table(name: str, key: Sequence[tuple[str, str]], names: Sequence[str] = ()) -> Made:
    """Return a table with a column of every type besides its key.

    `key` has names and types; `names` are for the other columns, as far as they go.
    """
    kinds = [*POOLS]
    named = [*names[: len(kinds)], *kinds[len(names) :]]
    others = list(zip(named, kinds, strict=True))
    # The key does not stand together, nor first.
    order = [*others[:2], *key[1:], *others[2:], key[0]]
    columns = [Column(name, name, TYPES[kind]) for name, kind in order]
    return Made(name, columns, [name for name, _ in key])


def pool(column: Column) -> list[Any]:
    """Return the values of a column."""
    kind = next(name for name, kind in TYPES.items() if kind is column.type)
    return POOLS[kind]


def key_value(column: Column, random: Random) -> Any:
    """Return a value of a key column; of whole numbers there are many."""
    if column.type is TYPES["int64"] and random.random() < 0.9:
        return random.randrange(10_000)
    return random.choice(pool(column))


def change(made: Made, key: Record, random: Random) -> Record:
    """Return one change record of a key."""
    operation = random.choices("LIUD", [2, 2, 6, 2])[0]
    left_out: list[str] = []
    if operation == "U" and random.random() < 0.5:
        share = random.choice([0.2, 0.8, 1.0])
        left_out = [c.name for c in made.others if random.random() < share]
    # A delete has the whole row or, more often, its key alone.
    is_bare = operation == "D" and random.random() < 0.7
    record = dict(key)
    for column in made.others:
        if not is_bare and column.name not in left_out and random.random() < 0.85:
            value = random.choice(pool(column))
            record[column.source_name] = column.type.in_json(value)
    at = EPOCH + timedelta(microseconds=random.randrange(2 * 10**15))
    record["_op"] = operation
    # Loads rank below changes.
    record["_seq"] = f"{0 if operation == 'L' else 1}{random.randrange(12):016x}"
    record["_event_time"] = random.choice([at, random.choice(MOMENTS)]).isoformat()
    if left_out:
        record["_unchanged"] = left_out
    return record


def changes(made: Made, random: Random, keys: int, count: int) -> list[Record]:
    """Return so many change records of at most so many keys, as they are delivered."""
    columns = [column for column in made.columns if column.name in made.key]
    chosen = [
        {c.source_name: c.type.in_json(key_value(c, random)) for c in columns}
        for _ in range(keys)
    ]
    return [change(made, random.choice(chosen), random) for _ in range(count)]


def deal(random: Random, records: Sequence[Record], count: int) -> list[list[Record]]:
    """Deal records out to so many files in any order, some of them to two."""
    files: list[list[Record]] = [[] for _ in range(count)]
    for record in records:
        for file in random.sample(files, 2 if random.random() < 0.2 else 1):
            file.append(record)
    for file in files:
        random.shuffle(file)
    return files


def new_lake(lake: Path, contracts: dict[str, str]) -> Path:
    """Set a lake up with contracts by table."""
    (lake / "contracts").mkdir(parents=True)
    (lake / "lake.yaml").write_text("name: made\n")
    for table, text in contracts.items():
        file = lake / f"contracts/{table}.odcs.yaml"
        file.write_text(text, encoding="utf-8")
    return lake


def deliver(lake: Path, table: str, name: str, records: Sequence[Record]) -> None:
    """Deliver a raw file and let Weir take it in."""
    lines = [json.dumps(record, ensure_ascii=False) + "\n" for record in records]
    lakes.put(lake, f"raw/{table}/{name}.json", "".join(lines).encode())
    weir.run("run", "--lake", lake).check()
