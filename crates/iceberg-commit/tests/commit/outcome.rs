//! What becomes of a commit when the catalog does not answer.

use iceberg_commit::{CatalogError, CommitError, CommitSettings, Expire, Staged, TableError};

use crate::support::*;

#[tokio::test(start_paused = true)]
async fn a_swap_whose_answer_was_lost_is_found_in_the_head() {
    let world = world();
    let table = world.create().await;
    world.catalog.fail([Fault::AfterEffect]);
    let next = world.tables.commit(&table, append([data("a", 1)])).await.unwrap();
    assert_eq!(next.metadata.snapshots().len(), 1, "committed once");
    assert_eq!(world.load().await.metadata_location, next.metadata_location);
    assert_eq!(*world.catalog.swaps.lock().unwrap(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_swap_whose_answer_was_lost_is_found_below_a_later_commit() {
    let world = world();
    let table = world.create().await;
    // Our swap takes effect without an answer, nobody answers for a while, and another commits on top.
    let other = world.clone();
    let first = world.clone();
    world.catalog.before_swap(move || async move {
        first.catalog.fail([Fault::AfterEffect]);
        first.catalog.deafen(1);
        first.catalog.before_swap(move || async move {
            let head = other.load().await;
            other.tables.commit(&head, append([data("b", 1)])).await.unwrap();
        });
    });
    let next = world.tables.commit(&table, append([data("a", 1)])).await.unwrap();
    assert_eq!(world.names(&next).await, ["a", "b"].map(str::to_owned).into());
    assert_eq!(next.metadata.snapshots().len(), 2, "each was committed once");
    assert_eq!(world.load().await.metadata_location, next.metadata_location);
}

#[tokio::test(start_paused = true)]
async fn properties_whose_answer_was_lost_are_found_in_the_log() {
    let world = world();
    let table = world.create().await;
    let (first, other) = (world.clone(), world.clone());
    world.catalog.before_swap(move || async move {
        first.catalog.fail([Fault::AfterEffect]);
        first.catalog.deafen(1);
        first.catalog.before_swap(move || async move {
            let head = other.load().await;
            other.tables.commit(&head, append([data("b", 1)])).await.unwrap();
        });
    });
    let properties = [("k".to_owned(), "v".to_owned())].into();
    let next = world.tables.commit(&table, Staged { properties, ..Staged::default() }).await.unwrap();
    assert_eq!(next.metadata.metadata_log().len(), 2, "the property was set once");
}

#[tokio::test(start_paused = true)]
async fn a_swap_that_did_not_come_through_is_made_again() {
    let world = world();
    let table = world.create().await;
    world.catalog.fail([Fault::BeforeEffect, Fault::BeforeEffect]);
    let next = world.tables.commit(&table, append([data("a", 1)])).await.unwrap();
    assert_eq!(next.metadata.snapshots().len(), 1);
    assert_eq!(*world.catalog.swaps.lock().unwrap(), 3);
    let files = world.objects().await;
    assert_eq!(
        files.iter().filter(|key| key.ends_with(".json")).count(),
        2,
        "the same metadata file was offered again"
    );
}

#[tokio::test(start_paused = true)]
async fn an_outcome_that_stays_unknown_deletes_nothing() {
    for fault in [Fault::BeforeEffect, Fault::AfterEffect] {
        let world = world().with_settings(CommitSettings { max_attempts: 3, ..CommitSettings::default() });
        let table = world.create().await;
        let before = world.objects().await.len();
        world.catalog.fail([fault; 3]);
        world.catalog.deafen(3);
        let error = world.tables.commit(&table, append([data("a", 1)])).await.unwrap_err();
        let CommitError::Unknown { metadata_location, snapshot_id, .. } = &error else { panic!("{error}") };
        assert!(error.to_string().contains(metadata_location));
        assert_eq!(world.objects().await.len(), before + 3, "manifest, list and metadata are all there");
        let head = world.load().await;
        let took_effect = fault == Fault::AfterEffect;
        assert_eq!(head.metadata_location == *metadata_location, took_effect);
        assert_eq!(head.current_snapshot_id() == *snapshot_id, took_effect);
        if took_effect {
            assert_eq!(world.names(&head).await, ["a".to_owned()].into(), "and readers can read it");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_refusal_is_certain_and_leaves_nothing() {
    let world = world();
    let table = world.create().await;
    let before = world.objects().await;
    world.catalog.fail([Fault::Refused]);
    let error = world.tables.commit(&table, append([data("a", 1)])).await.unwrap_err();
    let refused =
        matches!(&error, CommitError::Table(TableError::Catalog { source: CatalogError::Unusable { .. }, .. }));
    assert!(refused, "{error}");
    assert_eq!(world.objects().await, before);
    // But not after an answer was lost: that swap may have been the one that counts.
    world.catalog.fail([Fault::AfterEffect, Fault::Refused]);
    world.catalog.deafen(1);
    let next = world.tables.commit(&table, append([data("a", 1)])).await.unwrap();
    assert_eq!(world.load().await.metadata_location, next.metadata_location);
}

#[tokio::test(start_paused = true)]
async fn one_that_always_loses_gives_up_and_leaves_nothing() {
    let world = world().with_settings(CommitSettings { max_attempts: 4, ..CommitSettings::default() });
    let table = world.create().await;
    for n in 0..4 {
        world.slip_in(move |_, _| append([data(&format!("x{n}"), 1)]));
        world.catalog.before_swap(|| async {});
    }
    let error = world.tables.commit(&table, append([data("a", 1)])).await.unwrap_err();
    assert!(matches!(error, CommitError::Contention { attempts: 4, .. }), "{error}");
    let head = world.load().await;
    assert_eq!(head.metadata.snapshots().len(), 4);
    // Each of the four others left a manifest, a list and a metadata file.
    assert_eq!(world.objects().await.len(), 1 + 4 * 3);
}

#[tokio::test(start_paused = true)]
async fn a_creation_whose_answer_was_lost_is_found() {
    for faults in [vec![Fault::AfterEffect], vec![Fault::BeforeEffect], vec![Fault::BeforeEffect, Fault::AfterEffect]] {
        let world = world();
        world.catalog.fail(faults);
        let table = world.create().await;
        assert_eq!(world.load().await.metadata_location, table.metadata_location);
        assert_eq!(world.objects().await.len(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn of_two_creations_the_loser_gets_the_winners_table() {
    let world = world();
    let other = world.clone();
    world.catalog.before_swap(move || async move {
        let table = other.create().await;
        other.tables.commit(&table, append([data("a", 1)])).await.unwrap();
    });
    let table = world.create().await;
    assert_eq!(world.names(&table).await, ["a".to_owned()].into());
    let jsons = world.objects().await.into_iter().filter(|key| key.ends_with(".json")).count();
    assert_eq!(jsons, 2, "the loser's metadata file is gone");
}

#[tokio::test(start_paused = true)]
async fn an_expiry_whose_answer_was_lost_is_found() {
    let world = world();
    world.create().await;
    for n in 0..3 {
        world.commit(append([data(&format!("{n}"), 1)])).await;
    }
    let table = world.load().await;
    world.catalog.fail([Fault::AfterEffect]);
    let settings = Expire { older_than_ms: i64::MAX, keep_last: 1, dry_run: false };
    let expired = world.tables.expire(&table, &settings).await.unwrap();
    assert_eq!((expired.snapshots.len(), expired.table.metadata.snapshots().len()), (2, 1));
    assert_eq!(world.load().await.metadata_location, expired.table.metadata_location);
}
