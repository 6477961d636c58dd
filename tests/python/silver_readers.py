"""Readers of Iceberg tables that others wrote, each by the lake's own catalog file."""

import os
import sqlite3
import subprocess
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from pyiceberg.catalog.sql import SqlCatalog
from pyiceberg.table import Table

import weir

NAMESPACE = "silver"
# DuckDB's extensions for Iceberg exist for an older DuckDB than the other tests use.
DUCKDB_PYTHON = Path(
    os.environ.get(
        "WEIR_TEST_DUCKDB_PYTHON", weir.REPOSITORY / ".venv-test-iceberg/bin/python"
    )
)


def catalog(lake: Path) -> SqlCatalog:
    """Open a lake's catalog as the manual says."""
    return SqlCatalog(
        "weir", uri=f"sqlite:///{lake}/catalog.sqlite", warehouse=f"file://{lake}"
    )


def table(lake: Path, name: str) -> Table:
    """Open a silver table by PyIceberg."""
    return catalog(lake).load_table(f"{NAMESPACE}.{name}")


def by_pyiceberg(lake: Path, name: str) -> pa.Table:
    """Read a silver table by PyIceberg."""
    return table(lake, name).scan().to_arrow()


def by_spark(spark: Any, name: str) -> pa.Table:
    """Read a silver table by Spark."""
    return spark.sql(f"SELECT * FROM weir.{NAMESPACE}.`{name}`").toArrow()


def by_duckdb(
    lake: Path, name: str, scratch: Path, namespace: str = NAMESPACE
) -> pa.Table:
    """Read a table by DuckDB, in a process with its own version of it."""
    assert DUCKDB_PYTHON.is_file(), f"{DUCKDB_PYTHON} is missing; `make test` makes it"
    script = Path(__file__).with_name("duckdb_iceberg.py")
    target = scratch / f"{name}.parquet"
    subprocess.run(
        [DUCKDB_PYTHON, script, metadata_file(lake, name, namespace), target],
        check=True,
        timeout=120,
    )
    return pq.read_table(target)


def metadata_file(lake: Path, name: str, namespace: str = NAMESPACE) -> str:
    """Return where the catalog says that a table's metadata is."""
    with sqlite3.connect(lake / "catalog.sqlite") as connection:
        (location,) = connection.execute(
            "SELECT metadata_location FROM iceberg_tables WHERE catalog_name = 'weir' "
            "AND table_namespace = ? AND table_name = ?",
            [namespace, name],
        ).fetchone()
    return location


def snapshots(lake: Path, name: str) -> list[int]:
    """Return the ids of a table's snapshots, oldest first."""
    # Metadata lists them in any order.
    found = sorted(table(lake, name).snapshots(), key=lambda s: s.sequence_number or 0)
    return [snapshot.snapshot_id for snapshot in found]
