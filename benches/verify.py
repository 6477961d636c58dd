"""Tells whether Parquet files hold the same rows: `verify.py FILE FILE…`.

DuckDB reads them all, so the comparison does not lean on the program that is measured.
Rows are compared as a multiset, types included; which order a writer gives them is its
own affair.
"""

import sys
from itertools import pairwise

import duckdb


def digest(file: str) -> tuple[list[tuple[str, str]], int, int]:
    """Return the columns of a file, its number of rows and a sum over their hashes."""
    connection = duckdb.connect()
    columns = connection.execute("DESCRIBE SELECT * FROM read_parquet(?)", [file])
    schema = [(name, kind) for name, kind, *_ in columns.fetchall()]
    rows, total = connection.execute(
        "SELECT count(*), coalesce(sum(hash(row)), 0) FROM read_parquet(?) AS row",
        [file],
    ).fetchall()[0]
    return schema, rows, total


def main() -> None:
    """Compare each file with the next."""
    digests = [(file, digest(file)) for file in sys.argv[1:]]
    for (one, first), (other, second) in pairwise(digests):
        for what, a, b in zip(
            ("columns", "rows", "values"), first, second, strict=True
        ):
            if a != b:
                sys.exit(f"{one} and {other} differ in their {what}: {a} and {b}")


if __name__ == "__main__":
    main()
