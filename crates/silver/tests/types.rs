//! Every type, as data and as key, in any partition, comes out as it went in.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    unreachable_pub,
    dead_code,
    missing_docs,
    reason = "what fails here fails a test"
)]

mod support;

use std::collections::HashSet;

use proptest::prelude::*;
use support::changes::{Delivery, delivery};
use support::lake::Lake;
use support::wide::{Change, DATA, Kind, Value, Wide, change};
use weir_silver::Settings;

/// The keys that tables have here.
fn shapes() -> Vec<Vec<Kind>> {
    vec![
        vec![Kind::Text],
        vec![Kind::Int],
        vec![Kind::Long],
        vec![Kind::Date],
        vec![Kind::Time],
        vec![Kind::Zoned],
        vec![Kind::Decimal(9, 2)],
        vec![Kind::Decimal(18, 4)],
        vec![Kind::Decimal(38, 10)],
        vec![Kind::Bool],
        vec![Kind::Bytes],
        vec![Kind::Text, Kind::Int],
        vec![Kind::Date, Kind::Text, Kind::Decimal(18, 4)],
        vec![Kind::Bytes, Kind::Bool],
        vec![Kind::Long, Kind::Text],
    ]
}

/// A table, its history, and how that arrives.
#[derive(Debug, Clone)]
struct Case {
    table: Wide,
    history: Vec<Change>,
    rounds: Delivery,
}

fn partition(keys: &[Kind]) -> impl Strategy<Value = Option<(String, support::partitions::Transform)>> + use<> {
    let keys = keys.iter().enumerate().map(|(place, kind)| (format!("k{place}"), *kind));
    let columns = keys.chain(DATA.iter().map(|(name, kind)| ((*name).to_owned(), *kind)));
    let all = columns.flat_map(|(name, kind)| kind.transforms().into_iter().map(move |by| Some((name.clone(), by))));
    prop_oneof![1 => Just(None), 5 => prop::sample::select(all.collect::<Vec<_>>())]
}

fn case(kind: &'static str, most: usize) -> impl Strategy<Value = Case> {
    prop::sample::select(shapes())
        .prop_flat_map(move |keys| {
            let key: Vec<BoxedStrategy<Value>> = keys.iter().map(|kind| kind.values()).collect();
            (partition(&keys), Just(keys), prop::collection::vec(key, 1..7))
        })
        .prop_flat_map(move |(partition, keys, pool)| {
            (Just(Wide { keys, partition, kind }), prop::collection::vec(change(pool), 1..most))
        })
        .prop_flat_map(|(table, mut history)| {
            let mut seen = HashSet::new();
            history.retain(|change| seen.insert((change.key.clone(), change.sequence.clone())));
            let rounds = delivery(history.len());
            (Just(table), Just(history), rounds)
        })
        .prop_map(|(table, history, rounds)| Case { table, history, rounds })
}

/// Small, so that every way of doing a merge is taken.
fn settings() -> impl Strategy<Value = Settings> {
    let memory = prop_oneof![Just(1usize), Just(3000), Just(1 << 30)];
    let share = prop_oneof![1 => Just(0.0), 1 => Just(0.4), 2 => Just(2.0)];
    (memory, share).prop_map(|(memory_bytes, rewrite_share)| Settings {
        memory_bytes,
        rewrite_share,
        workers: 2,
        ..Settings::default()
    })
}

fn run(case: &Case, settings: Settings, tidy: bool) -> Result<(), TestCaseError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let lake = Lake::new(case.table.contract(), settings);
        let mut all = Vec::new();
        for round in &case.rounds {
            let mut sources = Vec::new();
            for file in round {
                let changes: Vec<Change> = file.iter().map(|place| case.history[*place].clone()).collect();
                sources.push(case.table.bronze(&lake.silver, all.len() + sources.len(), &changes).await);
            }
            for merged in
                futures::future::join_all(sources.iter().map(|source| lake.merge(std::slice::from_ref(source)))).await
            {
                prop_assert!(merged.is_ok(), "{}", merged.unwrap_err());
            }
            if tidy {
                lake.compact().await;
            }
            all.extend(sources);
        }
        prop_assert_eq!(case.table.read(&lake.silver).await, case.table.expected(&case.history));
        case.table.check_files(&lake.silver).await;
        let again = lake.merge(&all).await.unwrap();
        prop_assert_eq!(again.snapshot, None);
        prop_assert_eq!(again.ties, 0);
        Ok(())
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 80, max_shrink_iters: 500, ..ProptestConfig::default() })]

    #[test]
    fn values_of_every_type_come_out_as_they_went_in(case in case("snapshot", 30), settings in settings(), tidy: bool) {
        run(&case, settings, tidy)?;
    }

    #[test]
    fn versions_of_every_type_come_out_as_they_went_in(case in case("history", 16), settings in settings(), tidy: bool) {
        run(&case, settings, tidy)?;
    }
}
