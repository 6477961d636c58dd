"""DuckDB builds the same tables: `peer.py LAKE MODELS.json OUT`.

Reads silver's Parquet files, runs each model's SQL and writes its rows as Parquet by
the same partitions. Prints its seconds, without the start of Python and its import.
"""

import json
import sys
import time
from pathlib import Path

import duckdb


def main() -> None:
    """Build every model in order, and say how long that took."""
    lake, models, out = map(Path, sys.argv[1:])
    connection = duckdb.connect()
    connection.execute("SET preserve_insertion_order = false")
    for layer in ["silver", "gold"]:
        connection.execute(f"CREATE SCHEMA {layer}")
    started = time.perf_counter()
    for table in ["beer", "brewery", "profile", "review"]:
        files = f"{lake}/silver/{table}/data/**/*.parquet"
        view = f"read_parquet('{files}', hive_partitioning = false)"
        connection.execute(f"CREATE VIEW silver.{table} AS SELECT * FROM {view}")
    for model in json.loads(models.read_text(encoding="utf-8")):
        folder = out / model["model"]
        folder.parent.mkdir(parents=True, exist_ok=True)
        options = "FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 1"
        by = ", ".join(model["partitions"])
        options += f", PARTITION_BY ({by}), WRITE_PARTITION_COLUMNS true"
        connection.execute(f"COPY ({model['sql']}) TO '{folder}' ({options})")
        files = f"read_parquet('{folder}/**/*.parquet', hive_partitioning = false)"
        name = model["model"]
        connection.execute(f"CREATE VIEW {name} AS SELECT * FROM {files}")
    print(json.dumps({"seconds": time.perf_counter() - started}))


if __name__ == "__main__":
    main()
