"""Models as others see them: their tables, and what other engines make of their SQL."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

import silver_readers
import weir

pytest_plugins = ["silver_fixtures"]

SILVER = ["beer", "brewery", "profile", "review"]
# In the order in which they read each other.
MODELS = [
    "silver.review_flat",
    "gold.state_by_review_volume",
    "gold.top_beers_by_rating",
    "gold.top_breweries_by_rating",
    "gold.top_drinkers",
    "gold.top_styles_by_popularity",
]

Rows = list[tuple[Any, ...]]
SparkOf = Callable[[Path], Any]


def rows(table: pa.Table) -> Rows:
    """Return the rows in an order of their own, since a table has none."""
    named = sorted(table.column_names)
    columns = [table.column(name).to_pylist() for name in named]
    return sorted(zip(*columns, strict=True), key=repr)


def read(lake: Path, model: str) -> pa.Table:
    """Read a model's table by PyIceberg."""
    return silver_readers.catalog(lake).load_table(model).scan().to_arrow()


def sql(lake: Path, model: str) -> str:
    """Return a model's query as Weir prints it for other engines."""
    call = ["sql", "model", model, "--lake", lake, "--output", "json"]
    return weir.run(*call).check().json()["sql"]


def built(lake: Path, *arguments: str) -> dict[str, dict[str, Any]]:
    """Build all models and return what became of each."""
    call = ["build", "--lake", lake, "--output", "json", *arguments]
    builds = weir.run(*call).check().json()["builds"]
    return {build["model"]: build["built"] for build in builds}


def by_duckdb(lake: Path) -> dict[str, Rows]:
    """Let DuckDB run every model's SQL over silver as PyIceberg reads it."""
    connection = duckdb.connect()
    connection.execute("CREATE SCHEMA silver")
    for name in SILVER:
        stored = read(lake, f"silver.{name}")  # noqa: F841 DuckDB finds it by its name
        connection.execute(f"CREATE TABLE silver.{name} AS SELECT * FROM stored")
    found = {}
    for model in MODELS:
        answer = connection.sql(sql(lake, model)).to_arrow_table()
        found[model] = rows(answer)
        if model.startswith("silver."):
            connection.execute(f"CREATE TABLE {model} AS SELECT * FROM answer")
    return found


def by_spark(spark: Any, lake: Path) -> dict[str, Rows]:
    """Let Spark run every model's SQL over the lake's own tables."""
    spark.sql("USE weir")
    return {model: rows(spark.sql(sql(lake, model)).toArrow()) for model in MODELS}


def loaded(new_lake: Callable[[str], Path]) -> Path:
    """Return a lake that is loaded and built; its changes are not carried yet."""
    lake = new_lake("beer")
    call = ["--rows", 3000, "--seed", 5, "--changes", 2000]
    weir.run("generate", "--lake", lake, *call).check()
    weir.run("run", "--lake", lake).check()
    return lake


def change(lake: Path) -> None:
    """Carry the changes, some of which nobody can read, up to silver."""
    weir.run("stream", "--lake", lake, lake / "streams/changes.jsonl").check()
    weir.run("run", "--lake", lake, "--no-build").check()


def differing(found: dict[str, Rows], wanted: dict[str, Rows]) -> list[str]:
    """Return the models whose rows are not the wanted ones."""
    assert all(wanted.values()), "a model without rows shows nothing"
    return [model for model in MODELS if found[model] != wanted[model]]


def stored(lake: Path) -> dict[str, Rows]:
    """Return what each model's table holds."""
    return {model: rows(read(lake, model)) for model in MODELS}


def test_duckdb_makes_the_same_of_each_models_sql(
    new_lake: Callable[[str], Path],
) -> None:
    """Before changes and after, built in part; deletions and renames are among them."""
    lake = loaded(new_lake)
    first = stored(lake)
    assert differing(first, by_duckdb(lake)) == []
    change(lake)
    assert set(differing(first, by_duckdb(lake))) == set(MODELS)
    built(lake)
    assert differing(stored(lake), by_duckdb(lake)) == []


def test_spark_makes_the_same_of_each_models_sql(
    new_lake: Callable[[str], Path], spark_of: SparkOf
) -> None:
    """The SQL of the examples is understood by Spark as it is."""
    lake = loaded(new_lake)
    spark = spark_of(lake)
    assert differing(stored(lake), by_spark(spark, lake)) == []
    change(lake)
    built(lake)
    assert differing(stored(lake), by_spark(spark, lake)) == []


def test_a_build_in_part_equals_one_in_full_and_a_second_one_does_nothing(
    new_lake: Callable[[str], Path], tmp_path: Path
) -> None:
    """PyIceberg and DuckDB read the same after partitions were replaced."""
    lake = loaded(new_lake)
    assert {done["action"] for done in built(lake).values()} == {"none"}
    # One review more, of what is known, and nothing else.
    reviews = read(lake, "silver.review_flat").to_pylist()
    names = ["brewery_name", "beer_name", "profile_username"]
    known = next(row for row in reviews if all(row[name] for name in names))
    ids = ",".join(str(known[name]) for name in ["brewery_id", "beer_id", "profile_id"])
    line = (
        "review_id,brewery_id,beer_id,profile_id,review_overall,review_aroma,"
        "review_appearance,review_palate,review_taste,review_time\n"
        f"999999,{ids},5,5,5,5,5,1262304000\n"
    )
    (lake / "raw/review/late.csv").write_text(line)
    weir.run("run", "--lake", lake, "--no-build").check()
    plan = weir.run("plan", "--lake", lake, "--output", "json").check().json()["plans"]
    assert plan[0]["partitions"] == [{"review_year": 2010, "review_month": 1}]
    done = built(lake)
    parts = {name: (one["action"], one["partitions"]) for name, one in done.items()}
    assert parts == dict.fromkeys(MODELS, ("partitions", 1))
    snapshots = {name: one["snapshot"] for name, one in done.items()}
    assert {one["action"] for one in built(lake).values()} == {"none"}
    for model in MODELS:
        table = silver_readers.catalog(lake).load_table(model)
        assert table.current_snapshot().snapshot_id == snapshots[model]
        assert table.current_snapshot().summary.operation.value == "overwrite"
        namespace, name = model.split(".")
        other = silver_readers.by_duckdb(lake, name, tmp_path, namespace)
        assert rows(other) == rows(read(lake, model)), model
    in_part = stored(lake)
    assert {one["action"] for one in built(lake, "--full").values()} == {"whole"}
    assert stored(lake) == in_part


def test_a_deleted_profile_leaves_gold(new_lake: Callable[[str], Path]) -> None:
    """Peers leave the rows of who is gone in their aggregates."""
    lake = loaded(new_lake)
    top = read(lake, "gold.top_drinkers")
    profile = top.column("profile_id").to_pylist()[0]
    deletion = {
        "data": {"profile_id": profile},
        "metadata": {
            "timestamp": "2026-01-01T00:00:00Z",
            "record-type": "data",
            "operation": "delete",
            "partition-key-type": "schema-table",
            "schema-name": "beer",
            "table-name": "profile",
            "transaction-id": 99999999999,
            "transaction-record-id": 1,
            "commit-timestamp": "2026-01-01T00:00:00.000000Z",
            "stream-position": "0000000F/7C007328.2.0000000F/7C007328",
        },
    }
    envelopes = lake / "streams/deletion.jsonl"
    envelopes.write_text(json.dumps(deletion) + "\n")
    weir.run("stream", "--lake", lake, envelopes).check()
    weir.run("run", "--lake", lake).check()
    left = read(lake, "gold.top_drinkers").column("profile_id").to_pylist()
    assert profile not in left
    reviews = read(lake, "silver.review_flat").to_pylist()
    theirs = [row for row in reviews if row["profile_id"] == profile]
    assert theirs, "its reviews stay"
    assert all(row["profile_username"] is None for row in theirs)


def test_people_that_signed_up_twice_are_found(new_lake: Callable[[str], Path]) -> None:
    """Unique people and doubles add up to all rows that are not deleted."""
    lake = new_lake("people")
    weir.run("generate", "--lake", lake, "--rows", 2000, "--seed", 3).check()
    weir.run("run", "--lake", lake).check()
    people = read(lake, "silver.people").to_pylist()
    unique = read(lake, "silver.people_unique").to_pylist()
    ids = [row["user_id"] for row in people if row["deleted_at"] is None]
    assert sorted(row["user_id"] for row in unique) == sorted(set(ids))
    assert len(ids) > len(set(ids)), "no doubles were made"
    counted = read(lake, "gold.people_duplicates").to_pylist()
    assert sum(row["duplicates"] for row in counted) == len(ids) - len(set(ids))
    assert sum(row["people"] for row in counted) == len(set(ids))
