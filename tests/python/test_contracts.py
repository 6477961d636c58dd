"""The examples' contracts are good to the standard's own tool and to Weir."""

from collections.abc import Callable
from pathlib import Path

import pytest
from datacontract.data_contract import DataContract
from datacontract.model.run import ResultEnum

import weir

CONTRACTS = sorted(weir.EXAMPLES.glob("*/contracts/*.odcs.yaml"))
LAKES = sorted({path.parents[1] for path in CONTRACTS})


def name(path: Path) -> str:
    """Name a test after its file."""
    return str(path.relative_to(weir.EXAMPLES))


def test_there_are_examples() -> None:
    """Without this, a moved folder would leave the other tests nothing to fail on."""
    assert {lake.name for lake in LAKES} >= {"beer", "people"}
    assert len(CONTRACTS) >= 5


@pytest.mark.parametrize("path", CONTRACTS, ids=name)
def test_the_standards_own_tool_accepts_it(path: Path) -> None:
    """`datacontract lint` judges by the schema of the standard; it needs no network."""
    run = DataContract(data_contract_file=str(path)).lint()
    assert run.checks
    failed = [check.reason for check in run.checks if check.result != ResultEnum.passed]
    assert run.result == ResultEnum.passed, failed


@pytest.mark.parametrize("lake", LAKES, ids=name)
def test_weir_accepts_it(lake: Path) -> None:
    """`weir check` reads every contract of the lake, and each is one of its tables."""
    told = weir.run("check", "--lake", lake, "--output", "json").check().json()
    expected = {path.name.split(".")[0] for path in lake.glob("contracts/*.odcs.yaml")}
    assert told["ok"] is True
    assert {table["table"] for table in told["tables"]} == expected


@pytest.mark.parametrize(
    ("wrong", "right"),
    [
        ("primaryKeyPositon", "primaryKeyPosition"),
        ("logicaltype", "logicalType"),
        ("physicalTyp", "physicalType"),
        ("weir.generat", "weir.generate"),
    ],
)
def test_a_typo_is_told_with_its_line_and_the_nearest_key(
    new_lake: Callable[[str], Path], wrong: str, right: str
) -> None:
    """A key that is passed over in silence is a setting that somebody believes in."""
    lake = new_lake("beer")
    path = lake / "contracts/beer.odcs.yaml"
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    # Not the first: that one may stand where a standard key is optional.
    at = [
        index
        for index, line in enumerate(lines)
        if f"{right}:" in line or f"property: {right}" in line
    ][-1]
    lines[at] = lines[at].replace(right, wrong)
    path.write_text("".join(lines), encoding="utf-8")

    text = weir.run("check", "--lake", lake).check(weir.NOT_ALL_WELL)
    where = f"contracts/beer.odcs.yaml:{at + 1}:"
    line = next(
        line
        for line in (text.stdout + text.stderr).splitlines()
        if line.startswith(where) and f"'{wrong}'" in line
    )
    assert f"did you mean '{right}'?" in line

    told = weir.run("check", "--lake", lake, "--output", "json")
    problems = told.check(weir.NOT_ALL_WELL).json()["problems"]
    assert any(
        problem["line"] == at + 1 and right in problem["help"] for problem in problems
    )

    # What is wrong is not ingested by halves.
    weir.run("generate", "--lake", lake, "--rows", 100).check(weir.FAILED)
    weir.run("run", "--lake", lake).check(weir.FAILED)
    assert not (lake / "bronze").exists()
