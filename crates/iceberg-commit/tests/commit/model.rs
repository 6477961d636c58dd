//! Random sequences of commits, some on stale bases, against a plain set of files.

use std::collections::BTreeMap;
use std::sync::Arc;

use iceberg::spec::DataFile;
use iceberg_commit::{CommitError, CommitSettings, Expire, Kind, LiveFile, Staged, Table};
use proptest::prelude::*;

use crate::conflicts::orphans;
use crate::support::*;

/// A step. Numbers choose among the files that are live in the base.
#[derive(Debug, Clone)]
enum Step {
    Append { parts: Vec<i32> },
    Delta { of: usize, add: bool, merge: bool },
    Delete { of: Vec<usize> },
    Compact { of: Vec<usize> },
    ReplacePartitions { parts: Vec<i32>, add: Vec<usize> },
    ReplaceTable { add: Vec<i32> },
    Properties,
    Expire { keep: usize },
}

fn step() -> impl Strategy<Value = Step> {
    let parts = || prop::collection::vec(0..3i32, 1..4);
    let some = || prop::collection::vec(0..100usize, 1..4);
    prop_oneof![
        4 => parts().prop_map(|parts| Step::Append { parts }),
        4 => (0..100usize, any::<bool>(), any::<bool>()).prop_map(|(of, add, merge)| Step::Delta { of, add, merge }),
        2 => some().prop_map(|of| Step::Delete { of }),
        2 => some().prop_map(|of| Step::Compact { of }),
        1 => (parts(), prop::collection::vec(0..3usize, 0..3)).prop_map(|(parts, add)| Step::ReplacePartitions { parts, add }),
        1 => prop::collection::vec(0..3i32, 0..3).prop_map(|add| Step::ReplaceTable { add }),
        1 => Just(Step::Properties),
        1 => (1..4usize).prop_map(|keep| Step::Expire { keep }),
    ]
}

/// Live files by path; deletes with the path of what they are about.
type Model = BTreeMap<String, (DataFile, Option<String>)>;

struct Run {
    world: World,
    model: Model,
    number: usize,
}

impl Run {
    fn name(&mut self, kind: &str) -> String {
        self.number += 1;
        format!("{kind}{}", self.number)
    }

    /// What the step stages, from what is live in the base.
    fn stage(&mut self, step: &Step, data_files: &[Arc<LiveFile>], delete_files: &[Arc<LiveFile>]) -> Option<Staged> {
        let part_of = |file: &DataFile| (0..3).find(|&n| *file.partition() == part(n)).unwrap();
        let choose = |of: &[usize]| {
            let mut chosen: Vec<Arc<LiveFile>> = Vec::new();
            for &n in of {
                let file = data_files.get(n % data_files.len().max(1))?;
                if !chosen.contains(file) {
                    chosen.push(file.clone());
                }
            }
            Some(chosen)
        };
        Some(match step {
            Step::Append { parts } => append(parts.iter().map(|&n| data(&self.name("f"), n)).collect::<Vec<_>>()),
            Step::Delta { of, add, merge } => {
                let target = choose(&[*of])?.remove(0);
                let target_name =
                    target.file.file_path().rsplit('/').next().unwrap().trim_end_matches(".parquet").to_owned();
                let n = part_of(&target.file);
                let added = add.then(|| data(&self.name("f"), n));
                let mut staged = delta(&target, deletes(&self.name("d"), n, &target_name), added);
                if *merge {
                    let about = Some(target.file.file_path().to_owned());
                    staged.remove_deletes =
                        delete_files.iter().filter(|file| file.file.referenced_data_file() == about).cloned().collect();
                }
                staged
            }
            Step::Delete { of } => Staged { kind: Kind::RowDelta, remove_data: choose(of)?, ..Staged::default() },
            Step::Compact { of } => {
                let remove_data = choose(of)?;
                let add_data = vec![data(&self.name("f"), part_of(&remove_data[0].file))];
                Staged { kind: Kind::Replace, remove_data, add_data, ..Staged::default() }
            }
            Step::ReplacePartitions { parts, add } => {
                let add = add.iter().map(|&n| data(&self.name("f"), parts[n % parts.len()])).collect::<Vec<_>>();
                Staged { kind: Kind::ReplacePartitions(parts.iter().map(|&n| part(n)).collect()), ..append(add) }
            }
            Step::ReplaceTable { add } => {
                let add = add.iter().map(|&n| data(&self.name("f"), n)).collect::<Vec<_>>();
                Staged { kind: Kind::ReplaceTable, ..append(add) }
            }
            Step::Properties => Staged { properties: [("k".to_owned(), self.name("v"))].into(), ..Staged::default() },
            Step::Expire { .. } => return None,
        })
    }

    fn apply(&mut self, staged: &Staged) {
        if staged.kind == Kind::ReplaceTable {
            self.model.clear();
        }
        if let Kind::ReplacePartitions(parts) = &staged.kind {
            self.model.retain(|_, (file, _)| !parts.contains(file.partition()));
        }
        for file in staged.remove_data.iter().chain(&staged.remove_deletes) {
            let path = file.file.file_path();
            self.model.remove(path).unwrap();
            self.model.retain(|_, (_, about)| about.as_deref() != Some(path));
        }
        for file in staged.add_data.iter().chain(&staged.add_deletes) {
            self.model.insert(file.file_path().to_owned(), (file.clone(), file.referenced_data_file()));
        }
    }

    async fn check(&self, table: &Table) {
        let live = self.world.live(table).await;
        let mut files = BTreeMap::new();
        for file in live.data.iter().chain(&live.deletes) {
            let before = files.insert(file.file.file_path().to_owned(), file.file.clone());
            assert!(before.is_none(), "{} is listed twice", file.file.file_path());
        }
        let expected: BTreeMap<_, _> =
            self.model.iter().map(|(path, (file, _))| (path.clone(), file.clone())).collect();
        assert_eq!(files, expected);
        if table.current_snapshot().is_some() {
            check_totals(&self.world, table).await;
        }
    }

    async fn step(&mut self, step: &Step, base: &Table) {
        if let Step::Expire { keep } = step {
            let settings = Expire { older_than_ms: i64::MAX, keep_last: *keep, dry_run: false };
            self.world.tables.expire(base, &settings).await.unwrap();
            return;
        }
        let live = self.world.live(base).await;
        let Some(staged) = self.stage(step, &live.data, &live.deletes) else { return };
        match self.world.tables.commit(base, staged.clone()).await {
            // Nothing to do, as of the base: as if it had come before what others did since.
            Ok(table) if table.metadata_location == base.metadata_location => {}
            Ok(table) => {
                self.apply(&staged);
                self.check(&table).await;
            }
            // Only a base that others have moved on from may conflict.
            Err(CommitError::Conflict { what, .. }) => {
                let head = self.world.load().await;
                assert_ne!(head.metadata_location, base.metadata_location, "{what}");
            }
            Err(error) => panic!("{error}"),
        }
    }
}

async fn run(steps: Vec<(Step, bool)>) {
    // Fewer manifests than usual, so that they are merged.
    let settings =
        CommitSettings { max_manifests: 3, min_backoff: std::time::Duration::ZERO, ..CommitSettings::default() };
    let world = world().with_settings(settings);
    let mut run = Run { model: Model::new(), number: 0, world: world.clone() };
    let mut before = world.create().await;
    for (step, stale) in steps {
        let head = world.load().await;
        run.step(&step, if stale { &before } else { &head }).await;
        before = head;
    }
    let head = world.load().await;
    run.check(&head).await;
    assert_eq!(orphans(&world, &head).await.into_iter().filter(|file| !reaches_the_past(&file.uri)).count(), 0);
}

/// Expired snapshots leave their lists and manifests, and old logs their metadata files; a commit leaves nothing else.
fn reaches_the_past(uri: &str) -> bool {
    uri.contains("/metadata/")
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn after_any_commits_the_live_files_are_those_of_the_model(steps in prop::collection::vec((step(), prop::bool::weighted(0.3)), 1..25)) {
        tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(run(steps));
    }
}
