"""Reads a lake from outside: its raw files by Python's csv, its bronze by PyArrow."""

import csv
import gzip
import hashlib
import io
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

import weir

ADDED = ["_op", "_seq", "_event_time", "_control_id", "_row", "_unchanged"]


def all_records(lake: Path) -> list[dict[str, Any]]:
    """Return every control record: one for each version of each raw file."""
    overview = _status(lake)
    statuses = sorted({table["status"] for table in overview["tables"]})
    listed = [
        record
        for status in statuses
        for record in _status(lake, "--status", status)["files"]
    ]
    assert len(listed) == sum(table["files"] for table in overview["tables"])
    return listed


def _status(lake: Path, *arguments: str) -> dict[str, Any]:
    call = ["status", "--lake", str(lake), "--limit", "1000", *arguments]
    return weir.run(*call, "--output", "json").check().json()


def records(lake: Path) -> dict[str, dict[str, Any]]:
    """Return the control record of each raw file by its key, where each has but one."""
    by_key = {record["key"]: record for record in all_records(lake)}
    assert len(by_key) == len(all_records(lake))
    return by_key


def files(lake: Path, *folders: str) -> dict[str, tuple[str, int]]:
    """Return the digest and the time of every file in some folders of the lake."""
    found = (path for folder in folders for path in (lake / folder).rglob("*"))
    return {
        str(path.relative_to(lake)): (
            hashlib.sha256(path.read_bytes()).hexdigest(),
            path.stat().st_mtime_ns,
        )
        for path in found
        if path.is_file()
    }


def put(lake: Path, key: str, data: bytes) -> None:
    """Deliver a raw file."""
    path = lake / key
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


def raw_text(lake: Path, table: str) -> str:
    """Return the text of a table's one generated CSV file."""
    packed = (lake / "raw" / table / f"{table}-00000.csv.gz").read_bytes()
    return gzip.decompress(packed).decode()


def raw_rows(lake: Path, table: str) -> list[dict[str, str]]:
    """Return the rows of a table's one generated CSV file, as Python reads them."""
    return list(csv.DictReader(io.StringIO(raw_text(lake, table), newline="")))


def bronze(lake: Path, record: dict[str, Any]) -> pa.Table:
    """Read the bronze object of a raw file."""
    return pq.read_table(lake / record["outcome"]["bronze_key"], partitioning=None)


def parse(text: str, kind: pa.DataType) -> Any:
    """Read a value as its type, by nothing but Python.

    Python's csv does not tell an empty text from none; both are None here.
    """
    if text == "":
        return None
    if pa.types.is_integer(kind):
        return int(text)
    if pa.types.is_floating(kind):
        return float(text)
    if pa.types.is_decimal(kind):
        return Decimal(text)
    if pa.types.is_boolean(kind):
        return {"true": True, "false": False}[text]
    if pa.types.is_date(kind):
        return date.fromisoformat(text)
    if pa.types.is_timestamp(kind):
        if text.isdigit():
            return datetime.fromtimestamp(int(text), UTC).replace(tzinfo=None)
        return datetime.fromisoformat(text)
    assert pa.types.is_string(kind), kind
    return text
