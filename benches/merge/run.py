"""Merges the same batches into the same table by each tool, in turn.

    python benches/merge/run.py [--rounds 5] [--rows 1000000] [--weir BINARY]

The stored table lies at one place, since Iceberg's paths are absolute; before each
merge it is put back as it was. A peer's time is that of its merge alone: the start of
Python, of the JVM and of Spark's session are left out, and so is a merge into a small
table that warms Spark up. Weir's time is that of a whole process of `weir merge`, which
reads the batch from its bronze file; the peers read it from one Parquet file.

After the first round all tables have to hold the same rows. PyIceberg's `upsert` knows
no deletions and no order, so of its table only the keys and their last changes have to.
"""

import argparse
import json
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import pyarrow.parquet as pq

import batches
from batches import BATCHES, Batch

HERE = Path(__file__).resolve().parent
REPOSITORY = HERE.parents[1]
# Shares the way to launch and to tell with the comparison of conversions.
sys.path.append(str(HERE.parent))

from compare import launch, markdown, megabytes, note, ratio  # noqa: E402

HEADER = """# Merging beside others

{rows:,} rows stored in 24 monthly partitions, written by PyIceberg; then 10,000 updates,
1,000 deletions and 5,000 new rows. Two cores. Medians of {rounds} rounds after a warm-up.
"seconds" is Weir's whole process, but of a peer the merge alone, with Python, the JVM and
Spark's session started and warm. Above 1, Weir is better. After the warm-up the tables
hold the same rows; PyIceberg's `upsert` knows no deletions and no order, and of its table
keys, operations and sequences are compared.

`make bench-merge` writes this page.
"""
WEIR = "weir"
SPARK_MODES = ["merge-on-read", "copy-on-write"]


@dataclass(frozen=True)
class Tool:
    """What merges, and how Spark writes into its table."""

    name: str
    peer: str
    mode: str


@dataclass(frozen=True)
class Run:
    """What one merge took. Seconds, and bytes."""

    seconds: float
    wall: float
    peak_memory: int


PEERS = [
    *(Tool(f"Spark MERGE, {mode}", "spark", mode) for mode in SPARK_MODES),
    Tool("PyIceberg upsert", "pyiceberg", "merge-on-read"),
]
OURS = Tool("Weir", WEIR, "merge-on-read")


class Stored:
    """The stored table of one mode: at its place, and as it was beside it."""

    def __init__(self, data: Path, mode: str, rows: int) -> None:
        """Write it, unless it is there from an earlier run."""
        self.lake = data / f"lake-{mode}-{rows}"
        self.kept = data / f"kept-{mode}-{rows}"
        if not self.kept.is_dir():
            note(f"writing {rows:,} rows")
            shutil.rmtree(self.lake, ignore_errors=True)
            peer("prepare", self.lake, str(rows), mode)
            describe(self.lake)
            self.lake.rename(self.kept)

    def put_back(self) -> Path:
        """Return the lake, as if nothing had been merged."""
        shutil.rmtree(self.lake, ignore_errors=True)
        shutil.copytree(self.kept, self.lake)
        return self.lake


def describe(lake: Path) -> None:
    """Make a lake of the folder: its settings and the contract of the beer example."""
    name = "contracts/review.odcs.yaml"
    (lake / "contracts").mkdir()
    contract = (REPOSITORY / "examples/beer" / name).read_text(encoding="utf-8")
    contract = contract.replace("year(review_time)", "month(review_time)")
    (lake / name).write_text(contract, encoding="utf-8")
    (lake / "lake.yaml").write_text("name: merge\n")


def peer(*arguments: str | Path) -> None:
    """Run peer.py and say nothing of it."""
    subprocess.run([sys.executable, HERE / "peer.py", *arguments], check=True)


def merge(tool: Tool, weir: Path, lake: Path, changes: Path) -> Run:
    """Merge a batch with one tool."""
    if tool.peer == WEIR:
        target = lake / "raw/review/changes.json"
        target.parent.mkdir(parents=True)
        shutil.copy(changes.with_suffix(".json"), target)
        call = [weir, "run", "--bronze-only", "--lake", lake]
        subprocess.run(call, check=True, capture_output=True)
        call = [weir, "merge", "review", "--lake", lake, "--output", "json"]
        _, taken = launch([str(part) for part in call])
        return Run(taken["wall"], taken["wall"], taken["peak_memory"])
    if tool.peer == "spark":
        call = [weir, "sql", "merge", "review", "--lake", lake, "--engine", "spark"]
        call += ["--catalog", "weir", "--output", "json"]
        told = subprocess.run(call, check=True, capture_output=True, text=True)
        (lake / "merge.json").write_text(told.stdout, encoding="utf-8")
    script = [sys.executable, HERE / "peer.py", tool.peer, lake, changes]
    own, taken = launch([str(part) for part in script])
    return Run(own["seconds"], taken["wall"], own["peak_memory"])


def write(batch: Batch, data: Path, rows: int) -> Path:
    """Write a batch's changes for the peers and for Weir."""
    changes = batches.bronze(batch, rows)
    target = data / f"{batch.name}-{rows}.parquet"
    pq.write_table(changes, target)
    target.with_suffix(".json").write_text(batches.raw(changes), encoding="utf-8")
    return target


def compare(batch: Batch, chosen: argparse.Namespace) -> dict[str, list[Run]]:
    """Run all tools in turn, once to warm up and then `rounds` times."""
    changes = write(batch, chosen.data, chosen.rows)
    tools = [*([] if chosen.peers_only else [OURS]), *PEERS]
    runs: dict[str, list[Run]] = {tool.name: [] for tool in tools}
    results: dict[Tool, Path] = {}
    for turn in range(chosen.rounds + 1):
        for tool in tools:
            lake = Stored(chosen.data, tool.mode, chosen.rows).put_back()
            run = merge(tool, chosen.weir, lake, changes)
            if turn > 0:
                runs[tool.name].append(run)
            else:
                left = chosen.data / f"left-{len(results)}.parquet"
                peer("read", lake, str(left))
                results[tool] = left
        if turn == 0:
            verify(results)
        note(f"{batch.name}: {'warm-up' if turn == 0 else f'round {turn}'}")
    return runs


def verify(results: dict[Tool, Path]) -> None:
    """Insist that the tools came to the same rows."""
    first, *others = results.items()
    wanted = pq.read_table(first[1])
    for tool, file in others:
        found = pq.read_table(file)
        if tool.peer == "pyiceberg":
            names = [batches.KEY, "_op", "_seq"]
        else:
            names = batches.STORED.names
        if not found.select(names).equals(wanted.select(names)):
            raise SystemExit(f"{tool.name} and {first[0].name} differ in {names}")


def table(runs: dict[str, list[Run]]) -> str:
    """Return a batch's table."""
    lines = [["", "seconds", "whole process", "peak MB", "time / Weir"]]
    ours = runs.get(OURS.name, [])
    for tool, each in runs.items():
        pairs = zip(each, ours, strict=True) if ours else []
        ratios = [theirs.seconds / own.seconds for theirs, own in pairs]
        lines.append(
            [
                tool,
                f"{median(run.seconds for run in each):.3f}",
                f"{median(run.wall for run in each):.3f}",
                megabytes(median(run.peak_memory for run in each)),
                ratio(ratios) if ratios else "",
            ]
        )
    return markdown(lines)


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description="Compare Weir's merge with others.")
    add = parser.add_argument
    add("--rounds", type=int, default=5, help="rounds after the warm-up (5)")
    add("--rows", type=int, default=1_000_000, help="stored rows (1,000,000)")
    add("--weir", type=Path, default=REPOSITORY / "target/release/weir")
    add("--data", type=Path, default=REPOSITORY / "bench-data/merge")
    add("--peers-only", action="store_true", help="without Weir's own merge")
    add("--json", type=Path, help="where to write every run, for others to report")
    add("--report", type=Path, help="where to write the page of results")
    chosen = parser.parse_args()
    chosen.weir, chosen.data = chosen.weir.resolve(), chosen.data.resolve()
    chosen.data.mkdir(parents=True, exist_ok=True)
    return chosen


def main() -> None:
    """Compare, and print the tables."""
    chosen = arguments()
    told = {}
    page = [HEADER.format(rows=chosen.rows, rounds=chosen.rounds)]
    for batch in BATCHES:
        runs = compare(batch, chosen)
        told[batch.name] = {t: [vars(run) for run in each] for t, each in runs.items()}
        page.append(f"## {batch.name}: changes {batch.about}\n\n{table(runs)}\n")
        print(page[-1], flush=True)
    if chosen.report:
        chosen.report.write_text("\n".join(page), encoding="utf-8")
    if chosen.json:
        chosen.json.write_text(json.dumps(told, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
