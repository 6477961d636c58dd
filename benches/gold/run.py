"""Builds the beer lake's models in full and after changes, beside DuckDB.

    python benches/gold/run.py [--rounds 3] [--rows 1586614] [--weir BINARY]

Weir's time is that of its whole process: it reads Iceberg tables, runs the models'
own tests, writes Iceberg tables and commits them. DuckDB's is that of its queries
alone, over the same Parquet files of silver, into Parquet by the same partitions.
After the first round both hold the same rows.
"""

import argparse
import json
import random
import shutil
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from statistics import median

import duckdb

HERE = Path(__file__).resolve().parent
REPOSITORY = HERE.parents[1]
# Shares the way to launch and to tell with the comparison of conversions.
sys.path.append(str(HERE.parent))

from compare import launch, markdown, megabytes, note, ratio  # noqa: E402

MODELS = [
    "silver.review_flat",
    "gold.state_by_review_volume",
    "gold.top_beers_by_rating",
    "gold.top_breweries_by_rating",
    "gold.top_drinkers",
    "gold.top_styles_by_popularity",
]
CHANGES = ["last month", "spread"]
HEADER = """# Building models beside DuckDB

`silver.review_flat` and the five tables of gold over {rows:,} reviews; two cores.
Medians of {rounds} rounds after a warm-up. Weir's time is that of the whole process of
`weir build`, with the models' own tests and the commits; DuckDB's that of its queries
over the same Parquet files. After the warm-up both hold the same rows.

Changes are {changes:,} reviews, 0.1 %. "last month" is how a lake grows: new reviews, all
of the last month. "spread" are new reviews and ones that moved to another time, in
nearly each of the 168 months, so that nearly each partition has to be built.

`make bench-gold` writes this page.
"""
COLUMNS = (
    "review_id,brewery_id,beer_id,profile_id,review_overall,review_aroma,"
    "review_appearance,review_palate,review_taste,review_time"
)
FIRST, LAST = datetime(1998, 1, 1, tzinfo=UTC), datetime(2012, 1, 11, tzinfo=UTC)
LAST_MONTH = datetime(2012, 1, 1, tzinfo=UTC)


def call(weir: Path, *arguments: str | Path) -> dict:
    """Run Weir to its end; return what it printed."""
    done = [str(weir), *map(str, arguments), "--output", "json"]
    return json.loads(subprocess.run(done, check=True, capture_output=True).stdout)


def lake_of(weir: Path, data: Path, rows: int) -> Path:
    """Return a lake with so many reviews in silver, and no model built."""
    lake = data / f"gold-{rows}"
    shutil.rmtree(lake, ignore_errors=True)
    note(f"a lake of {rows:,} reviews")
    call(weir, "init", lake, "--example", "beer")
    call(weir, "generate", "--lake", lake, "--rows", str(rows), "--seed", "1")
    call(weir, "run", "--lake", lake, "--no-build")
    return lake


def change(weir: Path, lake: Path, rows: int, where: str, seed: int) -> None:
    """Deliver 0.1 % of new and changed reviews, up to silver."""
    chance = random.Random(seed)
    since = LAST_MONTH if where == "last month" else FIRST
    files = f"read_parquet('{lake}/silver/beer/data/**/*.parquet')"
    beers = duckdb.sql(f"SELECT beer_id, brewery_id FROM {files}").fetchall()
    lines = [COLUMNS]
    for number in range(rows // 1000):
        stars = [str(chance.randint(2, 10) / 2) for _ in range(5)]
        at = int(chance.uniform(since.timestamp(), LAST.timestamp()))
        beer, brewery = chance.choice(beers)
        # Where the numbers of profiles begin.
        ids = [str(brewery), str(beer), str(100_001 + chance.randint(0, 4999))]
        key = rows + 1 + seed * rows + number
        if where == "spread" and number % 2:
            # An old one, which moves from its own month to another.
            key = chance.randint(1, rows)
        lines.append(",".join([str(key), *ids, *stars, str(at)]))
    folder = lake / "raw/review"
    (folder / f"{where.replace(' ', '-')}-{seed}.csv").write_text("\n".join(lines))
    call(weir, "run", "--lake", lake, "--no-build")


def build(weir: Path, lake: Path, *arguments: str) -> dict:
    """Build all models; return what that took."""
    command = [str(weir), "build", "--lake", str(lake), "--output", "json", *arguments]
    answer, taken = launch(command)
    builds = [one["built"] for one in answer["builds"]]
    return {**taken, "partitions": builds[0]["partitions"], "actions": builds}


def peer(lake: Path, models: Path, out: Path) -> dict:
    """Let DuckDB build the same."""
    shutil.rmtree(out, ignore_errors=True)
    script = [sys.executable, str(HERE / "peer.py"), str(lake), str(models), str(out)]
    own, taken = launch(script)
    return {**taken, "seconds": own["seconds"]}


def verify(weir: Path, lake: Path, out: Path) -> None:
    """Insist that both hold the same rows."""
    for model in MODELS:
        table = lake / f"{model}.parquet"
        call(weir, "query", f"SELECT * FROM {model}", "--lake", lake, "--format",
             "parquet", "--out", table)  # fmt: skip
        ours = f"SELECT * FROM read_parquet('{table}')"
        folder = f"{out}/{model}/**/*.parquet"
        theirs = f"SELECT * FROM read_parquet('{folder}', hive_partitioning = false)"
        names = duckdb.sql(ours).columns
        picked = ", ".join(names)
        both = f"(SELECT {picked} FROM ({{}}) EXCEPT ALL SELECT {picked} FROM ({{}}))"
        for one, other in [(ours, theirs), (theirs, ours)]:
            (count,) = duckdb.sql(
                f"SELECT count(*) FROM {both.format(one, other)}"
            ).fetchall()[0]
            if count:
                raise SystemExit(f"{model}: {count} rows differ")
        table.unlink()
        note(f"{model}: the same rows")


def report(rounds: dict[str, list[dict]], rows: int, count: int) -> str:
    """Return the page."""

    def of(what: str, key: str) -> float:
        return median(one[key] for one in rounds[what])

    full = [one["wall"] for one in rounds["full"]]
    lines = [["", "seconds", "CPU seconds", "peak MB", "partitions", "time / full"]]
    duck = rounds["DuckDB"]
    lines.append(
        ["DuckDB, full", f"{of('DuckDB', 'seconds'):.2f}", f"{of('DuckDB', 'cpu'):.2f}",
         megabytes(of("DuckDB", "peak_memory")), "",
         ratio([d["seconds"] / f for d, f in zip(duck, full, strict=True)])]
    )  # fmt: skip
    for what in ["full", *CHANGES]:
        lines.append(
            [f"Weir, {what}", f"{of(what, 'wall'):.2f}", f"{of(what, 'cpu'):.2f}",
             megabytes(of(what, "peak_memory")), str(int(of(what, "partitions"))),
             ratio([one["wall"] / f for one, f in zip(rounds[what], full, strict=True)])]
        )  # fmt: skip
    header = HEADER.format(rows=rows, rounds=count, changes=rows // 1000)
    return f"{header}\n{markdown(lines)}\n"


def main() -> None:
    """Take turns, and write the page."""
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--rounds", type=int, default=3)
    arguments.add_argument("--rows", type=int, default=1_586_614)
    weir = REPOSITORY / "target/release/weir"
    arguments.add_argument("--weir", type=Path, default=weir)
    arguments.add_argument("--data", type=Path, default=REPOSITORY / "bench-data")
    arguments.add_argument("--report", type=Path)
    asked = arguments.parse_args()
    lake = lake_of(asked.weir, asked.data, asked.rows)
    out = asked.data / "gold-duckdb"
    models = asked.data / "models.json"
    told = [call(asked.weir, "sql", "model", name, "--lake", lake) for name in MODELS]
    models.write_text(json.dumps(told), encoding="utf-8")
    rounds: dict[str, list[dict]] = {name: [] for name in ["full", "DuckDB", *CHANGES]}
    # DuckDB reads data files as they are, so its turns come before the first change.
    for number in range(asked.rounds + 1):
        full = build(asked.weir, lake, "--full")
        theirs = peer(lake, models, out)
        if number == 0:
            verify(asked.weir, lake, out)
            continue
        rounds["full"].append(full)
        rounds["DuckDB"].append(theirs)
        note(f"full {full['wall']:.2f} s, DuckDB {theirs['seconds']:.2f} s")
    for where in CHANGES:
        for number in range(asked.rounds + 1):
            change(
                asked.weir, lake, asked.rows, where, 2 * number + (where == "spread")
            )
            taken = build(asked.weir, lake)
            if number:
                rounds[where].append(taken)
                parts = taken["partitions"]
                note(f"{where}: {taken['wall']:.2f} s, {parts} partitions")
    page = report(rounds, asked.rows, asked.rounds)
    print(page)
    if asked.report:
        asked.report.write_text(page, encoding="utf-8")


if __name__ == "__main__":
    main()
