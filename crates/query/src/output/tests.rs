#![allow(clippy::unwrap_used, reason = "what fails here fails a test")]

use datafusion::arrow::array::{
    ArrayRef, BinaryArray, BooleanArray, Decimal128Array, Float32Array, Float64Array, Int64Array, ListArray,
    StringArray, TimestampMicrosecondArray, UInt64Array,
};
use datafusion::arrow::datatypes::Int32Type;
use datafusion::parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use super::*;

fn batch() -> RecordBatch {
    let columns: Vec<(&str, ArrayRef)> = vec![
        ("n", Arc::new(Int64Array::from(vec![Some(i64::MAX), None, Some(-1)]))),
        ("u", Arc::new(UInt64Array::from(vec![u64::MAX, 0, 1]))),
        ("f", Arc::new(Float64Array::from(vec![f64::NAN, f64::NEG_INFINITY, 0.1]))),
        ("g", Arc::new(Float32Array::from(vec![0.1f32, f32::MAX, 1.0]))),
        (
            "d",
            Arc::new(
                Decimal128Array::from(vec![1i128, 12_345_678_901_234_567_890, -150])
                    .with_precision_and_scale(38, 2)
                    .unwrap(),
            ),
        ),
        ("s", Arc::new(StringArray::from(vec![Some(""), None, Some("a \"b\",\n\u{1}ü")]))),
        ("b", Arc::new(BinaryArray::from(vec![Some(&b"\xff\x00"[..]), None, Some(b"")]))),
        ("t", Arc::new(TimestampMicrosecondArray::from(vec![0, 1, 1_767_225_600_000_000]).with_timezone("+00:00"))),
        ("x", Arc::new(BooleanArray::from(vec![Some(true), None, Some(false)]))),
        (
            "l",
            Arc::new(ListArray::from_iter_primitive::<Int32Type, _, _>(vec![
                Some(vec![Some(1), None]),
                None,
                Some(vec![]),
            ])),
        ),
    ];
    RecordBatch::try_from_iter_with_nullable(columns.into_iter().map(|(name, array)| (name, array, true))).unwrap()
}

fn written(format: Format, batches: &[RecordBatch]) -> Vec<u8> {
    let mut writer = RowWriter::new(format, &batches[0].schema(), Vec::new()).unwrap();
    for batch in batches {
        writer.write(batch).unwrap();
    }
    let (rows, bytes) = writer.finish().unwrap();
    assert_eq!(rows, batches.iter().map(|batch| batch.num_rows() as u64).sum::<u64>());
    bytes
}

#[test]
fn json_loses_no_digit_and_no_null() {
    let lines = String::from_utf8(written(Format::Jsonl, &[batch()])).unwrap();
    let expected = [
        r#"{"n":9223372036854775807,"u":18446744073709551615,"f":"NaN","g":0.1,"d":"0.01","s":"","b":"/wA=","t":"1970-01-01T00:00:00Z","x":true,"l":[1,null]}"#,
        r#"{"n":null,"u":0,"f":"-Infinity","g":3.4028235e+38,"d":"123456789012345678.90","s":null,"b":null,"t":"1970-01-01T00:00:00.000001Z","x":null,"l":null}"#,
        r#"{"n":-1,"u":1,"f":0.1,"g":1.0,"d":"-1.50","s":"a \"b\",\n\u0001ü","b":"","t":"2026-01-01T00:00:00Z","x":false,"l":[]}"#,
    ];
    assert_eq!(lines.lines().collect::<Vec<_>>(), expected);
}

#[test]
fn one_json_object_has_columns_rows_and_their_count_over_all_batches() {
    let answer: serde_json::Value = serde_json::from_slice(&written(Format::Json, &[batch(), batch()])).unwrap();
    assert_eq!((answer["rows"].as_array().unwrap().len(), &answer["row_count"]), (6, &6.into()));
    assert_eq!(answer["columns"][4], serde_json::json!({"name": "d", "type": "decimal(38,2)"}));
    let none: serde_json::Value = serde_json::from_slice(&written(Format::Json, &[batch().slice(0, 0)])).unwrap();
    assert_eq!((&none["rows"], &none["row_count"]), (&serde_json::json!([]), &0.into()));
}

#[test]
fn csv_tells_null_from_an_empty_text() {
    let text = String::from_utf8(written(Format::Csv, &[batch()])).unwrap();
    let (head, rest) = text.split_once('\n').unwrap();
    assert_eq!(head, "n,u,f,g,d,s,b,t,x,l");
    assert!(rest.starts_with("9223372036854775807,18446744073709551615,NaN,0.1,0.01,\"\",/wA=,1970-01-01T00:00:00Z,true,\"[1,null]\"\n,0,"), "{rest}");
    assert!(rest.contains(",123456789012345678.90,,,"), "{rest}");
    assert!(rest.ends_with("\"a \"\"b\"\",\n\u{1}ü\",\"\",2026-01-01T00:00:00Z,false,[]\n"), "{rest}");
}

#[test]
fn parquet_is_read_back_as_it_was() {
    let bytes = written(Format::Parquet, &[batch(), batch()]);
    let reader = ParquetRecordBatchReaderBuilder::try_new(bytes::Bytes::from(bytes)).unwrap().build().unwrap();
    let back: Vec<RecordBatch> = reader.map(Result::unwrap).collect();
    let back = datafusion::arrow::compute::concat_batches(&back[0].schema(), &back).unwrap();
    let lines = |batch: &RecordBatch| String::from_utf8(written(Format::Jsonl, std::slice::from_ref(batch))).unwrap();
    assert_eq!(lines(&back), lines(&batch()).repeat(2));
}

#[test]
fn columns_of_one_name_are_told_apart() {
    let schema = Schema::new(["x", "x", "y", "x", "x_2"].map(|name| Field::new(name, DataType::Int32, true)).to_vec());
    assert_eq!(names(&schema), ["x", "x_3", "y", "x_4", "x_2"]);
}
