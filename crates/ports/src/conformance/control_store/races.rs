//! Rules that hold however many work at once. Run them on a runtime of several threads.

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::Arc;

use tokio::sync::Barrier;
use weir_model::control::{ControlRecord, Status, TransitionError};

use super::{Handles, MAX_ATTEMPTS, WORKERS, at, create, failure, lease, outcome, pending, stored};
use crate::control::{ControlError, list_all, transition};
use crate::control_store::{ControlStore, Created, Query, Replaced};

/// Starts 32 workers at one moment, spread over the handles, and returns what each came to.
async fn race<T, F, Fut>(handles: &Handles, worker: F) -> Vec<T>
where
    T: Send + 'static,
    F: Fn(usize, Arc<dyn ControlStore>) -> Fut,
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

/// However often and wherever an event is delivered, one delivery registers the object.
pub async fn of_32_creates_of_one_id_one_is_new(handles: &Handles) {
    let created = race(handles, |number, store| async move {
        let record = pending("review", "a", at(number as i64));
        (record.clone(), store.create(&record).await.unwrap())
    })
    .await;
    let new: Vec<_> = created.iter().filter(|(_, created)| *created == Created::New).collect();
    assert_eq!(new.len(), 1, "one create is new");
    let winner = &new[0].0;
    for (_, created) in &created {
        assert!(matches!(created, Created::New) || *created == Created::Exists(Box::new(winner.clone())));
    }
    assert_eq!(stored(&*handles[0], &winner.id).await, *winner);
}

/// Leases the record for 32 workers at once, and checks that one got it.
async fn one_leases(handles: &Handles, record: &ControlRecord, now: weir_model::Timestamp) -> u64 {
    let id = record.id.clone();
    let leased = race(handles, move |number, store| {
        let id = id.clone();
        // All have one name: only the store may tell them apart.
        async move { (number, transition(&*store, &id, |r| r.lease("worker", now, 60, 99)).await) }
    })
    .await;
    let mut tokens = Vec::new();
    for (number, result) in leased {
        match result {
            Ok((_, token)) => tokens.push(token.expect("attempts are left")),
            Err(ControlError::Transition(TransitionError::Leased { .. })) => {}
            Err(error) => panic!("worker {number}: {error}"),
        }
    }
    assert_eq!(tokens.len(), 1, "one worker leases the record, the others are told who holds it");
    tokens[0]
}

/// One worker gets a record; the others learn that it is taken.
pub async fn of_32_workers_one_leases_a_record(handles: &Handles) {
    for round in 0..8 {
        let record = pending("review", &format!("{round}"), at(0));
        create(&*handles[0], &record).await;
        let token = one_leases(handles, &record, at(1)).await;
        let stored = stored(&*handles[0], &record.id).await;
        assert_eq!((stored.revision, stored.attempts, stored.last_token), (1, 1, token), "the record was written once");
    }
}

/// One worker takes over from a worker that vanished.
pub async fn of_32_workers_one_takes_over_an_expired_lease(handles: &Handles) {
    for round in 0..8 {
        let record = pending("review", &format!("{round}"), at(0));
        create(&*handles[0], &record).await;
        let old = lease(&*handles[0], &record.id, "vanished", at(1)).await;
        let new = one_leases(handles, &record, at(61)).await;
        assert!(new > old, "the old token is fenced");
        let stored = stored(&*handles[0], &record.id).await;
        assert_eq!((stored.revision, stored.attempts, stored.last_token), (2, 2, new), "it was taken over once");
    }
}

/// A change that was answered with success stays, whoever writes at the same time.
pub async fn of_32_changes_at_once_none_is_lost(handles: &Handles) {
    let record = pending("review", "a", at(0));
    create(&*handles[0], &record).await;
    let id = record.id.clone();
    let changes = race(handles, move |_, store| {
        let id = id.clone();
        async move {
            let add_one = |r: &mut ControlRecord| {
                r.size_bytes += 1;
                Ok(())
            };
            transition(&*store, &id, add_one).await
        }
    })
    .await;
    let mut revisions = Vec::new();
    for change in changes {
        match change {
            Ok((written, ())) => revisions.push(written.revision),
            Err(ControlError::Contention { .. }) => {}
            Err(error) => panic!("{error}"),
        }
    }
    revisions.sort_unstable();
    let made = revisions.len() as u64;
    assert!(made > 0, "some change is made");
    assert_eq!(revisions, (1..=made).collect::<Vec<_>>(), "each revision is written by one worker");
    let stored = stored(&*handles[0], &record.id).await;
    assert_eq!((stored.size_bytes, stored.revision), (1000 + made, made), "no change is lost");
}

/// 32 workers share 200 records as they come; together they do each once.
pub async fn of_32_workers_on_200_records_each_record_succeeds_exactly_once(handles: &Handles) {
    for n in 0..200 {
        create(&*handles[0], &pending(["review", "shop"][n % 2], &format!("{n}"), at(n as i64 / 10))).await;
    }
    let done = race(handles, |number, store| async move {
        let owner = format!("worker {number}");
        let mut done = Vec::new();
        loop {
            let query = Query { status: Some(Status::Pending), limit: 10, ..Query::default() };
            let page = store.list(&query).await.unwrap();
            if page.records.is_empty() && page.next.is_none() {
                return done;
            }
            for record in page.records {
                let id = &record.id;
                match transition(&*store, id, |r| r.lease(&owner, at(1000), 600, MAX_ATTEMPTS)).await {
                    Ok((_, token)) => {
                        let token = token.expect("attempts are left");
                        transition(&*store, id, |r| r.succeed(token, outcome(r), at(1001))).await.unwrap();
                        done.push(id.clone());
                    }
                    Err(ControlError::Transition(_) | ControlError::Contention { .. }) => {}
                    Err(error) => panic!("{error}"),
                }
            }
        }
    })
    .await;
    let mut times: BTreeMap<&String, u32> = BTreeMap::new();
    for id in done.iter().flatten() {
        *times.entry(id).or_default() += 1;
    }
    assert_eq!(times.len(), 200, "each record is worked on");
    assert!(times.values().all(|times| *times == 1), "no record is worked on twice");
    let records = list_all(&*handles[0], Query::default()).await.unwrap();
    assert_eq!(records.len(), 200);
    for record in records {
        assert_eq!((record.status, record.attempts, record.revision), (Status::Succeeded, 1, 2), "{}", record.id);
    }
}

/// Fenced workers renew, fail and succeed as they like while the holder works; none of it counts.
pub async fn stale_tokens_never_change_a_record(handles: &Handles) {
    let record = pending("review", "a", at(0));
    create(&*handles[0], &record).await;
    let stale = lease(&*handles[0], &record.id, "vanished", at(0)).await;
    let token = lease(&*handles[0], &record.id, "holder", at(100)).await;
    let held = stored(&*handles[0], &record.id).await;
    let id = record.id.clone();
    let all_fenced = race(handles, move |number, store| {
        let (id, held) = (id.clone(), held.clone());
        async move {
            let result = match number % 4 {
                0 => transition(&*store, &id, |r| r.renew(stale, at(101), 9999)).await,
                1 => transition(&*store, &id, |r| r.fail(stale, failure(), at(101), MAX_ATTEMPTS)).await,
                2 => transition(&*store, &id, |r| r.succeed(stale, outcome(r), at(101))).await,
                // One that read the record before it was fenced, and writes now without asking anybody.
                _ => {
                    let before = ControlRecord { revision: held.revision - 1, status: Status::Succeeded, ..held };
                    assert_eq!(store.replace(&before).await, Ok(Replaced::Conflict));
                    return true;
                }
            };
            matches!(result, Err(ControlError::Transition(TransitionError::Fenced { .. })))
        }
    })
    .await;
    assert!(all_fenced.into_iter().all(|fenced| fenced), "each stale worker is told that it is fenced");
    let after = stored(&*handles[0], &record.id).await;
    assert_eq!((after.revision, after.status), (2, Status::Running), "stale workers change nothing");
    assert_eq!(after.lease.map(|lease| (lease.token, lease.expires_at)), Some((token, at(160))));
    let (done, ()) = transition(&*handles[0], &record.id, |r| r.succeed(token, outcome(r), at(102))).await.unwrap();
    assert_eq!(done.status, Status::Succeeded);
}
