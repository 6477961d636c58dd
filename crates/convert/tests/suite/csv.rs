//! CSV: records, headers and nulls.

use crate::common::{lines, run, table, try_run};

#[test]
fn a_quoted_field_may_hold_delimiters_quotes_and_line_breaks() {
    let contract = table("a:int64 b:string c:string", &[]);
    let found = run(&contract, "a,b,c\n1,\"x\ny\",\"p,\"\"q\"\"\"\n2,\"\r\n\",\"\"\"\"\n3,plain \"quote\",z\n");
    assert_eq!(found.lines(), ["1|x\ny|p,\"q\"", "2|\r\n|\"", "3|plain \"quote\"|z"]);
    assert_eq!(found.counts(), [3, 3, 0, 0]);
}

#[test]
fn line_breaks_may_be_crlf_and_a_byte_order_mark_may_come_first() {
    let contract = table("a:int64 b:string", &[]);
    assert_eq!(lines(&contract, "\u{feff}a,b\r\n1,x\r\n2,y\r\n"), ["1|x", "2|y"]);
    assert_eq!(lines(&contract, "\u{feff}\"a\",b\r\n1,\"x\"\r\n2,y\r"), ["1|x", "2|y"]);
}

#[test]
fn fields_are_told_by_the_headers_names_in_whatever_order() {
    let contract = table("a:int64 b:string c:float64", &[]);
    let found = run(&contract, "c,extra,a,b\n1.5,?,7,x\n");
    assert_eq!(found.lines(), ["7|x|1.5"]);
    assert_eq!(found.report.unknown_columns, ["extra"]);
    assert_eq!(found.report.notes, ["left out columns that the contract does not name: 'extra'"]);
}

#[test]
fn an_optional_column_that_is_missing_is_null_and_noted() {
    let found = run(&table("a:int64* b:string c:float64", &[]), "a\n1\n2\n");
    assert_eq!(found.lines(), ["1|-|-", "2|-|-"]);
    assert_eq!(found.report.notes, ["null throughout, because the object does not have them: 'b', 'c'"]);
}

#[test]
fn a_required_column_that_is_missing_fails_the_file_and_is_named() {
    let error = try_run(&table("a:int64 b:string!", &[]), "a,x\n1,2\n").unwrap_err();
    assert_eq!(error.code(), "Input.Header");
    assert!(
        error.to_string().starts_with("line 1: the header has no column 'b', which contract 't' requires"),
        "{error}"
    );
    assert!(error.to_string().contains("it has 'a', 'x'"), "{error}");
}

#[test]
fn a_header_without_any_column_of_the_contract_is_none() {
    let error = try_run(&table("a:int64 b:string", &[]), "1,x\n2,y\n").unwrap_err().to_string();
    assert!(error.contains("none of the columns of contract 't'; it has '1', 'x'"), "{error}");
    assert!(error.contains("weir.csv.header"), "{error}");
}

#[test]
fn what_may_be_a_row_is_not_shown_where_rows_hold_personal_data() {
    let error = try_run(&table("a:int64! b:string/hash", &[]), "1,eve@example.com\n").unwrap_err().to_string();
    assert!(!error.contains("eve"), "{error}");
}

#[test]
fn a_column_that_stands_twice_fails_the_file() {
    let error = try_run(&table("a:int64 b:string", &[]), "a,b,a\n1,2,3\n").unwrap_err().to_string();
    assert!(error.contains("'a' stands twice in the header, as field 1 and field 3"), "{error}");
}

#[test]
fn an_unknown_column_fails_the_file_where_the_contract_says_so() {
    let error = try_run(&table("a:int64", &["weir.unknownColumns=fail"]), "a,b\n1,2\n").unwrap_err();
    assert_eq!(error.code(), "Input.UnknownColumns");
    assert!(error.to_string().contains("'b'"), "{error}");
}

#[test]
fn a_million_columns_are_an_error_and_no_wait() {
    let contract = table("a:int64", &[]);
    let names: Vec<String> = (0..1_000_000).map(|name| format!("{name:x}")).collect();
    let error = try_run(&contract, format!("a,{}\n", names.join(","))).unwrap_err();
    assert_eq!(error.code(), "Input.Header");
    assert!(error.to_string().len() < 400, "{error}");
    let error = try_run(&contract, format!("a,{}\n", names[..100_000].join(","))).unwrap_err().to_string();
    assert!(error.contains("100001 fields"), "{error}");
}

#[test]
fn the_delimiter_may_be_another() {
    for (setting, delimiter) in [("';'", ";"), ("'\\t'", "\t"), ("'|'", "|"), ("' '", " ")] {
        let contract = table("a:int64 b:string", &[&format!("weir.csv.delimiter={setting}")]);
        let text = "a;b\n1;\"x;y\"\n2;p,q\n".replace(';', delimiter);
        assert_eq!(lines(&contract, &text), ["1|x;y".replace(';', delimiter), "2|p,q".to_owned()]);
    }
}

#[test]
fn without_a_header_the_first_record_is_a_row() {
    let contract = table("a:int64 b:string", &["weir.csv.header=false"]);
    assert_eq!(lines(&contract, "1,x\n2,y"), ["1|x", "2|y"]);
    assert_eq!(lines(&contract, "\n1,x\n1,x\n"), ["1|x", "1|x"]);
}

#[test]
fn without_a_header_white_space_is_a_row_like_any_other() {
    let tabs = table("a:string b:string", &["weir.csv.header=false", "weir.csv.delimiter='\\t'"]);
    assert_eq!(lines(&tabs, "\t\n\t\n"), ["-|-", "-|-"]);
    assert_eq!(lines(&tabs, "\t\nx\ty\n"), ["-|-", "x|y"]);
    let one = table("a:string", &["weir.csv.header=false"]);
    assert_eq!(lines(&one, "  \n \nx\n"), ["  ", " ", "x"]);
    assert_eq!(lines(&one, "\n\r\n"), [] as [&str; 0]);
}

#[test]
fn an_empty_field_is_null_and_a_quoted_one_is_text() {
    let contract = table("a:int64 b:string", &[]);
    assert_eq!(lines(&contract, "a,b\n1,\n2,\"\"\n,x\n"), ["1|-", "2|", "-|x"]);
}

#[test]
fn null_texts_are_the_contracts() {
    let contract = table("a:int64 b:string", &["weir.csv.null=['\\N', 'NULL']"]);
    assert_eq!(lines(&contract, "a,b\n1,\\N\nNULL,\n2,\"NULL\"\n3,null\n"), ["1|-", "-|", "2|NULL", "3|null"]);
    let quoted = table("a:int64 b:string", &["weir.csv.null=['']", "weir.csv.nullWhenQuoted=true"]);
    assert_eq!(lines(&quoted, "a,b\n\"\",\"\"\n"), ["-|-"]);
}

#[test]
fn the_header_of_each_concatenated_file_is_filtered_and_counted() {
    let contract = table("a:string b:string", &[]);
    let found = run(&contract, "a,b\n1,x\na,b\r\n2,y\n\u{feff}a,b\na,c\na,b");
    assert_eq!(found.lines(), ["1|x", "2|y", "a|c"]);
    assert_eq!(found.counts(), [6, 3, 0, 3]);
}

#[test]
fn blank_lines_are_no_rows_and_a_last_line_needs_no_line_break() {
    let contract = table("a:int64 b:string", &[]);
    for text in ["\n\na,b\n\n1,x\n\r\n\n2,y", "a,b\n1,x\n2,y\n\n\n", "  \na,b\n1,x\n2,y\n\r"] {
        assert_eq!(run(&contract, text).counts(), [2, 2, 0, 0], "{text:?}");
    }
    assert_eq!(lines(&contract, "a,b\n1,"), ["1|-"]);
    assert_eq!(lines(&contract, "a,b\n1,\"x\""), ["1|x"]);
}

#[test]
fn an_object_without_rows_is_no_error_and_gives_a_file_without_rows() {
    let contract = table("a:int64* b:string", &[]);
    for text in ["", "\n", " \n\t \r\n", "\u{feff}", "   ", "a,b", "a,b\n"] {
        let found = run(&contract, text);
        assert_eq!(found.counts(), [0, 0, 0, 0], "{text:?}");
        let empty = !text.starts_with('a');
        assert_eq!(found.report.format.is_none(), empty, "{text:?}");
        assert_eq!(found.report.notes.iter().any(|note| note == "the object holds no rows"), empty, "{text:?}");
    }
}

#[test]
fn text_that_is_not_utf_8_is_refused_or_quarantined() {
    let contract = table("a:int64 b:string", &["weir.badRowLimit=9"]);
    for bytes in [&b"\xff\xfea\0,\0b\0\n\0"[..], b"\xfe\xff\0a\0,\0b\0\n"] {
        assert_eq!(try_run(&contract, bytes).unwrap_err().code(), "Input.Encoding");
    }
    let found = run(&contract, b"a,b,c\n1,x,\xff\n2,\xe9,z\n3,y,w\n");
    assert_eq!(found.lines(), ["1|x", "3|y"]);
    assert_eq!(found.reasons(), ["not_utf8"]);
    assert!(try_run(&contract, b"a,b\xff\n1,x\n").unwrap_err().to_string().contains("field 2 is not UTF-8"));
}
