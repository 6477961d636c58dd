"""Compares Weir with its peers on one machine, in one run: `python benches/compare.py`.

All take turns (A B C A B C …), so that a machine that slows down slows down all of
them, and ratios are taken round by round. A peer is a library: its time counts from the
call that converts, without the start of Python and its import. Weir's time is that of
its whole process.
"""

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from statistics import median

from inputs import INPUTS, Input, prepare

HERE = Path(__file__).resolve().parent
REPOSITORY = HERE.parent
RESULTS = HERE / "RESULTS.md"
WEIR = "weir"
PEERS = ["duckdb", "polars"]


@dataclass(frozen=True)
class Run:
    """What one conversion took. Seconds, and bytes."""

    seconds: float
    cpu: float
    wall: float
    peak_memory: int
    memory_before: int
    bytes_out: int


@dataclass(frozen=True)
class Result:
    """All rounds of one input; round by round the runs belong together."""

    input: Input
    rows: int
    bytes_in: int
    runs: dict[str, list[Run]]

    def median(self, tool: str, what: Callable[[Run], float]) -> float:
        """Return the median of a number over a tool's rounds."""
        return median(map(what, self.runs[tool]))

    def ratios(self, tool: str, what: Callable[[Run], float]) -> list[float]:
        """Return how many times Weir's number a tool's is, for each round."""
        pairs = zip(self.runs[tool], self.runs[WEIR], strict=True)
        return [what(theirs) / what(ours) for theirs, ours in pairs]


def launch(command: list[str]) -> tuple[dict, dict]:
    """Run a command; return what it printed and what it took."""
    with tempfile.NamedTemporaryFile("r", suffix=".json") as report:
        launcher = [sys.executable, "-I", "-S", str(HERE / "launch.py"), report.name]
        done = subprocess.run(
            [*launcher, *command], capture_output=True, text=True, check=False
        )
        if done.returncode != 0:
            called = " ".join(command)
            said = done.stdout + done.stderr
            raise SystemExit(f"exit {done.returncode}: {called}\n{said}")
        return json.loads(done.stdout), json.load(report)


def convert(tool: str, weir: Path, chosen: Input, lake: Path, target: Path) -> Run:
    """Convert an input with one tool."""
    source = str(chosen.file(lake))
    target.unlink(missing_ok=True)
    if tool == WEIR:
        contract = str(chosen.contract(lake))
        command = [str(weir), "convert", source, str(target)]
        _, taken = launch([*command, "--contract", contract, "--output", "json"])
        own = {"seconds": taken["wall"], "cpu": taken["cpu"], "memory_before": 0}
    else:
        script = str(HERE / "peer.py")
        own, taken = launch(
            [sys.executable, script, tool, chosen.name, source, str(target)]
        )
    return Run(
        seconds=own["seconds"],
        cpu=own["cpu"],
        wall=taken["wall"],
        peak_memory=taken["peak_memory"],
        memory_before=own["memory_before"],
        bytes_out=target.stat().st_size,
    )


def verify(files: list[Path]) -> None:
    """Insist that all files hold the same rows."""
    command = [sys.executable, str(HERE / "verify.py"), *map(str, files)]
    subprocess.run(command, check=True)


def compare(chosen: Input, weir: Path, lake: Path, out: Path, rounds: int) -> Result:
    """Run all tools in turn, once to warm up and then `rounds` times."""
    tools = [WEIR, *PEERS]
    runs: dict[str, list[Run]] = {tool: [] for tool in tools}
    targets = {tool: out / f"{chosen.name}-{tool}.parquet" for tool in tools}
    for turn in range(rounds + 1):
        for tool in tools:
            run = convert(tool, weir, chosen, lake, targets[tool])
            if turn > 0:
                runs[tool].append(run)
        if turn == 0:
            verify(list(targets.values()))
        note(f"{chosen.name}: {'warm-up' if turn == 0 else f'round {turn}'}")
    rows = rows_of(targets[WEIR])
    return Result(chosen, rows, chosen.file(lake).stat().st_size, runs)


def rows_of(file: Path) -> int:
    """Count a file's rows, in a process of its own: this one is to stay small."""
    script = (
        "import sys, pyarrow.parquet as p; print(p.read_metadata(sys.argv[1]).num_rows)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, file], check=True, capture_output=True
    )
    return int(done.stdout)


def note(text: str) -> None:
    """Say where the comparison stands."""
    print(text, file=sys.stderr, flush=True)


def megabytes(size: float) -> str:
    """Write a number of bytes."""
    return f"{size / 1e6:.1f}" if size < 1e8 else f"{size / 1e6:.0f}"


def ratio(ratios: list[float]) -> str:
    """Write the median of the rounds' ratios, and between what they lie."""
    return f"{median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})"


def table(result: Result) -> list[list[str]]:
    """Return the rows of an input's table, its head first."""
    head = ["", "seconds", "whole process", "CPU seconds", "peak MB", "output MB"]
    head += ["time / Weir", "CPU / Weir", "memory / Weir"]
    lines = [head]
    for tool in result.runs:
        seconds = result.median(tool, lambda run: run.seconds)
        line = [
            names()[tool],
            f"{seconds:.3f}",
            f"{result.median(tool, lambda run: run.wall):.3f}",
            f"{result.median(tool, lambda run: run.cpu):.3f}",
            megabytes(result.median(tool, lambda run: run.peak_memory)),
            megabytes(result.median(tool, lambda run: run.bytes_out)),
        ]
        if tool == WEIR:
            line += ["1", "1", "1"]
        else:
            line += [
                ratio(result.ratios(tool, lambda run: run.seconds)),
                ratio(result.ratios(tool, lambda run: run.cpu)),
                ratio(result.ratios(tool, lambda run: run.peak_memory)),
            ]
        lines.append(line)
    return lines


def markdown(lines: list[list[str]]) -> str:
    """Return a table as Markdown, aligned so that it reads well on a terminal too."""
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]

    def write(cells: list[str]) -> str:
        first, *rest = zip(cells, widths, strict=True)
        padded = [first[0].ljust(first[1]), *(cell.rjust(w) for cell, w in rest)]
        return f"| {' | '.join(padded)} |"

    rule = ["-" * widths[0], *("-" * (width - 1) + ":" for width in widths[1:])]
    return "\n".join([write(lines[0]), write(rule), *map(write, lines[1:])])


def section(result: Result) -> str:
    """Return what is told of one input."""
    best = result.median(WEIR, lambda run: run.seconds)
    title = (
        f"## {result.input.name}: {result.input.about}\n\n"
        f"{result.rows:,} rows, {megabytes(result.bytes_in)} MB gzip; "
        f"Weir reads {result.rows / best / 1e6:.2f} million rows a second.\n"
    )
    return f"{title}\n{markdown(table(result))}\n"


def names() -> dict[str, str]:
    """Return the tools as readers know them."""
    return {"weir": "Weir", "duckdb": "DuckDB", "polars": "Polars"}


def processor() -> str:
    """Return the processor's model."""
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.machine()


def machine(weir: Path) -> str:
    """Return what was compared on what."""
    cores = len(os.sched_getaffinity(0))
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    told = subprocess.run(
        [weir, "--version"], check=True, capture_output=True, text=True
    )
    peers = ", ".join(f"{names()[peer]} {version(peer)}" for peer in PEERS)
    system = f"{memory / 2**30:.0f} GiB, {platform.system()}"
    return (
        f"{cores} cores ({processor()}), {system}. "
        f"{told.stdout.strip().capitalize()}, {peers}, "
        f"Python {platform.python_version()}."
    )


def report(results: list[Result], weir: Path, rounds: int) -> str:
    """Return the whole report."""
    before = {
        peer: max(run.memory_before for result in results for run in result.runs[peer])
        for peer in PEERS
    }
    imported = ", ".join(
        f"{names()[peer]} {megabytes(size)} MB" for peer, size in before.items()
    )
    intro = f"""# Weir and its peers

{machine(weir)}

A gzip file becomes a Parquet file, packed with Zstandard at level 1, the column types
given. Medians of {rounds} rounds after a warm-up; in each round all take their turn.
Ratios are of the same round: their median, and between what they lie. Above 1, Weir is
better. All outputs hold the same rows, compared by DuckDB.

- "seconds" and "CPU seconds" are Weir's whole process, but of a peer the conversion
  alone: the start of Python and the import are left out, which is in the peer's favour.
- "peak MB" is the whole process. Python and the import alone hold {imported}.
- Everybody uses what threads and what memory they like. Files are in the page cache.

`make bench` writes this page; the inputs are made by `weir generate`.
"""
    return "\n".join([intro, *map(section, results)])


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description="Compare Weir with its peers.")
    add = parser.add_argument
    add("--rounds", type=int, default=5, help="rounds after the warm-up (5)")
    add("--quick", action="store_true", help="a tenth of the rows; writes no page")
    add(
        "--input",
        action="append",
        choices=[chosen.name for chosen in INPUTS],
        help="only this one, may be repeated; writes no page",
    )
    add("--weir", type=Path, help="the program (WEIR_BIN, or target/release/weir)")
    add("--data", type=Path, default=REPOSITORY / "bench-data", help="for the inputs")
    chosen = parser.parse_args()
    if chosen.rounds < 1:
        parser.error("--rounds is at least 1")
    default = os.environ.get("WEIR_BIN", REPOSITORY / "target/release/weir")
    chosen.weir = Path(chosen.weir or default).resolve()
    if not chosen.weir.is_file():
        parser.error(f"{chosen.weir} is not there; build it or name another by --weir")
    return chosen


def main() -> None:
    """Make the inputs, compare, and tell."""
    chosen = arguments()
    inputs = [each for each in INPUTS if not chosen.input or each.name in chosen.input]
    data = chosen.data.resolve()
    out = data / "out"
    out.mkdir(parents=True, exist_ok=True)
    share = 0.1 if chosen.quick else 1.0
    results = []
    if os.getloadavg()[0] > len(os.sched_getaffinity(0)) / 2:
        note("this machine is busy with something else; the ratios will scatter")
    for each in inputs:
        note(f"{each.name}: preparing the input")
        lake = prepare(each, chosen.weir, data, share)
        results.append(compare(each, chosen.weir, lake, out, chosen.rounds))
    text = report(results, chosen.weir, chosen.rounds)
    print(text)
    if not chosen.quick and not chosen.input:
        RESULTS.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
