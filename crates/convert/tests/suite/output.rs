//! The Parquet file, and outputs that fail.

use std::io::{self, Write};
use std::sync::Arc;

use bytes::Bytes;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::file::metadata::PageIndexPolicy;
use parquet::file::reader::{FileReader, SerializedFileReader};
use weir_convert::{ConvertError, Layout, Progress, Request, Settings, arrow_schema, convert};

use crate::common::{bronze, run, table, try_with};

/// Fails at a byte, at its flushes, or by taking nothing.
struct Failing {
    left: usize,
    fails_flush: bool,
    takes_nothing: bool,
}

impl Write for Failing {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.left == 0 && !self.fails_flush {
            return if self.takes_nothing {
                Ok(0)
            } else {
                Err(io::Error::new(io::ErrorKind::StorageFull, "disk full"))
            };
        }
        let count = bytes.len().min(self.left.max(1));
        self.left -= count.min(self.left);
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        if self.fails_flush { Err(io::Error::other("flush")) } else { Ok(()) }
    }
}

fn convert_to(output: impl Write + Send, quarantine: impl Write) -> Result<weir_convert::Report, ConvertError> {
    let contract = table("a:int64 b:string", &["weir.badRowLimit=100%"]);
    let text: String = "a,b\n".to_owned() + &(0..500).map(|row| format!("{row},{row}\nx,y\n")).collect::<String>();
    let request = Request {
        contract: &contract,
        layout: Layout::Table,
        settings: Settings::default(),
        hasher: None,
        progress: None,
    };
    convert(text.as_bytes(), output, quarantine, &request)
}

#[test]
fn an_output_that_fails_anywhere_fails_the_conversion() {
    let whole = convert_to(io::sink(), io::sink()).unwrap().bytes_out as usize;
    // Every byte of the footer, and some of those before.
    for left in (0..whole).filter(|left| left % 97 == 0 || whole - left < 200) {
        for takes_nothing in [false, true] {
            let error = convert_to(Failing { left, fails_flush: false, takes_nothing }, io::sink()).unwrap_err();
            assert_eq!(error.code(), "Transient.Write", "{left}: {error}");
        }
    }
    let enough = Failing { left: whole, fails_flush: false, takes_nothing: false };
    assert!(convert_to(enough, io::sink()).is_ok());
    let error = convert_to(Failing { left: whole, fails_flush: true, takes_nothing: false }, io::sink()).unwrap_err();
    assert!(matches!(error, ConvertError::Write { what: "Parquet object", .. }), "{error}");
}

#[test]
fn a_quarantine_that_fails_fails_the_conversion() {
    for (left, fails_flush) in [(0, false), (5000, false), (0, true)] {
        let error = convert_to(io::sink(), Failing { left, fails_flush, takes_nothing: false }).unwrap_err();
        assert!(matches!(error, ConvertError::Write { what: "quarantine object", .. }), "{error}");
    }
}

#[test]
fn a_failed_conversion_leaves_nothing_that_a_reader_takes_for_a_file() {
    let contract = table("a:int64", &["weir.badRowLimit=0"]);
    let mut text: String = "a\n".to_owned() + &(0..100_000).map(|row| format!("{row}\n")).collect::<String>();
    text.push_str("x\n");
    let mut output = Vec::new();
    let request = Request {
        contract: &contract,
        layout: Layout::Table,
        settings: Settings { memory_bytes: 1 << 20, ..Settings::default() },
        hasher: None,
        progress: None,
    };
    assert!(convert(text.as_bytes(), &mut output, io::sink(), &request).is_err());
    assert!(ParquetRecordBatchReaderBuilder::try_new(Bytes::from(output)).is_err());
}

#[test]
fn a_reader_that_fails_or_panics_fails_the_conversion() {
    struct Broken(bool);
    impl io::Read for Broken {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            assert!(!self.0, "on purpose");
            Err(io::Error::other("network"))
        }
    }
    let contract = table("a:int64", &[]);
    let start = || io::Read::chain(&b"a\n1\n"[..], Broken(false));
    assert_eq!(try_with(&contract, Layout::Table, Settings::default(), start()).unwrap_err().code(), "Transient.Read");
    let panics = io::Read::chain(&b"a\n1\n"[..], Broken(true));
    assert_eq!(try_with(&contract, Layout::Table, Settings::default(), panics).unwrap_err().code(), "Weir.Defect");
}

#[test]
fn a_conversion_can_be_watched_and_stopped() {
    let contract = table("a:int64", &[]);
    let progress = Progress::default();
    let request = |progress| Request {
        contract: &contract,
        layout: Layout::Table,
        settings: Settings::default(),
        hasher: None,
        progress: Some(progress),
    };
    convert(&b"a\n1\n2\n"[..], io::sink(), io::sink(), &request(&progress)).unwrap();
    assert_eq!((progress.bytes_in(), progress.bytes_decompressed(), progress.rows_in()), (6, 6, 2));
    progress.cancel();
    let error = convert(&b"a\n1\n"[..], io::sink(), io::sink(), &request(&progress)).unwrap_err();
    assert_eq!(error.code(), "Transient.Cancelled");
}

#[test]
fn a_column_to_hash_is_never_written_without_a_key() {
    let contract = table("a:string/hash", &[]);
    let request = Request {
        contract: &contract,
        layout: Layout::Table,
        settings: Settings::default(),
        hasher: None,
        progress: None,
    };
    let mut output = Vec::new();
    assert!(convert(&b"a\nx\n"[..], &mut output, io::sink(), &request).is_err());
    assert!(output.is_empty());
}

#[test]
fn the_file_has_the_contracts_types_and_says_where_it_comes_from() {
    let columns = "i:int32 l:int64* f:float32 d:float64 m:decimal(9,2) s:string! b:boolean t:date u:timestamp z:timestamptz y:binary j:json";
    let contract = table(columns, &[]);
    for layout in [Layout::Table, bronze()] {
        let found = try_with(&contract, layout.clone(), Settings::default(), &b"l,s\n1,x\n"[..]).unwrap();
        let reader = ParquetRecordBatchReaderBuilder::try_new(Bytes::from(found.parquet.clone())).unwrap();
        assert_eq!(reader.schema().fields(), Arc::new(arrow_schema(&contract, &layout)).fields());
        let file = reader.metadata().file_metadata();
        assert!(file.created_by().unwrap().starts_with("weir "));
        let value = |key: &str| {
            let pairs = file.key_value_metadata().unwrap();
            pairs.iter().find(|pair| pair.key == key).and_then(|pair| pair.value.clone())
        };
        assert_eq!(value("weir.contract.id").as_deref(), Some("test"));
        assert_eq!(value("weir.contract.version").as_deref(), Some("1.2.3"));
        assert_eq!(value("weir.contract.digest"), Some(contract.digest.clone()));
        assert_eq!(value("weir.control_id").is_some(), matches!(layout, Layout::Bronze { .. }));
    }
}

#[test]
fn keys_have_bloom_filters_and_statistics_of_pages() {
    let contract = table("id:int64* s:string", &[]);
    let text: String = "id,s\n".to_owned() + &(0..50_000).map(|row| format!("{},x\n", row * 3)).collect::<String>();
    let parquet = Bytes::from(run(&contract, text).parquet);
    let reader = SerializedFileReader::new(parquet.clone()).unwrap();
    let group = reader.get_row_group(0).unwrap();
    assert!(group.get_column_bloom_filter(1).is_none());
    assert!(group.metadata().column(1).statistics().is_some());
    assert!(group.metadata().column(0).bloom_filter_offset().is_some());
    let options =
        parquet::arrow::arrow_reader::ArrowReaderOptions::new().with_page_index_policy(PageIndexPolicy::Required);
    let builder = ParquetRecordBatchReaderBuilder::try_new_with_options(parquet, options);
    assert!(builder.is_ok_and(|builder| builder.metadata().offset_index().is_some()));
}
