//! Random tables come back value for value, from CSV and from JSON, wherever blocks begin.

use proptest::prelude::*;
use weir_convert::Layout;

use crate::common::{Stuttering, table, try_with, with_memory};

const TYPES: [&str; 7] = ["int64", "int32", "float64", "decimal(20,3)", "boolean", "date", "string"];

/// A value as the source writes it, and as it comes back.
#[derive(Debug, Clone)]
struct Value {
    text: String,
    back: String,
    is_text: bool,
}

fn value(kind: usize) -> BoxedStrategy<Option<Value>> {
    let plain = |text: String| Value { back: text.clone(), text, is_text: false };
    let some: BoxedStrategy<Value> = match kind {
        0 => any::<i64>().prop_map(move |n| plain(n.to_string())).boxed(),
        1 => any::<i32>().prop_map(move |n| plain(n.to_string())).boxed(),
        2 => prop::num::f64::NORMAL.prop_map(move |n| plain(format!("{n:?}"))).boxed(),
        3 => (-10i128.pow(19)..10i128.pow(19))
            .prop_map(|n| {
                let digits = format!("{:04}", n.unsigned_abs());
                let (whole, fraction) = digits.split_at(digits.len() - 3);
                let sign = if n < 0 { "-" } else { "" };
                Value { text: format!("{sign}{whole}.{fraction}"), back: n.to_string(), is_text: false }
            })
            .boxed(),
        4 => any::<bool>().prop_map(move |b| plain(b.to_string())).boxed(),
        5 => (0..20_000i32, Just(()))
            .prop_map(|(day, ())| {
                let time = weir_model::Timestamp::from_micros(i64::from(day) * 86_400_000_000).to_string();
                Value { text: time[..10].to_owned(), back: day.to_string(), is_text: true }
            })
            .boxed(),
        _ => prop_oneof![
            "[a-z]{0,5}",
            "[\",\n\r\\\\é😀 x\u{0}-]{0,8}",
            Just("NULL".to_owned()),
            Just("\u{feff}".to_owned()),
            Just("c0,c1".to_owned())
        ]
        .prop_map(|text| Value { back: text.clone(), text, is_text: true })
        .boxed(),
    };
    prop::option::weighted(0.8, some).boxed()
}

type Table = (Vec<usize>, Vec<Vec<Option<Value>>>);

fn tables() -> impl Strategy<Value = Table> {
    prop::collection::vec(0..TYPES.len(), 1..6).prop_flat_map(|kinds| {
        let row: Vec<_> = kinds.iter().map(|kind| value(*kind)).collect();
        (Just(kinds), prop::collection::vec(row, 0..30))
    })
}

fn csv((kinds, rows): &Table, crlf: bool, quote_all: bool) -> String {
    let end = if crlf { "\r\n" } else { "\n" };
    let mut text = (0..kinds.len()).map(|column| format!("c{column}")).collect::<Vec<_>>().join(",") + end;
    for row in rows {
        let fields: Vec<String> = row
            .iter()
            .map(|value| match value {
                // A record of one null would be a blank line: its column is two fields wide.
                None => String::new(),
                Some(value) if quote_all || value.is_text => format!("\"{}\"", value.text.replace('"', "\"\"")),
                Some(value) => value.text.clone(),
            })
            .collect();
        text.push_str(&fields.join(","));
        text.push_str(end);
    }
    text
}

fn json((_, rows): &Table, layout: usize) -> String {
    let mut objects = Vec::new();
    for (index, row) in rows.iter().enumerate() {
        let mut pairs: Vec<String> = Vec::new();
        for (column, value) in row.iter().enumerate() {
            match value {
                None if index % 2 == 0 => {}
                None => pairs.push(format!("\"c{column}\": null")),
                Some(value) if value.is_text => {
                    pairs.push(format!("\"c{column}\":{}", serde_json::to_string(&value.text).unwrap()));
                }
                Some(value) => pairs.push(format!("\"c{column}\" : {}", value.text)),
            }
        }
        if index % 3 == 0 {
            pairs.reverse();
        }
        objects.push(format!("{{{}}}", pairs.join(if layout == 1 { ",\n  " } else { "," })));
    }
    match layout {
        0 => objects.join("\n"),
        1 => objects.join("\n"),
        2 => objects.concat(),
        _ => format!("[{}]", objects.join(",")),
    }
}

fn expected((_, rows): &Table) -> Vec<Vec<Option<String>>> {
    rows.iter().map(|row| row.iter().map(|value| value.as_ref().map(|value| value.back.clone())).collect()).collect()
}

fn contract(kinds: &[usize], settings: &[&str]) -> weir_model::Contract {
    let columns: Vec<String> = kinds.iter().enumerate().map(|(i, kind)| format!("c{i}:{}", TYPES[*kind])).collect();
    table(&columns.join(" "), settings)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn a_table_written_as_csv_comes_back(table in tables(), crlf: bool, all: bool, blocks in 1usize..40, steps in prop::collection::vec(0usize..20, 1..5)) {
        let text = csv(&table, crlf, all);
        // A row of one null is a blank line, which is no row; a row of the header's own names is filtered.
        prop_assume!(table.0.len() > 1 || table.1.iter().all(|row| row[0].is_some()));
        let contract = contract(&table.0, &[]);
        let input = Stuttering { bytes: text.as_bytes(), steps, turn: 0 };
        let found = try_with(&contract, Layout::Table, with_memory(64 * blocks), input).unwrap();
        prop_assert_eq!(found.rows(), expected(&table), "{}", text);
        let whole = try_with(&contract, Layout::Table, with_memory(64 << 20), text.as_bytes()).unwrap();
        prop_assert_eq!(whole.rows(), expected(&table), "{}", text);
    }

    #[test]
    fn a_table_written_as_json_comes_back(table in tables(), layout in 0usize..4, blocks in 1usize..40, steps in prop::collection::vec(0usize..20, 1..5)) {
        let text = json(&table, layout);
        let contract = contract(&table.0, &["weir.format=json"]);
        let input = Stuttering { bytes: text.as_bytes(), steps, turn: 0 };
        let found = try_with(&contract, Layout::Table, with_memory(64 * blocks), input).unwrap();
        prop_assert_eq!(found.rows(), expected(&table), "{}", text);
        let whole = try_with(&contract, Layout::Table, with_memory(64 << 20), text.as_bytes()).unwrap();
        prop_assert_eq!(whole.rows(), expected(&table), "{}", text);
    }
}
