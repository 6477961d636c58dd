//! What other pipelines do to values and rows, and what must not happen here.

use crate::common::{gzip, run, table, try_run};

const ALL: &str =
    "i:int32 l:int64 f:float32 d:float64 m:decimal(9,2) b:boolean t:date u:timestamp z:timestamptz y:binary j:json";

#[test]
fn a_value_that_cannot_be_read_never_becomes_zero_or_text_or_null() {
    let contract = table(ALL, &["weir.badRowLimit=99"]);
    let names: Vec<&str> = ALL.split(' ').map(|column| &column[..1]).collect();
    let header = names.join(",");
    for (index, name) in names.iter().enumerate() {
        let fields = vec![""; names.len()];
        let mut bad = fields.clone();
        bad[index] = "?!";
        let found = run(&contract, format!("{header}\n{}\n{}\n", bad.join(","), fields.join(",")));
        assert_eq!(found.lines(), [vec!["-"; names.len()].join("|")], "{name}");
        assert_eq!(found.bad[0]["column"], *name);
        assert_eq!(found.reasons(), ["not_of_type"]);
        let found = run(&contract, format!("{{\"{name}\":\"?!\"}}\n{{}}"));
        // In JSON "?!" is a JSON value.
        assert_eq!(found.counts()[2], u64::from(*name != "j"), "{name}");
    }
}

#[test]
fn zero_stays_zero_and_null_stays_null() {
    let contract = table(ALL, &[]);
    let found = run(
        &contract,
        "i,l,f,d,m,b,t,u,z,y,j\n0,0,0,0,0,0,1970-01-01,1970-01-01T00:00:00,1970-01-01T00:00:00Z,\"\",0\n,,,,,,,,,,\n\
         -0,-0,-0.0,0e5,0.00,f,1970-01-01,1970-01-01,1970-01-01,\"\",null\n",
    );
    assert_eq!(
        found.lines(),
        ["0|0|0.0|0.0|0|false|0|0|0||0", "-|-|-|-|-|-|-|-|-|-|-", "0|0|-0.0|0.0|0|false|0|0|0||null"]
    );
}

#[test]
fn a_malformed_row_in_the_middle_loses_no_other_row() {
    let contract = table("id:int64 name:string", &["weir.badRowLimit=1"]);
    let found = run(&contract, "id,name\n1,a\n2,b\nx3,c\n4,d\n");
    assert_eq!(found.lines(), ["1|a", "2|b", "4|d"]);
    assert_eq!(found.counts(), [4, 3, 1, 0]);
    let bad = &found.bad[0];
    assert_eq!((bad["row"].as_u64(), bad["line"].as_u64(), bad["byte_offset"].as_u64()), (Some(2), Some(4), Some(16)));
    assert_eq!((bad["column"].as_str(), bad["reason"].as_str()), (Some("id"), Some("not_of_type")));
    assert_eq!(bad["values"]["name"], "c");
}

#[test]
fn a_line_over_64_kilobytes_is_read() {
    let long = "x".repeat(300_000);
    let csv = run(&table("id:int64 name:string", &[]), format!("id,name\n1,{long}\n2,\"{long}\"\n3,y\n"));
    assert_eq!(csv.counts(), [3, 3, 0, 0]);
    assert_eq!(csv.rows()[1][1].as_deref(), Some(long.as_str()));
    let json = run(&table("id:int64 name:string", &[]), format!("{{\"id\":1,\"name\":\"{long}\"}}\n{{\"id\":2}}"));
    assert_eq!(json.rows()[0][1].as_deref(), Some(long.as_str()));
}

#[test]
fn a_quoted_line_break_is_not_counted_as_a_row_but_as_a_line() {
    let contract = table("id:int64 name:string", &["weir.badRowLimit=1"]);
    let found = run(&contract, "id,name\n1,\"a\nb\nc\"\n2,\"d\ne\"\nx,f\n");
    assert_eq!(found.counts(), [3, 2, 1, 0]);
    assert_eq!(found.bad[0]["line"], 7);
    assert_eq!(found.bad[0]["row"], 2);
}

#[test]
fn an_empty_file_is_no_error() {
    for bytes in [gzip(b""), Vec::new(), zstd::encode_all(&b""[..], 1).unwrap()] {
        assert_eq!(run(&table("id:int64*", &[]), bytes).counts(), [0; 4]);
    }
}

#[test]
fn integers_beyond_53_bits_are_exact() {
    let contract = table("a:int64 s:string", &[]);
    for value in ["9007199254740993", "-9223372036854775808", "9223372036854775807"] {
        assert_eq!(run(&contract, format!("a,s\n{value},{value}\n")).lines(), [format!("{value}|{value}")]);
        assert_eq!(run(&contract, format!("{{\"a\":{value},\"s\":{value}}}")).lines(), [format!("{value}|{value}")]);
    }
}

#[test]
fn spaces_around_a_number_mean_nothing_and_in_text_everything() {
    let found = run(&table("a:int64 b:boolean s:string", &[]), "a,b,s\n 1 ,true , x \n");
    assert_eq!(found.lines(), ["1|true| x "]);
}

#[test]
fn a_cut_or_damaged_file_fails_as_a_whole() {
    let contract = table("a:int64", &["weir.badRowLimit=100%"]);
    let whole = gzip("a\n1\n2\n3\n".repeat(1000).as_bytes());
    assert_eq!(try_run(&contract, &whole[..whole.len() - 5]).unwrap_err().code(), "Input.Truncated");
    let mut damaged = whole.clone();
    let at = damaged.len() - 6;
    damaged[at] ^= 1;
    assert_eq!(try_run(&contract, &damaged).unwrap_err().code(), "Input.Corrupt");
}

#[test]
fn every_compression_gives_the_same_rows() {
    let contract = table("a:int64 b:string", &[]);
    let text: String = "a,b\n".to_owned() + &(0..5000).map(|row| format!("{row},x{}\n", row % 7)).collect::<String>();
    let plain = run(&contract, &text);
    let mut members = Vec::new();
    for part in text.as_bytes().chunks(997) {
        members.extend(gzip(part));
    }
    for packed in [gzip(text.as_bytes()), members, zstd::encode_all(text.as_bytes(), 3).unwrap()] {
        let found = run(&contract, &packed);
        assert_eq!(found.parquet, plain.parquet);
        assert_eq!(found.report.bytes_in, packed.len() as u64);
        assert_eq!(found.report.bytes_decompressed, text.len() as u64);
    }
}
