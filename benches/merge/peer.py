"""Merges one batch with one peer in a process of its own.

`peer.py PEER LAKE BATCH.parquet` prints as JSON what the merge itself took: the start
of Python, of the JVM and of Spark's session, the import, and a merge into a small table
that warms Spark up are left out, which is in the peer's favour. `peer.py prepare LAKE
ROWS MODE` writes the stored table by PyIceberg; MODE is how Spark writes to it,
`merge-on-read` or `copy-on-write`. `peer.py read LAKE OUT.parquet` reads what is left.
"""

import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from pyiceberg.catalog.sql import SqlCatalog
from pyiceberg.table import Table
from pyiceberg.transforms import MonthTransform

import batches

REPOSITORY = Path(__file__).resolve().parents[2]
JARS = Path(os.environ.get("WEIR_TEST_JARS", REPOSITORY / ".jars"))
TABLE = "silver.review"

# A merge that is ready to run.
Merge = Callable[[], None]


def catalog(lake: Path) -> SqlCatalog:
    """Open a lake's catalog."""
    uri = f"sqlite:///{lake}/catalog.sqlite"
    return SqlCatalog("weir", uri=uri, warehouse=f"file://{lake}")


def prepare(lake: Path, rows: int, mode: str) -> None:
    """Write the stored table, one append a month."""
    lake.mkdir(parents=True)
    opened = catalog(lake)
    opened.create_namespace("silver")
    properties = {f"write.{what}.mode": mode for what in ("delete", "update", "merge")}
    properties["write.parquet.compression-codec"] = "zstd"
    properties["format-version"] = "2"
    properties["weir.silver.kind"] = "snapshot"
    table = opened.create_table(TABLE, schema=batches.STORED, properties=properties)
    with table.update_spec() as update:
        update.add_field(batches.TIME, MonthTransform(), f"{batches.TIME}_month")
    for month in batches.stored(rows):
        table.append(month)


def rows_of(batch: pa.Table) -> pa.Table:
    """Return a batch as rows of the stored table, each key once.

    PyIceberg's upsert has neither a fold nor a rule of order: it is given rows that are
    right for a key whose one change is this one. `created_at` is the change's, where
    Weir keeps the older of both; a deleted row keeps what its record carries.
    """
    is_delete = pc.equal(batch["_op"], "D")
    at = batch["_event_time"]
    added = [at, at, pc.if_else(is_delete, at, pa.scalar(None, batches.UTC_MICROS))]
    added += [batch["_op"], batch["_seq"], pa.nulls(len(batch), pa.string())]
    columns = [batch[name] for name in batches.CONTRACT.names]
    return pa.Table.from_arrays([*columns, *added], schema=batches.STORED)


def pyiceberg(lake: Path, batch: Path) -> Merge:
    """Return a merge by PyIceberg's `upsert`."""
    table: Table = catalog(lake).load_table(TABLE)

    def merge() -> None:
        rows = rows_of(pq.read_table(batch))
        table.upsert(rows, join_cols=[batches.KEY])

    return merge


def spark(lake: Path, batch: Path) -> Merge:
    """Return a merge by Spark, with the statements that `weir sql merge` prints."""
    told = json.loads((lake / "merge.json").read_text(encoding="utf-8"))
    statements = told["statements"]
    session = start_spark(lake)
    view = session.read.parquet(str(batch))
    view.createOrReplaceTempView("weir_bronze")
    warm_up(session, statements[-1])

    def merge() -> None:
        # The last statement: the view is the batch's, and the table is there.
        session.sql(statements[-1])

    return merge


def warm_up(session: Any, statement: str) -> None:
    """Merge the batch into a small table first: Spark compiles as it goes."""
    own, small = "`weir`.`silver`.`review`", "`weir`.`silver`.`warm_up`"
    session.sql(
        f"CREATE TABLE {small} USING iceberg PARTITIONED BY (months({batches.TIME})) "
        f"AS SELECT * FROM {own} LIMIT 10000"
    )
    session.sql(statement.replace(own, small))


def start_spark(lake: Path) -> Any:
    """Start Spark with a lake's catalog."""
    from pyspark.sql import SparkSession

    settings = {
        "spark.jars": ",".join(map(str, sorted(JARS.glob("*.jar")))),
        "spark.sql.extensions": (
            "org.apache.iceberg.spark.extensions.IcebergSparkSessionExtensions"
        ),
        "spark.sql.session.timeZone": "UTC",
        "spark.sql.shuffle.partitions": 2,
        "spark.driver.memory": "4g",
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.log.level": "ERROR",
        "spark.sql.catalog.weir": "org.apache.iceberg.spark.SparkCatalog",
        "spark.sql.catalog.weir.catalog-impl": "org.apache.iceberg.jdbc.JdbcCatalog",
        "spark.sql.catalog.weir.uri": f"jdbc:sqlite:{lake / 'catalog.sqlite'}",
        "spark.sql.catalog.weir.warehouse": f"file://{lake}",
    }
    builder = SparkSession.builder.master("local[*]").appName("weir-bench")
    for key, value in settings.items():
        builder = builder.config(key, str(value))
    return builder.getOrCreate()


def peak_memory(name: str) -> int:
    """Return the most memory that the merging process held, in bytes.

    For Spark that is the JVM, which is a child of this process.
    """
    processes = [Path("/proc/self")]
    if name == "spark":
        processes = children_of("java")
    return sum(high_water(process) for process in processes)


def children_of(command: str) -> list[Path]:
    """Return this process's children that run a command."""
    own = Path("/proc/self/stat").read_text().split()[0]
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            told = (process / "stat").read_text()
        except OSError:
            continue
        # The name stands in brackets and may have spaces.
        name, rest = told.split("(", 1)[1].rsplit(")", 1)
        if name == command and rest.split()[1] == own:
            found.append(process)
    return found


def high_water(process: Path) -> int:
    """Return the most memory that a process held, in bytes."""
    status = (process / "status").read_text().splitlines()
    line = next(line for line in status if line.startswith("VmHWM:"))
    return int(line.split()[1]) * 1024


PEERS: dict[str, Callable[[Path, Path], Merge]] = {
    "pyiceberg": pyiceberg,
    "spark": spark,
}


def main() -> None:
    """Prepare or read a table, or merge and report."""
    peer, lake, what = sys.argv[1], Path(sys.argv[2]).resolve(), sys.argv[3]
    if peer == "prepare":
        prepare(lake, int(what), sys.argv[4])
        return
    if peer == "read":
        rows = catalog(lake).load_table(TABLE).scan().to_arrow()
        pq.write_table(rows.sort_by(batches.KEY), what)
        return
    merge = PEERS[peer](lake, Path(what).resolve())
    before = peak_memory(peer)
    start = time.perf_counter()
    merge()
    seconds = time.perf_counter() - start
    told = {"seconds": seconds, "peak_memory": peak_memory(peer)}
    print(json.dumps(told | {"memory_before": before}))


if __name__ == "__main__":
    main()
