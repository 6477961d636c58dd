//! From a plan to the bytes of its files.

use std::io::{self, Write};

use flate2::write::GzEncoder;
use flate2::{Compression as GzipLevel, GzBuilder};
use weir_model::raw::{Compression, Format};

use crate::plan::{FilePlan, TablePlan};

/// Rows are gathered to so many bytes before they are packed.
const BATCH: usize = 64 << 10;
/// zstd's own default.
const ZSTD_LEVEL: i32 = 3;

/// Where the bytes of the files go. A function from a key to a writer is one.
pub trait Sink {
    /// Takes the bytes of one file.
    type Writer: Write;

    /// Begins the file of the raw object `key`.
    ///
    /// # Errors
    /// Whatever keeps it from being written.
    fn open(&mut self, key: &str) -> io::Result<Self::Writer>;

    /// Ends the file, after its last byte.
    ///
    /// # Errors
    /// Whatever keeps it from being kept.
    fn close(&mut self, _key: &str, mut writer: Self::Writer) -> io::Result<()> {
        writer.flush()
    }
}

impl<W: Write, F: FnMut(&str) -> io::Result<W>> Sink for F {
    type Writer = W;

    fn open(&mut self, key: &str) -> io::Result<W> {
        self(key)
    }
}

/// What was made since the last call, or in all.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Progress {
    /// Rows.
    pub rows: u64,
    /// Bytes of their text, before it is packed.
    pub bytes: u64,
}

impl TablePlan {
    /// Writes every file of the table, one after another; returns what was made in all.
    ///
    /// `progress` is called with what was made since its last call, every 64 KiB of text. Memory does not grow with
    /// the rows.
    ///
    /// # Errors
    /// What `sink` or its writers return.
    pub fn write<S: Sink>(&self, sink: &mut S, progress: &mut dyn FnMut(Progress)) -> io::Result<Progress> {
        let mut total = Progress::default();
        for file in self.files() {
            let writer = sink.open(&file.key)?;
            let mut count = |made: Progress| {
                total.rows += made.rows;
                total.bytes += made.bytes;
                progress(made);
            };
            let writer = self.write_file(&file, writer, &mut count)?;
            sink.close(&file.key, writer)?;
        }
        Ok(total)
    }

    /// Writes one of [`TablePlan::files`] and returns its writer. Files do not depend on each other, so that several
    /// threads can write one table.
    ///
    /// # Errors
    /// What `writer` returns.
    pub fn write_file<W: Write>(
        &self,
        file: &FilePlan,
        writer: W,
        progress: &mut dyn FnMut(Progress),
    ) -> io::Result<W> {
        let mut packer = Packer::new(writer, self.compression, self.gzip_level)?;
        let mut rows = self.rows();
        let mut batch = Vec::with_capacity(BATCH + BATCH / 4);
        if self.format == Format::Csv && self.contract.source.csv.header {
            rows.csv_header(&self.contract, &mut batch);
        }
        let mut made = Progress::default();
        for row in file.first_row..file.first_row + file.rows {
            match self.format {
                Format::Csv => rows.csv(row, &mut batch),
                Format::Json => {
                    rows.json(row, &mut batch);
                    batch.push(b'\n');
                }
            }
            made.rows += 1;
            if batch.len() >= BATCH {
                made.bytes = batch.len() as u64;
                packer.write_all(&batch)?;
                batch.clear();
                progress(std::mem::take(&mut made));
            }
        }
        made.bytes = batch.len() as u64;
        packer.write_all(&batch)?;
        progress(made);
        packer.finish()
    }
}

/// A writer with its packing around it.
enum Packer<W: Write> {
    Plain(W),
    Gzip(GzEncoder<W>),
    Zstd(zstd::Encoder<'static, W>),
}

impl<W: Write> Packer<W> {
    fn new(writer: W, compression: Compression, gzip_level: u32) -> io::Result<Self> {
        Ok(match compression {
            Compression::None => Packer::Plain(writer),
            // Neither a time nor a system (255: unknown, RFC 1952) in the header, so that the bytes are always the same.
            Compression::Gzip => {
                Packer::Gzip(GzBuilder::new().mtime(0).operating_system(255).write(writer, GzipLevel::new(gzip_level)))
            }
            Compression::Zstd => Packer::Zstd(zstd::Encoder::new(writer, ZSTD_LEVEL)?),
        })
    }

    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        match self {
            Packer::Plain(writer) => writer.write_all(bytes),
            Packer::Gzip(writer) => writer.write_all(bytes),
            Packer::Zstd(writer) => writer.write_all(bytes),
        }
    }

    fn finish(self) -> io::Result<W> {
        match self {
            Packer::Plain(writer) => Ok(writer),
            Packer::Gzip(writer) => writer.finish(),
            Packer::Zstd(writer) => writer.finish(),
        }
    }
}
