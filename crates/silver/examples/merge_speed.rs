//! Times merges: `merge_speed prepare DIR ROWS` makes the change records, `merge_speed load DIR` merges the rows of
//! the table, `merge_speed merge DIR spread|last` a batch of changes.
//!
//! The table has the columns of the beer lake's review, partitioned by month over 24 months; the
//! batch is 10,000 updates, 1,000 deletions and 5,000 new rows, spread over all months or in the
//! last three. `benches/merge` pairs it with other engines.

#![allow(clippy::unwrap_used, clippy::panic, missing_docs, reason = "a bench that fails says so")]

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use arrow_array::{ArrayRef, Float64Array, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray};
use iceberg_commit::{Tables, Warehouse};
use parquet::arrow::ArrowWriter;
use weir_model::Contract;
use weir_ports_local::SqliteCatalog;
use weir_silver::{Settings, Silver, Source, merge};

const CONTRACT: &str = include_str!("../../../examples/beer/contracts/review.odcs.yaml");
const MONTH: i64 = 30 * 86_400 * 1_000_000;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    match words.as_slice() {
        ["prepare", dir, rows] => runtime.block_on(prepare(Path::new(dir), rows.parse().unwrap())),
        ["load", dir] => {
            let folder = std::fs::read_dir(Path::new(dir).join("bronze")).unwrap();
            let names = folder.map(|entry| entry.unwrap().file_name().into_string().unwrap());
            let mut names: Vec<String> = names.filter(|name| name.starts_with("load-")).collect();
            names.sort();
            let names: Vec<&str> = names.iter().map(String::as_str).collect();
            runtime.block_on(one(Path::new(dir), &names));
        }
        ["merge", dir, which] => runtime.block_on(one(Path::new(dir), &[&format!("{which}.parquet")])),
        _ => panic!("merge_speed prepare DIR ROWS | merge_speed load DIR | merge_speed merge DIR spread|last"),
    }
}

fn silver(dir: &Path) -> Silver {
    let dir = dir.canonicalize().unwrap();
    let bucket = weir_ports_local::folder::bucket("bench", &dir).unwrap();
    let warehouse = Warehouse::new(Arc::clone(bucket.store()), &format!("file://{}", dir.display())).unwrap();
    let catalog = SqliteCatalog::open(dir.join("catalog.sqlite"), "weir").unwrap();
    Silver { tables: Tables::new(warehouse, Arc::new(catalog)), bronze: bucket, settings: Settings::default() }
}

async fn one(dir: &Path, keys: &[&str]) {
    let contract = CONTRACT.replace("year(review_time)", "month(review_time)");
    let contract = Contract::parse("review.odcs.yaml", &contract).unwrap();
    let started = Instant::now();
    let sources: Vec<Source> =
        keys.iter().map(|key| Source { control_id: (*key).to_owned(), bronze_key: format!("bronze/{key}") }).collect();
    let report = merge(&silver(dir), &contract, &sources, false).await.unwrap();
    println!("{:.3} s  {report:?}", started.elapsed().as_secs_f64());
}

async fn prepare(dir: &Path, rows: i64) {
    std::fs::create_dir_all(dir.join("bronze")).unwrap();
    let each = 1_000_000;
    let mut names = Vec::new();
    for (index, start) in (0..rows).step_by(each as usize).enumerate() {
        let ids: Vec<i64> = (start..(start + each).min(rows)).collect();
        let name = format!("load-{index:04}.parquet");
        write(dir, &name, &ids, (rows, 1), |_| 'L');
        names.push(name);
    }
    for (name, first, months) in [("spread.parquet", 0, 24), ("last.parquet", rows - rows / 8, 3)] {
        let step = (rows - first) / 11_000;
        let mut ids: Vec<i64> = (0..11_000).map(|index| first + index * step).collect();
        ids.extend(rows..rows + 5_000);
        let is_new = |id: i64| id >= rows;
        write(dir, name, &ids, (rows, months), |id| match id {
            id if is_new(id) => 'I',
            id if (id - first) / step % 11 == 5 => 'D',
            _ => 'U',
        });
    }
}

fn write(dir: &Path, name: &str, ids: &[i64], (rows, months): (i64, i64), op: impl Fn(i64) -> char) -> PathBuf {
    let mix = |id: i64, salt: i64, most: i64| {
        (((id + salt).wrapping_mul(0x9E37_79B9_7F4A_7C15u64.cast_signed()) >> 17).rem_euclid(most * most) as f64).sqrt()
            as i64
    };
    let ops: Vec<char> = ids.iter().map(|id| op(*id)).collect();
    let live = |value: i64, op: char| (op != 'D').then_some(value);
    let number = |salt: i64, most: i64| -> ArrayRef {
        Arc::new(Int64Array::from_iter(ids.iter().zip(&ops).map(|(id, op)| live(mix(*id, salt, most), *op))))
    };
    let rating = |salt: i64| -> ArrayRef {
        let value = |(id, op): (&i64, &char)| {
            live(mix(*id, salt + i64::from(*op == 'U'), 9), *op).map(|value| 1.0 + value as f64 / 2.0)
        };
        Arc::new(Float64Array::from_iter(ids.iter().zip(&ops).map(value)))
    };
    let time = |id: i64| {
        1_600_000_000_000_000
            + id.min(rows - 1) * (24 * MONTH / rows)
            + if id >= rows { id % months * -MONTH } else { 0 }
    };
    let times = TimestampMicrosecondArray::from_iter(ids.iter().zip(&ops).map(|(id, op)| live(time(*id), *op)));
    let sequence = |(id, op): (&i64, &char)| match op {
        'L' => format!("08005b0e2a6d4c000.3f1d8a7be0c45291.{id:012}"),
        _ => format!("18005b0e2a6d4c{id:03x}{id:016x}{:016x}", 1),
    };
    let zoned = |value: i64| TimestampMicrosecondArray::from(vec![value; ids.len()]).with_timezone("UTC");
    let event = if ops.first() == Some(&'L') { 1_700_000_000_000_000 } else { 1_700_000_100_000_000 };
    let batch = RecordBatch::try_from_iter_with_nullable(vec![
        ("review_id", Arc::new(Int64Array::from(ids.to_vec())) as ArrayRef, false),
        ("brewery_id", number(1, 5_000), true),
        ("beer_id", number(2, 66_000), true),
        ("profile_id", number(3, 33_000), true),
        ("review_overall", rating(4), true),
        ("review_aroma", rating(5), true),
        ("review_appearance", rating(6), true),
        ("review_palate", rating(7), true),
        ("review_taste", rating(8), true),
        ("review_time", Arc::new(times), true),
        ("_op", Arc::new(StringArray::from_iter_values(ops.iter().map(char::to_string))), false),
        ("_seq", Arc::new(StringArray::from_iter_values(ids.iter().zip(&ops).map(sequence))), false),
        ("_event_time", Arc::new(zoned(event)), false),
        ("_control_id", Arc::new(StringArray::from_iter_values(ids.iter().map(|_| "bench"))), false),
        ("_row", Arc::new(Int64Array::from(ids.to_vec())), false),
        ("_unchanged", Arc::new(StringArray::new_null(ids.len())), true),
    ])
    .unwrap();
    let path = dir.join("bronze").join(name);
    let file = std::fs::File::create(&path).unwrap();
    let mut writer = ArrowWriter::try_new(file, batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
    path
}
