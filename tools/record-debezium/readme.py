"""Says what was recorded: picks the events to keep with their schemas, and writes the README beside them."""

import json
import re

FILES = {"postgres": "postgres.jsonl", "mariadb": "mariadb.jsonl"}


class Event:
    """One recorded line, with or without schemas, and shorthands into it."""

    def __init__(self, text):
        line = json.loads(text)
        self.topic, self.key, self.value = line["topic"], line["key"], line["value"]
        if self.key and "payload" in self.key:
            self.key = self.key["payload"]
        if self.value and "payload" in self.value:
            self.value = self.value["payload"]
        value = self.value or {}
        self.op = value.get("op")
        self.source = value.get("source") or {}
        self.after, self.before = value.get("after") or {}, value.get("before") or {}
        self.table = self.source.get("table") if self.op else None
        self.snapshot = self.source.get("snapshot")
        self.status = value.get("status")
        self.tombstone = self.value is None
        # The server's own identity of the change: the same when it is delivered again.
        self.place = tuple(self.source.get(k) for k in ("lsn", "file", "pos", "row", "table")) + (self.op, str(self.key))

    def touches(self, table, **key):
        """A change of that key, or the tombstone after it."""
        if self.table != table and not (self.tombstone and self.topic.endswith("." + table)):
            return False
        return all((self.key or {}).get(k) == v for k, v in key.items())


def several_tables(e):
    return e.status == "END" and len(e.value["data_collections"]) > 1


# One event each, where the database has it.
WITH_SCHEMA = [
    lambda e: e.op == "r" and e.touches("kinds", id=2),
    lambda e: e.op == "c" and e.touches("customer", id=7),
    lambda e: e.op == "u" and e.touches("customer", id=7),
    lambda e: e.op == "d" and e.touches("customer", id=7),
    lambda e: e.tombstone and e.touches("customer", id=7),
    lambda e: e.op == "u" and e.touches("toasted", id=2),
    lambda e: e.status == "BEGIN",
    several_tables,
    lambda e: e.op == "t",
    lambda e: e.op == "m",
    lambda e: "ddl" in (e.value or {}) and e.snapshot == "false",
    lambda e: "heartbeat" in e.topic,
]


def select_schema(lines):
    events = [Event(line) for line in lines]
    first = {next((i for i, e in enumerate(events) if wanted(e)), None) for wanted in WITH_SCHEMA}
    return [lines[i] for i in sorted(first - {None})]


def placeholder(e):
    return "__debezium_unavailable_value" in str(e.after)


def features(events):
    """(what, line numbers) of one recording, in the order of the README's table."""
    numbered = list(enumerate(events, 1))

    def lines(test):
        return [i for i, e in numbered if test(e)]

    seen, again, behind, high = set(), [], [], 0
    for i, e in numbered:
        if e.op and e.snapshot == "false":
            if e.place in seen:
                again.append(i)
            elif (e.source.get("lsn") or high) < high:
                behind.append(i)
            seen.add(e.place)
            high = max(high, e.source.get("lsn") or 0)
    widest = max((e for e in events if several_tables(e)), key=lambda e: e.value["event_count"])
    transaction = widest.value["id"].split(":")[0]

    yield "snapshot rows (`r`)", lines(lambda e: e.op == "r" and e.snapshot != "incremental")
    yield "one key's life: insert, updates, delete + tombstone, insert again", lines(lambda e: e.touches("customer", id=7))
    yield "every column type, NULLs, edges", lines(lambda e: e.touches("kinds"))
    yield "large values that an update left alone (placeholder)", lines(placeholder)
    yield "large values, whole row in every event", lines(lambda e: e.touches("toasted_full") or e.touches("large"))
    yield "changes of a primary key (delete + tombstone + create), rows shifting their keys", lines(lambda e: e.touches("seat"))
    yield "no primary key: key null", lines(lambda e: e.touches("journal") or e.touches("audit"))
    yield "a key that is not the primary key", lines(lambda e: e.touches("coupon"))
    yield "integers beyond 2^53, composite key", lines(lambda e: e.touches("order_head") or e.touches("order_line"))
    yield "names that need quotes: topic and table differ", lines(lambda e: e.table == "Beer Style")
    yield "a transaction over several tables (BEGIN … END)", lines(
        lambda e: (e.status and e.value["id"].split(":")[0] == transaction)
        or ((e.value or {}).get("transaction") or {"id": ""})["id"].split(":")[0] == transaction)
    yield "transaction metadata", lines(lambda e: e.status)
    yield "delivered after a greater LSN (transactions at once)", behind
    yield "several rows written by one statement", lines(lambda e: e.touches("scratch") and e.op in ("c", "u"))
    yield "truncate (`t`)", lines(lambda e: e.op == "t")
    yield "logical decoding message (`m`)", lines(lambda e: e.op == "m")
    yield "incremental snapshot rows, among the signal table's own rows", lines(
        lambda e: e.snapshot == "incremental" or e.table == "signal")
    yield "schema change records", lines(lambda e: "ddl" in (e.value or {}))
    yield "rows after columns were added, dropped, renamed", lines(lambda e: e.table == "customer" and "tier" in e.after)
    yield "the next binlog file", lines(lambda e: e.source.get("file") == "mariadb-bin.000002")[:1]
    yield "delivered a second time", again
    yield "heartbeats", lines(lambda e: "heartbeat" in e.topic)
    yield "the last change", lines(lambda e: e.table == "marker")


def ranges(numbers):
    """1, 2, 3, 7 as `1–3, 7`."""
    runs = []
    for n in numbers:
        if runs and n == runs[-1][1] + 1:
            runs[-1][1] = n
        else:
            runs.append([n, n])
    shown = [str(a) if a == b else f"{a}–{b}" for a, b in runs]
    if len(shown) > 12:
        shown = [*shown[:10], f"… {shown[-1]} ({len(numbers)} in all)"]
    return ", ".join(shown) or "–"


def settings(run):
    both = {k: v for k, v in run["bare"].items() if run["schema"].get(k) == v}
    yield from (f"| `{k}` | `{v}` | |" for k, v in both.items())
    for k in sorted(run["bare"].keys() | run["schema"].keys()):
        if k not in both:
            values = (f"`{run[engine][k]}`" if k in run[engine] else "not set" for engine in ("bare", "schema"))
            yield f"| `{k}` | {' | '.join(values)} |"


def write(folder, pom, runs):
    version = re.search(r"<debezium.version>(.*)</debezium.version>", pom.read_text())[1]
    tables = {}
    for name, file in FILES.items():
        # Never str.splitlines: values hold U+2028.
        events = [Event(line) for line in (folder / file).read_text(encoding="utf-8").split("\n")[:-1]]
        tables[name] = dict(features(events))
        runs[name]["lines"] = len(events)
    rows = "\n".join(f"| {what} | {ranges(found)} | {ranges(tables['mariadb'][what])} |"
                     for what, found in tables["postgres"].items())
    return TEXT.format(
        version=version, postgres=runs["postgres"]["version"], mariadb=runs["mariadb"]["version"],
        postgres_lines=runs["postgres"]["lines"], mariadb_lines=runs["mariadb"]["lines"], rows=rows,
        postgres_settings="\n".join(settings(runs["postgres"])), mariadb_settings="\n".join(settings(runs["mariadb"])))


TEXT = """\
# Debezium's own events

What Debezium {version} (embedded engine, Kafka's JSON converter) delivered for real changes of PostgreSQL {postgres} and
MariaDB {mariadb}. Written by `tools/record-debezium/record`, this page too: change the SQL there and record again. All data
is invented. Every run has other LSNs, positions and times, so tests must not name them, nor lines by number.

    tools/record-debezium/record        # PostgreSQL with contrib, MariaDB, Java 17, Maven, Python 3.10; 35 s

| file | what |
|---|---|
| `postgres.jsonl` | {postgres_lines} events as delivered, without schemas; decimals as strings |
| `mariadb.jsonl` | {mariadb_lines} events as delivered, without schemas; decimals as Base64 of the unscaled integer |
| `postgres-schema.jsonl` | some of the same changes as `{{schema, payload}}`; decimals as Base64, or `{{scale, value}}` |
| `mariadb-schema.jsonl` | some of the same changes as `{{schema, payload}}`; decimals as strings |
| `*.expected.jsonl` | every row that the tables held at the end, read by SQL: `{{"table": …, "row": {{…}}}}`; without `signal`, which is Debezium's own |
| `*.tables.jsonl` | the tables' shape at the end: `{{"table": …, "key": [columns], "columns": {{name: type}}}}` |

A line of events is `{{"topic": …, "key": …, "value": …}}`. Key and value are the converter's own text, spliced in and not written
again: number spellings and escapes are Debezium's. Astral characters come as `\\ud83c\\udf7a` pairs, U+2028 comes raw: split at
`\\n` only. A tombstone has the value `null`. Record headers are not kept.

In the expected rows integers, floats and booleans are JSON's own (`NaN`, `Infinity` are strings), arrays are arrays (of strings, but
for integers and booleans), bytes are Base64, and everything else, decimals too, is the database's own text: ISO dates, times
with a zone in UTC.

## Where to look

| what | `postgres.jsonl`, line | `mariadb.jsonl`, line |
|---|---|---|
{rows}

## Where the events alone do not give the database's rows

Applied in the order of delivery, by key, the events lead to exactly the expected rows, but for these:

| where | what the event says |
|---|---|
| PostgreSQL `journal`, `audit`, MariaDB `journal` | no key: equal rows cannot be told apart; a tombstone without a key means nothing |
| PostgreSQL `coupon` (`REPLICA IDENTITY USING INDEX`) | deletes carry the key `{{"id": 0}}`, the type's default; a change of `id` is a plain update under the new key |
| PostgreSQL `toasted`, id 3 | the row that a key change creates holds the placeholder: the value stands under the old key only |
| PostgreSQL `kinds.counts`, id 4 | an array of two dimensions came as `[null,null]` |
| PostgreSQL `kinds`, ids 4 and 5 | `infinity` as a number of days or microseconds; numeric `NaN` as `"NAN"` (as null with Base64 decimals) |
| MariaDB `kinds.big_u`, id 2 | 2^64 − 1 as −1 (`bigint.unsigned.handling.mode` is `long` unless set) |
| MariaDB `kinds`, ids 4 and 5 | zero dates as null or 1970-01-01; year 0 as 1900; an unknown enum member as `""` |

The placeholder for an unread large value is no single spelling: `__debezium_unavailable_value` for text, JSON, XML and string decimals; its
Base64 for bytes; a list of it for text arrays; its bytes as numbers for integer arrays; the UUID
`b68a35a7-17ad-35b3-af2a-ae46edb4545a` in a list for UUID arrays; `{{"__debezium_unavailable_value":"__debezium_unavailable_value"}}` as
text for hstore; and **null** for a decimal of free scale when decimals are not strings.

A delete under the default replica identity fills `before` with the key and, for columns that cannot be null, with made-up values: the
column's default, else the type's (`""`, 0, 1970-01-01).

## How values are spelled

| column | in the event |
|---|---|
| decimal, fixed scale | string mode: the database's digits. Precise: Base64 of the unscaled two's complement integer, big-endian; the scale is only in the schema (`parameters.scale`) |
| decimal, free scale (PostgreSQL `numeric`) | string mode: plain digits. Precise: `{{"scale": 10, "value": Base64}}` |
| date | days since 1970 |
| timestamp without zone, datetime | up to 3 digits: milliseconds since 1970; more, or none named in PostgreSQL: microseconds. As if it were UTC |
| timestamp with zone, MariaDB timestamp | string, UTC with `Z`; the count of fraction digits varies between snapshot and stream |
| time | PostgreSQL `time(3)`: milliseconds; `time`: microseconds. MariaDB: microseconds always, negative or past 24 h too. `timetz`: string in UTC |
| interval | microseconds, with months of 30.4375 days |
| boolean | PostgreSQL: boolean. MariaDB `BOOLEAN` (`TINYINT(1)`): 0 or 1; `BIT(1)`: boolean |
| bit string | Base64, lowest byte first |
| bytes | Base64; MariaDB `BINARY(n)` padded with zero bytes |
| float | JSON number, e.g. `1.7976931348623157E308`; `"NaN"`, `"Infinity"`, `"-Infinity"` as strings |
| json, jsonb, hstore, xml, uuid, enum, set, inet, range | string (`char(n)` keeps its padding in PostgreSQL only) |
| money | as decimal of scale 2 |
| point | `{{"x": …, "y": …, "wkb": Base64, "srid": null}}` |
| array | array of the element's spelling |

## Settings

Beside addresses, users and file names of the run.

PostgreSQL (`wal_level=logical`, publication for all tables):

| setting | `postgres.jsonl` | `postgres-schema.jsonl`, where it differs |
|---|---|---|
{postgres_settings}

MariaDB (`binlog_format=ROW`, `binlog_row_image=FULL`, GTID, server in time zone +02:00):

| setting | `mariadb.jsonl` | `mariadb-schema.jsonl`, where it differs |
|---|---|---|
{mariadb_settings}

Debezium {version} does not parse MariaDB's `INET6` (it stops on the table), so no table here has that type.
"""
