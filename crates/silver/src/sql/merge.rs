//! The fold of a snapshot as one `MERGE INTO`.
//!
//! Every column is a register: a pair of the sequence that set it and its value, of which the greater
//! pair stays. Spark orders structs field by field with null least, which is that very rule, so a
//! register is a struct here, `max` folds the batch and `greatest` folds it with the stored row. The
//! stored row tells the sequence of a column by `_carried`, else by `_seq`.
//!
//! The stored row is read only as what `MERGE` matched, never by a second scan: a commit between two
//! scans would be lost.

use weir_model::Contract;
use weir_model::contract::SilverKind;

use super::name::{column, identifier, literal, table};
use super::types::{is_float, spark};
use super::{SqlError, Target};

/// Of two records with one sequence the one with the later operation of these gives the operation.
const OPERATIONS: [&str; 4] = ["L", "I", "U", "D"];

/// What the merge cannot do.
pub(super) fn check(contract: &Contract) -> Result<(), SqlError> {
    let table = contract.table.clone();
    match contract.silver.kind {
        SilverKind::Snapshot => {}
        SilverKind::None => return Err(SqlError::NoSilver { table }),
        kind => return Err(SqlError::Kind { table, kind }),
    }
    if contract.primary_key.is_empty() {
        return Err(SqlError::NoKey { table });
    }
    match contract.key_columns().find(|key| is_float(&key.column_type)) {
        Some(key) => Err(SqlError::FloatKey { table, column: key.name.clone() }),
        None => Ok(()),
    }
}

/// The `MERGE INTO`.
pub(super) fn statement(contract: &Contract, target: &Target<'_>, view: &str) -> Result<String, SqlError> {
    check(contract)?;
    let keys: Vec<String> = contract.key_columns().map(|key| column(&key.name)).collect::<Result<_, _>>()?;
    let registers: Vec<Register> = contract
        .columns
        .iter()
        .enumerate()
        .filter(|(index, _)| !contract.primary_key.contains(index))
        .enumerate()
        .map(|(place, (index, each))| {
            // Older records and rows tell the column by its earlier names.
            let earlier = contract.silver.earlier_names(index);
            Ok(Register {
                place,
                known_as: std::iter::once(&each.name).chain(earlier).map(|name| literal(name)).collect(),
                name: column(&each.name)?,
                kind: spark(&each.column_type),
                is_float: is_float(&each.column_type),
            })
        })
        .collect::<Result<_, SqlError>>()?;
    let on: Vec<String> = keys.iter().enumerate().map(|(at, key)| format!("t.{key} = s.k{at}")).collect();
    Ok(format!(
        "MERGE INTO {} AS t\nUSING (\n{}\n) AS s\nON {}\nWHEN MATCHED AND (\n{}\n) THEN UPDATE SET\n{}\nWHEN NOT MATCHED THEN INSERT (\n{}",
        table(target)?,
        batch(&keys, &registers, &identifier("view", view)?),
        on.join(" AND "),
        changes(&registers),
        update(&registers),
        insert(&keys, &registers),
    ))
}

/// A column outside of the key.
struct Register {
    /// Its place among the registers, by which the batch knows it: `c0`, `c1`, …
    place: usize,
    /// Its name in backticks.
    name: String,
    /// Its name and its earlier ones in single quotes.
    known_as: Vec<String>,
    /// Its type.
    kind: String,
    /// Whether -0.0 has to be told from 0.0.
    is_float: bool,
}

impl Register {
    /// The pair of a sequence and a value.
    fn pair(&self, sequence: &str, value: &str) -> String {
        let zero = if self.is_float { format!(", 'plus', CAST({value} AS STRING) <> '-0.0'") } else { String::new() };
        format!("named_struct('seq', {sequence}, 'value', {value}{zero})")
    }

    /// The sequence that set the stored value.
    fn stored_sequence(&self) -> String {
        let mut found: Vec<String> =
            self.known_as.iter().map(|name| format!("try_element_at({CARRIED}, {name})")).collect();
        found.push(format!("try_element_at({CARRIED}, '*')"));
        found.push("t.`_seq`".to_owned());
        format!("coalesce({})", found.join(", "))
    }

    /// The stored pair.
    fn stored(&self) -> String {
        self.pair(&self.stored_sequence(), &format!("t.{}", self.name))
    }
}

// A text that cannot be read says nothing: the row counts as one record then, as it does in Weir.
const CARRIED: &str = "from_json(t.`_carried`, 'MAP<STRING,STRING>')";

/// The batch, folded: one row for each key with its registers.
fn batch(keys: &[String], registers: &[Register], view: &str) -> String {
    let mut folded: Vec<String> = (0..keys.len()).map(|at| format!("k{at}")).collect();
    folded.push("max(named_struct('seq', seq, 'rank', rank, 'at', at)) AS last".to_owned());
    folded.push("min(at) AS first".to_owned());
    let mut read: Vec<String> = keys.iter().enumerate().map(|(at, key)| format!("{key} AS k{at}")).collect();
    read.push("`_seq` AS seq".to_owned());
    read.push("`_event_time` AS at".to_owned());
    read.push(format!("{} AS rank", rank("`_op`")));
    // A list that cannot be read must not pass for "all columns are known".
    read.push(
        "coalesce(from_json(`_unchanged`, 'ARRAY<STRING>', map('mode', 'FAILFAST')), array()) AS unchanged".to_owned(),
    );
    for register in registers {
        let Register { place, name, known_as, kind, .. } = register;
        read.push(format!("{name} AS c{place}"));
        folded.push(format!(
            "coalesce(max({}) FILTER (WHERE rank < {} AND NOT arrays_overlap(unchanged, array({}))), {}) AS c{place}",
            register.pair("seq", &format!("c{place}")),
            OPERATIONS.len(),
            known_as.join(", "),
            // Never set: before every sequence.
            register.pair("''", &format!("CAST(NULL AS {kind})")),
        ));
    }
    let by: Vec<String> = (0..keys.len()).map(|at| format!("k{at}")).collect();
    format!(
        "  SELECT\n    {}\n  FROM (\n    SELECT\n      {}\n    FROM {view}\n  )\n  GROUP BY {}",
        folded.join(",\n    "),
        read.join(",\n      "),
        by.join(", ")
    )
}

/// What would change in the stored row. Nothing but a greater pair or an earlier first time can.
fn changes(registers: &[Register]) -> String {
    let mut any = vec!["s.first < t.`created_at`".to_owned(), format!("s.last > {}", stored_last())];
    any.extend(registers.iter().map(|register| format!("s.c{} > {}", register.place, register.stored())));
    format!("  {}", any.join("\n  OR "))
}

/// What the stored row's last record was.
fn stored_last() -> String {
    format!("named_struct('seq', t.`_seq`, 'rank', {}, 'at', t.`updated_at`)", rank("t.`_op`"))
}

/// The matched row with what the batch knows better.
fn update(registers: &[Register]) -> String {
    let last = format!("greatest(s.last, {})", stored_last());
    let mut set = Vec::new();
    for register in registers {
        set.push(format!("t.{} = greatest(s.c{}, {}).value", register.name, register.place, register.stored()));
    }
    let sequences: Vec<String> = registers
        .iter()
        .map(|register| format!("greatest(s.c{}.seq, {})", register.place, register.stored_sequence()))
        .collect();
    set.push("t.`created_at` = least(s.first, t.`created_at`)".to_owned());
    set.push(format!("t.`updated_at` = {last}.at"));
    set.push(format!("t.`deleted_at` = {}", deleted(&last)));
    set.push(format!("t.`_op` = {}", letter(&last)));
    set.push(format!("t.`_seq` = {last}.seq"));
    set.push(format!("t.`_carried` = {}", carried(registers, &format!("{last}.seq"), &sequences)));
    format!("  {}", set.join(",\n  "))
}

/// The row of a key that was not there.
fn insert(keys: &[String], registers: &[Register]) -> String {
    let mut columns = keys.to_vec();
    columns.extend(registers.iter().map(|register| register.name.clone()));
    let mut values: Vec<String> = (0..keys.len()).map(|at| format!("s.k{at}")).collect();
    values.extend(registers.iter().map(|register| format!("s.c{}.value", register.place)));
    let sequences: Vec<String> = registers.iter().map(|register| format!("s.c{}.seq", register.place)).collect();
    for (name, value) in [
        ("created_at", "s.first".to_owned()),
        ("updated_at", "s.last.at".to_owned()),
        ("deleted_at", deleted("s.last")),
        ("_op", letter("s.last")),
        ("_seq", "s.last.seq".to_owned()),
        ("_carried", carried(registers, "s.last.seq", &sequences)),
    ] {
        columns.push(format!("`{name}`"));
        values.push(value);
    }
    format!("  {}\n) VALUES (\n  {}\n)", columns.join(",\n  "), values.join(",\n  "))
}

/// An operation as the number by which it ranks, from 1.
fn rank(operation: &str) -> String {
    let cases: Vec<String> =
        OPERATIONS.iter().enumerate().map(|(at, letter)| format!("WHEN '{letter}' THEN {}", at + 1)).collect();
    format!("CASE {operation} {} ELSE raise_error(concat('unknown _op: ', {operation})) END", cases.join(" "))
}

/// The operation of a rank.
fn letter(last: &str) -> String {
    let letters: Vec<String> = OPERATIONS.iter().map(|letter| format!("'{letter}'")).collect();
    format!("elt({last}.rank, {})", letters.join(", "))
}

/// When the row was deleted, if it is.
fn deleted(last: &str) -> String {
    format!("IF({last}.rank = {}, {last}.at, NULL)", OPERATIONS.len())
}

/// `_carried`: which columns another sequence than the row's set. The lambda names what it uses twice.
fn carried(registers: &[Register], sequence: &str, sequences: &[String]) -> String {
    if registers.is_empty() {
        return "NULL".to_owned();
    }
    let names: Vec<&str> =
        registers.iter().filter_map(|register| register.known_as.first()).map(String::as_str).collect();
    format!(
        "element_at(transform(array(named_struct('row', {sequence}, 'each', array({}))), r -> CASE\n    \
         WHEN forall(r.each, x -> x = r.row) THEN CAST(NULL AS STRING)\n    \
         WHEN forall(r.each, x -> x = r.each[0]) THEN to_json(map('*', r.each[0]))\n    \
         ELSE to_json(map_filter(map_from_arrays(array({}), r.each), (k, v) -> v <> r.row))\n  END), 1)",
        sequences.join(", "),
        names.join(", ")
    )
}
