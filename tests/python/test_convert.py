"""`weir convert` as a script uses it: exit codes, answers, and what is left on disk."""

import gzip
import json
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import weir

CONTRACT = weir.contract(
    "t",
    [
        {"name": "id", "logicalType": "integer", "primaryKey": True},
        {"name": "name", "logicalType": "string"},
    ],
    {"weir.badRowLimit": 1},
)


@pytest.fixture
def contract(tmp_path: Path) -> Path:
    """Return a contract of two columns that allows one bad row."""
    path = tmp_path / "t.odcs.yaml"
    path.write_text(CONTRACT)
    return path


def convert(source: Path, target: Path, *arguments: str | Path) -> weir.Outcome:
    """Convert and ask for the answer that scripts read."""
    return weir.run("convert", source, target, *arguments, "--output", "json")


def test_a_conversion_tells_what_it_did(tmp_path: Path, contract: Path) -> None:
    """One JSON object with counts, bytes, time and memory."""
    source, target = tmp_path / "in.csv.gz", tmp_path / "out.parquet"
    source.write_bytes(gzip.compress(b"id,name\n1,a\n2,b\n"))
    told = convert(source, target, "--contract", contract).check().json()
    assert told["rows_in"] == told["rows_written"] == 2
    assert told["rows_quarantined"] == told["rows_filtered"] == 0
    assert told["bytes_in"] == source.stat().st_size
    assert told["bytes_out"] == target.stat().st_size
    assert 0 < told["seconds"] < 60
    assert 1 << 20 < told["peak_memory_bytes"] < 1 << 28


def test_the_same_input_gives_the_same_bytes(tmp_path: Path, contract: Path) -> None:
    """A second run can be told from a first only by its time."""
    source = tmp_path / "in.csv"
    rows = "".join(f"{n},name {n % 97}\n" for n in range(50_000))
    source.write_text("id,name\n" + rows)
    targets = [tmp_path / f"{n}.parquet" for n in range(3)]
    for target in targets:
        convert(source, target, "--contract", contract).check()
    assert len({target.read_bytes() for target in targets}) == 1


@pytest.mark.parametrize("memory", [16, 64])
def test_memory_stays_within_what_was_given(
    new_lake: Callable[[str], Path], tmp_path: Path, memory: int
) -> None:
    """A file of some 100 MB of text, beside what the program itself takes."""
    lake = new_lake("beer")
    tiny = tmp_path / "tiny.csv"
    tiny.write_text("a,b\n1,2\n")
    told = convert(tiny, tmp_path / "tiny.parquet", "--infer", "--memory", str(memory))
    itself = told.check().json()["peak_memory_bytes"]
    weir.run(
        *("generate", "--lake", lake, "--table", "review", "--format", "json"),
        *("--rows", 500_000, "--rows-per-file", 1_000_000),
    ).check()
    (source,) = (lake / "raw/review").iterdir()
    contract = lake / "contracts/review.odcs.yaml"
    told = convert(
        *(source, tmp_path / "out.parquet"),
        *("--contract", contract, "--memory", str(memory)),
    )
    report = told.check().json()
    assert report["rows_written"] == 500_000
    assert report["peak_memory_bytes"] - itself <= memory << 20
    # Mapped code counts, and a query engine is in it that no conversion calls.
    assert itself <= 48 << 20


def test_bad_rows_go_where_they_are_asked_to(tmp_path: Path, contract: Path) -> None:
    """Exit 3: done, but not all of it."""
    source, target = tmp_path / "in.csv", tmp_path / "out.parquet"
    bad = tmp_path / "bad.jsonl"
    source.write_text("id,name\n1,a\nx,b\n3,c\n")
    told = convert(source, target, "--contract", contract, "--quarantine", bad)
    counts = told.check(weir.NOT_ALL_WELL).json()
    assert (counts["rows_in"], counts["rows_quarantined"]) == (3, 1)
    assert pq.read_table(target)["id"].to_pylist() == [1, 3]
    (row,) = map(json.loads, bad.read_text().splitlines())
    assert (row["line"], row["column"], row["reason"]) == (3, "id", "not_of_type")


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"id,name\nx,b\ny,c\n", "Input.TooManyBadRows"),
        (gzip.compress(b"id,name\n1,a\n")[:-6], "Input.Truncated"),
        (b"other\n1\n", "Input.Header"),
        (b'[{"id": 1}', "Input.Array"),
    ],
)
def test_a_failed_conversion_leaves_the_output_as_it_was(
    tmp_path: Path, contract: Path, data: bytes, code: str
) -> None:
    """Exit 1, a stable name on standard output, and no half a file."""
    source, target = tmp_path / "in", tmp_path / "out.parquet"
    source.write_bytes(data)
    target.write_bytes(b"from before")
    before = set(tmp_path.iterdir())
    told = convert(source, target, "--contract", contract).check(weir.FAILED)
    error = told.json()["error"]
    assert error["code"] == code
    assert error["message"]
    assert target.read_bytes() == b"from before"
    assert set(tmp_path.iterdir()) == before


def test_wrong_arguments_are_told_apart_from_failures(tmp_path: Path) -> None:
    """Exit 2: a contract and --infer, which exclude each other."""
    convert(tmp_path / "in", tmp_path / "out", "--infer", "--contract", "c").check(2)


def test_types_are_inferred_only_where_nothing_is_lost(tmp_path: Path) -> None:
    """What would not come back as it was written stays text."""
    source, target = tmp_path / "in.csv", tmp_path / "out.parquet"
    source.write_text(
        "whole,zeros,money,text,day,time,truth\n"
        "1,007,1.5,a,2026-01-02,2026-01-02T03:04:05Z,true\n"
        "-2,010,2.25,,2026-01-03,2026-01-02T03:04:05+02:00,false\n"
    )
    convert(source, target, "--infer").check()
    stored = pq.read_table(target)
    assert stored.schema.types == [
        pa.int64(),
        pa.string(),
        pa.float64(),
        pa.string(),
        pa.date32(),
        pa.timestamp("us", tz="UTC"),
        pa.bool_(),
    ]
    assert stored["zeros"].to_pylist() == ["007", "010"]
    assert stored["text"].to_pylist() == ["a", None]


def test_inference_reads_on_when_later_rows_differ(tmp_path: Path) -> None:
    """A column that is a number for a long time and then is not is text throughout."""
    source, target = tmp_path / "in.csv", tmp_path / "out.parquet"
    numbers = [str(n) for n in range(400_000)]
    source.write_text("\n".join(["n,m", *(f"{n},1" for n in numbers), "late,1", ""]))
    convert(source, target, "--infer").check()
    assert pq.read_table(target)["n"].to_pylist() == [*numbers, "late"]
