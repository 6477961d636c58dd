//! Which rows of a file may have one of the keys.

use std::ops::Range;

use arrow_array::ArrayRef;
use parquet::basic::Type as PhysicalType;
use parquet::bloom_filter::Sbbf;

use super::file::StoredFile;
use crate::error::MergeError;
use crate::keys::{KeySpan, Probe};
use crate::table::Layout;

/// More keys than this are not looked for in a Bloom filter, one after the other.
const MAX_PROBES: usize = 2048;

/// The rows that may have one of the keys, as ranges that ascend and do not touch.
pub(super) async fn ranges(file: &StoredFile, layout: &Layout, span: &KeySpan) -> Result<Vec<Range<u64>>, MergeError> {
    let mut ranges: Vec<Range<u64>> = Vec::new();
    let first = layout.keys.first().map(|column| layout.data[*column].field_id);
    let statistics = first.and_then(|field| file.statistics(field));
    let groups = file.parquet().row_groups();
    let bounds: Option<(ArrayRef, ArrayRef)> = statistics.as_ref().and_then(|statistics| {
        Some((statistics.row_group_mins(groups.iter()).ok()?, statistics.row_group_maxes(groups.iter()).ok()?))
    });
    let may = match &bounds {
        Some((mins, maxes)) => span.may_hold(mins, maxes)?,
        None => vec![true; groups.len()],
    };
    for (group, may) in may.into_iter().enumerate() {
        if !may {
            continue;
        }
        let start = file.row_group_start(group);
        let end = file.row_group_start(group + 1);
        let mut pages = pages(file, layout, span, group)?.unwrap_or_else(|| std::iter::once(start..end).collect());
        if let (Some((mins, maxes)), Some(column)) = (&bounds, first.and_then(|field| file.root(field)))
            && let Some(probes) = span.probes(mins, maxes, group, MAX_PROBES)?
            && is_worth(file, group, column, &pages)
            && let Some(filter) = bloom_filter(file, group, column).await
        {
            let physical = file.parquet().row_group(group).column(column).column_type();
            let present: Vec<Probe> =
                probes.into_iter().filter(|probe| may_contain(&filter, physical, probe)).collect();
            if present.is_empty() {
                continue;
            }
            let narrower = span.only(present)?;
            pages = self::pages(file, layout, &narrower, group)?.unwrap_or(pages);
        }
        for range in pages {
            match ranges.last_mut() {
                Some(last) if last.end == range.start => last.end = range.end,
                _ => ranges.push(range),
            }
        }
    }
    Ok(ranges)
}

/// The pages of a row group that may have one of the keys; `None` where the file has no index of them.
fn pages(
    file: &StoredFile,
    layout: &Layout,
    span: &KeySpan,
    group: usize,
) -> Result<Option<Vec<Range<u64>>>, MergeError> {
    let Some(field) = layout.keys.first().map(|column| layout.data[*column].field_id) else { return Ok(None) };
    let (Some(column_index), Some(offset_index)) = (file.parquet().column_index(), file.parquet().offset_index())
    else {
        return Ok(None);
    };
    let (Some(statistics), Some(column)) = (file.statistics(field), file.root(field)) else { return Ok(None) };
    let mins = statistics.data_page_mins(column_index, offset_index, [&group]);
    let maxes = statistics.data_page_maxes(column_index, offset_index, [&group]);
    let locations = offset_index.get(group).and_then(|columns| columns.get(column));
    let (Ok(mins), Ok(maxes), Some(locations)) = (mins, maxes, locations) else { return Ok(None) };
    let locations = locations.page_locations();
    if mins.len() != locations.len() || locations.is_empty() {
        return Ok(None);
    }
    let start = file.row_group_start(group);
    let first_row = |page: usize| match locations.get(page) {
        Some(location) => start + location.first_row_index.unsigned_abs(),
        None => file.row_group_start(group + 1),
    };
    let may = span.may_hold(&mins, &maxes)?;
    let held = may.into_iter().enumerate().filter(|(_, may)| *may);
    Ok(Some(held.map(|(page, _)| first_row(page)..first_row(page + 1)).collect()))
}

/// A Bloom filter is read only where it is smaller than the pages that it may spare.
fn is_worth(file: &StoredFile, group: usize, column: usize, pages: &[Range<u64>]) -> bool {
    let chunk = file.parquet().row_group(group).column(column);
    let rows: u64 = pages.iter().map(|range| range.end - range.start).sum();
    let all = file.parquet().row_group(group).num_rows().unsigned_abs().max(1);
    let share = chunk.compressed_size().unsigned_abs().saturating_mul(rows) / all;
    match chunk.bloom_filter_length() {
        Some(length) => u64::from(length.unsigned_abs()) < share,
        None => false,
    }
}

async fn bloom_filter(file: &StoredFile, group: usize, column: usize) -> Option<Sbbf> {
    let reader = file.reader();
    let mut builder = parquet::arrow::ParquetRecordBatchStreamBuilder::new_with_metadata(reader, file.metadata.clone());
    // Without the filter more is read, and nothing else changes.
    builder.get_row_group_column_bloom_filter(group, column).await.ok().flatten()
}

fn may_contain(filter: &Sbbf, physical: PhysicalType, probe: &Probe) -> bool {
    match (physical, probe) {
        (PhysicalType::INT32, Probe::Int(value)) => i32::try_from(*value).is_ok_and(|value| filter.check(&value)),
        (PhysicalType::INT64, Probe::Int(value)) => filter.check(value),
        (PhysicalType::BYTE_ARRAY, Probe::Text(value)) => filter.check(value.as_str()),
        _ => true,
    }
}
