//! Histories of change records, and how they are delivered.

use proptest::prelude::*;

/// One change record of the test table: key, two columns that the model follows.
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    pub key: i64,
    pub sequence: u8,
    pub op: char,
    /// Microseconds.
    pub time: i64,
    /// `None`: the record says that the column did not change.
    pub a: Option<Option<String>>,
    pub b: Option<Option<i64>>,
}

impl Change {
    pub fn sequence_text(&self) -> String {
        format!("{}{:03}", if self.op == 'L' { '0' } else { '1' }, self.sequence)
    }
}

/// A change of one of few keys; few values, so that records agree as often as they differ.
pub fn change(keys: i64) -> impl Strategy<Value = Change> {
    let text = prop_oneof![Just(None), prop::sample::select(vec!["x", "y", "", "ü"]).prop_map(|v| Some(v.to_owned()))];
    let number = prop_oneof![Just(None), (0i64..4).prop_map(Some)];
    let kept = |value: bool| prop::bool::weighted(if value { 0.8 } else { 1.0 });
    (
        0..keys,
        0u8..24,
        prop::sample::select(vec!['I', 'U', 'U', 'U', 'D', 'L']),
        0i64..40,
        text,
        number,
        kept(true),
        kept(true),
    )
        .prop_map(|(key, sequence, op, time, a, b, has_a, has_b)| Change {
            key,
            sequence,
            op,
            time: time * 1_000_000,
            a: has_a.then_some(a),
            b: has_b.then_some(b),
        })
}

/// A history in which no two records of a key have one sequence.
pub fn history(keys: i64, most: usize) -> impl Strategy<Value = Vec<Change>> {
    prop::collection::vec(change(keys), 1..most).prop_map(|mut changes| {
        let mut seen = std::collections::HashSet::new();
        changes.retain(|change| seen.insert((change.key, change.sequence_text())));
        changes
    })
}

/// How a history arrives: files of places in it, in rounds whose files are merged at the same time
/// by as many writers.
pub type Delivery = Vec<Vec<Vec<usize>>>;

/// Any order, any batching, any repetition: each record comes at least once.
pub fn delivery(count: usize) -> impl Strategy<Value = Delivery> {
    let order = Just((0..count).collect::<Vec<_>>()).prop_shuffle();
    let again = prop::collection::vec(0..count.max(1), 0..6);
    let cuts = prop::collection::vec((1usize..6, 1usize..3), 1..12);
    (order, again, cuts).prop_map(|(mut order, again, cuts)| {
        order.extend(again);
        let mut rounds = Vec::new();
        let mut rest = order.as_slice();
        for (size, writers) in cuts.into_iter().cycle() {
            if rest.is_empty() {
                break;
            }
            let mut round = Vec::new();
            for _ in 0..writers {
                let (file, left) = rest.split_at(size.min(rest.len()));
                rest = left;
                if !file.is_empty() {
                    round.push(file.to_vec());
                }
            }
            rounds.push(round);
        }
        rounds
    })
}

/// A history and a delivery of it.
pub fn delivered(keys: i64, most: usize) -> impl Strategy<Value = (Vec<Change>, Delivery)> {
    history(keys, most).prop_flat_map(|history| {
        let count = history.len();
        (Just(history), delivery(count))
    })
}
