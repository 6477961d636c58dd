//! The state of silver is a function of the set of change records, whatever way they came.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    unreachable_pub,
    dead_code,
    missing_docs,
    reason = "what fails here fails a test"
)]

mod support;

use std::collections::BTreeSet;

use proptest::prelude::*;
use support::changes::{Change, Delivery, change, delivered, delivery};
use support::lake::{Lake, contract};
use support::model::{self, Row};
use weir_silver::Settings;

/// Few and small, so that every way of doing a merge is taken.
fn settings() -> impl Strategy<Value = Settings> {
    let memory = prop_oneof![Just(1usize), Just(600), Just(1 << 30)];
    let share = prop_oneof![1 => Just(0.0), 1 => Just(0.4), 2 => Just(2.0)];
    (memory, share, 1usize..3).prop_map(|(memory_bytes, rewrite_share, workers)| Settings {
        memory_bytes,
        rewrite_share,
        workers,
        ..Settings::default()
    })
}

fn tidy() -> impl Strategy<Value = Tidy> {
    prop_oneof![Just(Tidy::Never), Just(Tidy::Compact), Just(Tidy::BesideWriters)]
}

const PARTITIONS: [&str; 4] = ["[]", "[b]", "[\"truncate(1, a)\", b]", "[\"bucket(3, k)\"]"];

/// What is done between two rounds, besides merging.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Tidy {
    Never,
    /// Compaction alone.
    Compact,
    /// Compaction, old snapshots and orphans, at the same time as the next merges.
    BesideWriters,
}

fn run(
    settings: Settings,
    tidy: Tidy,
    custom: &[(&str, &str)],
    history: &[Change],
    rounds: &Delivery,
    expected: &BTreeSet<Row>,
) -> Result<(), TestCaseError> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        let lake = Lake::new(contract(custom), settings);
        let mut all: Vec<weir_silver::Source> = Vec::new();
        for round in rounds {
            let mut sources = Vec::new();
            for file in round {
                let changes: Vec<Change> = file.iter().map(|place| history[*place].clone()).collect();
                sources.push(lake.bronze(&changes).await);
            }
            let mut writers = Vec::new();
            for source in sources.clone() {
                let lake = lake.clone();
                writers.push(tokio::spawn(async move { lake.merge(&[source]).await }));
            }
            let writers = futures::future::join_all(writers);
            let tidied = async {
                if tidy == Tidy::BesideWriters && !all.is_empty() {
                    lake.compact().await;
                    lake.expire().await;
                    lake.remove_orphans().await;
                }
            };
            let (reports, ()) = futures::future::join(writers, tidied).await;
            for report in reports {
                report.unwrap().unwrap();
            }
            if tidy == Tidy::Compact {
                lake.compact().await;
            }
            all.extend(sources);
        }
        prop_assert_eq!(&lake.read().await, expected);
        // All of it again changes nothing.
        let head = lake.table().await.metadata_location;
        let again = lake.merge(&all).await.unwrap();
        prop_assert_eq!(again.snapshot, None);
        prop_assert_eq!(lake.table().await.metadata_location, head);
        Ok(())
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, max_shrink_iters: 2000, ..ProptestConfig::default() })]

    #[test]
    fn snapshot_equals_the_fold_of_the_history((history, rounds) in delivered(4, 40), settings in settings(), tidy in tidy(), partition in 0usize..4) {
        let expected = model::snapshot(&history);
        run(settings, tidy, &[("weir.silver.partitionBy", PARTITIONS[partition])], &history, &rounds, &expected)?;
    }

    #[test]
    fn history_equals_the_fold_of_each_beginning((history, rounds) in delivered(3, 25), settings in settings(), tidy in tidy(), partition in 0usize..4) {
        let expected = model::versions(&history);
        let custom = [("weir.silver.kind", "history"), ("weir.silver.partitionBy", PARTITIONS[partition])];
        run(settings, tidy, &custom, &history, &rounds, &expected)?;
    }

    #[test]
    fn state_changes_equal_those_of_the_ordered_history((history, rounds) in delivered(3, 25), settings in settings(), tidy in tidy(), by_key: bool) {
        let expected = model::states(&history);
        let partition = if by_key { "[\"bucket(2, k)\"]" } else { "[a]" };
        let custom = [("weir.silver.kind", "state_changes"), ("weir.silver.stateColumn", "a"), ("weir.silver.partitionBy", partition)];
        run(settings, tidy, &custom, &history, &rounds, &expected)?;
    }

    #[test]
    fn records_of_one_sequence_come_to_the_same_in_any_order(
        (history, rounds) in prop::collection::vec(change(2), 1..20).prop_flat_map(|history| {
            let history: Vec<Change> = history.into_iter().map(|change| Change { sequence: change.sequence % 5, ..change }).collect();
            let count = history.len();
            (Just(history), delivery(count))
        }),
        settings in settings(),
    ) {
        let expected = model::snapshot(&history);
        run(settings.clone(), Tidy::Never, &[], &history, &rounds, &expected)?;
        let expected = model::versions(&history);
        run(settings, Tidy::Compact, &[("weir.silver.kind", "history")], &history, &rounds, &expected)?;
    }
}
