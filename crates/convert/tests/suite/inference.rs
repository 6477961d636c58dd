//! A contract made from data reads that data.

use weir_convert::{Layout, Settings, infer, sample};

use crate::common::{gzip, try_with};

fn inferred(text: &[u8], most: Option<u64>) -> weir_model::Contract {
    infer(|| Ok(text), "t", Settings::default(), most).unwrap()
}

#[test]
fn what_was_inferred_reads_every_row() {
    for text in [
        "id,name,when,ok\n1,a,2026-01-01T10:00:00Z,true\n2,,,\n3,\"x\ny\",2026-01-01,false\n",
        "a;b\n007;1,5\n;2\n",
        "{\"a\":1,\"b\":[1]}\n{\"b\":\"x\",\"c\":1.5}\n",
        "[{\"a\":1},{\"z\":true}]",
        "",
        "a,b\n",
    ] {
        let contract = inferred(text.as_bytes(), None);
        if contract.columns.is_empty() {
            continue;
        }
        let found = try_with(&contract, Layout::Table, Settings::default(), text.as_bytes()).unwrap();
        assert_eq!(found.counts()[2], 0, "{text}");
        assert!(found.report.notes.is_empty(), "{text}: {:?}", found.report.notes);
    }
}

#[test]
fn keys_that_cannot_be_names_do_not_keep_inference_from_ending() {
    let long = format!("{{\"a\":1,\"{}\":2}}", "k".repeat(20_000));
    assert!(inferred(long.as_bytes(), None).columns.len() <= 2);
    assert!(inferred(b"{\"a\":1,\"\xff\":2}", None).columns.len() <= 2);
}

#[test]
fn data_with_more_columns_than_a_contract_may_have_is_refused() {
    let text: String = (0..10_000).map(|key| format!("{{\"k{key}\":1}}\n")).collect();
    let error = infer(|| Ok(text.as_bytes()), "t", Settings::default(), None).unwrap_err();
    assert_eq!(error.code(), "Input.TooManyColumns");
}

#[test]
fn a_sample_of_a_compressed_file_tells_what_it_is() {
    let text: String = "a,b\n".to_owned() + &(0..1000).map(|row| format!("{row},x\n")).collect::<String>();
    let file = gzip(text.as_bytes());
    let sample = sample(&file, file.len() as u64, None).unwrap();
    assert_eq!(sample.estimated_rows, 1000);
}
