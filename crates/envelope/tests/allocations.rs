//! Reading and writing a record allocates nothing, once reader and buffer have met one as large.
#![expect(unsafe_code, reason = "a global allocator that counts cannot be written without")]
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicU64, Ordering};

use weir_envelope::{Reader, Source, Tables, Understood};
use weir_model::Contract;
use weir_model::sequence::Kinesis;

struct Counting;

static ALLOCATIONS: AtomicU64 = AtomicU64::new(0);

#[global_allocator]
static ALLOCATOR: Counting = Counting;

// SAFETY: every call is handed on to the system's allocator as it came.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, place: *mut u8, layout: Layout) {
        unsafe { System.dealloc(place, layout) }
    }

    unsafe fn realloc(&self, place: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        unsafe { System.realloc(place, layout, size) }
    }
}

fn contract(table: &str, settings: &str) -> Contract {
    let text = format!(
        "{{apiVersion: v3.1.0, kind: DataContract, id: t, version: 1.0.0, status: active, schema: [{{name: {table}, \
         customProperties: [{settings}], properties: [{{name: review_id, logicalType: integer, primaryKey: true}}]}}]}}"
    );
    Contract::parse("test", &text).unwrap()
}

#[test]
fn a_record_that_is_understood_allocates_nothing() {
    let event = |name: &str| std::fs::read(format!("{}/../../events/{name}", env!("CARGO_MANIFEST_DIR"))).unwrap();
    let debezium = br#"{"before":null,"after":{"review_id":1,"text":"__debezium_unavailable_value"},"source":{"connector":"postgresql","ts_ms":1795219522549,"sequence":"[\"24023119\",\"24023128\"]","table":"logged"},"op":"u","ts_ms":1}"#;
    let wide: Vec<String> = (0..400).map(|n| format!("\"column_{n}\":{n}")).collect();
    let wide = format!("{{\"review_id\":1,{}}}", wide.join(","));
    let records = [
        (event("dms/update-before-image-key-change.json"), None),
        (event("dms/load.json"), None),
        (debezium.to_vec(), None),
        (wide.into_bytes(), Some("flat")),
    ];
    let tables = Tables::new(&[
        contract("review", "{property: weir.sequence, value: dms-transaction}"),
        contract("logged", "{property: weir.sequence, value: debezium-postgres}"),
        contract("flat", "{property: weir.sequence, value: kinesis}, {property: weir.envelope, value: flat}"),
    ]);
    let mut reader = Reader::new();
    let mut out = Vec::new();
    for round in 0..3 {
        for (record, table) in &records {
            out.clear();
            let source = Source { table: *table, kinesis: Kinesis::new("49590338271490256608", 0) };
            let before = ALLOCATIONS.load(Ordering::Relaxed);
            match reader.read(record, &tables, source) {
                Ok(Understood::Changes(changes)) => changes.write_lines(&mut out),
                other => panic!("{other:?}"),
            };
            let allocated = ALLOCATIONS.load(Ordering::Relaxed) - before;
            assert!(round == 0 || allocated == 0, "{allocated} in round {round}: {}", String::from_utf8_lossy(record));
        }
    }
}
