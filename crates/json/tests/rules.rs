//! What the scanner promises, held against serde_json.

use proptest::prelude::*;
use serde_json::Value as Json;
use weir_json::{Kind, MAX_DEPTH, Scanner, Stop, balanced_end, object, validate};

#[test]
fn values_are_judged_as_rfc_8259_does() {
    for (good, kind) in [
        ("null", Kind::Null),
        ("true", Kind::Boolean),
        ("false", Kind::Boolean),
        ("0", Kind::Number),
        ("-0", Kind::Number),
        ("1.5e+10", Kind::Number),
        ("-2E-3", Kind::Number),
        ("123456789012345678901234567890", Kind::Number),
        (r#""""#, Kind::String),
        (r#""a\u00e9\ud83d\ude00\n""#, Kind::StringEscaped),
        ("[]", Kind::Array),
        ("{}", Kind::Object),
        (r#"{"a":[1,{"b":null}],"a":2}"#, Kind::Object),
        (" [ 1 , 2 ] ", Kind::Array),
        (r#"[[],{},[{"a":[]}],""]"#, Kind::Array),
    ] {
        assert_eq!(validate(good.as_bytes()), Ok(kind), "{good}");
    }
    for bad in [
        "",
        " ",
        "nul",
        "nulll",
        "01",
        "1.",
        ".5",
        "+1",
        "1e",
        "--1",
        "\"",
        r#""\x""#,
        r#""\ud800""#,
        r#""\ud800\u0041""#,
        r#""\udc00""#,
        "\"a\nb\"",
        "[1,]",
        "[1 2]",
        "{,}",
        r#"{"a"}"#,
        r#"{"a":}"#,
        r#"{"a":1,}"#,
        "{a:1}",
        "1 2",
        "[}",
        "{]",
        r#"{"a":[1}"#,
        "[[1]}",
        "NaN",
        "Infinity",
        "\u{feff}1",
    ] {
        assert!(validate(bad.as_bytes()).is_err(), "{bad}");
    }
}

#[test]
fn nesting_is_bounded_and_a_bomb_costs_no_stack() {
    let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    assert_eq!(validate(nested(MAX_DEPTH).as_bytes()), Ok(Kind::Array));
    for depth in [MAX_DEPTH + 1, 1_000_000] {
        assert_eq!(validate(nested(depth).as_bytes()), Err(Stop::TooDeep { at: MAX_DEPTH }));
    }
    let objects = format!("{}1{}", r#"{"a":"#.repeat(MAX_DEPTH), "}".repeat(MAX_DEPTH));
    assert_eq!(validate(objects.as_bytes()), Ok(Kind::Object));
}

#[test]
fn keys_match_however_they_are_spelled_and_duplicates_are_seen() {
    let text = br#" {"a\u0062":1, "ab" : [ 2 ] ,"x":"y\n"} "#;
    let mut seen = Vec::new();
    object::<Stop>(text, |key, value| {
        seen.push((key.is(b"ab"), key.resolved().into_owned(), value.raw));
        Ok(())
    })
    .unwrap();
    assert_eq!(seen[0], (true, b"ab".to_vec(), &b"1"[..]));
    assert_eq!(seen[1], (true, b"ab".to_vec(), &b"[ 2 ]"[..]));
    assert_eq!(seen[2].2, br#""y\n""#);
}

#[test]
fn the_end_of_a_broken_object_can_be_told() {
    assert_eq!(balanced_end(br#"{"a":01,"b":"}\"]"}{}"#, 0), Some(19));
    assert_eq!(balanced_end(br#"x[1,{"a":nope}] "#, 1), Some(15));
    assert_eq!(balanced_end(b"{\"a", 0), None);
    assert_eq!(balanced_end(b"]", 0), None);
    assert_eq!(balanced_end(b"{\"\\", 0), None);
}

/// Any JSON value, written with or without spaces.
fn json() -> impl Strategy<Value = Json> {
    let leaf = prop_oneof![
        Just(Json::Null),
        any::<bool>().prop_map(Json::from),
        any::<i64>().prop_map(Json::from),
        any::<f64>().prop_map(Json::from),
        "\\PC{0,12}|[\\x00-\\x7f]{0,12}".prop_map(Json::from),
    ];
    leaf.prop_recursive(4, 32, 5, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Json::from),
            prop::collection::vec(("\\PC{0,6}|[\"\\\\a]{0,4}", inner), 0..5)
                .prop_map(|members| Json::Object(members.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn the_answer_is_that_of_serde_json(text in r#"[ \[\]{}:,"\\a-fu0-9.eE+-]{0,12}|\PC{0,8}|[\[\]{},:"a1]{0,16}"#) {
        let theirs = serde_json::from_str::<serde::de::IgnoredAny>(&text).is_ok();
        let ours = validate(text.as_bytes());
        // serde_json passes over the halves of surrogate pairs when it ignores a value.
        if ours.map_err(Stop::what) != Err("half of a surrogate pair") {
            prop_assert_eq!(ours.is_ok(), theirs, "{:?} {:?}", text, ours);
        }
    }

    #[test]
    fn members_are_those_that_serde_json_finds(value in prop::collection::vec(("\\PC{0,6}", json()), 0..6), pretty: bool) {
        let value: serde_json::Map<String, Json> = value.into_iter().collect();
        let text = if pretty { serde_json::to_string_pretty(&value) } else { serde_json::to_string(&value) }.unwrap();
        let mut ours = serde_json::Map::new();
        object::<Stop>(text.as_bytes(), |key, value| {
            let key = String::from_utf8(key.resolved().into_owned()).unwrap();
            ours.insert(key, serde_json::from_slice(value.raw).unwrap());
            Ok(())
        })
        .unwrap();
        prop_assert_eq!(ours, serde_json::from_str(&text).unwrap());
        prop_assert_eq!(balanced_end(text.as_bytes(), 0), Some(text.len()));
    }

    #[test]
    fn a_cut_value_is_incomplete_or_wrong_but_never_whole(value in json(), cut: prop::sample::Index) {
        // In a list, since a number that is cut may be whole.
        let text = serde_json::to_string(&[value]).unwrap();
        let cut = cut.index(text.len());
        prop_assert_eq!(Scanner::new(&text.as_bytes()[..cut], 0).value(0), Err(Stop::Incomplete));
    }

    #[test]
    fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
        let _ = validate(&bytes);
        let _ = balanced_end(&bytes, 0);
        let _ = object::<Stop>(&bytes, |_, _| Ok(()));
    }
}
