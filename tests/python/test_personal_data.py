"""Personal data is nowhere in clear outside raw/, and still joins."""

import gzip
import hashlib
import hmac
import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import pyarrow.parquet as pq
import pytest

import weir
from lake import all_records, bronze, put, raw_rows, raw_text, records

GENERATED = "raw/people/people-00000.csv.gz"
MASKED = ["first_name", "last_name", "email", "phone"]
# A person of the bad rows: whatever is wrong with a row, it is not told by their data.
FIRST, LAST = "Zebedee", "Quagmire-Voss"
EMAIL, PHONE = "zebedee.quagmire@example.com", "+1-999-555-0198"
BORN = "1971-12-31"
PERSON = f"{FIRST},{LAST},Male,{EMAIL},{PHONE},{BORN},Cook"
SECRETS = [FIRST, LAST, EMAIL, PHONE, BORN]
UUID = "7cd11545-f5e6-49e0-b94b-1983afc11335"


def bad_csv(header: str, good: list[str]) -> str:
    """Return a file in which few rows are bad, each in another way."""
    bad = [
        f"x,{UUID},{PERSON}",
        f"99999999999999999999,{UUID},{PERSON}",
        f"1,{UUID},{PERSON},{EMAIL}",
        f'1,{UUID},"{FIRST}"{LAST},{LAST},Male,{EMAIL},{PHONE},{BORN},Cook',
        f"1,{UUID},{FIRST},{LAST},Male,,{PHONE},{BORN},Cook",
        f'1,{UUID},{FIRST},{LAST},Male,"{EMAIL},{PHONE},{BORN},Cook',
    ]
    return "\n".join([header, *good, *bad, ""])


def bad_json(good: list[dict[str, str]]) -> str:
    """Return NDJSON in which few rows are bad."""
    person = {"first_name": FIRST, "last_name": LAST, "email": EMAIL, "phone": PHONE}
    whole = json.dumps({"index": 1, "user_id": UUID, **person})
    bad = [
        json.dumps({"index": "x", "user_id": UUID, **person}),
        json.dumps({"index": 1, "user_id": UUID, "email": {"of": person}}),
        json.dumps([person]),
        json.dumps(EMAIL),
        whole[:-1] + f', "email": "{EMAIL}"}}',
        whole.replace(f'"{EMAIL}"', EMAIL),
        whole[:-10],
    ]
    return "\n".join([*map(json.dumps, good), *bad, ""])


@dataclass(frozen=True)
class People:
    """A lake of people, and all that was printed about it."""

    lake: Path
    printed: str


@pytest.fixture(scope="module")
def people(new_lake: Callable[[str], Path]) -> People:
    """Return a lake to which people were delivered in good files and bad."""
    lake = new_lake("people")
    weir.run("generate", "--lake", lake, "--rows", 2000, "--seed", 5).check()
    header, *lines = raw_text(lake, "people").splitlines()
    rows = raw_rows(lake, "people")
    put(
        lake,
        "raw/people/again.csv.gz",
        gzip.compress("\n".join([header, *lines[:500], ""]).encode()),
    )
    put(lake, "raw/people/bad.csv", bad_csv(header, lines[:1000]).encode())
    put(lake, "raw/people/bad.jsonl", bad_json(rows[:1000]).encode())
    put(lake, "raw/people/too-bad.csv", bad_csv(header, []).encode())
    put(lake, "raw/people/too-bad.jsonl", bad_json([]).encode())
    put(lake, "raw/people/no-header.csv", f"1,{UUID},{PERSON}\n".encode())
    put(lake, "raw/people/half-a-header.csv", f"index,user_id,{EMAIL}\n".encode())
    put(lake, "raw/people/cut.csv.gz", gzip.compress(PERSON.encode())[:-4])
    return People(lake, "".join(everything_printed(lake)))


def everything_printed(lake: Path) -> Iterable[str]:
    """Call all that tells of a lake, for people and for scripts."""
    outcomes = [weir.run("run", "--lake", lake).check(weir.NOT_ALL_WELL)]
    for record in all_records(lake):
        for output in ("text", "json"):
            shown = ("show", record["id"], "--lake", lake, "--output", output)
            outcomes.append(weir.run(*shown).check())
    for output in ("text", "json"):
        outcomes.append(weir.run("status", "--lake", lake, "--output", output).check())
        outcomes.append(weir.run("check", "--lake", lake, "--output", output).check())
        ran = weir.run("run", "--lake", lake, "--output", output)
        outcomes.append(ran.check(weir.NOT_ALL_WELL))
    return [outcome.stdout + outcome.stderr for outcome in outcomes]


def needles(lake: Path) -> list[str]:
    """Return every personal value of the generated file that tells of somebody.

    A name that the contract has too, as a job that is also a surname, tells nothing;
    one of a few letters turns up in packed bytes by chance.
    """
    contract = (lake / "contracts/people.odcs.yaml").read_text(encoding="utf-8")
    values = {row[column] for row in raw_rows(lake, "people") for column in MASKED}
    telling = {value for value in values if len(value) >= 6 and value not in contract}
    assert len(telling) > 4000
    return [*telling, *SECRETS]


def written(lake: Path) -> dict[str, bytes]:
    """Return the bytes of every file outside raw/, Parquet unpacked."""
    found = {}
    for path in sorted(lake.rglob("*")):
        name = path.relative_to(lake)
        if not path.is_file() or name.parts[0] == "raw":
            continue
        found[str(name)] = path.read_bytes()
        if path.suffix == ".parquet":
            table = pq.read_table(path, partitioning=None)
            cells = [str(value) for row in table.to_pylist() for value in row.values()]
            found[f"{name} unpacked"] = "\n".join(cells).encode()
    return found


def test_no_personal_value_is_outside_raw(people: People) -> None:
    """Neither in bronze nor quarantine nor in the database nor in notices."""
    looked_at = written(people.lake)
    folders = {name.split("/")[0] for name in looked_at}
    assert {"bronze", "quarantine", ".weir"} <= folders
    patterns = [value.encode() for value in needles(people.lake)]
    for name, data in looked_at.items():
        leaked = [needle for needle in patterns if needle in data]
        assert not leaked, f"{name} has {leaked[:5]}"
        assert b"@example." not in data, name


def test_no_personal_value_is_printed(people: People) -> None:
    """What stands in a terminal ends up in a ticket."""
    leaked = [value for value in needles(people.lake) if value in people.printed]
    assert not leaked, [
        line
        for line in people.printed.splitlines()
        if any(value in line for value in leaked)
    ][:5]


def test_bad_rows_are_told_without_their_values(people: People) -> None:
    """Reason and place stay, so that the row can be found in raw/."""
    told = records(people.lake)
    reasons = {}
    for key in ("raw/people/bad.csv", "raw/people/bad.jsonl"):
        record = told[key]
        assert record["status"] == "SUCCEEDED", record["failure"]
        assert record["outcome"]["rows_written"] == 1000
        path = people.lake / record["outcome"]["quarantine_key"]
        quarantined = [json.loads(line) for line in path.read_text().splitlines()]
        reasons[key] = [row["reason"] for row in quarantined]
        assert all(row["text"] is None for row in quarantined)
        masked = [
            row["values"]["email"]
            for row in quarantined
            if (row["values"] or {}).get("email")
        ]
        assert set(masked) == {"[masked: email]"}
    assert reasons["raw/people/bad.csv"] == [
        "not_of_type",
        "out_of_range",
        "field_count",
        "text_after_quote",
        "no_value",
        "open_quote",
    ]
    assert len(reasons["raw/people/bad.jsonl"]) == 7


def test_hashes_are_of_the_lakes_key_and_join(people: People) -> None:
    """HMAC-SHA-256: equal values have equal hashes in every file, others others."""
    key_file = people.lake / ".weir/pii.key"
    assert key_file.stat().st_mode & 0o777 == 0o600
    key = bytes.fromhex(key_file.read_text().split()[-1])

    def masked(value: str) -> str | None:
        return (
            hmac.new(key, value.encode(), hashlib.sha256).hexdigest() if value else None
        )

    told = records(people.lake)
    rows = raw_rows(people.lake, "people")
    for record, expected in (
        (told[GENERATED], rows),
        (told["raw/people/again.csv.gz"], rows[:500]),
    ):
        stored = bronze(people.lake, record)
        for column in ("email", "phone"):
            hashes = [masked(row[column]) for row in expected]
            assert stored[column].to_pylist() == hashes
    emails = {row["email"] for row in rows}
    stored = bronze(people.lake, told[GENERATED])
    assert len(set(stored["email"].to_pylist())) == len(emails) < len(rows)


def test_what_is_redacted_is_null_and_the_rest_is_kept(people: People) -> None:
    """Only what the contract names is taken away."""
    stored = bronze(people.lake, records(people.lake)[GENERATED])
    rows = raw_rows(people.lake, "people")
    for column in ("first_name", "last_name", "date_of_birth"):
        assert stored[column].null_count == len(rows)
    for column in ("user_id", "sex", "job_title"):
        expected = [row[column] or None for row in rows]
        assert stored[column].to_pylist() == expected
    assert stored["index"].to_pylist() == [int(row["index"]) for row in rows]


def test_another_lake_hashes_otherwise(new_lake: Callable[[str], Path]) -> None:
    """Hashes of two lakes do not tell that a person is in both."""
    seen = []
    for _ in range(2):
        lake = new_lake("people")
        weir.run("generate", "--lake", lake, "--rows", 50, "--seed", 5).check()
        weir.run("run", "--lake", lake).check()
        stored = bronze(lake, records(lake)[GENERATED])
        seen.append(set(stored["email"].to_pylist()))
    assert not seen[0] & seen[1]


# Where a header or a key is expected there may stand data: a file came without its
# header, or a map has people as its keys.
DATA_AS_NAMES = {
    "a-row-as-header.csv": f"1,{UUID},{PERSON},{LAST},{LAST}\n",
    "a-header-with-data.csv": f"index,user_id,email,{PHONE}\n1,{UUID},{EMAIL},x\n",
    "data-as-keys.jsonl": json.dumps(
        {"index": 1, "user_id": UUID, "email": EMAIL, PHONE: {LAST: 1}}
    ),
}


@pytest.mark.parametrize("name", DATA_AS_NAMES)
def test_data_in_the_place_of_column_names_is_not_told(
    new_lake: Callable[[str], Path], name: str
) -> None:
    """Everybody reads the note of unknown columns and the error about a header."""
    lake = new_lake("people")
    put(lake, f"raw/people/{name}", DATA_AS_NAMES[name].encode())
    ran = weir.run("run", "--lake", lake)
    (record,) = all_records(lake)
    shown = weir.run("show", record["id"], "--lake", lake, "--output", "json").check()
    told = {"run": ran.stdout + ran.stderr, "show": shown.stdout}
    told |= {
        path: data.decode(errors="replace") for path, data in written(lake).items()
    }
    for where, text in told.items():
        leaked = [secret for secret in SECRETS if secret in text]
        assert not leaked, f"{where} has {leaked}"
