"""Converts one file with one peer in a process of its own: `peer.py PEER INPUT IN OUT`.

Prints what the conversion itself took, without the start of Python and the import of
the peer. The peers are used as their manuals say: streaming, with the types given, the
Parquet packed as Weir packs it (Zstandard, level 1).
"""

import json
import sys
import time
from collections.abc import Callable

from inputs import INPUTS, Input

Conversion = Callable[[Input, str, str], None]


def peak_memory() -> int:
    """Return the most memory that this process held so far, in bytes."""
    with open("/proc/self/status") as status:
        line = next(line for line in status if line.startswith("VmHWM:"))
    return int(line.split()[1]) * 1024


def duckdb() -> Conversion:
    """Return a conversion by DuckDB's COPY."""
    import duckdb

    types = {
        "int64": "BIGINT",
        "float64": "DOUBLE",
        "string": "VARCHAR",
        "timestamp": "TIMESTAMP",
        "epoch seconds": "BIGINT",
    }

    def reader(chosen: Input, source: str) -> str:
        columns = ", ".join(f"'{n}': '{types[t]}'" for n, t in chosen.columns.items())
        if chosen.format == "json":
            return (
                f"read_json('{source}', format = 'newline_delimited', "
                f"compression = 'gzip', columns = {{{columns}}})"
            )
        # Quotes tell an empty text from a null here as they do in Weir.
        return (
            f"read_csv('{source}', columns = {{{columns}}}, auto_detect = false, "
            "header = true, delim = ',', quote = '\"', escape = '\"', "
            "nullstr = '', allow_quoted_nulls = false, compression = 'gzip')"
        )

    def convert(chosen: Input, source: str, target: str) -> None:
        select = ", ".join(
            f"make_timestamp({name} * 1000000) AS {name}"
            if kind == "epoch seconds"
            else name
            for name, kind in chosen.columns.items()
        )
        duckdb.connect().execute(
            f"COPY (SELECT {select} FROM {reader(chosen, source)}) TO '{target}' "
            "(FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 1)"
        )

    return convert


def polars() -> Conversion:
    """Return a conversion by Polars' streaming engine."""
    import polars as pl

    types = {
        "int64": pl.Int64,
        "float64": pl.Float64,
        "string": pl.String,
        "timestamp": pl.Datetime("us"),
        "epoch seconds": pl.Int64,
    }

    def scan(chosen: Input, source: str) -> pl.LazyFrame:
        schema = {name: types[kind] for name, kind in chosen.columns.items()}
        if chosen.format == "json":
            return pl.scan_ndjson(source, schema=schema)
        return pl.scan_csv(source, schema=schema)

    def convert(chosen: Input, source: str, target: str) -> None:
        times = [
            pl.from_epoch(name, time_unit="s").cast(pl.Datetime("us"))
            for name, kind in chosen.columns.items()
            if kind == "epoch seconds"
        ]
        rows = scan(chosen, source).with_columns(times)
        rows.sink_parquet(
            target, compression="zstd", compression_level=1, engine="streaming"
        )

    return convert


PEERS = {"duckdb": duckdb, "polars": polars}


def main() -> None:
    """Convert and report."""
    peer, name, source, target = sys.argv[1:]
    chosen = next(each for each in INPUTS if each.name == name)
    convert = PEERS[peer]()
    memory = peak_memory()
    cpu, start = time.process_time(), time.perf_counter()
    convert(chosen, source, target)
    seconds, cpu = time.perf_counter() - start, time.process_time() - cpu
    print(json.dumps({"seconds": seconds, "cpu": cpu, "memory_before": memory}))


if __name__ == "__main__":
    main()
