"""Whatever Python's own writers write comes back from Parquet value for value."""

import csv
import io
import json
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from hypothesis import given, settings
from hypothesis import strategies as st

import weir
from columns import NASTY_NAMES, TYPES, Column, texts
from packing import packed

# Rows that fill several of the blocks and batches in which a conversion works.
LARGE_TEXT = 3 << 20


@dataclass(frozen=True)
class Table:
    """Columns and rows; None is null."""

    columns: list[Column]
    rows: list[list[Any]]

    def expected(self, column: int) -> list[Any]:
        """Return a column's values as they should return."""
        expected = self.columns[column].type.expected
        return [
            None if row[column] is None else expected(row[column]) for row in self.rows
        ]


class Bare(int):
    """A text that csv.QUOTE_NONNUMERIC leaves without quotes, as if it were a number.

    Python's csv has no other way to write a null (`,,`) and an empty text (`,"",`).
    """

    text: str

    def __new__(cls, text: str) -> "Bare":
        """Keep the text; the number is of no use."""
        bare = super().__new__(cls)
        bare.text = text
        return bare

    def __str__(self) -> str:
        """Write the text."""
        return self.text


@dataclass(frozen=True)
class Dialect:
    """How a CSV file is written."""

    quoting: Any
    delimiter: str
    line_end: str
    null: str
    header: bool
    mark: bool

    def nulls_are_bare(self) -> bool:
        """Whether quotes tell a text from a null."""
        return self.quoting == csv.QUOTE_NONNUMERIC

    def not_in_texts(self) -> str:
        """Return what this dialect of Python's writer cannot write faithfully."""
        # Before Python 3.13, QUOTE_MINIMAL leaves a carriage return bare unless lines
        # end in one, and no reader tells it from a line's end.
        minimal = self.quoting == csv.QUOTE_MINIMAL
        return "\r" if minimal and self.line_end == "\n" else ""

    def settings(self) -> dict[str, Any]:
        """Return what tells a contract of it."""
        return {
            "weir.format": "csv",
            "weir.csv.delimiter": self.delimiter,
            "weir.csv.header": self.header,
            "weir.csv.null": self.null,
            "weir.csv.nullWhenQuoted": self.quoting == csv.QUOTE_ALL,
            "weir.badRowLimit": 0,
        }

    def write(self, table: Table) -> str:
        """Write with Python's csv module."""
        out = io.StringIO(newline="")
        writer = csv.writer(
            out,
            quoting=self.quoting,
            delimiter=self.delimiter,
            lineterminator=self.line_end,
        )
        if self.header:
            writer.writerow([column.source_name for column in table.columns])
        null = Bare(self.null) if self.nulls_are_bare() else self.null
        for row in table.rows:
            cells = zip(table.columns, row, strict=True)
            writer.writerow([null if v is None else c.type.in_csv(v) for c, v in cells])
        return ("\ufeff" if self.mark else "") + out.getvalue()


@st.composite
def dialects(draw: st.DrawFn) -> Dialect:
    """Return dialects in which Python can write every value and every null."""
    quoting = draw(
        st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL, csv.QUOTE_NONNUMERIC])
    )
    bare = quoting == csv.QUOTE_NONNUMERIC
    header = draw(st.booleans())
    return Dialect(
        quoting=quoting,
        delimiter=draw(st.sampled_from(",,;|\t\x01")),
        line_end=draw(st.sampled_from(["\n", "\r\n"])),
        null=draw(st.sampled_from(["", "\\N", "NULL", "-"])) if bare else "\\N",
        header=header,
        # Without a header a text's own U+FEFF may be the first character of the file.
        mark=draw(st.booleans()) or not header,
    )


@dataclass(frozen=True)
class JsonStyle:
    """How a JSON file is written."""

    array: bool
    between: str
    ensure_ascii: bool
    indent: int | None
    separators: tuple[str, str] | None
    leave_out_nulls: bool
    backwards: bool

    def write(self, table: Table) -> str:
        """Write with Python's json module."""
        objects = [self._object(table.columns, row) for row in table.rows]
        if self.array:
            return self._dumps(objects)
        return self.between.join(map(self._dumps, objects))

    def _dumps(self, value: Any) -> str:
        return json.dumps(
            value,
            ensure_ascii=self.ensure_ascii,
            indent=self.indent,
            separators=self.separators,
            allow_nan=False,
        )

    def _object(self, columns: list[Column], row: list[Any]) -> dict[str, Any]:
        pairs = [
            (column.source_name, None if value is None else column.type.in_json(value))
            for column, value in zip(columns, row, strict=True)
            if not (value is None and self.leave_out_nulls)
        ]
        return dict(reversed(pairs) if self.backwards else pairs)


JSON_STYLES = st.builds(
    JsonStyle,
    array=st.booleans(),
    between=st.sampled_from(["\n", "\n", "\r\n", "", " ", "\n\n"]),
    ensure_ascii=st.booleans(),
    indent=st.sampled_from([None, None, 0, 2]),
    separators=st.sampled_from([None, (",", ":"), (" , ", " : ")]),
    leave_out_nulls=st.booleans(),
    backwards=st.booleans(),
)


@st.composite
def tables(draw: st.DrawFn, without: str = "", null: str | None = None) -> Table:
    """Return tables of any types, whose texts hold none of some characters.

    Where quotes do not tell a text from a null, no text is the null itself.
    """
    chosen = draw(st.lists(st.sampled_from(sorted(TYPES)), min_size=1, max_size=8))
    names = draw(
        st.lists(
            st.none() | st.sampled_from([n for n in NASTY_NAMES if n != without]),
            min_size=len(chosen),
            max_size=len(chosen),
            unique_by=lambda name: name or object(),
        )
    )
    columns = []
    for index, (kind, name) in enumerate(zip(chosen, names, strict=True)):
        column_type = TYPES[kind]
        if kind == "string":
            allowed = texts(without).filter(lambda text: text != null)
            column_type = replace(column_type, values=allowed)
        required = draw(st.booleans())
        columns.append(Column(f"c{index}", name or f"c{index}", column_type, required))
    cells = [
        column.type.values if column.required else st.none() | column.type.values
        for column in columns
    ]
    # Tables without rows are worth a try, but not every other one.
    least = draw(st.integers(0, 9)) and 2
    rows = draw(st.lists(st.tuples(*cells).map(list), min_size=least, max_size=12))
    return Table(columns, rows)


@st.composite
def csv_files(draw: st.DrawFn) -> tuple[Dialect, Table]:
    """Return a table and a dialect that go together."""
    dialect = draw(dialects())
    null = None if dialect.nulls_are_bare() else dialect.null
    table = draw(tables(dialect.not_in_texts(), null))
    if len(table.columns) == 1 and not dialect.null:
        # Python quotes the empty field of a record that has no other.
        dialect = replace(dialect, null="\\N")
    return dialect, table


def convert(table: Table, raw: bytes, table_settings: dict[str, Any]) -> pa.Table:
    """Convert a raw object, check what the program says of it, and read the result."""
    properties = [column.declared() for column in table.columns]
    with tempfile.TemporaryDirectory() as folder:
        contract, source, target = (
            Path(folder, name) for name in ("t.odcs.yaml", "raw", "t.parquet")
        )
        contract.write_text(
            weir.contract("t", properties, table_settings), encoding="utf-8"
        )
        source.write_bytes(raw)
        outcome = weir.run(
            *("convert", source, target, "--contract", contract, "--output", "json")
        )
        report = outcome.check().json()
        assert report["rows_in"] == report["rows_written"] == len(table.rows)
        assert report["rows_quarantined"] == report["rows_filtered"] == 0
        assert report["bytes_in"] == len(raw)
        assert report["bytes_out"] == target.stat().st_size
        return pq.read_table(target)


def assert_same(table: Table, stored: pa.Table) -> None:
    """Compare names, types, nullability and every value."""
    assert stored.column_names == [column.name for column in table.columns]
    for index, column in enumerate(table.columns):
        stored_field, values = stored.schema.field(index), stored.column(index)
        assert stored_field.type == column.type.arrow, column
        assert stored_field.nullable is not column.required, column
        if column.type.read_as:
            values = values.cast(column.type.read_as)
        returned = [
            None if value is None else column.type.returned(value)
            for value in values.to_pylist()
        ]
        assert returned == table.expected(index), column


@given(st.data())
def test_every_value_comes_back_from_csv(data: st.DataObject) -> None:
    """The null marker, the quotes and the line breaks are the dialect's."""
    dialect, table = data.draw(csv_files())
    text = dialect.write(table)
    raw = data.draw(packed(text.encode()))
    assert_same(table, convert(table, raw, dialect.settings()))


@given(st.data())
def test_every_value_comes_back_from_json(data: st.DataObject) -> None:
    """One object a line, one after another or in one array; told by content alone."""
    table = data.draw(tables())
    text = data.draw(JSON_STYLES).write(table)
    raw = data.draw(packed(text.encode()))
    assert_same(table, convert(table, raw, {"weir.badRowLimit": 0}))


def repeated(table: Table, write: Any) -> Table:
    """Repeat rows until their text is large; a table without rows stays so."""
    size = len(write(table).encode()) - len(write(replace(table, rows=[])).encode())
    times = LARGE_TEXT // size + 1 if table.rows else 0
    return replace(table, rows=table.rows * min(times, 60_000))


@given(st.data())
@settings(max_examples=max(8, settings.default.max_examples // 20))
def test_values_come_back_wherever_a_block_ends(data: st.DataObject) -> None:
    """Rows of every length move the ends of blocks through rows, quotes and escapes."""
    if data.draw(st.booleans(), label="csv"):
        dialect, table = data.draw(csv_files())
        write, told = dialect.write, dialect.settings()
    else:
        write, told = data.draw(JSON_STYLES).write, {"weir.badRowLimit": 0}
        table = data.draw(tables())
    large = repeated(table, write)
    raw = data.draw(packed(write(large).encode()))
    assert_same(large, convert(large, raw, told))
