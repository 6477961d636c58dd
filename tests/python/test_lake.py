"""A lake from end to end: what is delivered is in bronze, all of it, once."""

import gzip
import json
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import weir
from lake import (
    ADDED,
    all_records,
    bronze,
    files,
    parse,
    put,
    raw_rows,
    records,
)

ROWS = 5000
TABLES = ["beer", "brewery", "profile", "review"]


@pytest.fixture(scope="module")
def beer(new_lake: Callable[[str], Path]) -> Path:
    """Return a lake whose generated files were ingested."""
    lake = new_lake("beer")
    weir.run("generate", "--lake", lake, "--rows", ROWS, "--seed", 11).check()
    weir.run("run", "--lake", lake).check()
    return lake


def only_record(lake: Path, table: str) -> dict[str, Any]:
    """Return the record of a table's one generated file."""
    return records(lake)[f"raw/{table}/{table}-00000.csv.gz"]


@pytest.mark.parametrize("table", TABLES)
def test_bronze_has_every_row_that_python_reads(beer: Path, table: str) -> None:
    """All rows, all columns, in the order of the file."""
    record = only_record(beer, table)
    stored, rows = bronze(beer, record), raw_rows(beer, table)
    outcome = record["outcome"]
    assert record["status"] == "SUCCEEDED"
    assert outcome["rows_in"] == outcome["rows_written"] == stored.num_rows == len(rows)
    assert stored.column_names == [*rows[0], *ADDED]
    for column in rows[0]:
        kind = stored.schema.field(column).type
        expected = [parse(row[column], kind) for row in rows]
        values = stored.column(column).to_pylist()
        assert [None if value == "" else value for value in values] == expected, column


@pytest.mark.parametrize("table", TABLES)
def test_bronze_says_where_each_row_comes_from(beer: Path, table: str) -> None:
    """File, row and order; without these a later merge could not converge."""
    record = only_record(beer, table)
    stored = bronze(beer, record)
    rows = stored.num_rows
    assert stored["_op"].to_pylist() == ["L"] * rows
    assert stored["_row"].to_pylist() == list(range(rows))
    assert stored["_control_id"].to_pylist() == [record["id"]] * rows
    sequences = stored["_seq"].to_pylist()
    assert sequences == sorted(set(sequences))
    year, month, day = record["object_time"][:10].split("-")
    assert record["outcome"]["bronze_key"] == (
        f"bronze/{table}/v1/year={year}/month={month}/day={day}/{record['id']}.parquet"
    )


# What DuckDB calls the types of the contracts.
IN_DUCKDB = {
    "beer": "BIGINT BIGINT VARCHAR VARCHAR DECIMAL(4,2) DATE VARCHAR",
    "brewery": "BIGINT VARCHAR VARCHAR VARCHAR VARCHAR DATE BOOLEAN",
    "profile": "BIGINT VARCHAR TIMESTAMP VARCHAR VARCHAR",
    "review": "BIGINT BIGINT BIGINT BIGINT " + "DOUBLE " * 5 + "TIMESTAMP",
}


@pytest.mark.parametrize("table", TABLES)
def test_duckdb_reads_the_same_from_bronze_as_from_raw(beer: Path, table: str) -> None:
    """Another engine reads both ends: types, and nulls apart from empty texts."""
    parquet = str(beer / only_record(beer, table)["outcome"]["bronze_key"])
    raw = str(beer / f"raw/{table}/{table}-00000.csv.gz")
    connection = duckdb.connect()
    described = connection.execute(
        "DESCRIBE SELECT * FROM read_parquet(?, hive_partitioning = false)", [parquet]
    )
    types = {name: kind for name, kind, *_ in described.fetchall()}
    kinds = IN_DUCKDB[table].split()
    assert list(types.values())[: len(kinds)] == kinds
    assert types["_event_time"] == "TIMESTAMP WITH TIME ZONE"

    columns = {name: types[name] for name in types if name not in ADDED}
    if table == "review":
        columns["review_time"] = "BIGINT"
    select = ", ".join(
        f"make_timestamp({name} * 1000000)" if name == "review_time" else name
        for name in columns
    )
    source = (
        f"SELECT {select} FROM read_csv($raw, columns = {columns}, "
        "auto_detect = false, header = true, delim = ',', quote = '\"', "
        "escape = '\"', nullstr = '', allow_quoted_nulls = false)"
    )
    target = f"SELECT {', '.join(columns)} FROM read_parquet($parquet)"
    for one, other in ((source, target), (target, source)):
        missing = connection.execute(
            f"SELECT count(*) FROM ({one} EXCEPT ALL {other})",
            {"raw": raw, "parquet": parquet},
        ).fetchall()
        assert missing == [(0,)]


def test_a_second_run_changes_nothing(beer: Path) -> None:
    """Neither bytes nor times of any file, nor what is told of it."""
    before, told = files(beer, "raw", "bronze"), records(beer)
    again = weir.run("run", "--lake", beer, "--output", "json").check().json()
    assert again["run"]["registered"] == 0
    assert again["run"]["known"] == len(TABLES)
    assert again["run"]["files"] == []
    assert files(beer, "raw", "bronze") == before
    assert records(beer) == told


def test_a_file_delivered_again_with_other_content_is_another_object(
    new_lake: Callable[[str], Path],
) -> None:
    """The same key, another version: what came first stays in bronze."""
    lake = new_lake("beer")
    key = "raw/brewery/daily.csv"
    header = "brewery_id,name,city,state,country,founded,is_open\n"
    for brewery in ("1,Old,A,CA,US,,true\n", "1,Newer,B,CA,US,,true\n"):
        put(lake, key, (header + brewery).encode())
        weir.run("run", "--lake", lake).check()
    stored = [
        pq.read_table(path, partitioning=None)
        for path in (lake / "bronze").rglob("*.parquet")
    ]
    assert sorted(pa.concat_tables(stored)["name"].to_pylist()) == ["Newer", "Old"]


@pytest.mark.parametrize("delay", [0.02, 0.1, 0.3])
def test_a_killed_run_is_made_good_by_the_next(
    new_lake: Callable[[str], Path], delay: float
) -> None:
    """Whatever it was at: one bronze object for each file, whole, and nothing else."""
    lake = new_lake("beer")
    settings = lake / "lake.yaml"
    settings.write_text(settings.read_text() + "ingest: {leaseSeconds: 1}\n")
    weir.run("generate", "--lake", lake, "--rows", 200_000, "--seed", 3).check()

    killed = subprocess.Popen(
        [weir.BINARY, "run", "--lake", lake],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    time.sleep(delay)
    killed.send_signal(signal.SIGKILL)
    killed.wait()
    # Until its lease runs out, a killed worker looks like a slow one.
    time.sleep(1.2)
    weir.run("run", "--lake", lake).check()

    done = records(lake)
    assert {record["status"] for record in done.values()} == {"SUCCEEDED"}
    assert set(files(lake, "bronze")) == {
        record["outcome"]["bronze_key"] for record in done.values()
    }
    for record in done.values():
        outcome = record["outcome"]
        assert bronze(lake, record).num_rows == outcome["rows_in"]
    assert len(raw_rows(lake, "review")) == 200_000


HEADER = "beer_id,brewery_id,name,style,abv,released,description"


def beers(count: int, *extra: str) -> bytes:
    """Return a CSV file of so many good beers and some lines more, gzip."""
    good = (f"{n},1,Beer {n},Porter,{n % 10}.5,2001-02-03,text" for n in range(count))
    return gzip.compress("\n".join([HEADER, *good, *extra, ""]).encode(), mtime=0)


# One bad row of each kind; where a contract says nothing, 100 are allowed and 1 in 100 beyond.
BAD_LINES = {
    "not_of_type": "x,1,Bad,Porter,5.0,2001-02-03,text",
    "too_many_decimals": "1,1,Bad,Porter,5.001,2001-02-03,text",
    "out_of_range": "1,1,Bad,Porter,5.0,2001-02-30,text",
    "no_value": "1,1,,Porter,5.0,2001-02-03,text",
    "field_count": "1,1,Bad,Porter,5.0,2001-02-03",
    "text_after_quote": '1,1,"Bad"ly,Porter,5.0,2001-02-03,text',
}
NESTED = ["raw/beer/2026/01/daily.csv.gz", "raw/beer/2026/02/daily.csv.gz"]
ODD_NAMES = [
    "raw/beer/with space/a+b.csv.gz",
    "raw/beer/percent%20/a%2Bb.csv.gz",
    "raw/beer/ünï/🍺 (1).csv.gz",
    "raw/beer/no-extension",
    "raw/beer/wrong-extension.parquet",
]


@pytest.fixture(scope="module")
def mixed(new_lake: Callable[[str], Path]) -> tuple[Path, dict[str, Any]]:
    """Return a lake to which good and bad files came at once, and their records."""
    lake = new_lake("beer")
    whole = beers(1000)
    put(lake, "raw/beer/good.csv.gz", whole)
    put(lake, "raw/beer/cut.csv.gz", whole[: len(whole) // 2])
    flipped = bytearray(whole)
    flipped[len(flipped) // 2] ^= 0xFF
    put(lake, "raw/beer/flipped.csv.gz", bytes(flipped))
    put(lake, "raw/beer/some-bad.csv.gz", beers(1000, *BAD_LINES.values()))
    put(lake, "raw/beer/many-bad.csv.gz", beers(1000, *list(BAD_LINES.values()) * 20))
    put(lake, "raw/beer/other-header.csv.gz", gzip.compress(b"a,b\n1,2\n"))
    put(lake, "raw/beer/utf-16.csv", "beer_id,name\n1,a\n".encode("utf-16"))
    put(lake, "raw/beer/empty.csv.gz", gzip.compress(b""))
    put(lake, "raw/beer/empty.csv", b"")
    put(lake, "raw/wine/good.csv.gz", whole)
    put(lake, "raw/No-Table/good.csv.gz", whole)
    put(lake, "raw/loose.csv.gz", whole)
    put(lake, "raw/beer/_SUCCESS", b"")
    put(lake, "raw/beer/.hidden.csv", b"secret")
    for index, key in enumerate([*NESTED, *ODD_NAMES]):
        put(lake, key, beers(10 + index))
    weir.run("run", "--lake", lake).check(weir.NOT_ALL_WELL)
    return lake, records(lake)


@pytest.mark.parametrize(
    ("key", "status", "code"),
    [
        ("raw/beer/cut.csv.gz", "FAILED", "Input.Truncated"),
        ("raw/beer/flipped.csv.gz", "FAILED", "Input.Corrupt"),
        ("raw/beer/many-bad.csv.gz", "FAILED", "Input.TooManyBadRows"),
        ("raw/beer/other-header.csv.gz", "FAILED", "Input.Header"),
        ("raw/beer/utf-16.csv", "REJECTED", "Input.Encoding"),
        ("raw/wine/good.csv.gz", "REJECTED", "Contract.Missing"),
        ("raw/No-Table/good.csv.gz", "REJECTED", "Key.Invalid"),
        ("raw/loose.csv.gz", "REJECTED", "Key.Invalid"),
    ],
)
def test_a_bad_file_is_told_and_publishes_nothing(
    mixed: tuple[Path, dict[str, Any]], key: str, status: str, code: str
) -> None:
    """Each has a stable name for what is wrong, and words for what to do."""
    lake, told = mixed
    record = told[key]
    assert (record["status"], record["failure"]["code"]) == (status, code)
    assert record["outcome"] is None
    assert not list(lake.glob(f"bronze/**/{record['id']}*"))
    shown = weir.run("show", record["id"], "--lake", lake, "--output", "json")
    assert shown.check().json()["failure"] == record["failure"]


def test_an_unknown_table_names_the_contract_to_write(
    mixed: tuple[Path, dict[str, Any]],
) -> None:
    """Whoever delivers a new table learns what is missing."""
    _, told = mixed
    failure = told["raw/wine/good.csv.gz"]["failure"]
    assert "contracts/wine.odcs.yaml" in failure["message"]


def test_bad_rows_are_quarantined_and_good_ones_kept(
    mixed: tuple[Path, dict[str, Any]],
) -> None:
    """Each bad row with its reason and its place; its neighbours are not harmed."""
    lake, told = mixed
    record = told["raw/beer/some-bad.csv.gz"]
    outcome = record["outcome"]
    assert record["status"] == "SUCCEEDED"
    assert (outcome["rows_in"], outcome["rows_written"]) == (1006, 1000)
    assert outcome["rows_quarantined"] == len(BAD_LINES)
    stored = bronze(lake, record)
    assert stored["beer_id"].to_pylist() == list(range(1000))

    assert outcome["quarantine_key"] == f"quarantine/beer/{record['id']}.jsonl"
    text = (lake / outcome["quarantine_key"]).read_text(encoding="utf-8")
    quarantined = [json.loads(line) for line in text.splitlines()]
    assert [row["reason"] for row in quarantined] == list(BAD_LINES)
    # The header is line 1.
    assert [row["line"] for row in quarantined] == list(range(1002, 1008))
    raw = gzip.decompress((lake / "raw/beer/some-bad.csv.gz").read_bytes())
    for row, line in zip(quarantined, BAD_LINES.values(), strict=True):
        start, end = row["byte_offset"], row["byte_offset"] + row["byte_length"]
        assert raw[start:end].decode() == line + "\n"


@pytest.mark.parametrize("index", range(len(NESTED) + len(ODD_NAMES)))
def test_any_key_is_ingested_once(
    mixed: tuple[Path, dict[str, Any]], index: int
) -> None:
    """Spaces, plus signs, folders; the same file name twice is two files."""
    lake, told = mixed
    record = told[[*NESTED, *ODD_NAMES][index]]
    assert record["status"] == "SUCCEEDED", record["failure"]
    assert bronze(lake, record)["beer_id"].to_pylist() == list(range(10 + index))


@pytest.mark.parametrize("key", ["raw/beer/empty.csv", "raw/beer/empty.csv.gz"])
def test_a_file_without_rows_succeeds_without_rows(
    mixed: tuple[Path, dict[str, Any]], key: str
) -> None:
    """An empty delivery is not a failed one."""
    _, told = mixed
    assert told[key]["status"] == "SUCCEEDED"
    assert told[key]["outcome"]["rows_in"] == 0


def test_only_data_is_registered(mixed: tuple[Path, dict[str, Any]]) -> None:
    """Marker files of other tools are passed over, everything else is accounted for."""
    lake, told = mixed
    delivered = {
        key for key in files(lake, "raw") if "/_" not in key and "/." not in key
    }
    assert set(told) == delivered
    published = {
        record["outcome"]["bronze_key"] for record in told.values() if record["outcome"]
    }
    assert set(files(lake, "bronze")) <= published


def test_the_promise_of_rows_holds_for_every_file(
    mixed: tuple[Path, dict[str, Any]],
) -> None:
    """rows_in = rows_written + rows_quarantined + rows_filtered."""
    _, told = mixed
    outcomes = [record["outcome"] for record in told.values() if record["outcome"]]
    assert outcomes
    for outcome in outcomes:
        parts = ["rows_written", "rows_quarantined", "rows_filtered"]
        assert outcome["rows_in"] == sum(outcome[part] for part in parts)


def test_a_file_that_failed_is_ingested_once_it_is_delivered_whole(
    new_lake: Callable[[str], Path],
) -> None:
    """Under the same key: it is another version, with a record of its own."""
    lake = new_lake("beer")
    whole = beers(1000)
    put(lake, "raw/beer/daily.csv.gz", whole[:-20])
    weir.run("run", "--lake", lake).check(weir.NOT_ALL_WELL)
    assert not (lake / "bronze").exists()
    put(lake, "raw/beer/daily.csv.gz", whole)
    weir.run("run", "--lake", lake)
    by_status = {record["status"]: record for record in all_records(lake)}
    assert set(by_status) == {"FAILED", "SUCCEEDED"}
    assert by_status["SUCCEEDED"]["outcome"]["rows_written"] == 1000
