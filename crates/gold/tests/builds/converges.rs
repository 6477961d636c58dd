//! Any sequence of changes, built at any moments, comes to what a full build comes to.

use iceberg_commit::Kind;
use proptest::prelude::*;
use weir_gold::Action;

use super::world::{MODELS, Row, TABLES, World};

/// What happens to a lake.
#[derive(Debug, Clone)]
enum Step {
    Append(usize, Vec<Row>),
    /// Rows whose `a` is this go, others come.
    Replace(usize, i64, Vec<Row>),
    /// The file is written anew, with this `c` where `a` is that.
    Rewrite(usize, i64, i64),
    Compact(usize),
    Build,
    /// One model alone, so that others fall behind.
    BuildOne(usize),
}

fn number() -> impl Strategy<Value = Option<i64>> {
    prop_oneof![1 => Just(None), 6 => (0i64..4).prop_map(Some)]
}

fn rows() -> impl Strategy<Value = Vec<Row>> {
    let text = prop_oneof![1 => Just(None), 4 => "[xy]".prop_map(Some), 1 => Just(Some("a=b/ü %".to_owned()))];
    proptest::collection::vec((number(), number(), number(), text), 0..5)
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => (0..TABLES.len(), rows()).prop_map(|(table, rows)| Step::Append(table, rows)),
        4 => (0..TABLES.len(), 0i64..4, rows()).prop_map(|(table, a, rows)| Step::Replace(table, a, rows)),
        2 => (0..TABLES.len(), 0i64..4, 0i64..4).prop_map(|(table, a, c)| Step::Rewrite(table, a, c)),
        1 => (0..TABLES.len()).prop_map(Step::Compact),
        3 => Just(Step::Build),
        1 => (0..MODELS.len()).prop_map(Step::BuildOne),
    ]
}

async fn take(world: &mut World, step: &Step) {
    match step {
        Step::Append(table, rows) => world.append(TABLES[*table], rows).await,
        Step::Replace(table, a, rows) => world.replace(TABLES[*table], |row| row.0 == Some(*a), rows).await,
        Step::Rewrite(table, a, to) => {
            let change = |row: &mut Row| {
                if row.0 == Some(*a) {
                    row.2 = Some(*to);
                }
            };
            world.rewrite(TABLES[*table], change, Kind::RowDelta).await;
        }
        Step::Compact(table) => world.rewrite(TABLES[*table], |_| {}, Kind::Replace).await,
        Step::Build => {
            world.build().await;
            world.check("after a build").await;
        }
        Step::BuildOne(model) => {
            let model = world.gold.models.iter().nth(*model).unwrap().clone();
            world.gold.build(&[model], false, &()).await.unwrap();
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, max_shrink_iters: 200, ..ProptestConfig::default() })]

    #[test]
    fn incremental_builds_equal_full_ones(steps in proptest::collection::vec(step(), 2..9)) {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        runtime.block_on(async {
            let mut world = World::new(&MODELS).await;
            for step in &steps {
                take(&mut world, step).await;
            }
            world.build().await;
            world.check("at the end").await;
            let snapshots = world.snapshots().await;
            for (model, build) in world.build().await {
                assert_eq!(build.built.unwrap().action, Action::None, "{model} is built a second time");
            }
            assert_eq!(world.snapshots().await, snapshots);
            world.builds(true).await;
            world.check("after a full build").await;
        });
    }
}
