//! What every [`ControlStore`] keeps to.
//!
//! Each rule takes one handle or several onto one store, which is empty. Several handles stand for
//! several processes or machines: the rules spread their work over them.

mod listing;
mod races;
mod records;

use std::sync::Arc;

use weir_model::Timestamp;
use weir_model::control::{ControlRecord, Failure, Outcome, RowCounts};

use crate::control::transition;
use crate::control_store::{ControlStore, Created};

pub use listing::*;
pub use races::*;
pub use records::*;

/// Handles onto one store.
pub type Handles = [Arc<dyn ControlStore>];

/// One test for each rule of this module.
///
/// The argument is an async function that gives `Vec<Arc<dyn ControlStore>>`, or whatever dereferences to a
/// slice of such: one handle or several onto one empty store.
#[macro_export]
macro_rules! control_store_conformance {
    ($fresh:path) => {
        $crate::control_store_conformance! { @tests $fresh;
            a_repeated_create_returns_the_stored_record_and_changes_nothing
            a_record_comes_back_as_it_was_written
            an_unknown_record_is_none_and_cannot_be_replaced
            a_replace_with_an_old_revision_conflicts_and_changes_nothing
            every_transition_survives_a_round_trip
            an_expired_lease_can_be_taken_over_and_the_old_token_is_fenced
            a_refused_or_empty_change_writes_nothing
            a_record_is_found_by_the_beginning_of_its_id
            a_listing_is_in_the_order_of_registration_then_id
            pages_hold_each_record_exactly_once
            a_period_holds_its_start_and_not_its_end
            a_limit_out_of_range_is_moved_into_it
            records_registered_meanwhile_cause_no_repeat_and_no_gap
            records_that_leave_the_listing_meanwhile_cause_no_repeat_and_no_gap
            counts_add_up_by_table_and_status
            a_merge_takes_records_out_of_those_that_wait_for_one
            of_32_creates_of_one_id_one_is_new
            of_32_workers_one_leases_a_record
            of_32_workers_one_takes_over_an_expired_lease
            of_32_changes_at_once_none_is_lost
            of_32_workers_on_200_records_each_record_succeeds_exactly_once
            stale_tokens_never_change_a_record
        }
    };
    (@tests $fresh:path; $($rule:ident)*) => {$(
        #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
        async fn $rule() {
            $crate::conformance::control_store::$rule(&$fresh().await).await;
        }
    )*};
}

/// How many work at once in the races.
const WORKERS: usize = 32;
/// How often a record may be tried.
const MAX_ATTEMPTS: u32 = 3;

/// A time on a day of this century, so that times have as many digits as real ones.
fn at(seconds: i64) -> Timestamp {
    Timestamp::from_micros(1_790_000_000_000_007).plus_seconds(seconds)
}

/// A record that waits to be worked on.
fn pending(table: &str, name: &str, registered_at: Timestamp) -> ControlRecord {
    let key = format!("raw/{table}/{name}.csv.gz");
    ControlRecord::pending("lake", &key, "v1", table, 1000, at(-60), registered_at)
}

/// What a worker reports of ten rows.
fn outcome(record: &ControlRecord) -> Outcome {
    Outcome {
        counts: RowCounts { rows_in: 10, rows_written: 7, rows_quarantined: 2, rows_filtered: 1 },
        contract_version: "1.2.0".to_owned(),
        bytes_decompressed: 4000,
        bytes_out: 800,
        bronze_key: format!("bronze/{}/v1/{}.parquet", record.table, record.id),
        quarantine_key: Some(format!("quarantine/{}/{}.jsonl", record.table, record.id)),
        notes: vec!["column 'größe' is not in the contract".to_owned()],
    }
}

fn failure() -> Failure {
    Failure { code: "Transient.ObjectStore".to_owned(), message: "line 1\n\"line\" 2 \\ 100 % ü 雪".to_owned() }
}

/// Writes a new record.
async fn create(store: &dyn ControlStore, record: &ControlRecord) {
    assert_eq!(store.create(record).await, Ok(Created::New), "a new record is written");
}

/// The record, which is there.
async fn stored(store: &dyn ControlStore, id: &str) -> ControlRecord {
    store.get(id).await.unwrap().expect("the record is there")
}

/// Leases the record to `owner` for a minute.
async fn lease(store: &dyn ControlStore, id: &str, owner: &str, now: Timestamp) -> u64 {
    let (_, token) = transition(store, id, |record| record.lease(owner, now, 60, MAX_ATTEMPTS)).await.unwrap();
    token.expect("attempts are left")
}
