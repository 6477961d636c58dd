"""What silver has to hold: a plain fold over change records, read against the rules.

A record is a dict: the contract's columns, `_op`, `_seq`, `_event_time`, `_unchanged`.
Times are numbers of microseconds and dates numbers of days, as `silver_rows` reads
them. Rows come out as dicts with the silver table's columns, JSON parsed.
"""

import json
import math
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from itertools import pairwise
from typing import Any

Record = dict[str, Any]
Row = dict[str, Any]

# Of records with one sequence the later of these gives the operation.
OPERATIONS = "LIUD"
NEVER = ""


@dataclass(frozen=True)
class Table:
    """The columns of a contract: the primary key in its order, and the others."""

    key: list[str]
    others: list[str]


def order(value: Any) -> tuple[Any, ...]:
    """Return what orders the values of one column, so that equal means the same."""
    if value is None:
        return (0,)
    if isinstance(value, float):
        if math.isnan(value):
            return (2,)
        return (1, value, math.copysign(1, value))
    if isinstance(value, Decimal):
        # 1.0 and 1.00 are one number.
        return (1, value)
    return (1, value)


def unchanged(record: Record) -> set[str]:
    """Return the columns whose values the record does not have."""
    return set(json.loads(record["_unchanged"] or "[]"))


def by_key(table: Table, records: Iterable[Record]) -> list[list[Record]]:
    """Return the records of each key, by their sequence."""
    found: dict[tuple[Any, ...], list[Record]] = defaultdict(list)
    for record in records:
        found[tuple(order(record[name]) for name in table.key)].append(record)
    return [sorted(each, key=lambda r: r["_seq"]) for each in found.values()]


def last(records: list[Record]) -> Record:
    """Return the record that gives sequence, operation and time."""
    return max(
        records,
        key=lambda r: (r["_seq"], OPERATIONS.index(r["_op"]), r["_event_time"]),
    )


def register(records: list[Record], column: str) -> tuple[str, Any]:
    """Return the sequence that set a column, and its value."""
    setting = [
        record
        for record in records
        if record["_op"] != "D" and column not in unchanged(record)
    ]
    if not setting:
        return NEVER, None
    most = max(setting, key=lambda r: (r["_seq"], order(r[column])))
    return most["_seq"], most[column]


def carried(sequences: dict[str, str], sequence: str) -> dict[str, str] | None:
    """Return which columns another sequence than the row's set."""
    if all(each == sequence for each in sequences.values()):
        return None
    if len(set(sequences.values())) == 1:
        return {"*": next(iter(sequences.values()))}
    return {name: each for name, each in sequences.items() if each != sequence}


def state(table: Table, records: list[Record]) -> Row:
    """Return what the records of one key say together, without its times."""
    newest = last(records)
    registers = {name: register(records, name) for name in table.others}
    return {
        **{name: records[0][name] for name in table.key},
        **{name: value for name, (_, value) in registers.items()},
        "_op": newest["_op"],
        "_seq": newest["_seq"],
        "_carried": carried(
            {name: each for name, (each, _) in registers.items()}, newest["_seq"]
        ),
    }


def deleted_at(newest: Record) -> int | None:
    """Return when a row was deleted, if its last record says so."""
    return newest["_event_time"] if newest["_op"] == "D" else None


def snapshot(table: Table, records: Iterable[Record]) -> list[Row]:
    """Return one row for each key: what is now."""
    rows = []
    for each in by_key(table, records):
        newest = last(each)
        rows.append(
            state(table, each)
            | {
                "created_at": min(record["_event_time"] for record in each),
                "updated_at": newest["_event_time"],
                "deleted_at": deleted_at(newest),
            }
        )
    return rows


def history(table: Table, records: Iterable[Record]) -> list[Row]:
    """Return one row for each sequence of each key: what was from when to when."""
    rows = []
    for each in by_key(table, records):
        versions = []
        for sequence in sorted({record["_seq"] for record in each}):
            so_far = [record for record in each if record["_seq"] <= sequence]
            newest = last(so_far)
            versions.append(
                state(table, so_far)
                | {
                    "valid_from": newest["_event_time"],
                    "valid_to": None,
                    "deleted_at": deleted_at(newest),
                }
            )
        for version, after in pairwise(versions):
            version["valid_to"] = after["valid_from"]
        rows += versions
    return rows


def state_of(record: Record, column: str) -> tuple[Any, ...]:
    """Return what a record says about a column, ordered: a value, or deleted."""
    if record["_op"] == "D":
        return (1,)
    return (0, order(record[column]))


def observations(records: list[Record], column: str) -> list[Record]:
    """Return one record for each sequence at which the state of a column is known."""

    def rank(record: Record) -> tuple[Any, ...]:
        operation = OPERATIONS.index(record["_op"])
        return state_of(record, column), operation, record["_event_time"]

    found: dict[str, Record] = {}
    for record in records:
        if record["_op"] != "D" and column in unchanged(record):
            continue
        known = found.setdefault(record["_seq"], record)
        found[record["_seq"]] = max(known, record, key=rank)
    return [found[sequence] for sequence in sorted(found)]


def state_changes(table: Table, column: str, records: Iterable[Record]) -> list[Row]:
    """Return one row for each change of a column along the sequence of each key."""
    rows: list[Row] = []
    for each in by_key(table, records):
        before: Record | None = None
        for record in observations(each, column):
            if before is not None and state_of(before, column) == state_of(
                record, column
            ):
                again = [record["_seq"], record["_event_time"], record["_op"]]
                rows[-1]["_repeats"] = [*(rows[-1]["_repeats"] or []), again]
                continue
            was = None if before is None or before["_op"] == "D" else before[column]
            rows.append(
                {
                    **{name: record[name] for name in table.key},
                    f"previous_{column}": was,
                    column: None if record["_op"] == "D" else record[column],
                    "changed_at": record["_event_time"],
                    "_op": record["_op"],
                    "_seq": record["_seq"],
                    "_repeats": None,
                }
            )
            before = record
    return rows


def comparable(rows: Iterable[Row]) -> list[tuple[tuple[str, Any], ...]]:
    """Return rows so that equal means the same, in an order that says nothing."""

    def cell(value: Any) -> Any:
        if isinstance(value, dict | list):
            return json.dumps(value, sort_keys=True)
        return order(value)

    whole = [
        tuple((name, cell(value)) for name, value in sorted(row.items()))
        for row in rows
    ]
    return sorted(whole, key=repr)


def assert_same(found: Iterable[Row], wanted: Iterable[Row]) -> None:
    """Insist that two tables hold the same rows, and show the first few that differ."""
    ours, theirs = comparable(found), comparable(wanted)
    if ours == theirs:
        return
    extra = [dict(row) for row in ours if row not in set(theirs)][:3]
    missing = [dict(row) for row in theirs if row not in set(ours)][:3]
    raise AssertionError(
        f"{len(ours)} rows instead of {len(theirs)}\n"
        f"only found:  {extra}\nonly wanted: {missing}"
    )
