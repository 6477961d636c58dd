//! Records of one key and sequence that differ, and keys that are no numbers: no order of arrival shows.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    unreachable_pub,
    dead_code,
    missing_docs,
    reason = "what fails here fails a test"
)]

mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use arrow_array::{ArrayRef, Float64Array, Int64Array, StringArray};
use proptest::prelude::*;
use support::changes::{Change, Delivery, change, delivery};
use support::lake::{Lake, contract, parse};
use support::model::Row;
use weir_silver::Settings;

/// The states of a key where records may share a sequence: of those the greatest value stands, and a
/// deletion above all; of equal ones the greatest operation and time.
fn states(history: &[Change]) -> BTreeSet<Row> {
    type State = (bool, Option<String>);
    let mut keys: BTreeMap<i64, BTreeMap<String, (State, usize, i64)>> = BTreeMap::new();
    for change in history {
        let state: State = match (change.op, &change.a) {
            ('D', _) => (true, None),
            (_, Some(value)) => (false, value.clone()),
            (_, None) => continue,
        };
        let record = (state, "LIUD".find(change.op).unwrap(), change.time);
        let records = keys.entry(change.key).or_default();
        let stands = records.entry(change.sequence_text()).or_insert_with(|| record.clone());
        if record > *stands {
            *stands = record;
        }
    }
    let mut rows = BTreeSet::new();
    let shown = |text: &Option<String>| text.clone().unwrap_or_else(|| "-".to_owned());
    for (key, records) in keys {
        let records: Vec<_> = records.into_iter().collect();
        let mut previous = None;
        for run in records.chunk_by(|left, right| left.1.0 == right.1.0) {
            let op = |rank: usize| "LIUD"[rank..=rank].to_owned();
            let (sequence, (state, rank, time)) = &run[0];
            let repeats: Vec<_> = run[1..]
                .iter()
                .map(|(sequence, (_, rank, time))| serde_json::json!([sequence, time, op(*rank)]))
                .collect();
            rows.insert(vec![
                key.to_string(),
                shown(&previous),
                shown(&state.1),
                time.to_string(),
                op(*rank),
                sequence.clone(),
                if repeats.is_empty() { "-".to_owned() } else { serde_json::Value::from(repeats).to_string() },
            ]);
            previous = state.1.clone();
        }
    }
    rows
}

fn run(history: &[Change], rounds: &Delivery, settings: Settings) -> Result<(), TestCaseError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let custom = [("weir.silver.kind", "state_changes"), ("weir.silver.stateColumn", "a")];
        let lake = Lake::new(contract(&custom), settings);
        let mut all = Vec::new();
        for file in rounds.iter().flatten() {
            let changes: Vec<Change> = file.iter().map(|place| history[*place].clone()).collect();
            let source = lake.bronze(&changes).await;
            lake.merge(std::slice::from_ref(&source)).await.unwrap();
            all.push(source);
        }
        prop_assert_eq!(lake.read().await, states(history));
        prop_assert_eq!(lake.merge(&all).await.unwrap().snapshot, None);
        Ok(())
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, max_shrink_iters: 2000, ..ProptestConfig::default() })]

    #[test]
    fn states_of_one_sequence_come_to_the_same_in_any_order(
        (history, rounds) in prop::collection::vec(change(2), 1..20).prop_flat_map(|history| {
            let history: Vec<Change> = history.into_iter().map(|change| Change { sequence: change.sequence % 4, ..change }).collect();
            let count = history.len();
            (Just(history), delivery(count))
        }),
        share in prop_oneof![Just(0.0), Just(2.0)],
        memory in prop_oneof![Just(1usize), Just(1 << 30)],
    ) {
        run(&history, &rounds, Settings { rewrite_share: share, memory_bytes: memory, workers: 2, ..Settings::default() })?;
    }
}

/// Statistics leave out what is no number, so that they do not tell where it is.
#[tokio::test]
async fn a_key_that_is_no_number_is_one_key() {
    let text = "apiVersion: v3.1.0\nkind: DataContract\nid: t\nname: t\nversion: 1.0.0\nstatus: active\nschema:\n  - name: t\n    properties:\n\
        \x20     - {name: k, logicalType: number, physicalType: double, primaryKey: true, primaryKeyPosition: 1, required: true}\n\
        \x20     - {name: a, logicalType: string}\n\
        \x20     - {name: b, logicalType: integer, physicalType: bigint}\n";
    for settings in [Settings::default(), Settings { memory_bytes: 1, ..Settings::default() }] {
        let lake = Lake::new(parse(text), settings);
        let files = [
            vec![1.0, f64::NAN, 2.0],
            vec![f64::NAN],
            vec![f64::NAN, -f64::NAN, 1.0],
            vec![f64::NAN, 2.0],
            vec![-f64::NAN],
        ];
        for (sequence, keys) in (1u8..).zip(files) {
            let change = Change { key: 0, sequence, op: 'U', time: 0, a: Some(None), b: Some(None) };
            let count = keys.len();
            let columns: Vec<(&str, ArrayRef)> = vec![
                ("k", Arc::new(Float64Array::from(keys))),
                ("a", Arc::new(StringArray::from(vec![sequence.to_string(); count]))),
                ("b", Arc::new(Int64Array::from(vec![0; count]))),
            ];
            let source = lake.bronze_of(columns, &vec![change; count]).await;
            lake.merge(&[source]).await.unwrap();
        }
        let rows: Vec<(String, String)> =
            lake.read().await.into_iter().map(|row| (row[0].clone(), row[1].clone())).collect();
        // What is no number has a sign.
        let expected = [("1.0", "3"), ("2.0", "4"), ("NaN", "4"), ("NaN", "5")];
        assert_eq!(rows, expected.map(|(key, value)| (key.to_owned(), value.to_owned())));
    }
}

/// As texts, 10 ranks below 9: what such a column's statistics say is no range of numbers.
#[tokio::test]
async fn keys_that_bronze_holds_as_texts_are_all_merged() {
    for memory_bytes in [1 << 30, 1] {
        let lake = Lake::new(contract(&[]), Settings { memory_bytes, ..Settings::default() });
        let keys = ["9", "10", "100", "-1", "-2"];
        let change = Change { key: 0, sequence: 1, op: 'U', time: 0, a: Some(None), b: Some(None) };
        let columns: Vec<(&str, ArrayRef)> = vec![
            ("k", Arc::new(StringArray::from(keys.to_vec()))),
            ("a", Arc::new(StringArray::from(keys.to_vec()))),
            ("b", Arc::new(Int64Array::from(vec![0; 5]))),
        ];
        let source = lake.bronze_of(columns, &vec![change; 5]).await;
        lake.merge(&[source]).await.unwrap();
        let rows = lake.read().await;
        assert_eq!(rows.iter().map(|row| row[0].as_str()).collect::<BTreeSet<_>>(), BTreeSet::from(keys));
        assert!(rows.iter().all(|row| row[0] == row[1]), "{rows:?}");
    }
}
