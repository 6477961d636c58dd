"""Silver is a function of the set of change records: a plain fold says which.

Weir merges file by file in any order, and Spark by the statements that Weir gives it.
Both have to come to what the fold comes to, for columns of every type.
"""

from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import pytest

import silver_changes
import silver_model
import silver_readers
import silver_spark
from columns import NASTY_NAMES
from silver_changes import Made, Record
from silver_rows import bronze, rows

pytest_plugins = ["silver_fixtures"]

FILES = 4
# Spark takes names with a line break for a mistake.
ODD_NAMES = [name for name in NASTY_NAMES if not set(name) & {"\n", "\t"}]
# What the statements themselves use, and what a careless quote would let through.
ODD_NAMES += ["back`tick", "year", "seq", "c0", "k0", "$x", "last"]
ODD_KEY = [
    ("k`ey", "string"),
    ("k'2", "decimal(10,2)"),
    ("k3", "date"),
    ("k4", "binary"),
    ("k5", "zoned timestamp"),
    ("k6", "boolean"),
]
TABLES = {
    "plain": silver_changes.table("plain", [("id", "int64")]),
    "odd": silver_changes.table("odd", ODD_KEY, ODD_NAMES),
}
PARTITIONS = {
    "plain": ["month(zoned timestamp)", "bucket(4, id)", "boolean"],
    "odd": ["year(k3)", "truncate(2, k`ey)"],
}

SparkOf = Callable[[Path], Any]
Lakes = Callable[..., Path]


def columns(made: Made) -> silver_model.Table:
    """Return what the model has to know of a table."""
    return silver_model.Table(made.key, [column.name for column in made.others])


def dealt(made: Made, seed: int) -> list[list[Record]]:
    """Return the files of change records that a seed stands for."""
    random = Random(seed)
    return silver_changes.deal(
        random, silver_changes.changes(made, random, 150, 800), FILES
    )


@pytest.fixture
def lake_of(tmp_path: Path) -> Lakes:
    """Return a function that sets up a lake with one table."""

    def create(made: Made, name: str = "la ke", **settings: Any) -> Path:
        contracts = {made.name: made.contract(**settings)}
        return silver_changes.new_lake(tmp_path / name, contracts)

    return create


def stored(lake: Path, made: Made) -> list[silver_model.Row]:
    """Return the rows that Weir's table has."""
    return rows(silver_readers.by_pyiceberg(lake, made.name))


@pytest.mark.parametrize("is_partitioned", [False, True])
@pytest.mark.parametrize("made", TABLES.values(), ids=TABLES)
def test_after_each_file_the_snapshot_is_the_fold_of_all_so_far(
    lake_of: Lakes, made: Made, is_partitioned: bool
) -> None:
    """Whatever came before, and in what order."""
    by = {"silver_partitionBy": PARTITIONS[made.name]} if is_partitioned else {}
    lake = lake_of(made, **by)
    for number, file in enumerate(dealt(made, 1)):
        silver_changes.deliver(lake, made.name, str(number), file)
        wanted = silver_model.snapshot(columns(made), bronze(lake, made.name))
        silver_model.assert_same(stored(lake, made), wanted)


@pytest.mark.parametrize("made", TABLES.values(), ids=TABLES)
def test_after_each_file_the_history_is_the_fold_of_all_so_far(
    lake_of: Lakes, made: Made
) -> None:
    """Late records come to stand between versions that are there."""
    lake = lake_of(made, silver_kind="history")
    for number, file in enumerate(dealt(made, 2)):
        silver_changes.deliver(lake, made.name, str(number), file)
        wanted = silver_model.history(columns(made), bronze(lake, made.name))
        silver_model.assert_same(stored(lake, made), wanted)


@pytest.mark.parametrize("column", ["boolean", "date", "decimal(1,0)"])
def test_after_each_file_the_state_changes_are_the_fold_of_all_so_far(
    lake_of: Lakes, column: str
) -> None:
    """Late records make changes of what were none, and the other way round."""
    made = TABLES["plain"]
    lake = lake_of(made, silver_kind="state_changes", silver_stateColumn=column)
    for number, file in enumerate(dealt(made, 3)):
        silver_changes.deliver(lake, made.name, str(number), file)
        records = bronze(lake, made.name)
        wanted = silver_model.state_changes(columns(made), column, records)
        silver_model.assert_same(stored(lake, made), wanted)


@pytest.mark.parametrize("kind", ["snapshot", "history", "state_changes"])
def test_the_order_and_the_grouping_of_files_do_not_matter(
    lake_of: Lakes, kind: str
) -> None:
    """One by one, all at once, backwards and twice: the same table."""
    made = TABLES["plain"]
    settings = {"silver_kind": kind}
    if kind == "state_changes":
        settings["silver_stateColumn"] = "boolean"
    files = dealt(made, 4)
    together = [record for file in files for record in file]
    orders = [files, [together], files[::-1], [*files, together, *files]]
    found = []
    for number, order in enumerate(orders):
        lake = lake_of(made, f"lake{number}", **settings)
        for place, file in enumerate(order):
            silver_changes.deliver(lake, made.name, str(place), file)
        found.append(stored(lake, made))
    for other in found[1:]:
        silver_model.assert_same(other, found[0])


@pytest.mark.parametrize("is_partitioned", [False, True])
@pytest.mark.parametrize("made", TABLES.values(), ids=TABLES)
def test_spark_merges_by_weirs_statements_what_weir_merges(
    lake_of: Lakes, spark_of: SparkOf, made: Made, is_partitioned: bool
) -> None:
    """Beside Weir's own table, after each file, late and repeated records included."""
    by = {"silver_partitionBy": PARTITIONS[made.name]} if is_partitioned else {}
    lake = lake_of(made, "it's {one}, la ke", **by)
    spark = spark_of(lake)
    for number, file in enumerate(dealt(made, 5)):
        silver_changes.deliver(lake, made.name, str(number), file)
        silver_spark.merge(spark, lake, made.name, "by_spark")
        found = rows(silver_readers.by_spark(spark, "by_spark"))
        wanted = silver_model.snapshot(columns(made), bronze(lake, made.name))
        silver_model.assert_same(found, wanted)
        silver_model.assert_same(stored(lake, made), found)
    written = files_of(lake, "by_spark")
    silver_spark.merge(spark, lake, made.name, "by_spark")
    assert files_of(lake, "by_spark") == written, "Spark wrote what was there already"


def test_weir_and_spark_merge_into_one_table_by_turns(
    lake_of: Lakes, spark_of: SparkOf
) -> None:
    """Each goes on from what the other stored."""
    made = TABLES["plain"]
    lake = lake_of(made, silver_partitionBy=PARTITIONS[made.name])
    spark = spark_of(lake)
    for number, file in enumerate(dealt(made, 6)):
        if number % 2:
            # All of bronze once more, this time by Spark: nothing is to move.
            silver_spark.merge(spark, lake, made.name, made.name)
        silver_changes.deliver(lake, made.name, str(number), file)
        wanted = silver_model.snapshot(columns(made), bronze(lake, made.name))
        silver_model.assert_same(stored(lake, made), wanted)
        silver_model.assert_same(
            rows(silver_readers.by_spark(spark, made.name)), wanted
        )


def test_what_spark_merged_first_weir_has_nothing_to_add_to(
    lake_of: Lakes, spark_of: SparkOf
) -> None:
    """Spark has all files in the table before Weir sees any but the first."""
    made = TABLES["plain"]
    settings = {"silver_partitionBy": PARTITIONS[made.name]}
    files = dealt(made, 7)
    full, lake = lake_of(made, "full", **settings), lake_of(made, "own", **settings)
    for number, file in enumerate(files):
        silver_changes.deliver(full, made.name, str(number), file)
    silver_changes.deliver(lake, made.name, "0", files[0])
    session = spark_of(lake)
    silver_spark.merge(session, full, made.name, made.name)
    known = silver_readers.snapshots(lake, made.name)
    for number, file in enumerate(files):
        silver_changes.deliver(lake, made.name, str(number), file)
    assert silver_readers.snapshots(lake, made.name) == known
    wanted = silver_model.snapshot(columns(made), bronze(full, made.name))
    silver_model.assert_same(stored(lake, made), wanted)


def files_of(lake: Path, name: str) -> list[str]:
    """Return the files that a table has now, deletes too."""
    files = silver_readers.table(lake, name).inspect.files()
    return sorted(files["file_path"].to_pylist())
