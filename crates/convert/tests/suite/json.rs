//! JSON: how objects may stand, and what their values become.

use crate::common::{lines, run, table, try_run};

#[test]
fn objects_may_stand_in_lines_or_next_to_each_other_or_in_an_array() {
    let contract = table("a:int64 b:string", &[]);
    for text in [
        "{\"a\":1,\"b\":\"x\"}\n{\"b\":\"y\",\"a\":2}\n",
        "{\"a\":1,\"b\":\"x\"}{\"a\":2,\"b\":\"y\"}",
        "\u{feff}  {\n  \"a\": 1,\n  \"b\": \"x\"\n}\n{\n  \"a\": 2,\n  \"b\": \"y\"\n}",
        "[{\"a\":1,\"b\":\"x\"},{\"a\":2,\"b\":\"y\"}]",
        " [\n  {\"a\": 1, \"b\": \"x\"},\n  {\"a\": 2, \"b\": \"y\"}\n]\n\n",
        "[{\"a\":1,\"b\":\"x\"}]\n[{\"a\":2,\"b\":\"y\"}]",
    ] {
        assert_eq!(lines(&contract, text), ["1|x", "2|y"], "{text}");
    }
    for text in ["[]", "[ ]\n", " "] {
        assert_eq!(run(&contract, text).counts(), [0; 4], "{text}");
    }
}

#[test]
fn an_array_that_is_not_closed_fails_the_file() {
    let contract = table("a:int64", &["weir.badRowLimit=9"]);
    for text in [
        "[",
        "[{\"a\":1}",
        "[{\"a\":1},",
        "[{\"a\":1},{\"a\":",
        "[{\"a\":1}\n",
        "[{\"a\":1}] {\"a\":2}",
        "[{\"a\":1},,{\"a\":2}]",
    ] {
        assert_eq!(try_run(&contract, text).unwrap_err().code(), "Input.Array", "{text}");
    }
}

#[test]
fn a_key_that_stands_twice_makes_the_row_bad() {
    let found = run(
        &table("a:int64 b:string", &["weir.badRowLimit=9"]),
        "{\"a\":1,\"b\":\"x\",\"a\":1}\n{\"a\":2,\"\\u0061\":3}\n{\"a\":4}",
    );
    assert_eq!(found.lines(), ["4|-"]);
    assert_eq!(found.reasons(), ["duplicate_key", "duplicate_key"]);
    assert_eq!(found.bad[0]["column"], "a");
}

#[test]
fn nested_values_are_kept_as_their_own_text_in_json_columns_alone() {
    let contract = table("a:json b:string c:int64", &["weir.badRowLimit=9"]);
    let found = run(
        &contract,
        "{\"a\":{\"x\": [1, 2.50, \"\\u00e9\"]},\"c\":1}\n{\"a\":\"te\\\"xt\"}\n{\"a\":1e400}\n{\"a\":null}\n{\"a\":true}\n\
         {\"b\":[1]}\n{\"c\":{}}\n{\"a\":[]}",
    );
    assert_eq!(
        found.lines(),
        ["{\"x\": [1, 2.50, \"\\u00e9\"]}|-|1", "\"te\\\"xt\"|-|-", "1e400|-|-", "-|-|-", "true|-|-", "[]|-|-"]
    );
    assert_eq!(found.reasons(), ["nested_value", "nested_value"]);
}

#[test]
fn escapes_are_resolved_and_half_of_a_pair_makes_the_row_bad() {
    let contract = table("a:string", &["weir.badRowLimit=9"]);
    let found = run(&contract, r#"{"a":"\u00e9\ud83d\ude00\n\t\"\\\/"}{"\u0061":"k"}{"a":"\ud83d"}{"a":"\u0000"}"#);
    assert_eq!(found.lines(), ["é😀\n\t\"\\/", "k", "\0"]);
    assert_eq!(found.reasons(), ["json_syntax"]);
}

#[test]
fn numbers_in_text_columns_keep_their_spelling() {
    let text = "{\"a\":1.10}{\"a\":1e5}{\"a\":-0}{\"a\":12345678901234567890123}{\"a\":true}{\"a\":\"007\"}";
    assert_eq!(lines(&table("a:string", &[]), text), ["1.10", "1e5", "-0", "12345678901234567890123", "true", "007"]);
}

#[test]
fn integers_are_exact_or_refused() {
    let contract = table("a:int64 d:decimal(20,0)", &["weir.badRowLimit=9"]);
    let found = run(
        &contract,
        "{\"a\":9007199254740993,\"d\":18446744073709551615}\n{\"a\":9223372036854775807}\n{\"a\":9223372036854775808}\n{\"a\":\"-9007199254740993\"}",
    );
    assert_eq!(
        found.lines(),
        ["9007199254740993|18446744073709551615", "9223372036854775807|-", "-9007199254740993|-"]
    );
    assert_eq!(found.reasons(), ["out_of_range"]);
}

#[test]
fn null_and_absent_are_null_and_empty_text_is_not() {
    let contract = table("a:int64 b:string!", &["weir.badRowLimit=9"]);
    let found = run(&contract, "{\"a\":null,\"b\":\"\"}{\"b\":\"x\"}{\"a\":0,\"b\":null}{}");
    assert_eq!(found.lines(), ["-|", "-|x"]);
    assert_eq!(found.reasons(), ["no_value", "no_value"]);
}

#[test]
fn a_value_that_is_no_object_is_a_bad_row() {
    let contract = table("a:int64", &["weir.format=json", "weir.badRowLimit=9"]);
    let found = run(&contract, "5\n\"x\"\n{\"a\":1}\nnull [1]\ntrue{\"a\":2}\n7");
    assert_eq!(found.lines(), ["1", "2"]);
    assert_eq!(found.reasons(), ["not_an_object"; 6]);
}

#[test]
fn keys_may_come_in_any_order_and_unknown_ones_are_noted() {
    let contract = table("a:int64 b:int64 c:int64", &[]);
    let found = run(
        &contract,
        "{\"c\":3,\"a\":1,\"b\":2}{\"z\":[{\"a\":9}],\"b\":5,\"y\":1,\"c\":6,\"a\":4}{\"a\":7,\"z\":0,\"b\":8,\"c\":9}",
    );
    assert_eq!(found.lines(), ["1|2|3", "4|5|6", "7|8|9"]);
    assert_eq!(found.report.unknown_columns, ["z", "y"]);
    let error = try_run(&table("a:int64", &["weir.unknownColumns=fail"]), "{\"a\":1,\"b\":2}").unwrap_err();
    assert_eq!(error.code(), "Input.UnknownColumns");
}

#[test]
fn a_broken_object_costs_itself_alone() {
    let contract = table("a:int64", &["weir.badRowLimit=9"]);
    for text in [
        "{\"a\":1}{\"a\":01}{\"a\":2}",
        "{\"a\":1}\n{\"a\":\"x\n{\"a\":2}\n",
        "{\"a\":1}\n{\"a\":{1\n{\"a\":2}\n",
        "{\"a\":1}\nnot json {}\n{\"a\":2}\n",
        "{\n  \"a\": 1\n}\n{\n  \"a\": 01,\n  \"b\": [\n    {\n      \"a\": 5\n    }\n  ]\n}\n{\n  \"a\": 2\n}\n",
        "[\n  {\n    \"a\": 1\n  },\n  {\n    \"a\": 01,\n    \"b\": {\n    }\n  },\n  {\n    \"a\": 2\n  }\n]\n",
        "[{\"a\":1},{\"a\":1,},{\"a\":2}]",
    ] {
        let found = run(&contract, text);
        assert_eq!(found.lines(), ["1", "2"], "{text}");
        assert_eq!(found.counts(), [3, 2, 1, 0], "{text}");
    }
}

#[test]
fn a_broken_object_among_objects_of_one_endless_line_costs_itself_alone() {
    let mut text = String::new();
    for row in 0..200_000 {
        text.push_str(&if row == 77 { "{\"a\":oops}".to_owned() } else { format!("{{\"a\":{row}}}") });
    }
    let found = run(&table("a:int64", &[]), text);
    assert_eq!(found.counts(), [200_000, 199_999, 1, 0]);
}

#[test]
fn an_object_that_is_cut_off_is_a_bad_row() {
    let found = run(&table("a:int64 b:string", &["weir.badRowLimit=9"]), "{\"a\":1}\n{\"a\":2,\"b\":\"x");
    assert_eq!(found.lines(), ["1|-"]);
    assert_eq!(found.reasons(), ["json_syntax"]);
}
