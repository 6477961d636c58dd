//! What every [`Catalog`] keeps to.
//!
//! Each rule takes one handle or several onto one catalog, which is empty.

use std::future::Future;
use std::sync::Arc;

use tokio::sync::Barrier;

use crate::catalog::{Catalog, Swap, TableName};

/// Handles onto one catalog.
pub type Handles = [Arc<dyn Catalog>];

/// One test for each rule of this module.
///
/// The argument is an async function that gives `Vec<Arc<dyn Catalog>>`, or whatever dereferences to a
/// slice of such: one handle or several onto one empty catalog.
#[macro_export]
macro_rules! catalog_conformance {
    ($fresh:path) => {
        $crate::catalog_conformance! { @tests $fresh;
            an_unknown_table_has_no_head_and_cannot_be_swapped
            a_created_table_has_its_head
            a_second_create_is_lost_and_changes_nothing
            a_swap_moves_the_head_for_everybody
            a_swap_from_a_stale_head_is_lost_and_changes_nothing
            tables_are_listed_by_namespace_in_the_order_of_their_names
            names_and_locations_come_back_letter_for_letter
            of_32_creates_of_one_table_one_wins
            of_32_swaps_from_one_head_one_wins
            of_32_that_reload_and_swap_none_is_overwritten
        }
    };
    (@tests $fresh:path; $($rule:ident)*) => {$(
        #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
        async fn $rule() {
            $crate::conformance::catalog::$rule(&$fresh().await).await;
        }
    )*};
}

/// How many work at once in the races.
const WORKERS: usize = 32;

fn review() -> TableName {
    TableName::new("silver", "review")
}

fn location(version: impl std::fmt::Display) -> String {
    format!("file:///lake/silver/review/metadata/{version}.metadata.json")
}

async fn head(handles: &Handles) -> Option<String> {
    let mut heads = Vec::new();
    for catalog in handles {
        heads.push(catalog.head(&review()).await.unwrap());
    }
    assert!(heads.iter().all(|head| *head == heads[0]), "all handles see one head");
    heads.swap_remove(0)
}

/// Starts 32 workers at one moment, spread over the handles, and returns what each came to.
async fn race<T, F, Fut>(handles: &Handles, worker: F) -> Vec<T>
where
    T: Send + 'static,
    F: Fn(usize, Arc<dyn Catalog>) -> Fut,
    Fut: Future<Output = T> + Send + 'static,
{
    let barrier = Arc::new(Barrier::new(WORKERS));
    let tasks: Vec<_> = (0..WORKERS)
        .map(|number| {
            let barrier = barrier.clone();
            let work = worker(number, handles[number % handles.len()].clone());
            tokio::spawn(async move {
                barrier.wait().await;
                work.await
            })
        })
        .collect();
    let mut results = Vec::new();
    for task in tasks {
        results.push(task.await.expect("no worker panics"));
    }
    results
}

/// A table that is not there is no error, and a swap does not make it.
pub async fn an_unknown_table_has_no_head_and_cannot_be_swapped(handles: &Handles) {
    assert_eq!(head(handles).await, None);
    assert_eq!(handles[0].swap(&review(), &location(0), &location(1)).await, Ok(Swap::Lost));
    assert_eq!(head(handles).await, None, "a swap creates no table");
    assert_eq!(handles[0].tables("silver").await, Ok(vec![]));
}

/// What was created is found, through any handle.
pub async fn a_created_table_has_its_head(handles: &Handles) {
    assert_eq!(handles[0].create(&review(), &location(0)).await, Ok(Swap::Won));
    assert_eq!(head(handles).await, Some(location(0)));
}

/// A name is given once.
pub async fn a_second_create_is_lost_and_changes_nothing(handles: &Handles) {
    assert_eq!(handles[0].create(&review(), &location(0)).await, Ok(Swap::Won));
    for catalog in handles {
        assert_eq!(catalog.create(&review(), &location(1)).await, Ok(Swap::Lost), "the name is taken");
    }
    assert_eq!(head(handles).await, Some(location(0)), "a create that is lost changes nothing");
    let elsewhere = TableName::new("gold", "review");
    assert_eq!(handles[0].create(&elsewhere, &location("gold")).await, Ok(Swap::Won), "another namespace is free");
    assert_eq!(head(handles).await, Some(location(0)));
}

/// A head moves as often as it is swapped, and others' heads stay.
pub async fn a_swap_moves_the_head_for_everybody(handles: &Handles) {
    let other = TableName::new("silver", "shop");
    handles[0].create(&review(), &location(0)).await.unwrap();
    handles[0].create(&other, &location(0)).await.unwrap();
    for version in 0..10 {
        let catalog = &handles[version % handles.len()];
        assert_eq!(catalog.swap(&review(), &location(version), &location(version + 1)).await, Ok(Swap::Won));
        assert_eq!(head(handles).await, Some(location(version + 1)));
    }
    assert_eq!(handles[0].head(&other).await, Ok(Some(location(0))), "another table stays");
}

/// Who has not seen the last write does not write over it.
pub async fn a_swap_from_a_stale_head_is_lost_and_changes_nothing(handles: &Handles) {
    handles[0].create(&review(), &location(0)).await.unwrap();
    handles[0].swap(&review(), &location(0), &location(1)).await.unwrap();
    for catalog in handles {
        assert_eq!(catalog.swap(&review(), &location(0), &location(2)).await, Ok(Swap::Lost), "the old head is stale");
        assert_eq!(catalog.swap(&review(), &location(9), &location(2)).await, Ok(Swap::Lost));
        assert_eq!(catalog.swap(&review(), "", &location(2)).await, Ok(Swap::Lost));
    }
    assert_eq!(head(handles).await, Some(location(1)), "a stale swap changes nothing");
}

/// A listing holds the namespace's tables and no others.
pub async fn tables_are_listed_by_namespace_in_the_order_of_their_names(handles: &Handles) {
    for name in ["shop", "Review", "review", "a", "review_flat"] {
        handles[0].create(&TableName::new("silver", name), &location(name)).await.unwrap();
    }
    handles[0].create(&TableName::new("silver2", "b"), &location("b")).await.unwrap();
    handles[0].create(&TableName::new("gold", "c"), &location("c")).await.unwrap();
    for catalog in handles {
        let names: Vec<_> = catalog.tables("silver").await.unwrap().into_iter().map(|table| table.name).collect();
        assert_eq!(names, ["Review", "a", "review", "review_flat", "shop"], "sorted, and of this namespace alone");
        assert_eq!(catalog.tables("gold").await, Ok(vec![TableName::new("gold", "c")]));
        assert_eq!(catalog.tables("bronze").await, Ok(vec![]));
    }
}

/// No name or location is taken apart or escaped.
pub async fn names_and_locations_come_back_letter_for_letter(handles: &Handles) {
    for (number, name) in ["größe", "a b", "it's", "100%", "x\"y", "雪", "a;b--", "?1"].into_iter().enumerate() {
        let table = TableName::new("silver", name);
        let to = format!("file:///my lake/ü%20/{name}/metadata/{number}.metadata.json");
        assert_eq!(handles[0].create(&table, &to).await, Ok(Swap::Won), "{name}");
        assert_eq!(handles[0].head(&table).await, Ok(Some(to)));
        assert!(handles[0].tables("silver").await.unwrap().contains(&table), "{name}");
    }
}

/// However many create a table at once, one does.
pub async fn of_32_creates_of_one_table_one_wins(handles: &Handles) {
    let swaps = race(handles, |number, catalog| async move {
        (number, catalog.create(&review(), &location(number)).await.unwrap())
    })
    .await;
    let won: Vec<_> = swaps.iter().filter(|(_, swap)| *swap == Swap::Won).collect();
    assert_eq!(won.len(), 1, "one create wins");
    assert_eq!(head(handles).await, Some(location(won[0].0)), "and it is the winner's");
}

/// Of many commits onto one head, one is the next.
pub async fn of_32_swaps_from_one_head_one_wins(handles: &Handles) {
    handles[0].create(&review(), &location(0)).await.unwrap();
    let mut from = location(0);
    for round in 0..8 {
        let before = from.clone();
        let swaps = race(handles, move |number, catalog| {
            let from = before.clone();
            async move {
                let to = location(format!("{round}-{number}"));
                (to.clone(), catalog.swap(&review(), &from, &to).await.unwrap())
            }
        })
        .await;
        let won: Vec<_> = swaps.iter().filter(|(_, swap)| *swap == Swap::Won).collect();
        assert_eq!(won.len(), 1, "one swap wins");
        from.clone_from(&won[0].0);
        assert_eq!(head(handles).await, Some(from.clone()), "and it is the winner's");
    }
}

/// Each adds one to a counter in the location; all of it arrives.
pub async fn of_32_that_reload_and_swap_none_is_overwritten(handles: &Handles) {
    handles[0].create(&review(), "0").await.unwrap();
    race(handles, |_, catalog| async move {
        loop {
            let from = catalog.head(&review()).await.unwrap().expect("the table is there");
            let to = (from.parse::<u64>().unwrap() + 1).to_string();
            if catalog.swap(&review(), &from, &to).await.unwrap() == Swap::Won {
                return;
            }
        }
    })
    .await;
    assert_eq!(head(handles).await, Some(WORKERS.to_string()), "no swap is lost");
}
