"""The plain fold itself, by tables short enough to be checked by eye."""

import json
from typing import Any

from silver_model import Table, history, snapshot, state_changes

TABLE = Table(key=["id"], others=["a", "b"])


def record(
    op: str,
    seq: int,
    a: Any = None,
    b: Any = None,
    at: int | None = None,
    *left_out: str,
) -> dict[str, Any]:
    """Return a change of key 1."""
    return {
        "id": 1,
        "a": a,
        "b": b,
        "_op": op,
        "_seq": f"{seq}",
        "_event_time": seq * 10 if at is None else at,
        "_unchanged": json.dumps(left_out) if left_out else None,
    }


def only(*records: dict[str, Any]) -> dict[str, Any]:
    """Return the one row that the records come to."""
    (row,) = snapshot(TABLE, records)
    return row


def test_a_late_insert_does_not_resurrect_a_deleted_row() -> None:
    """It fills the columns, and the row stays deleted."""
    row = only(record("D", 5), record("I", 3, "x", "y"))
    assert (row["_op"], row["_seq"], row["a"], row["b"]) == ("D", "5", "x", "y")
    assert (row["created_at"], row["updated_at"], row["deleted_at"]) == (30, 50, 50)
    assert row["_carried"] == {"*": "3"}


def test_a_tombstone_of_an_unknown_key_was_never_set() -> None:
    """Its columns rank below every record."""
    row = only(record("D", 5))
    assert (row["a"], row["b"], row["_carried"]) == (None, None, {"*": ""})


def test_a_column_left_out_keeps_the_value_and_the_sequence_that_it_had() -> None:
    """The other columns are those of the newest record."""
    row = only(record("I", 1, "x", "y"), record("U", 4, "z", None, None, "b"))
    assert (row["a"], row["b"], row["_carried"]) == ("z", "y", {"b": "1"})
    row = only(record("I", 1, "x", "y"), record("U", 4, None, None, None, "a", "b"))
    assert row["_carried"] == {"*": "1"}


def test_of_one_sequence_the_greater_value_and_the_later_operation_stand() -> None:
    """Null is the least value, a deletion the last operation."""
    row = only(record("U", 4, "x", None), record("U", 4, None, "y"))
    assert (row["a"], row["b"], row["_carried"]) == ("x", "y", None)
    row = only(record("D", 4, at=1), record("U", 4, "x", "y", 9))
    assert (row["_op"], row["updated_at"], row["deleted_at"]) == ("D", 1, 1)
    assert (row["a"], row["_carried"]) == ("x", None)


def test_a_version_holds_until_the_next_one() -> None:
    """A late record comes to stand between two."""
    first, last = record("I", 1, "x", "y"), record("D", 9)
    between = record("U", 5, "z", None, None, "b")
    rows = history(TABLE, [last, first, between])
    told = [(r["a"], r["b"], r["valid_from"], r["valid_to"]) for r in rows]
    assert told == [("x", "y", 10, 50), ("z", "y", 50, 90), ("z", "y", 90, None)]
    assert [r["deleted_at"] for r in rows] == [None, None, 90]
    carried = [None, {"b": "1"}, {"a": "5", "b": "1"}]
    assert [r["_carried"] for r in rows] == carried


def test_a_state_that_is_told_again_is_a_repeat() -> None:
    """A deletion is a state, null is a value, and the first record is a change."""
    rows = state_changes(
        TABLE,
        "a",
        [
            record("I", 1, None),
            record("U", 2, "x"),
            record("U", 3, "x"),
            record("U", 4, None, None, None, "a"),
            record("D", 5),
            record("D", 6),
            record("I", 7, "x"),
        ],
    )
    told = [(r["previous_a"], r["a"], r["_op"], r["_seq"]) for r in rows]
    assert told == [
        (None, None, "I", "1"),
        (None, "x", "U", "2"),
        ("x", None, "D", "5"),
        (None, "x", "I", "7"),
    ]
    repeats = [None, [["3", 30, "U"]], [["6", 60, "D"]], None]
    assert [r["_repeats"] for r in rows] == repeats
