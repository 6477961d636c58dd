use super::*;
use proptest::prelude::*;

/// Numbers that often meet: small ones, the largest, and any.
fn number() -> impl Strategy<Value = u64> {
    prop_oneof![0u64..4, any::<u64>(), Just(u64::MAX), (0u32..64).prop_map(|bit| 1 << bit)]
}

fn time() -> impl Strategy<Value = Timestamp> {
    prop_oneof![-3i64..3, any::<i64>()].prop_map(Timestamp::from_micros)
}

fn digits() -> impl Strategy<Value = String> {
    "0|[1-9][0-9]{0,3}|[1-9][0-9]{55}|[1-9][0-9]{0,128}"
}

fn arrival() -> impl Strategy<Value = Option<(String, u64)>> {
    prop::option::of((digits(), number()))
}

fn kinesis(of: &(String, u64)) -> Kinesis<'_> {
    Kinesis::new(&of.0, of.1).unwrap()
}

/// The positions compare as their texts do, and each load ranks below each change.
fn check<P: Ord + Copy>(a: P, b: P, position: impl Fn(P) -> Position<'static>) -> Result<(), TestCaseError> {
    let (text_a, text_b) = (position(a).to_text(), position(b).to_text());
    prop_assert_eq!(a.cmp(&b), text_a.cmp(&text_b), "{} {}", &text_a, &text_b);
    for text in [text_a, text_b] {
        prop_assert!(text.starts_with(RANK_CHANGE) && text.len() < 400, "{}", text);
        prop_assert!(text.bytes().all(|byte| byte.is_ascii_graphic() && !b"\"\\".contains(&byte)));
        let last = Load { time: Some(Timestamp::from_micros(i64::MAX)), arrival: None };
        prop_assert!(Position::Load(last).to_text() < text);
        prop_assert!(FileOrder::new(Timestamp::from_micros(i64::MAX), "ffff").at(u32::MAX.into()) < text);
    }
    Ok(())
}

/// Positions that borrow are compared here, since `check` wants them to live for ever.
fn leak(text: String) -> &'static str {
    Box::leak(text.into_boxed_str())
}

fn forever(place: Option<(String, u64)>) -> Option<Kinesis<'static>> {
    place.map(|(number, sub)| Kinesis::new(leak(number), sub).unwrap())
}

proptest! {
    #[test]
    fn file_order_comparing_text_equals_comparing_positions(
        a in (any::<i64>(), "[0-9a-f]{8}", 0u64..1_000_000_000_000),
        b in (any::<i64>(), "[0-9a-f]{8}", 0u64..1_000_000_000_000),
    ) {
        let key = |(micros, id, row): &(i64, String, u64)| (Timestamp::from_micros(*micros), id.clone(), *row);
        let text = |v: &(i64, String, u64)| {
            let (time, id, row) = key(v);
            FileOrder::new(time, &id).at(row)
        };
        prop_assert_eq!(key(&a).cmp(&key(&b)), text(&a).cmp(&text(&b)));
    }

    #[test]
    fn kinesis_comparing_text_equals_comparing_positions(a in (digits(), number()), b in (digits(), number())) {
        // The number itself, not the form that the type keeps: by value, padded to the longest.
        let value = |of: &(String, u64)| (format!("{:0>129}", of.0), of.1);
        prop_assert_eq!(value(&a).cmp(&value(&b)), kinesis(&a).cmp(&kinesis(&b)));
        check(forever(Some(a)).unwrap(), forever(Some(b)).unwrap(), Position::Kinesis)?;
    }

    #[test]
    fn dms_transaction_comparing_text_equals_comparing_positions(a in (time(), number(), number()), b in (time(), number(), number())) {
        let of = |(commit, transaction, record)| DmsTransaction { commit, transaction, record };
        prop_assert_eq!(a.cmp(&b), of(a).cmp(&of(b)));
        check(of(a), of(b), Position::DmsTransaction)?;
    }

    #[test]
    fn debezium_postgres_comparing_text_equals_comparing_positions(
        a in (prop::option::of(number()), prop::option::of(number())),
        b in (prop::option::of(number()), prop::option::of(number())),
    ) {
        let of = |(last_commit_lsn, lsn)| DebeziumPostgres { last_commit_lsn, lsn };
        check(of(a), of(b), Position::DebeziumPostgres)?;
    }

    #[test]
    fn debezium_mysql_comparing_text_equals_comparing_positions(a in (number(), number(), number()), b in (number(), number(), number())) {
        let of = |(file, pos, row): (u64, u64, u64)| DebeziumMysql::new(&format!("mysql-bin.{file:06}"), pos, row).unwrap();
        prop_assert_eq!(a.cmp(&b), of(a).cmp(&of(b)));
        check(of(a), of(b), Position::DebeziumMysql)?;
    }

    #[test]
    fn event_time_comparing_text_equals_comparing_positions(a in (time(), arrival()), b in (time(), arrival())) {
        let of = |(time, place)| EventTime { time, arrival: forever(place) };
        check(of(a), of(b), Position::EventTime)?;
    }

    #[test]
    fn field_comparing_text_equals_comparing_positions(a in ("0{0,3}[0-9]{1,40}", any::<bool>()), b in ("0{0,3}[0-9]{1,40}", any::<bool>())) {
        let value = |of: &(String, bool)| (of.1, format!("{:0>64}", of.0));
        let of = |of: &(String, bool)| Field { is_change: of.1, number: Digits::new(leak(of.0.clone())).unwrap() };
        prop_assert_eq!(value(&a).cmp(&value(&b)), of(&a).cmp(&of(&b)));
        let text = |v| Position::Field(of(v)).to_text();
        prop_assert_eq!(of(&a).cmp(&of(&b)), text(&a).cmp(&text(&b)));
    }

    #[test]
    fn loads_comparing_text_equals_comparing_positions(
        a in (prop::option::of(time()), arrival()),
        b in (prop::option::of(time()), arrival()),
    ) {
        let of = |(time, place)| Load { time, arrival: forever(place) };
        let (a, b) = (of(a), of(b));
        prop_assert_eq!(a.cmp(&b), Position::Load(a).to_text().cmp(&Position::Load(b).to_text()));
    }
}

#[test]
fn the_documented_forms_are_written() {
    let time = Timestamp::parse("2026-11-20T08:30:00.000001Z").unwrap();
    let place = Kinesis::new("49590338271490256608559692538361571095921575989136588898", 3).unwrap();
    for (position, text) in [
        (Position::Kinesis(place), "105649590338271490256608559692538361571095921575989136588898.0000000000000003"),
        (
            Position::DmsTransaction(DmsTransaction { commit: time, transaction: 1140, record: 2 }),
            "1800660b10cc5520100000000000004740000000000000002",
        ),
        (
            Position::DebeziumPostgres(DebeziumPostgres { last_commit_lsn: None, lsn: Some(24_023_128) }),
            "1-.00000000016e9058",
        ),
        (
            Position::DebeziumMysql(DebeziumMysql::new("mysql-bin.000003", 484, 0).unwrap()),
            "1000000000000000300000000000001e40000000000000000",
        ),
        (Position::EventTime(EventTime { time, arrival: None }), "1800660b10cc55201."),
        (Position::Field(Field { is_change: true, number: Digits::new("0042").unwrap() }), "100242"),
        (Position::Load(Load { time: None, arrival: None }), "0-."),
        (Position::Load(Load { time: Some(time), arrival: None }), "0800660b10cc55201."),
    ] {
        assert_eq!(position.to_text(), text);
    }
}

#[test]
fn what_is_no_position_is_refused() {
    for text in ["", "-1", "1.5", "1e3", "x", " 1", "٣"] {
        assert_eq!(Digits::new(text), None, "{text}");
    }
    assert!(Kinesis::new(&"9".repeat(129), 0).is_some());
    assert!(Kinesis::new(&"9".repeat(130), 0).is_none());
    for file in ["", "mysql-bin", "mysql-bin.", "mysql-bin.0x1", "mysql-bin.+1", "b.99999999999999999999"] {
        assert_eq!(DebeziumMysql::new(file, 1, 0), None, "{file}");
    }
}

#[test]
fn every_rule_has_its_word() {
    for (word, rule) in SequenceRule::WORDS {
        assert_eq!((SequenceRule::parse(word), rule.as_str()), (Some(*rule), *word));
    }
    assert_eq!(SequenceRule::parse("Kinesis"), None);
}
