"""The stored table and the batches that every tool merges: the same rows, from a seed.

A table of 1,000,000 reviews, spread over 24 months, one partition each. A batch has
10,000 updates, 1,000 deletes and 5,000 inserts, spread over all months or over the last
three. The stored columns are those of Weir's kind `snapshot`.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
import pyarrow as pa

SEED = 1
MONTHS = 24
FIRST_YEAR = 2024
UPDATES, DELETES, INSERTS = 10_000, 1_000, 5_000

KEY = "review_id"
TIME = "review_time"
NOTES = ["overall", "aroma", "appearance", "palate", "taste"]
IDS = ["brewery_id", "beer_id", "profile_id"]

UTC_MICROS = pa.timestamp("us", tz="UTC")
CONTRACT = pa.schema(
    [
        pa.field(KEY, pa.int64(), nullable=False),
        *(pa.field(name, pa.int64()) for name in IDS),
        *(pa.field(f"review_{name}", pa.float64()) for name in NOTES),
        pa.field(TIME, pa.timestamp("us")),
    ]
)
STORED = pa.schema(
    [
        *CONTRACT,
        pa.field("created_at", UTC_MICROS, nullable=False),
        pa.field("updated_at", UTC_MICROS, nullable=False),
        pa.field("deleted_at", UTC_MICROS),
        pa.field("_op", pa.string(), nullable=False),
        pa.field("_seq", pa.string(), nullable=False),
        pa.field("_carried", pa.string()),
    ]
)
BRONZE = pa.schema(
    [
        *CONTRACT,
        pa.field("_op", pa.string(), nullable=False),
        pa.field("_seq", pa.string(), nullable=False),
        pa.field("_event_time", UTC_MICROS, nullable=False),
        pa.field("_control_id", pa.string(), nullable=False),
        pa.field("_row", pa.int64(), nullable=False),
        pa.field("_unchanged", pa.string()),
    ]
)


@dataclass(frozen=True)
class Batch:
    """Where a batch's changes fall."""

    name: str
    about: str
    months: range


BATCHES = [
    Batch("spread", f"spread over all {MONTHS} months", range(MONTHS)),
    Batch("recent", "in the last 3 months", range(MONTHS - 3, MONTHS)),
]


def micros(month: int) -> int:
    """Return when a month begins; months count from 0."""
    year, place = divmod(month, 12)
    begin = datetime(FIRST_YEAR + year, place + 1, 1, tzinfo=UTC)
    return int(begin.timestamp()) * 1_000_000


LOADED_AT = micros(MONTHS)
CHANGED_AT = LOADED_AT + 86_400_000_000


def load_sequence(rows: np.ndarray) -> pa.Array:
    """Return sequences as a plain file's rows have them."""
    head = f"0{LOADED_AT ^ (1 << 63):016x}.0123456789abcdef."
    return pa.array([f"{head}{row:012}" for row in rows.tolist()], pa.string())


def change_sequence(rows: np.ndarray) -> pa.Array:
    """Return sequences as DMS's changes have them."""
    head = f"1{CHANGED_AT ^ (1 << 63):016x}{7:016x}"
    return pa.array([f"{head}{row:016x}" for row in rows.tolist()], pa.string())


def values(keys: np.ndarray, months: np.ndarray, seed: int) -> list[pa.Array]:
    """Return the contract's columns of some keys."""
    random = np.random.default_rng(seed)
    count = len(keys)
    begins = np.array([micros(month) for month in range(MONTHS)])
    # 28 days: a month has no fewer.
    times = begins[months] + random.integers(0, 28 * 86_400, count) * 1_000_000
    limits = {"brewery_id": 5_000, "beer_id": 66_000, "profile_id": 33_000}
    columns = [pa.array(keys)]
    columns += [pa.array(random.integers(1, limits[name], count)) for name in IDS]
    columns += [pa.array(random.integers(2, 11, count) / 2) for _ in NOTES]
    columns.append(pa.array(times).cast(pa.timestamp("us")))
    return columns


def months_of(keys: np.ndarray, rows: int) -> np.ndarray:
    """Return the month of each stored key: keys grow with time, as a source's do."""
    return keys * MONTHS // rows


def stored(rows: int) -> Iterator[pa.Table]:
    """Return the stored rows, month by month."""
    for month in range(MONTHS):
        keys = np.arange(-(-month * rows // MONTHS), -(-(month + 1) * rows // MONTHS))
        count = len(keys)
        at = pa.array(np.full(count, LOADED_AT)).cast(UTC_MICROS)
        added = [at, at, pa.nulls(count, UTC_MICROS), pa.array(["L"] * count)]
        added += [load_sequence(keys), pa.nulls(count, pa.string())]
        columns = values(keys, months_of(keys, rows), SEED + month)
        yield pa.Table.from_arrays([*columns, *added], schema=STORED)


def raw(changes: pa.Table) -> str:
    """Return change records as a raw file for Weir: JSON, one a line."""
    kept = changes.drop_columns(["_control_id", "_row", "_unchanged"])
    lines = []
    for record in kept.to_pylist():
        # The contract of the beer example has seconds since 1970.
        record[TIME] = int(record[TIME].replace(tzinfo=UTC).timestamp())
        record["_event_time"] = record["_event_time"].isoformat()
        lines.append(json.dumps(record) + "\n")
    return "".join(lines)


def bronze(batch: Batch, rows: int) -> pa.Table:
    """Return a batch's change records, in no order of their keys.

    A changed review keeps its time: a partition of another month is another question.
    """
    random = np.random.default_rng(SEED + 1000 + len(batch.months))
    share = rows / 1_000_000
    updates, deletes, inserts = (
        max(1, int(count * share)) for count in (UPDATES, DELETES, INSERTS)
    )
    first = -(-batch.months.start * rows // MONTHS)
    known = first + random.choice(rows - first, updates + deletes, replace=False)
    new = np.arange(rows, rows + inserts)
    keys = np.concatenate([known, new])
    new_months = random.choice(np.array(batch.months), inserts)
    months = np.concatenate([months_of(known, rows), new_months])
    operations = np.array(["U"] * updates + ["D"] * deletes + ["I"] * inserts)
    order = random.permutation(len(keys))
    keys, months, operations = keys[order], months[order], operations[order]
    count = len(keys)
    places = np.arange(count)
    columns = values(keys, months, SEED + 2000)
    added = [pa.array(operations), change_sequence(places)]
    added.append(pa.array(np.full(count, CHANGED_AT)).cast(UTC_MICROS))
    added += [pa.array(["0" * 32] * count), pa.array(places)]
    added.append(pa.nulls(count, pa.string()))
    return pa.Table.from_arrays([*columns, *added], schema=BRONZE)
