//! What a conversion holds while 200 MB go through it.
//!
//! Counts what Rust allocates. The Zstandard library allocates on its own: a few hundred KiB for the
//! column that is being packed, and the window of a packed input.
#![expect(unsafe_code, reason = "a global allocator that counts cannot be written without")]
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::alloc::{GlobalAlloc, Layout as Allocation, System};
use std::io::{self, Read};
use std::sync::atomic::{AtomicUsize, Ordering};

use weir_convert::{Layout, Request, Settings, convert};
use weir_model::{Contract, Timestamp};

struct Counting;

static LIVE: AtomicUsize = AtomicUsize::new(0);
static PEAK: AtomicUsize = AtomicUsize::new(0);

fn grow(bytes: usize) {
    let live = LIVE.fetch_add(bytes, Ordering::Relaxed) + bytes;
    PEAK.fetch_max(live, Ordering::Relaxed);
}

// SAFETY: every call is handed on to the system's allocator as it came.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Allocation) -> *mut u8 {
        grow(layout.size());
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, place: *mut u8, layout: Allocation) {
        LIVE.fetch_sub(layout.size(), Ordering::Relaxed);
        unsafe { System.dealloc(place, layout) }
    }

    unsafe fn realloc(&self, place: *mut u8, layout: Allocation, size: usize) -> *mut u8 {
        // Both may live while one is copied into the other.
        grow(size);
        LIVE.fetch_sub(layout.size(), Ordering::Relaxed);
        unsafe { System.realloc(place, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

const STREAM_BYTES: usize = 200 << 20;
/// Bytes that repeat in the stream: far more than any dictionary holds.
const PART_BYTES: usize = 16 << 20;

/// The same part again and again, cut anywhere.
struct Repeated<'a> {
    part: &'a [u8],
    at: usize,
    left: usize,
}

impl Read for Repeated<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let rest = &self.part[self.at..];
        let count = buf.len().min(rest.len()).min(self.left);
        buf[..count].copy_from_slice(&rest[..count]);
        self.at = (self.at + count) % self.part.len();
        self.left -= count;
        Ok(count)
    }
}

/// A contract of `columns`, whose types take turns, and rows of it. Of the first column each value
/// is another.
fn table(columns: usize, types: &[&str], field: impl Fn(u64) -> String) -> (Contract, Vec<u8>) {
    let mut text = String::from(
        "apiVersion: v3.1.0\nkind: DataContract\nid: t\nversion: 1.0.0\nstatus: active\nschema:\n  - name: t\n    properties:\n      \
         - {name: id, logicalType: integer, primaryKey: true}\n",
    );
    for column in 1..columns {
        text.push_str(&format!("      - {{name: c{column}, logicalType: {}}}\n", types[column % types.len()]));
    }
    let contract = Contract::parse("c", &text).unwrap();
    let mut rows = String::new();
    let mut number = 0u64;
    while rows.len() < PART_BYTES {
        rows.push_str(&number.to_string());
        for column in 1..columns {
            number += 1;
            rows.push(',');
            if types[column % types.len()] == "string" {
                rows.push_str(&field(number));
            } else if !number.is_multiple_of(5) {
                rows.push_str(&(number.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> (16 + number % 40)).to_string());
            }
        }
        number += 1;
        rows.push('\n');
    }
    (contract, rows.into_bytes())
}

fn header(contract: &Contract) -> Vec<u8> {
    let names: Vec<&str> = contract.columns.iter().map(|column| column.name.as_str()).collect();
    (names.join(",") + "\n").into_bytes()
}

/// The most bytes that a conversion held at one time.
fn peak(contract: &Contract, header: &[u8], part: &[u8], layout: Layout, memory_bytes: usize) -> usize {
    let left = if header.is_empty() { STREAM_BYTES / 100 / part.len() * part.len() } else { STREAM_BYTES };
    let input = header.chain(Repeated { part, at: 0, left });
    let settings = Settings { memory_bytes, ..Settings::default() };
    let request = Request { contract, layout, settings, hasher: None, progress: None };
    let before = LIVE.load(Ordering::Relaxed);
    PEAK.store(before, Ordering::Relaxed);
    let report = convert(input, io::sink(), io::sink(), &request).unwrap();
    assert!(report.counts.rows_written > 0);
    PEAK.load(Ordering::Relaxed) - before
}

#[test]
fn no_conversion_holds_more_than_its_setting() {
    let number = |number: u64| format!("{:x}", number.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    let types = ["integer", "number", "string"];
    let narrow = table(10, &types, number);
    let wide = table(300, &types, number);
    let long = table(3, &["string"], |n| format!("{n:x} ").repeat(200));
    // Rows of 9 bytes that become 300 values.
    let sparse = (wide.0.clone(), b"{\"id\":1}\n".to_vec());
    let bronze = || Layout::Bronze {
        control_id: "01J8Z3K4M5N6P7Q8R9S0T1V2W3".to_owned(),
        object_time: Timestamp::from_micros(1_700_000_000_000_000),
    };
    let mut told = Vec::new();
    for memory in [32 << 20, 64 << 20] {
        for (name, (contract, part), layout) in [
            ("narrow", &narrow, Layout::Table),
            ("wide", &wide, Layout::Table),
            ("narrow, bronze", &narrow, bronze()),
            ("long text", &long, Layout::Table),
            ("wide JSON without values", &sparse, bronze()),
        ] {
            let header = if part[0] == b'{' { Vec::new() } else { header(contract) };
            let peak = peak(contract, &header, part, layout, memory);
            told.push(format!("{name}: {} of {} MiB", peak >> 20, memory >> 20));
            assert!(peak <= memory, "{told:?}");
        }
    }
    println!("{}", told.join("\n"));
}
