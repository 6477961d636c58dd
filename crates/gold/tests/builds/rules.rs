//! The rules of builds, one by one.

use std::sync::Arc;
use std::time::Duration;

use iceberg_commit::Kind;
use object_store::ObjectStore;
use weir_gold::Action;

use super::world::{MODELS, Row, World, row};

async fn three_months() -> World {
    let mut world = World::new(&MODELS).await;
    world.append("fact", &[row(1, 1, 1, "x"), row(2, 1, 2, "x"), row(2, 2, 3, "x"), row(3, 3, 4, "y")]).await;
    world.append("dim", &[row(1, 10, 0, "one"), row(2, 20, 0, "two"), row(3, 30, 0, "three")]).await;
    world.append("far", &[row(10, 0, 0, "near"), row(20, 0, 0, "far"), row(30, 0, 0, "away")]).await;
    world.build().await;
    world.check("at first").await;
    world
}

#[tokio::test]
async fn a_first_build_is_whole_and_a_second_one_commits_nothing() {
    let world = three_months().await;
    let before = world.snapshots().await;
    for (model, build) in world.build().await {
        assert_eq!(build.built.unwrap().action, Action::None, "{model}");
    }
    assert_eq!(world.snapshots().await, before);
}

#[tokio::test]
async fn a_renamed_dimension_rebuilds_the_partitions_that_show_it_and_no_others() {
    let mut world = three_months().await;
    world.replace("far", |row| row.0 == Some(30), &[row(30, 0, 0, "renamed")]).await;
    let builds = world.build().await;
    let flat = builds["silver.flat"].built.as_ref().unwrap();
    assert_eq!((flat.action, flat.partitions, flat.rows), (Action::Partitions, 1, 1));
    assert_eq!((flat.causes[0].table.as_str(), flat.causes[0].rows), ("silver.far", 2));
    let totals = builds["gold.totals"].built.as_ref().unwrap();
    assert_eq!((totals.action, totals.partitions, totals.rows), (Action::Partitions, 1, 1));
    // It reads no column that has changed.
    assert_eq!(builds["gold.ranks"].built.as_ref().unwrap().action, Action::None);
    assert_eq!(builds["gold.texts"].built.as_ref().unwrap().action, Action::None);
    world.check("after the rename").await;
}

#[tokio::test]
async fn a_partition_that_has_no_rows_any_more_is_emptied() {
    let mut world = three_months().await;
    world.replace("fact", |row| row.1 == Some(3), &[]).await;
    let builds = world.build().await;
    let totals = builds["gold.totals"].built.as_ref().unwrap();
    assert_eq!((totals.action, totals.partitions, totals.rows), (Action::Partitions, 1, 0));
    assert!(world.built("gold.totals").await.iter().all(|row| row[0].as_deref() != Some("3")));
    world.check("after the rows went").await;
}

#[tokio::test]
async fn compaction_and_changes_of_columns_that_are_not_read_build_nothing() {
    let mut world = three_months().await;
    let before = world.snapshots().await;
    world.rewrite("fact", |_| {}, Kind::Replace).await;
    // The same rows in other files, among them none that differ, as a merge that rewrites a file may leave them.
    world.rewrite("dim", |_| {}, Kind::RowDelta).await;
    // `b` and `c` of far are read by no model.
    world.rewrite("far", |row| (row.1, row.2) = (Some(7), None), Kind::RowDelta).await;
    for (model, build) in world.build().await {
        assert_eq!(build.built.unwrap().action, Action::None, "{model}");
    }
    assert_eq!(world.snapshots().await, before);
    // The new states are noted: they are not compared again.
    for (model, build) in world.build().await {
        assert_eq!(build.built.unwrap().causes, [], "{model}");
    }
}

#[tokio::test]
async fn a_model_that_has_changed_is_built_in_full_with_its_new_columns_and_partitions() {
    let mut world = three_months().await;
    let mut files = MODELS;
    files[1].1 = "/*\npartitionBy: [far_d]\n*/\nSELECT far_d, CAST(p AS DOUBLE) AS p, COUNT(*) AS rows_of_it FROM silver.flat GROUP BY far_d, p";
    world.set_models(&files);
    let builds = world.build().await;
    assert_eq!(builds["gold.totals"].built.as_ref().unwrap().action, Action::Whole);
    assert_eq!(builds["gold.ranks"].built.as_ref().unwrap().action, Action::None);
    world.check("with another shape").await;
    world.append("fact", &[row(3, 9, 9, "x")]).await;
    let builds = world.build().await;
    assert_eq!(builds["gold.totals"].built.as_ref().unwrap().action, Action::Partitions);
    world.check("after a change").await;
    // And back again.
    world.set_models(&MODELS);
    world.build().await;
    world.check("with the first shape").await;
}

#[tokio::test]
async fn rows_that_fail_a_test_are_not_committed_and_leave_no_file() {
    let mut world = three_months().await;
    let (before, rows) = (world.snapshots().await, world.built("silver.flat").await);
    let files = count(&world).await;
    world.append("fact", &[row(999, 1, 1, "x")]).await;
    let of_input = count(&world).await - files;
    let builds = world.builds(false).await;
    let flat = &builds["silver.flat"];
    assert_eq!(flat.failure.as_ref().unwrap().code, "Gold.Audit");
    assert!(flat.failure.as_ref().unwrap().message.contains("all is well"), "{:?}", flat.failure);
    // What reads it keeps its rows, too.
    assert_eq!(builds["gold.totals"].built.as_ref().unwrap().action, Action::Waits);
    assert_eq!(world.built("silver.flat").await, rows);
    assert_eq!(world.snapshots().await["silver.flat"], before["silver.flat"]);
    // gold.texts, whole and untraceable do not read it, and are built: they alone add files.
    let others: u64 = builds.values().filter_map(|build| build.built.as_ref()).map(|built| built.files).sum();
    let data = |paths: &[String]| paths.iter().filter(|path| path.contains("/data/")).count() as u64;
    assert!(data(&paths(&world).await) > 0);
    assert_eq!(
        data(&paths(&world).await.into_iter().filter(|path| path.contains("silver/flat")).collect::<Vec<_>>()),
        rows_files(&world, "silver.flat").await
    );
    assert!(of_input > 0 && others > 0);
    // Once it is mended all goes on.
    world.replace("fact", |row| row.0 == Some(999), &[]).await;
    world.build().await;
    world.check("once it is mended").await;
}

async fn paths(world: &World) -> Vec<String> {
    use futures::TryStreamExt;
    let all: Vec<_> = world.store.list(None).try_collect().await.unwrap();
    all.into_iter().map(|object| object.location.to_string()).collect()
}

async fn count(world: &World) -> usize {
    paths(world).await.len()
}

/// Data files that the table's snapshots know.
async fn rows_files(world: &World, model: &str) -> u64 {
    world.table(model).await.live(world.warehouse()).await.unwrap().data.len() as u64
}

#[tokio::test]
async fn a_failed_first_build_leaves_no_table() {
    let mut world = World::new(&MODELS).await;
    world.append("fact", &[row(999, 1, 1, "x")]).await;
    let builds = world.builds(false).await;
    assert_eq!(builds["silver.flat"].failure.as_ref().unwrap().code, "Gold.Audit");
    assert!(world.tables.load(&weir_ports::catalog::TableName::new("silver", "flat")).await.unwrap().is_none());
}

#[tokio::test]
async fn an_expired_input_makes_the_build_whole_and_says_so() {
    let mut world = three_months().await;
    world.append("far", &[row(99, 0, 0, "new")]).await;
    world.append("far", &[row(98, 0, 0, "newer")]).await;
    let expire = iceberg_commit::Expire { older_than_ms: i64::MAX, keep_last: 1, dry_run: false };
    let table = world.table("far").await;
    world.tables.expire(&table, &expire).await.unwrap();
    let builds = world.build().await;
    let flat = builds["silver.flat"].built.as_ref().unwrap();
    assert_eq!(flat.action, Action::Whole);
    assert!(flat.why[0].contains("silver.far") && flat.why[0].contains("expired"), "{:?}", flat.why);
    world.check("after the expiry").await;
}

#[tokio::test]
async fn a_table_that_no_model_made_is_not_written_to() {
    let mut files = MODELS.to_vec();
    files.push(("models/gold/taken.sql", "SELECT a FROM silver.fact"));
    let mut world = World::new(&files).await;
    world.append("fact", &[row(1, 1, 1, "x")]).await;
    let fact = world.table("fact").await;
    let new = iceberg_commit::NewTable::new(fact.schema().as_ref().clone());
    world.tables.create(&weir_ports::catalog::TableName::new("gold", "taken"), new).await.unwrap();
    let builds = world.builds(true).await;
    assert_eq!(builds["gold.taken"].failure.as_ref().unwrap().code, "Gold.Taken");
    assert!(world.table("gold.taken").await.current_snapshot().is_none());
}

#[tokio::test]
async fn a_model_waits_for_a_table_that_is_not_there() {
    let files = [("models/gold/early.sql", "SELECT a FROM silver.fact")];
    let mut world = World::new(&files).await;
    world.gold.models = Arc::new({
        let known = [weir_ports::catalog::TableName::new("silver", "later")].into();
        let files = [("models/gold/early.sql".to_owned(), "SELECT a FROM silver.later".to_owned())];
        weir_gold::models::Models::parse(&files, &known).unwrap()
    });
    let built = world.build().await.remove("gold.early").unwrap().built.unwrap();
    assert_eq!(built.action, Action::Waits);
    assert!(built.why[0].contains("silver.later"), "{:?}", built.why);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn builds_at_the_same_time_come_to_the_same() {
    let mut world = three_months().await;
    for round in 0..4 {
        world.append("fact", &[row(1, round, 5, "z"), row(2, 7, round, "x")]).await;
        world.replace("dim", |row| row.0 == Some(2), &[row(2, 10 + 10 * (round % 3), 0, "moved")]).await;
        let models: Vec<_> = world.gold.models.iter().cloned().collect();
        let (first, second) = (world.gold.clone(), world.gold.clone());
        let (left, right) = (models.clone(), models);
        let first = tokio::spawn(async move { first.build(&left, false, &()).await.unwrap() });
        let second = tokio::spawn(async move {
            tokio::time::sleep(Duration::from_millis(3 * round as u64)).await;
            second.build(&right, false, &()).await.unwrap()
        });
        for build in first.await.unwrap().into_iter().chain(second.await.unwrap()) {
            assert!(build.failure.is_none(), "{:?}", build.failure);
        }
        // One of them may have read an input before the other had built it; the next build settles that.
        world.build().await;
        world.check("after both").await;
    }
}

#[tokio::test]
async fn a_plan_tells_what_a_build_then_does() {
    let mut world = three_months().await;
    let models: Vec<_> = world.gold.models.iter().cloned().collect();
    let before = world.snapshots().await;
    world.replace("far", |row| row.0 == Some(30), &[row(30, 0, 0, "renamed")]).await;
    let plans = world.gold.plan(&models, false).await.unwrap();
    let of = |name: &str| plans.iter().find(|plan| plan.model == name).unwrap();
    assert_eq!(of("silver.flat").action, Some(Action::Partitions));
    let partition = serde_json::json!({"p": 3, "d": "y"});
    assert_eq!(of("silver.flat").partitions, [partition.as_object().unwrap().clone()]);
    assert_eq!((of("gold.totals").action, of("gold.totals").after.as_slice()), (None, &["silver.flat".to_owned()][..]));
    assert_eq!(of("gold.texts").action, Some(Action::None));
    // Planning changes nothing.
    assert_eq!(world.snapshots().await, before);
    let rows: Vec<Row> = world.rows["fact"].clone();
    assert_eq!(rows.len(), 4);
}

#[tokio::test]
async fn a_test_that_only_warns_is_told_and_does_not_hold_a_build_back() {
    let header = "/*\ntests:\n  - name: few rows\n    severity: warn\n    rowCount: {max: 1}\n*/\n";
    let text = format!("{header}SELECT a FROM silver.fact");
    let mut world = World::new(&[("models/gold/told.sql", &text)]).await;
    world.append("fact", &[row(1, 1, 1, "x"), row(2, 2, 2, "y")]).await;
    let built = world.build().await.remove("gold.told").unwrap().built.unwrap();
    assert!(built.snapshot.is_some());
    assert_eq!((built.tests.len(), built.tests[0].passed, built.tests[0].name.as_str()), (1, false, "few rows"));
    world.check("with a warning").await;
}
