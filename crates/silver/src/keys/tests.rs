use std::sync::Arc;

use arrow_array::{ArrayRef, Int64Array, StringArray};
use arrow_schema::DataType;
use iceberg::spec::Datum;

use super::span::MAX_SORTED;
use super::*;

fn ints(values: &[i64]) -> ArrayRef {
    Arc::new(Int64Array::from(values.to_vec()))
}

fn texts(values: &[&str]) -> ArrayRef {
    Arc::new(StringArray::from(values.to_vec()))
}

#[test]
fn equal_keys_have_one_number() {
    for columns in [
        vec![ints(&[3, -1, 3, 0])],
        vec![texts(&["c", "a", "c", ""])],
        vec![ints(&[1, 1, 1, 2]), texts(&["x", "y", "x", ""])],
    ] {
        let codec = KeyCodec::new(columns.iter().map(|column| column.data_type().clone()).collect()).unwrap();
        let keys = codec.encode(&columns).unwrap();
        let mut table = KeyTable::default();
        let numbers: Vec<u32> = (0..4).map(|index| table.insert(&keys, index)).collect();
        assert_eq!(numbers, [0, 1, 0, 2]);
        assert_eq!(table.len(), 3);
        assert_eq!(
            (0..4).map(|index| table.find(&keys, index)).collect::<Vec<_>>(),
            [Some(0), Some(1), Some(0), Some(2)]
        );
    }
}

#[test]
fn a_range_holds_a_key_or_not() {
    let codec = Arc::new(KeyCodec::new(vec![DataType::Int64]).unwrap());
    let span = KeySpan::new(&codec, [ints(&[10, 30, 20])].iter()).unwrap();
    let answers = span.may_hold(&ints(&[0, 0, 11, 20, 31]), &ints(&[9, 10, 19, 20, 99])).unwrap();
    assert_eq!(answers, [false, true, false, true, false]);
    let one = |value| Datum::long(value);
    assert!(!span.may_hold_datum(Some(&one(11)), Some(&one(19))).unwrap());
    assert!(span.may_hold_datum(None, Some(&one(1))).unwrap());
    let probes = span.probes(&ints(&[10]), &ints(&[25]), 0, 2).unwrap().unwrap();
    assert_eq!(probes, [Probe::Int(10), Probe::Int(20)]);
    assert_eq!(span.probes(&ints(&[10]), &ints(&[25]), 0, 1).unwrap(), None);
    assert!(!span.only(probes).unwrap().may_hold(&ints(&[21]), &ints(&[40])).unwrap()[0]);
    let ends = span.ends();
    assert_eq!(ends.bytes(), 16);
    let answers = ends.may_hold(&ints(&[0, 0, 11, 20, 31]), &ints(&[9, 10, 19, 20, 99])).unwrap();
    assert_eq!(answers, [false, true, true, true, false]);
}

#[test]
fn texts_are_looked_for_as_they_are() {
    let codec = Arc::new(KeyCodec::new(vec![DataType::Utf8, DataType::Int64]).unwrap());
    let span =
        KeySpan::new(&codec, [texts(&["b", "", "long enough for two blocks of the encoding", "b"])].iter()).unwrap();
    let probes = span.probes(&texts(&["a"]), &texts(&["z"]), 0, 9).unwrap().unwrap();
    assert_eq!(probes, [Probe::Text("b".into()), Probe::Text("long enough for two blocks of the encoding".into())]);
    assert!(span.only(probes).unwrap().may_hold(&texts(&["l"]), &texts(&["m"])).unwrap()[0]);
    assert_eq!(span.may_hold(&texts(&["c", "a"]), &texts(&["k", "b"])).unwrap(), [false, true]);
}

#[test]
fn a_range_of_keys_meets_what_may_hold_one() {
    let codec = KeyCodec::new(vec![DataType::Utf8, DataType::Int64]).unwrap();
    let key = |text: &str, number: i64| codec.encode(&[texts(&[text]), ints(&[number])]).unwrap().key(0);
    let (from, to) = (key("c", 5), key("f", 0));
    let meets = |bounds| {
        codec.may_meet(&texts(&["a", "a", "d", "f", "g"]), &texts(&["b", "c", "e", "g", "h"]), bounds).unwrap()
    };
    assert_eq!(meets((Some(&from), Some(&to))), [false, true, true, true, false]);
    assert_eq!(meets((None, Some(&to))), [true, true, true, true, false]);
    assert_eq!(meets((Some(&from), None)), [false, true, true, true, true]);
}

#[test]
fn of_too_many_keys_the_ends_count() {
    let codec = Arc::new(KeyCodec::new(vec![DataType::Int64]).unwrap());
    let many: Vec<i64> = (0..=MAX_SORTED as i64).map(|value| value * 10).collect();
    let span = KeySpan::new(&codec, [ints(&many)].iter()).unwrap();
    let end = MAX_SORTED as i64 * 10;
    let answers = span.may_hold(&ints(&[-5, 1, -5, end + 1]), &ints(&[-1, 9, end + 9, end + 9])).unwrap();
    assert_eq!(answers, [false, true, true, false]);
}
