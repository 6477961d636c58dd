"""Columns of every type: their values, how a source may write them, how they return."""

import base64
import json
import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pyarrow as pa
from hypothesis import strategies as st

Json = None | bool | int | float | str | list[Any] | dict[str, Any]

NASTY_TEXTS = [
    "",
    " ",
    " leading and trailing ",
    "\ttab\t",
    '"',
    '""',
    '"quoted"',
    'in "the" middle',
    "a,b;c|d\te",
    "line\nbreak",
    "line\r\nbreak",
    "\n",
    "\r\n",
    "\\N",
    "\\n",
    "\\",
    'back\\"slash',
    "null",
    "NULL",
    "NaN",
    "None",
    "0042",
    "1e5",
    "true",
    "2026-01-01",
    "=1+1",
    "'single'",
    "{}",
    "[",
    "#comment",
    "\ufeffmark",
    "\u2028\u2029\x85",
    "\x00\x01\x1f\x7f",
    "Grüße, Ångström",
    "e\u0301 is not \u00e9",
    "\u202eright to left",
    "日本語",
    "🍺🏴\U000e0067\U000e007f",
    "\U0010ffff",
    "x" * 3000,
]

NASTY_NAMES = [
    "plain",
    "two words",
    'quo"te',
    "com,ma; and\ttab|",
    "line\nbreak",
    "Größe",
    "🍺",
    "back\\slash",
    "'single'",
    "a.b[0]",
    "UPPER",
]

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def texts(without: str = "") -> st.SearchStrategy[str]:
    """Return texts, nasty ones above all, that hold none of some characters."""
    nasty = [text for text in NASTY_TEXTS if not set(text) & set(without)]
    letters = "".join(c for c in ' ",;|\t\n\r\\ax0-é🍺' if c not in without)
    any_letter = st.characters(codec="utf-8", exclude_characters=without)
    return (
        st.sampled_from(nasty)
        | st.text(letters, max_size=12)
        | st.text(any_letter, max_size=12)
    )


def floats(width: int) -> st.SearchStrategy[float]:
    """Return numbers of a width, and those that are none."""
    limit = 3.4028234663852886e38 if width == 32 else 1.7976931348623157e308
    edges = [0.0, -0.0, 0.1, 1e-5, limit, -limit, math.nan, math.inf, -math.inf]
    if width == 32:
        edges = [pa.scalar(edge, pa.float32()).as_py() for edge in edges]
    return st.sampled_from(edges) | st.floats(width=width)  # type: ignore[arg-type]


def integers(bits: int) -> st.SearchStrategy[int]:
    """Return whole numbers of so many bits, the outermost included."""
    low, high = -(2 ** (bits - 1)), 2 ** (bits - 1) - 1
    return st.sampled_from([low, high, 0, -1]) | st.integers(low, high)


def micros_since_1970(value: datetime) -> int:
    """Count exactly: a timestamp as a float loses microseconds."""
    aware = value if value.tzinfo else value.replace(tzinfo=UTC)
    return (aware - EPOCH) // timedelta(microseconds=1)


def times(zoned: bool, least: timedelta) -> st.SearchStrategy[datetime]:
    """Return times that are whole multiples of the least step."""
    offsets = st.integers(-18 * 60, 18 * 60).map(
        lambda minutes: timezone(timedelta(minutes=minutes))
    )
    # A day from both ends of time: an offset must not lead out of it.
    times = st.datetimes(
        min_value=datetime(1, 1, 2),
        max_value=datetime(9999, 12, 30),
        timezones=offsets if zoned else st.none(),
    )
    edges = [datetime(1969, 12, 31, 23, 59, 59, 999999), datetime(2024, 2, 29)]
    if zoned:
        edges = [edge.replace(tzinfo=UTC) for edge in edges]
    step = least // timedelta(microseconds=1)

    def whole(value: datetime) -> datetime:
        micros = micros_since_1970(value) // step * step
        at = EPOCH + timedelta(microseconds=micros)
        return at.astimezone(value.tzinfo) if zoned else at.replace(tzinfo=None)

    return (st.sampled_from(edges) | times).map(whole)


def canonical(text: str) -> str:
    """Return a JSON text without what its writer was free to choose."""
    return json.dumps(json.loads(text))


def json_values() -> st.SearchStrategy[Json]:
    """Return values for a column of JSON; at the top a null is no value."""
    leaves = (
        st.none()
        | st.booleans()
        | st.integers()
        | st.floats(allow_nan=False, allow_infinity=False)
        | texts()
    )
    nested = st.recursive(
        leaves,
        lambda inner: (
            st.lists(inner, max_size=3) | st.dictionaries(texts(), inner, max_size=3)
        ),
        max_leaves=6,
    )
    return nested.filter(lambda value: value is not None)


@dataclass(frozen=True)
class ColumnType:
    """A type, as a contract declares it and as each format writes it."""

    declared: dict[str, Any]
    arrow: pa.DataType
    values: st.SearchStrategy[Any]
    in_csv: Callable[[Any], str] = str
    in_json: Callable[[Any], Json] = lambda value: value
    # A value as it should return, and what PyArrow gives, both in a form in which
    # equal means equal: Python holds 1 == True and 0.0 == -0.0, and no nan equal.
    expected: Callable[[Any], Any] = lambda value: value
    returned: Callable[[Any], Any] = lambda value: value
    read_as: pa.DataType | None = None


@dataclass(frozen=True)
class Column:
    """A column of a table."""

    name: str
    source_name: str
    type: ColumnType
    required: bool = False

    def declared(self) -> dict[str, Any]:
        """Return the column's entry in the contract."""
        entry = {"name": self.name, **self.type.declared, "required": self.required}
        if self.source_name != self.name:
            entry["physicalName"] = self.source_name
        return entry


def decimals(precision: int, scale: int) -> ColumnType:
    """Return exact numbers of a precision and scale."""
    most = 10**precision - 1
    units = st.sampled_from([most, -most, 0, 1]) | st.integers(-most, most)
    return ColumnType(
        {"logicalType": "number", "physicalType": f"decimal({precision},{scale})"},
        pa.decimal128(precision, scale),
        # From digits: arithmetic would round to the context's 28 of them.
        units.map(lambda n: Decimal((n < 0, tuple(map(int, str(abs(n)))), -scale))),
        in_csv=lambda value: format(value, "f"),
        in_json=lambda value: int(value) if scale == 0 else format(value, "f"),
        # A decimal has no negative zero.
        expected=lambda value: value if value else abs(value),
    )


def timestamps(
    zoned: bool,
    write: Callable[[datetime], str],
    least: timedelta = timedelta(microseconds=1),
    text: dict[str, Any] | None = None,
) -> ColumnType:
    """Return times that are written in one form."""
    return ColumnType(
        {"logicalType": "timestamp"} | (text or {}),
        pa.timestamp("us", tz="UTC" if zoned else None),
        times(zoned, least),
        in_csv=write,
        in_json=write,
        expected=micros_since_1970,
        read_as=pa.int64(),
    )


def epoch(unit: str) -> dict[str, Any]:
    """Return what declares a count since 1970."""
    return {"customProperties": [{"property": "weir.epoch", "value": unit}]}


def number_of(per_second: int) -> Callable[[datetime], str]:
    """Return the writer of a count since 1970."""
    return lambda value: str(micros_since_1970(value) * per_second // 1_000_000)


def by_pattern(value: datetime) -> str:
    """Write as `dd/MM/yyyy HH:mm:ss.SSSSSS`; strftime does not pad years."""
    return f"{value:%d/%m}/{value.year:04} {value:%H:%M:%S.%f}"


ZONED = {"logicalTypeOptions": {"timezone": True}}
PATTERN = {"logicalTypeOptions": {"format": "dd/MM/yyyy HH:mm:ss.SSSSSS"}}
FLOATS_IN_JSON = {
    "in_json": lambda value: value if math.isfinite(value) else str(value),
    "in_csv": repr,
    "expected": repr,
    "returned": repr,
}

TYPES: dict[str, ColumnType] = {
    "string": ColumnType({"logicalType": "string"}, pa.string(), texts()),
    "int32": ColumnType(
        {"logicalType": "integer", "physicalType": "int"}, pa.int32(), integers(32)
    ),
    "int64": ColumnType({"logicalType": "integer"}, pa.int64(), integers(64)),
    "int64 in quotes": ColumnType(
        {"logicalType": "integer"}, pa.int64(), integers(64), in_json=str
    ),
    "float32": ColumnType(
        {"logicalType": "number", "physicalType": "real"},
        pa.float32(),
        floats(32),
        **FLOATS_IN_JSON,
    ),
    "float64": ColumnType(
        {"logicalType": "number"}, pa.float64(), floats(64), **FLOATS_IN_JSON
    ),
    "decimal(38,0)": decimals(38, 0),
    "decimal(38,38)": decimals(38, 38),
    "decimal(10,2)": decimals(10, 2),
    "decimal(1,0)": decimals(1, 0),
    "boolean": ColumnType(
        {"logicalType": "boolean"},
        pa.bool_(),
        st.booleans(),
        expected=str,
        returned=str,
    ),
    "date": ColumnType(
        {"logicalType": "date"},
        pa.date32(),
        st.sampled_from([date(1, 1, 1), date(9999, 12, 31)]) | st.dates(),
        in_csv=date.isoformat,
        in_json=date.isoformat,
    ),
    "timestamp": timestamps(False, datetime.isoformat),
    "timestamp with a space": timestamps(False, lambda value: value.isoformat(" ")),
    "timestamp by pattern": timestamps(False, by_pattern, text=PATTERN),
    "timestamp in seconds": timestamps(
        False,
        number_of(1),
        timedelta(seconds=1),
        epoch("seconds"),
    ),
    "timestamp in microseconds": timestamps(
        False, number_of(1_000_000), text=epoch("microseconds")
    ),
    "zoned timestamp": timestamps(True, datetime.isoformat, text=ZONED),
    "zoned timestamp in milliseconds": timestamps(
        True,
        number_of(1000),
        timedelta(milliseconds=1),
        ZONED | epoch("milliseconds"),
    ),
    "binary": ColumnType(
        {"logicalType": "string", "physicalType": "binary"},
        pa.binary(),
        st.binary(max_size=40),
        in_csv=lambda value: base64.b64encode(value).decode(),
        in_json=lambda value: base64.b64encode(value).decode(),
    ),
    "json": ColumnType(
        {"logicalType": "object"},
        pa.string(),
        json_values(),
        in_csv=json.dumps,
        expected=json.dumps,
        returned=canonical,
    ),
}
