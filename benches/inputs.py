"""What is converted: three files of the kinds that arrive in practice."""

import subprocess
from dataclasses import dataclass
from pathlib import Path

# Column types of a table, in the words that all peers translate from.
REVIEW = {
    "review_id": "int64",
    "brewery_id": "int64",
    "beer_id": "int64",
    "profile_id": "int64",
    "review_overall": "float64",
    "review_aroma": "float64",
    "review_appearance": "float64",
    "review_palate": "float64",
    "review_taste": "float64",
    "review_time": "epoch seconds",
}
PROFILE = {
    "profile_id": "int64",
    "username": "string",
    "joined": "timestamp",
    "state": "string",
    "bio": "string",
}
# `weir generate --rows` counts reviews; the contract of profile makes so many of each.
PROFILES_PER_REVIEW = 0.02104


@dataclass(frozen=True)
class Input:
    """A file to convert, and how it is made."""

    name: str
    about: str
    table: str
    columns: dict[str, str]
    format: str
    rows: int

    def file(self, folder: Path) -> Path:
        """Return where the file is."""
        return folder / "raw" / self.table / f"{self.table}-00000.{self.format}.gz"

    def contract(self, folder: Path) -> Path:
        """Return where its contract is."""
        return folder / "contracts" / f"{self.table}.odcs.yaml"


INPUTS = [
    Input("review", "narrow CSV of numbers", "review", REVIEW, "csv", 1_586_614),
    Input(
        "profile",
        "CSV of text: quotes, commas, line breaks",
        "profile",
        PROFILE,
        "csv",
        1_000_000,
    ),
    Input("review-json", "the same as NDJSON", "review", REVIEW, "json", 800_000),
]


def prepare(chosen: Input, weir: Path, data: Path, share: float) -> Path:
    """Generate the input unless it is there; return the folder of its lake."""
    rows = int(chosen.rows * share)
    # The number of rows is part of the path, so that no run meets the data of another.
    folder = data / f"{chosen.name}-{rows}"
    if chosen.file(folder).is_file():
        return folder
    asked = rows / PROFILES_PER_REVIEW if chosen.table == "profile" else rows
    if not folder.is_dir():
        _call(weir, "init", folder, "--example", "beer")
    _call(
        weir,
        *("generate", "--lake", folder, "--table", chosen.table),
        *("--format", chosen.format, "--compression", "gzip", "--seed", 1),
        *("--rows", int(asked), "--rows-per-file", chosen.rows * 2),
    )
    if not chosen.file(folder).is_file():
        raise SystemExit(f"weir generate did not write {chosen.file(folder)}")
    return folder


def _call(program: Path, *arguments: str | Path | int) -> None:
    subprocess.run(
        [program, *map(str, arguments)], check=True, stdout=subprocess.DEVNULL
    )
