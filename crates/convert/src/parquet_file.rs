//! Last stage: record batches into one Parquet file.

use std::io::{Error, ErrorKind, Write};

use arrow_array::RecordBatch;
use arrow_schema::{DataType, FieldRef, SchemaRef};
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_writer::ArrowWriterOptions;
use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::metadata::KeyValue;
use parquet::file::properties::{EnabledStatistics, WriterProperties, WriterPropertiesBuilder};
use parquet::schema::types::ColumnPath;
use weir_model::Contract;
use weir_model::change::columns;
use weir_model::lake::ParquetCompression;

use crate::error::ConvertError;
use crate::schema::Layout;
use crate::settings::{ROW_GROUP_ROWS, Settings};

/// What the writer allocates for the header of each page, and holds until the row group ends.
const PAGE_HEADER_BYTES: usize = 1024;
/// Share of keys that a bloom filter holds wrongly for present.
const BLOOM_FALSE_POSITIVES: f64 = 0.01;

/// Writes batches to a Parquet file.
pub(crate) struct ParquetFile<W: Write + Send> {
    writer: ArrowWriter<Counted<W>>,
    row_group_bytes: usize,
    columns: usize,
    page_rows: usize,
}

impl<W: Write + Send> ParquetFile<W> {
    pub(crate) fn new(
        out: W,
        schema: SchemaRef,
        contract: &Contract,
        layout: &Layout,
        settings: &Settings,
    ) -> Result<Self, ConvertError> {
        let properties = properties(&schema, contract, layout, settings);
        let options = ArrowWriterOptions::new().with_properties(properties);
        let out = Counted { inner: out, bytes: 0, failure: None };
        let columns = schema.fields().len();
        let writer = ArrowWriter::try_new_with_options(out, schema, options)
            .map_err(|error| ConvertError::Defect(format!("Parquet: {error}")))?;
        let (_, page_rows) = settings.page_limits(columns);
        Ok(ParquetFile { writer, row_group_bytes: settings.row_group_bytes(), columns, page_rows })
    }

    pub(crate) fn write(&mut self, batch: &RecordBatch) -> Result<(), ConvertError> {
        let mut written = self.writer.write(batch);
        if written.is_ok() && self.held_bytes() >= self.row_group_bytes {
            written = self.writer.flush();
        }
        written.map_err(|error| self.failed(error))
    }

    /// What the row group holds, rather too much than too little.
    fn held_bytes(&self) -> usize {
        let headers = self.writer.in_progress_rows() / self.page_rows * self.columns * PAGE_HEADER_BYTES;
        // The first counts what the encoders hold and not the pages that wait for their dictionary,
        // the second the other way round.
        self.writer.memory_size() + self.writer.in_progress_size() + headers
    }

    /// Writes the footer, hands the bytes on and returns how many bytes and rows the file has.
    /// Until this has succeeded there is no Parquet file.
    pub(crate) fn finish(mut self) -> Result<(u64, u64), ConvertError> {
        let metadata = self.writer.finish().map_err(|error| self.failed(error))?;
        let rows = u64::try_from(metadata.file_metadata().num_rows())
            .map_err(|_| ConvertError::Defect("Parquet: a negative number of rows".to_owned()))?;
        let out = self.writer.inner_mut();
        out.flush().map_err(|source| ConvertError::Write { what: "Parquet object", source })?;
        Ok((out.bytes, rows))
    }

    fn failed(&mut self, error: ParquetError) -> ConvertError {
        match self.writer.inner_mut().failure.take() {
            Some(source) => ConvertError::Write { what: "Parquet object", source },
            None => ConvertError::Defect(format!("Parquet: {error}")),
        }
    }
}

fn properties(schema: &SchemaRef, contract: &Contract, layout: &Layout, settings: &Settings) -> WriterProperties {
    let columns = schema.fields().len();
    let (page_bytes, page_rows) = settings.page_limits(columns);
    let mut metadata = vec![
        KeyValue::new("weir.contract.id".to_owned(), contract.id.clone()),
        KeyValue::new("weir.contract.version".to_owned(), contract.version.to_string()),
        KeyValue::new("weir.contract.digest".to_owned(), contract.digest.clone()),
    ];
    if let Layout::Bronze { control_id, .. } = layout {
        metadata.push(KeyValue::new("weir.control_id".to_owned(), control_id.clone()));
    }
    let mut builder = WriterProperties::builder()
        .set_created_by(concat!("weir ", env!("CARGO_PKG_VERSION")).to_owned())
        .set_compression(match settings.compression {
            // Level 1 of zstd is always valid.
            ParquetCompression::Zstd => Compression::ZSTD(ZstdLevel::try_new(1).unwrap_or_default()),
            ParquetCompression::Snappy => Compression::SNAPPY,
        })
        .set_statistics_enabled(if page_rows < ROW_GROUP_ROWS {
            EnabledStatistics::Page
        } else {
            EnabledStatistics::Chunk
        })
        .set_max_row_group_row_count(Some(ROW_GROUP_ROWS))
        .set_dictionary_page_size_limit(settings.dictionary_bytes(columns))
        .set_data_page_size_limit(page_bytes)
        .set_data_page_row_count_limit(page_rows)
        .set_key_value_metadata(Some(metadata));
    for column in contract.key_columns() {
        // A column's path is a list: a dot in its name is no nesting.
        let path = ColumnPath::new(vec![column.name.clone()]);
        builder = builder
            .set_column_bloom_filter_enabled(path.clone(), true)
            .set_column_bloom_filter_fpp(path.clone(), BLOOM_FALSE_POSITIVES)
            // Room for a full row group; the writer folds it to what the values need.
            .set_column_bloom_filter_ndv(path, ROW_GROUP_ROWS as u64);
    }
    builder = dictionaries(builder, schema, settings);
    if let [key] = contract.primary_key.as_slice() {
        // A key hardly ever repeats in a file: a dictionary of it would be built and thrown away.
        builder = plain(builder, schema.field(*key).name());
    }
    if matches!(layout, Layout::Bronze { .. }) {
        builder = plain(builder, columns::SEQ)
            .set_column_encoding(ColumnPath::new(vec![columns::SEQ.to_owned()]), Encoding::DELTA_BYTE_ARRAY);
        builder = plain(builder, columns::ROW)
            .set_column_encoding(ColumnPath::new(vec![columns::ROW.to_owned()]), Encoding::DELTA_BINARY_PACKED);
    }
    builder.build()
}

/// Leaves out the dictionaries that there is no memory for: of a wide table those of numbers, which
/// gain least, and of a very wide one all.
fn dictionaries(builder: WriterPropertiesBuilder, schema: &SchemaRef, settings: &Settings) -> WriterPropertiesBuilder {
    let most = settings.dictionaries();
    let is_text = |field: &&FieldRef| matches!(field.data_type(), DataType::Utf8 | DataType::Binary);
    let texts = schema.fields().iter().filter(is_text).count();
    if schema.fields().len() <= most {
        return builder;
    }
    let builder = builder.set_dictionary_enabled(false);
    if texts > most {
        return builder;
    }
    schema.fields().iter().filter(is_text).fold(builder, |builder, field| {
        builder.set_column_dictionary_enabled(ColumnPath::new(vec![field.name().clone()]), true)
    })
}

fn plain(builder: WriterPropertiesBuilder, column: &str) -> WriterPropertiesBuilder {
    builder.set_column_dictionary_enabled(ColumnPath::new(vec![column.to_owned()]), false)
}

/// Counts what is written, and keeps the error that the Parquet writer would turn into text.
struct Counted<W> {
    inner: W,
    bytes: u64,
    failure: Option<Error>,
}

impl<W: Write> Counted<W> {
    fn keep<T>(&mut self, result: std::io::Result<T>) -> std::io::Result<T> {
        result.map_err(|error| {
            if error.kind() == ErrorKind::Interrupted {
                return error;
            }
            let copy = Error::new(error.kind(), error.to_string());
            self.failure = Some(error);
            copy
        })
    }
}

impl<W: Write> Write for Counted<W> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let written = match self.inner.write(bytes) {
            // The Parquet writer would make this error itself, and nobody could tell whose it is.
            Ok(0) if !bytes.is_empty() => Err(ErrorKind::WriteZero.into()),
            written => written,
        };
        let count = self.keep(written)?;
        self.bytes += count as u64;
        Ok(count)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        loop {
            match self.inner.flush() {
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                flushed => return self.keep(flushed),
            }
        }
    }
}
