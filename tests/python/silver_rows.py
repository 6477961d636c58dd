"""Reads bronze and silver into the plain rows that `silver_model` works with."""

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

import silver_model

PARSED = ["_carried", "_repeats"]


def exact(table: pa.Table) -> pa.Table:
    """Return times as numbers: Python's lose the years before 1 and after 9999."""
    for at, field in enumerate(table.schema):
        column = table.column(at)
        if pa.types.is_timestamp(field.type):
            # Some readers keep nanoseconds; silver has microseconds.
            micros = column.cast(pa.timestamp("us", field.type.tz))
            column = micros.cast(pa.int64())
        elif pa.types.is_date(field.type):
            column = column.cast(pa.date32()).cast(pa.int32())
        elif pa.types.is_dictionary(field.type):
            column = pc.cast(column, field.type.value_type)
        table = table.set_column(at, field.name, column)
    return table


def rows(table: pa.Table) -> list[silver_model.Row]:
    """Return a silver table's rows."""
    found = exact(table).to_pylist()
    for row in found:
        for name in PARSED:
            if row.get(name) is not None:
                row[name] = json.loads(row[name])
    return found


def records(files: list[Path]) -> list[silver_model.Record]:
    """Return the change records of bronze files."""
    found: list[silver_model.Record] = []
    for file in files:
        found += exact(pq.read_table(file, partitioning=None)).to_pylist()
    return found


def bronze_files(lake: Path, table: str, major: int = 1) -> list[Path]:
    """Return the bronze objects of a table."""
    return sorted((lake / "bronze" / table / f"v{major}").rglob("*.parquet"))


def bronze(lake: Path, table: str) -> list[silver_model.Record]:
    """Return every change record that a lake has of a table."""
    return records(bronze_files(lake, table))
