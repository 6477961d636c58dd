//! The three stages of a conversion and the channels between them.

use std::io::{Read, Write};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

use arrow_array::RecordBatch;
use serde::Serialize;
use weir_model::Contract;
use weir_model::contract::PiiAction;
use weir_model::control::RowCounts;
use weir_model::raw::{Compression, Format};
use weir_pii::Hasher;

use crate::columns::Columns;
use crate::decode::Decoder;
use crate::error::ConvertError;
use crate::parquet_file::ParquetFile;
use crate::progress::Progress;
use crate::quarantine::{LineCount, Quarantine, ReasonCount};
use crate::records::{Records, source_names};
use crate::schema::Layout;
use crate::settings::Settings;
use crate::tokens::Tokens;
use crate::window::Window;

/// Blocks of text that wait between decompression and parsing.
const BLOCKS: usize = 2;
/// Batches that wait between parsing and encoding.
const BATCHES: usize = 1;
/// Rows after which a batch ends, whatever its bytes.
const BATCH_ROWS: usize = 16 << 10;

/// What to make of an object.
#[derive(Debug)]
pub struct Request<'a> {
    /// What its rows are.
    pub contract: &'a Contract,
    /// Which columns the output has.
    pub layout: Layout,
    /// The bounds.
    pub settings: Settings,
    /// Needed where the contract hashes a column.
    pub hasher: Option<&'a Hasher>,
    /// Who watches.
    pub progress: Option<&'a Progress>,
}

/// What became of an object.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    /// What became of its rows; they add up.
    #[serde(flatten)]
    pub counts: RowCounts,
    /// Bytes of the object.
    pub bytes_in: u64,
    /// Bytes after decompression.
    pub bytes_decompressed: u64,
    /// Bytes of the Parquet file.
    pub bytes_out: u64,
    /// By content or contract; `None` for an object without content.
    pub format: Option<Format>,
    /// By content.
    pub compression: Compression,
    /// Why rows are bad, the most frequent reason first.
    pub reasons: Vec<ReasonCount>,
    /// What a person should know though nothing failed.
    pub notes: Vec<String>,
    /// Columns of the object that the contract does not name.
    #[serde(skip)]
    pub unknown_columns: Vec<String>,
}

/// Reads an object from `input` and writes its good rows to `output` as Parquet and its bad rows to
/// `quarantine` as JSON lines.
///
/// The bytes written depend on the input and the request alone. What was written counts only if
/// this succeeds: the caller publishes it then, and throws it away otherwise. Memory stays within
/// [`Settings::memory_bytes`] however large the object is.
///
/// # Errors
/// Why the object as a whole failed. Bad rows are no failure until they are more than the contract
/// allows.
pub fn convert<R, W, Q>(input: R, output: W, quarantine: Q, request: &Request<'_>) -> Result<Report, ConvertError>
where
    R: Read + Send,
    W: Write + Send,
    Q: Write,
{
    let hashes = |column: &weir_model::Column| column.pii.is_some_and(|pii| pii.action == PiiAction::Hash);
    if request.hasher.is_none() && request.contract.columns.iter().any(hashes) {
        return Err(ConvertError::Defect("a column is to be hashed and no key was given".to_owned()));
    }
    thread::scope(|scope| {
        let (block_sender, blocks) = sync_channel(BLOCKS);
        let (free_sender, free) = sync_channel(BLOCKS + 2);
        let settings = request.settings;
        let decoder = scope.spawn(move || decode(input, settings, &block_sender, &free));

        let columns = Columns::new(request.contract, &request.layout, request.hasher);
        let (batch_sender, batches) = sync_channel(BATCHES);
        let schema = columns.schema();
        let (contract, layout) = (request.contract, &request.layout);
        let encoder = scope.spawn(move || {
            let file = ParquetFile::new(output, schema, contract, layout, &settings)?;
            encode(file, &batches)
        });

        let parsed = parse(&blocks, &free_sender, columns, quarantine, &batch_sender, request);
        // The decoder may wait to hand over a block that nobody wants any more.
        drop((blocks, free_sender, batch_sender));
        // A reader that panicked was told of by the missing block; a scope would panic with it.
        let _ = decoder.join();
        let encoded = encoder.join().unwrap_or_else(|_| Err(defect("the encoder panicked")));
        match (parsed, encoded) {
            (Ok(parsed), Ok(Some(written))) => parsed.report(written),
            (Ok(_), Ok(None)) => Err(defect("the encoder was not told of the end")),
            // Whoever stands later in the line is the cause of what goes wrong before it.
            (_, Err(error)) => Err(error),
            (Err(Stop::Failed(error)), Ok(_)) => Err(error),
            (Err(Stop::EncoderGone), Ok(_)) => Err(defect("the encoder ended too early")),
        }
    })
}

fn defect(what: &str) -> ConvertError {
    ConvertError::Defect(what.to_owned())
}

/// A piece of decompressed text.
struct Block {
    bytes: Vec<u8>,
    length: usize,
    consumed: u64,
    decompressed: u64,
    compression: Compression,
    is_last: bool,
}

fn decode<R: Read>(
    input: R,
    settings: Settings,
    blocks: &SyncSender<Result<Block, ConvertError>>,
    free: &Receiver<Vec<u8>>,
) {
    let mut decoder = match Decoder::new(input, settings) {
        Ok(decoder) => decoder,
        Err(error) => {
            let _ = blocks.send(Err(error));
            return;
        }
    };
    loop {
        let mut bytes = free.try_recv().unwrap_or_else(|_| vec![0; settings.block_bytes()]);
        let block = decoder.fill(&mut bytes).map(|length| Block {
            is_last: length < bytes.len(),
            bytes,
            length,
            consumed: decoder.consumed(),
            decompressed: decoder.decompressed(),
            compression: decoder.compression(),
        });
        let ends = block.as_ref().map_or(true, |block| block.is_last);
        // A receiver that is gone has failed, and says so itself.
        if blocks.send(block).is_err() || ends {
            return;
        }
    }
}

enum Batch {
    Rows(RecordBatch),
    /// All rows were sent and none of them is in doubt.
    End,
}

/// Bytes and rows of a finished Parquet file.
struct Written {
    bytes: u64,
    rows: u64,
}

/// `None` if the end was not announced: then the file is not finished, and no reader takes it for one.
fn encode<W: Write + Send>(
    mut file: ParquetFile<W>,
    batches: &Receiver<Batch>,
) -> Result<Option<Written>, ConvertError> {
    for batch in batches {
        match batch {
            Batch::Rows(rows) => file.write(&rows)?,
            Batch::End => {
                let (bytes, rows) = file.finish()?;
                return Ok(Some(Written { bytes, rows }));
            }
        }
    }
    Ok(None)
}

/// Why parsing ended.
enum Stop {
    Failed(ConvertError),
    /// The encoder has failed and says why itself.
    EncoderGone,
}

impl From<ConvertError> for Stop {
    fn from(error: ConvertError) -> Self {
        Stop::Failed(error)
    }
}

/// What parsing found, before the encoder has said what it wrote.
struct Parsed {
    rows_in: u64,
    rows_quarantined: u64,
    rows_filtered: u64,
    bytes_in: u64,
    bytes_decompressed: u64,
    format: Option<Format>,
    compression: Compression,
    reasons: Vec<ReasonCount>,
    notes: Vec<String>,
    unknown_columns: Vec<String>,
}

impl Parsed {
    fn report(self, written: Written) -> Result<Report, ConvertError> {
        let counts = RowCounts {
            rows_in: self.rows_in,
            // Counted by the Parquet writer, not derived: this is what makes the sum a check.
            rows_written: written.rows,
            rows_quarantined: self.rows_quarantined,
            rows_filtered: self.rows_filtered,
        };
        if !counts.add_up() {
            return Err(ConvertError::Defect(format!("rows do not add up: {counts:?}")));
        }
        Ok(Report {
            counts,
            bytes_in: self.bytes_in,
            bytes_decompressed: self.bytes_decompressed,
            bytes_out: written.bytes,
            format: self.format,
            compression: self.compression,
            reasons: self.reasons,
            notes: self.notes,
            unknown_columns: self.unknown_columns,
        })
    }
}

fn parse<Q: Write>(
    blocks: &Receiver<Result<Block, ConvertError>>,
    free: &SyncSender<Vec<u8>>,
    mut columns: Columns,
    quarantine: Q,
    batches: &SyncSender<Batch>,
    request: &Request<'_>,
) -> Result<Parsed, Stop> {
    let names = source_names(request.contract, &request.layout);
    let mut quarantine = Quarantine::new(quarantine, request.contract, &names);
    let mut records = Records::new(request.contract, &names, request.settings.max_record_bytes);
    let mut tokens = Tokens::new(names.len(), request.settings.token_bytes());
    let mut window = Window::new();
    let (mut rows_in, mut rows_filtered) = (0, 0);
    loop {
        let block = blocks.recv().map_err(|_| defect("the decoder panicked"))??;
        window.push(&block.bytes[..block.length]);
        let (consumed, decompressed, at_end) = (block.consumed, block.decompressed, block.is_last);
        // A full channel only means that the decoder has buffers enough.
        let _ = free.try_send(block.bytes);
        if let Some(progress) = request.progress {
            progress.set_bytes(consumed, decompressed);
            progress.set_rows_in(rows_in);
            if progress.is_cancelled() {
                return Err(ConvertError::Cancelled.into());
            }
        }
        loop {
            tokens.clear();
            let taken = records.take(&mut window, at_end, &mut tokens)?;
            if taken == 0 {
                break;
            }
            let mut counted = LineCount::default();
            let added = columns.append(window.text(), &mut tokens, |tokens, record, row, reason, column| {
                quarantine.add(&window, &mut counted, tokens, record, row, reason, column)
            })?;
            window.consume(taken);
            rows_in += added.records;
            rows_filtered += added.filtered;
            if columns.bytes() >= request.settings.batch_bytes() || columns.rows() >= BATCH_ROWS {
                send(&mut columns, batches)?;
            }
        }
        if at_end {
            if !window.text().is_empty() {
                return Err(defect("text was left over at the end").into());
            }
            send(&mut columns, batches)?;
            quarantine.check(rows_in)?;
            let parsed = Parsed {
                rows_in,
                rows_quarantined: quarantine.rows(),
                rows_filtered,
                bytes_in: consumed,
                bytes_decompressed: decompressed,
                format: records.format(),
                compression: block.compression,
                reasons: quarantine.finish()?,
                notes: records.notes()?,
                unknown_columns: records.unknown_columns(),
            };
            if let Some(progress) = request.progress {
                progress.set_rows_in(rows_in);
            }
            batches.send(Batch::End).map_err(|_| Stop::EncoderGone)?;
            return Ok(parsed);
        }
    }
}

fn send(columns: &mut Columns, batches: &SyncSender<Batch>) -> Result<(), Stop> {
    if columns.rows() == 0 {
        return Ok(());
    }
    let batch = columns.finish().map_err(|error| ConvertError::Defect(format!("arrow: {error}")))?;
    match batch {
        Some(batch) => batches.send(Batch::Rows(batch)).map_err(|_| Stop::EncoderGone),
        None => Ok(()),
    }
}
