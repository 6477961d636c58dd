//! What the hints of a contract may say, and how a mistake in them is told.

mod support;

use support::{column, contract, error, plain, plan, property, text};
use weir_model::Contract;

fn one(keys: &str, hint: &str) -> Vec<Contract> {
    vec![contract("t", "", &property("x", keys, hint))]
}

fn values(keys: &str, hint: &str) -> Vec<String> {
    let plan = plan(&one(&format!("{keys}|required: true"), hint), 300, &plain(1));
    column(&text(&plan.tables[0]), "x").into_iter().flatten().collect()
}

#[test]
fn a_mistake_names_table_column_and_the_known_words() {
    for (keys, hint, parts) in [
        (
            "logicalType: string",
            "{kind: wrods}",
            vec!["table 't', column 'x'", "'wrods'", "did you mean 'words'?", "uuid"],
        ),
        ("logicalType: string", "{kind: words, lest: 1}", vec!["unknown key 'lest'", "did you mean 'least'?"]),
        ("logicalType: string", "words", vec!["is a map"]),
        ("logicalType: string", "{least: 1}", vec!["'kind' is missing"]),
        ("logicalType: integer", "{kind: words}", vec!["does not fit a column of type int64", "sequence, reference"]),
        ("logicalType: string", "{kind: words, least: 3, most: 2}", vec!["'most' is below 'least'"]),
        ("logicalType: string", "{kind: reference, table: u}", vec!["unknown table 'u'"]),
        ("logicalType: string", "{kind: reference, table: t, column: y}", vec!["unknown column 'y'"]),
        ("logicalType: string", "{kind: reference, table: t}", vec!["0 key columns", "'column'"]),
        ("logicalType: string", "{kind: reference, table: t, column: x}", vec!["depend on itself"]),
        ("logicalType: string", "{kind: lookup, via: x, column: x}", vec!["'via: x' is not"]),
        ("logicalType: string", "{kind: choice, of: [a, b], weights: [1]}", vec!["'weights' do not fit", "2 numbers"]),
        ("logicalType: integer", "{kind: choice, of: [1, x]}", vec!["\"x\"", "int64"]),
        ("logicalType: integer", "{kind: number, by: 0.5}", vec!["'by' does not fit"]),
        ("logicalType: integer|physicalType: int", "{kind: sequence, from: 2147483640}", vec!["2147483649", "int32"]),
        ("logicalType: date", "{kind: date, from: yesterday}", vec!["'from' is a day"]),
        ("logicalType: string|required: true", "{kind: city, nulls: 0.1}", vec!["contradicts 'required: true'"]),
        ("logicalType: string", "{kind: city, nulls: 2}", vec!["from 0 to 1"]),
        ("logicalType: string", "{kind: city, nulls: 0.1}", vec!["no row of a CSV file"]),
    ] {
        let text = error(&one(keys, hint));
        for part in parts {
            assert!(text.contains(part), "{hint}: {text}");
        }
    }
}

#[test]
fn every_mistake_is_told_at_once() {
    let properties =
        property("a", "logicalType: string", "{kind: wrods}") + &property("b", "logicalType: date", "{kind: dat}");
    assert_eq!(error(&[contract("t", "", &properties)]).lines().count(), 2);
}

#[test]
fn a_required_column_takes_nothing_that_may_be_null() {
    let properties = property("id", "logicalType: integer|primaryKey: true", "")
        + &property("name", "logicalType: string", "{kind: city, nulls: 0.5}");
    let other = property("t_id", "logicalType: integer", "{kind: reference, table: t, nulls: 0.1}")
        + &property("t_name", "logicalType: string|required: true", "{kind: lookup, via: t_id, column: name}");
    let text = error(&[contract("t", "", &properties), contract("u", "", &other)]);
    assert!(text.contains("table 'u', column 't_name': it is required"), "{text}");
}

#[test]
fn lookups_in_a_circle_are_refused() {
    let properties = property("id", "logicalType: integer|primaryKey: true", "{kind: sequence}")
        + &property("parent", "logicalType: integer|required: true", "{kind: reference, table: t}")
        + &property("root", "logicalType: integer|required: true", "{kind: lookup, via: parent, column: root}");
    assert!(error(&[contract("t", "", &properties)]).contains("column 'root': its value would depend on itself"));
}

#[test]
fn a_table_may_refer_to_itself() {
    let properties = property("id", "logicalType: string|primaryKey: true", "{kind: sequence, prefix: E-, digits: 4}")
        + &property("boss", "logicalType: string|required: true", "{kind: reference, table: t, skew: 2}");
    let plan = plan(&[contract("t", "", &properties)], 100, &plain(1));
    let text = text(&plan.tables[0]);
    let ids = column(&text, "id");
    assert_eq!((ids[0].as_deref(), ids[99].as_deref()), (Some("E-0001"), Some("E-0100")));
    assert!(column(&text, "boss").iter().all(|boss| ids.contains(boss)));
}

#[test]
fn numbers_stay_in_their_range_and_step() {
    let ratings = values("logicalType: number", "{kind: number, from: 1.0, to: 5.0, by: 0.5, peak: 4}");
    assert!(ratings.iter().all(|r| ["1", "1.5", "2", "2.5", "3", "3.5", "4", "4.5", "5"].contains(&r.as_str())));
    let count = |rating: &str| ratings.iter().filter(|r| *r == rating).count();
    assert!(count("4") > count("2") && count("4") > count("5"));
    for number in values("logicalType: number|physicalType: decimal(4,2)", "{kind: number, from: -1, to: 1, by: 0.25}")
    {
        let (_, fraction) = number.split_once('.').unwrap();
        assert!(["00", "25", "50", "75"].contains(&fraction), "{number}");
    }
    let large = "{kind: number, from: \"99999999999999999999999999999999999990\", to: \"99999999999999999999999999999999999999\"}";
    assert!(values("logicalType: number|physicalType: decimal(38,0)", large).iter().all(|n| n.len() == 38));
}

#[test]
fn weights_decide_how_often_a_value_comes() {
    let values = values("logicalType: string", "{kind: choice, of: [a, b, c], weights: [0, 1, 9]}");
    let count = |value: &str| values.iter().filter(|v| *v == value).count();
    assert_eq!(count("a"), 0);
    assert!(count("c") > 5 * count("b") && count("b") > 0);
}

#[test]
fn days_and_times_lie_between_their_ends() {
    let days = values("logicalType: date", "{kind: date, from: \"2024-02-28\", to: \"2024-03-01\"}");
    for day in ["2024-02-28", "2024-02-29", "2024-03-01"] {
        assert!(days.iter().any(|d| d == day), "{day}");
    }
    assert_eq!(
        days.iter().filter(|day| day.starts_with("2024-02")).count()
            + days.iter().filter(|d| *d == "2024-03-01").count(),
        300
    );
    let times = values(
        "logicalType: timestamp|logicalTypeOptions: {format: \"yyyyMMddHHmmssSSS\"}",
        "{kind: time, from: \"2024-01-01T00:00:00Z\", to: \"2024-01-01T00:00:00.004Z\"}",
    );
    assert!(times.iter().all(|time| ("20240101000000000"..="20240101000000004").contains(&time.as_str())));
    assert!(times.iter().any(|time| time.ends_with("004")), "the end is one of them");
}

#[test]
fn keys_without_a_hint_tell_rows_apart() {
    for (keys, first) in [("logicalType: integer", Some("1")), ("logicalType: string", None)] {
        let plan = plan(&one(&format!("{keys}|primaryKey: true"), ""), 1_000, &plain(1));
        let mut ids = column(&text(&plan.tables[0]), "x");
        assert!(first.is_none_or(|first| ids[0].as_deref() == Some(first)));
        ids.sort();
        ids.dedup();
        assert_eq!(ids.len(), 1_000);
    }
}

#[test]
fn uuids_and_base64_have_their_shape() {
    for uuid in values("logicalType: string", "{kind: uuid}") {
        let parts: Vec<usize> = uuid.split('-').map(str::len).collect();
        assert_eq!(parts, [8, 4, 4, 4, 12]);
        assert!(uuid.as_bytes()[14] == b'4' && b"89ab".contains(&uuid.as_bytes()[19]), "{uuid}");
    }
    for bytes in values("logicalType: string|physicalType: bytea", "{kind: bytes, least: 1, most: 5}") {
        assert!(bytes.len() % 4 == 0 && (4..=8).contains(&bytes.len()), "{bytes}");
    }
}

#[test]
fn a_format_that_contradicts_the_contract_is_refused() {
    let custom = "- {property: weir.format, value: json}";
    let contracts = [contract("t", custom, &property("a", "logicalType: string", ""))];
    assert!(
        weir_generate::Plan::new(&contracts, 1, &plain(1))
            .is_ok_and(|plan| plan.tables[0].files().all(|f| f.key.ends_with(".json")))
    );
    let options = weir_generate::Options { format: Some(weir_model::raw::Format::Csv), ..plain(1) };
    let error = weir_generate::Plan::new(&contracts, 1, &options).unwrap_err().to_string();
    assert!(error.contains("table 't': files in csv contradict 'weir.format: json'"), "{error}");
}
