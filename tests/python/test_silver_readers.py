"""Silver as others see it: PyIceberg, Spark and DuckDB open the lake's own tables."""

import shutil
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

import silver_model
import silver_readers
import silver_spark
import weir
from silver_model import Row
from silver_rows import bronze, rows

pytest_plugins = ["silver_fixtures"]

ROWS = 3000
CHANGES = 2000
KEYS = {
    "beer": "beer_id",
    "brewery": "brewery_id",
    "profile": "profile_id",
    "review": "review_id",
}
STAGES = ["loaded", "changed", "tidied"]

SparkOf = Callable[[Path], Any]


def run(lake: Path) -> None:
    """Take in what was delivered, silver included."""
    weir.run("run", "--lake", lake).check()


def loaded(lake: Path) -> None:
    """Fill a lake with rows; their changes are made and not yet carried."""
    call = ["--rows", ROWS, "--seed", 5, "--changes", CHANGES]
    weir.run("generate", "--lake", lake, *call).check()
    run(lake)


def carry(lake: Path) -> None:
    """Carry the changes as a stream does, some of which nobody can read."""
    stream = lake / "streams/changes.jsonl"
    weir.run("stream", "--lake", lake, stream).check()


def tidy(lake: Path) -> None:
    """Write files with deletes anew, and join small ones."""
    weir.run("maintain", "--all", "--lake", lake).check()


def wanted(lake: Path, table: str) -> list[Row]:
    """Return what silver has to hold of what bronze holds."""
    records = bronze(lake, table)
    key = [KEYS[table]]
    others = [c for c in records[0] if not c.startswith("_") and c not in key]
    return silver_model.snapshot(silver_model.Table(key, others), records)


class Readings:
    """What each reader found and what the model wanted, at each stage."""

    def __init__(self) -> None:
        """Begin with nothing read."""
        self.found: dict[tuple[str, str, str], list[Row]] = {}
        self.wanted: dict[tuple[str, str], list[Row]] = {}
        self.snapshots: dict[tuple[str, str], list[int]] = {}

    def take(self, stage: str, reader: str, read: Callable[[str], pa.Table]) -> None:
        """Read every table by one reader."""
        for table in KEYS:
            self.found[stage, reader, table] = rows(read(table))


@pytest.fixture(scope="module")
def lake(new_lake: Callable[[str], Path]) -> Path:
    """Return a lake that is to be filled."""
    return new_lake("beer")


@pytest.fixture(scope="module")
def readings(lake: Path, tmp_path_factory: pytest.TempPathFactory) -> Readings:
    """Fill a lake in stages, and read it by those readers that need no Java."""
    told = Readings()
    scratch = tmp_path_factory.mktemp("duckdb")
    for stage, step in zip(STAGES, [loaded, carry, tidy], strict=True):
        step(lake)
        run(lake)
        for table in KEYS:
            told.wanted[stage, table] = wanted(lake, table)
            told.snapshots[stage, table] = silver_readers.snapshots(lake, table)
        told.take(
            stage,
            "pyiceberg",
            lambda table: silver_readers.by_pyiceberg(lake, table),
        )
        told.take(
            stage,
            "duckdb",
            lambda table: silver_readers.by_duckdb(lake, table, scratch),
        )
    return told


@pytest.fixture(scope="module")
def by_spark(readings: Readings, lake: Path, spark_of: SparkOf) -> Readings:
    """Let Spark read the stages too: it travels in time to the earlier ones."""
    spark = spark_of(lake)
    for stage in STAGES:
        for table in KEYS:
            snapshot = readings.snapshots[stage, table][-1]
            found = spark.sql(
                f"SELECT * FROM weir.silver.{table} VERSION AS OF {snapshot}"
            )
            readings.found[stage, "spark", table] = rows(found.toArrow())
    return readings


@pytest.mark.parametrize("table", KEYS)
@pytest.mark.parametrize("stage", STAGES)
@pytest.mark.parametrize("reader", ["pyiceberg", "duckdb"])
def test_readers_find_what_the_fold_of_bronze_says(
    readings: Readings, stage: str, reader: str, table: str
) -> None:
    """After the load, after changes that delete by position, and after compaction."""
    silver_model.assert_same(
        readings.found[stage, reader, table], readings.wanted[stage, table]
    )


@pytest.mark.parametrize("table", KEYS)
@pytest.mark.parametrize("stage", STAGES)
def test_spark_finds_what_the_fold_of_bronze_says(
    by_spark: Readings, stage: str, table: str
) -> None:
    """Of the earlier stages too, after the last was written."""
    silver_model.assert_same(
        by_spark.found[stage, "spark", table], by_spark.wanted[stage, table]
    )


def test_the_changes_test_what_they_are_to_test(readings: Readings) -> None:
    """Deletes, tombstones' rows and position deletes are there to be got wrong."""
    changed = readings.wanted["changed", "review"]
    assert any(row["_op"] == "D" for row in changed)
    assert len({row["_op"] for row in changed}) == len("LIUD")


def test_changed_rows_are_deleted_by_position_and_not_by_value(
    readings: Readings, lake: Path
) -> None:
    """PyIceberg cannot read deletes by value, and for others they are slow."""
    assert readings.snapshots["changed", "review"]
    files = silver_readers.table(lake, "review").inspect.all_files()
    assert set(files["content"].to_pylist()) <= {0, 1}


def test_maintenance_leaves_no_deletes(readings: Readings, lake: Path) -> None:
    """Compaction writes each file with deletes anew."""
    before, after = (readings.snapshots[stage, "review"] for stage in STAGES[1:])
    assert before != after
    found = silver_readers.table(lake, "review").inspect.delete_files()
    assert found.num_rows == 0


def test_a_run_without_news_makes_no_snapshot(readings: Readings, lake: Path) -> None:
    """By itself, and when every file is merged again."""
    run(lake)
    weir.run("merge", "--all", "--again", "--lake", lake).check()
    for table in KEYS:
        known = readings.snapshots["tidied", table]
        assert silver_readers.snapshots(lake, table) == known, table


def test_a_dry_run_changes_nothing(new_lake: Callable[[str], Path]) -> None:
    """It says what it would do."""
    lake = new_lake("beer")
    loaded(lake)
    carry(lake)
    before = silver_readers.metadata_file(lake, "review")
    weir.run("merge", "review", "--lake", lake, "--dry-run").check()
    assert silver_readers.metadata_file(lake, "review") == before


def test_files_that_come_the_other_way_round_and_twice_make_the_same_table(
    readings: Readings, lake: Path, new_lake: Callable[[str], Path]
) -> None:
    """Changes before the rows that they change, and once more under other names."""
    other = new_lake("beer")
    files = [path for path in sorted((lake / "raw").rglob("*")) if path.is_file()]
    for file in reversed(files):
        put_as_it_is(file, other / file.relative_to(lake))
        run(other)
    for file in files:
        # Rows of a plain file are ordered by the file; those of a stream by themselves.
        if not file.name.endswith(".csv.gz"):
            target = other / file.relative_to(lake)
            put_as_it_is(file, target.with_name(f"again-{file.name}"))
    run(other)
    for table in KEYS:
        found = rows(silver_readers.by_pyiceberg(other, table))
        silver_model.assert_same(found, readings.wanted["changed", table])


def put_as_it_is(source: Path, target: Path) -> None:
    """Deliver a file with its time, by which Weir knows its version."""
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy2(source, target)


def foreign_row(lake: Path, key: int, name: str) -> pa.Table:
    """Return a brewery as another tool might append it: old, and of no bronze file."""
    schema = silver_readers.table(lake, "brewery").schema().as_arrow()
    at = datetime(1990, 1, 1, tzinfo=UTC)
    row: dict[str, Any] = {field.name: None for field in schema}
    row |= {"brewery_id": key, "name": name, "created_at": at, "updated_at": at}
    row |= {"_op": "L", "_seq": "0"}
    return pa.Table.from_pylist([row], schema=schema)


def changed_by_dms(key: int, name: str, place: int) -> str:
    """Return a change of a brewery as DMS sends it."""
    return (
        f'{{"data":{{"brewery_id":{key},"name":"{name}","city":"Ghent","state":"NY",'
        '"country":"United States","is_open":true},'
        '"metadata":{"timestamp":"2030-01-01T00:00:00.000000Z","record-type":"data",'
        '"operation":"update","partition-key-type":"schema-table",'
        '"schema-name":"public","table-name":"brewery",'
        '"commit-timestamp":"2030-01-01T00:00:00.000000Z",'
        f'"transaction-id":9000,"transaction-record-id":{place}}}}}\n'
    )


@pytest.fixture
def shared(new_lake: Callable[[str], Path]) -> Path:
    """Return a lake with silver into which others write."""
    lake = new_lake("beer")
    loaded(lake)
    return lake


def change_breweries(lake: Path, keys: list[int]) -> dict[int, list[Row]]:
    """Carry a newer change of each key, and return the rows of each key then."""
    stream = lake.with_name("newer.jsonl")
    lines = [changed_by_dms(key, "newer", place) for place, key in enumerate(keys)]
    stream.write_text("".join(lines), encoding="utf-8")
    weir.run("stream", "--lake", lake, stream).check()
    run(lake)
    found = rows(silver_readers.by_pyiceberg(lake, "brewery"))
    return {key: [r for r in found if r["brewery_id"] == key] for key in keys}


def assert_newer(found: dict[int, list[Row]]) -> None:
    """Insist on one row for each key: the newer one, created when the old one was."""
    created = int(datetime(1990, 1, 1, tzinfo=UTC).timestamp()) * 10**6
    for key, of_key in found.items():
        assert len(of_key) == 1, f"{key}: {of_key}"
        (row,) = of_key
        assert (row["name"], row["_op"], row["created_at"]) == ("newer", "U", created)


def test_a_merge_goes_on_from_rows_that_pyiceberg_appended(shared: Path) -> None:
    """Of a key of its own, and of one that Weir's table has as well."""
    new, known = 900_001, 1
    for key in (new, known):
        table = silver_readers.table(shared, "brewery")
        table.append(foreign_row(shared, key, "by pyiceberg"))
    assert_newer(change_breweries(shared, [new, known]))


def test_a_merge_goes_on_from_rows_that_spark_appended(
    shared: Path, spark_of: SparkOf
) -> None:
    """Spark spells the paths of files in its own way."""
    spark = spark_of(shared)
    new, known = 900_002, 2
    for key in (new, known):
        appended = spark.createDataFrame(foreign_row(shared, key, "by spark"))
        appended.writeTo("weir.silver.brewery").append()
    assert_newer(change_breweries(shared, [new, known]))
    by_spark = rows(silver_readers.by_spark(spark, "brewery"))
    by_pyiceberg = rows(silver_readers.by_pyiceberg(shared, "brewery"))
    silver_model.assert_same(by_spark, by_pyiceberg)


def test_a_merge_goes_on_from_deletes_that_spark_wrote(
    shared: Path, spark_of: SparkOf
) -> None:
    """A row that another took out comes back with its next change, once."""
    spark = spark_of(shared)
    spark.sql("DELETE FROM weir.silver.brewery WHERE brewery_id = 3")
    (row,) = change_breweries(shared, [3])[3]
    assert (row["name"], row["_op"]) == ("newer", "U")


def test_sparks_merge_of_the_same_bronze_is_weirs(
    readings: Readings, lake: Path, spark_of: SparkOf
) -> None:
    """Real tables this time, into a table beside Weir's."""
    spark = spark_of(lake)
    for table in KEYS:
        silver_spark.merge(spark, lake, table, f"{table}_by_spark")
        found = rows(silver_readers.by_spark(spark, f"{table}_by_spark"))
        silver_model.assert_same(found, readings.wanted["changed", table])
