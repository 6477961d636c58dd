//! Files divided over the partitions of a plan.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::Arc;

use datafusion::arrow::datatypes::SchemaRef;
use datafusion::catalog::Session;
use datafusion::common::stats::Precision;
use datafusion::common::{Result, Statistics, project_schema};
use datafusion::config::TableParquetOptions;
use datafusion::datasource::listing::PartitionedFile;
use datafusion::datasource::physical_plan::parquet::{ParquetAccessPlan, RowGroupAccess};
use datafusion::datasource::physical_plan::{FileGroup, FileScanConfigBuilder, ParquetSource};
use datafusion::datasource::source::DataSourceExec;
use datafusion::execution::object_store::ObjectStoreUrl;
use datafusion::parquet::arrow::arrow_reader::{RowSelection, RowSelector};
use datafusion::parquet::file::metadata::ParquetMetaData;
use datafusion::physical_expr_adapter::PhysicalExprAdapterFactory;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::empty::EmptyExec;
use object_store::ObjectMeta;

use super::pruning::total;
use super::reader::Footers;
use super::source::Source;

/// The name under which DataFusion knows the lake's objects.
const STORE: &str = "weir://lake/";

/// A file of a scan.
pub(crate) struct ScanFile {
    /// The file.
    pub(crate) meta: ObjectMeta,
    /// What is known of all its rows.
    pub(crate) statistics: Arc<Statistics>,
    /// How many of its rows count.
    pub(crate) rows: Precision<usize>,
    /// Which of its rows count; `None`: all.
    pub(crate) access: Option<ParquetAccessPlan>,
}

/// What all files of a scan have in common.
pub(crate) struct Scanned {
    /// The table's columns.
    pub(crate) schema: SchemaRef,
    pub(crate) footers: Footers,
    /// Finds the table's columns in a file.
    pub(crate) columns: Arc<dyn PhysicalExprAdapterFactory>,
}

/// The plan that reads these files.
pub(crate) fn scan_files(
    state: &dyn Session,
    scanned: Scanned,
    files: Vec<ScanFile>,
    projection: Option<&Vec<usize>>,
    limit: Option<usize>,
) -> Result<Arc<dyn ExecutionPlan>> {
    let Scanned { schema, footers, columns } = scanned;
    if files.is_empty() {
        return Ok(Arc::new(EmptyExec::new(project_schema(&schema, projection)?)));
    }
    let url = ObjectStoreUrl::parse(STORE)?;
    state.runtime_env().register_object_store(url.as_ref(), Arc::clone(&footers.store));
    let statistics = total(&schema, files.iter().map(|file| (file.statistics.as_ref(), file.rows)));

    let options =
        TableParquetOptions { global: state.config_options().execution.parquet.clone(), ..Default::default() };
    let origin = Arc::clone(&footers.origin);
    let parquet = ParquetSource::new(schema)
        .with_table_parquet_options(options)
        .with_parquet_file_reader_factory(Arc::new(footers));
    let source = Source { inner: Arc::new(parquet), origin };

    let files = files.into_iter().map(|file| {
        let mut partitioned = PartitionedFile::new_from_meta(file.meta).with_statistics(file.statistics);
        if let Some(access) = file.access {
            partitioned = partitioned.with_extensions(Arc::new(access));
        }
        partitioned
    });
    let config = FileScanConfigBuilder::new(url, Arc::new(source))
        .with_file_groups(divided(files.collect(), state.config().target_partitions()))
        .with_statistics(statistics)
        .with_projection_indices(projection.cloned())?
        .with_limit(limit)
        .with_expr_adapter(Some(columns))
        .build();
    Ok(DataSourceExec::from_data_source(config))
}

/// At most `parts` groups of about the same bytes, each in the order of the files.
fn divided(files: Vec<PartitionedFile>, parts: usize) -> Vec<FileGroup> {
    let parts = parts.clamp(1, files.len().max(1));
    let mut by_size: Vec<usize> = (0..files.len()).collect();
    by_size.sort_by_key(|index| Reverse(files[*index].object_meta.size));
    let mut least: BinaryHeap<Reverse<(u64, usize)>> = (0..parts).map(|part| Reverse((0, part))).collect();
    let mut part_of = vec![0; files.len()];
    for index in by_size {
        if let Some(Reverse((bytes, part))) = least.pop() {
            part_of[index] = part;
            least.push(Reverse((bytes + files[index].object_meta.size, part)));
        }
    }
    let mut groups: Vec<Vec<PartitionedFile>> = vec![Vec::new(); parts];
    for (file, part) in files.into_iter().zip(part_of) {
        groups[part].push(file);
    }
    groups.into_iter().map(FileGroup::new).collect()
}

/// Rows by their numbers in the file, ascending, as what is read of each row group.
pub(crate) fn access(footer: &ParquetMetaData, positions: &[u64], keep: bool) -> ParquetAccessPlan {
    let mut first = 0u64;
    let mut rest = positions;
    let mut groups = Vec::with_capacity(footer.num_row_groups());
    for group in footer.row_groups() {
        let rows = u64::try_from(group.num_rows()).unwrap_or(0);
        let (here, later) = rest.split_at(rest.partition_point(|position| *position < first + rows));
        rest = later;
        groups.push(group_access(here, first, rows, keep));
        first += rows;
    }
    ParquetAccessPlan::new(groups)
}

fn group_access(positions: &[u64], first: u64, rows: u64, keep: bool) -> RowGroupAccess {
    if positions.is_empty() {
        return if keep { RowGroupAccess::Skip } else { RowGroupAccess::Scan };
    }
    if positions.len() as u64 == rows {
        return if keep { RowGroupAccess::Scan } else { RowGroupAccess::Skip };
    }
    let mut selectors: Vec<RowSelector> = Vec::new();
    let mut push = |count: u64, chosen: bool| {
        let count = usize::try_from(count).unwrap_or(usize::MAX);
        match selectors.last_mut() {
            _ if count == 0 => {}
            Some(last) if last.skip != chosen => last.row_count += count,
            _ => selectors.push(if chosen { RowSelector::select(count) } else { RowSelector::skip(count) }),
        }
    };
    let mut at = first;
    for position in positions {
        push(position - at, !keep);
        push(1, keep);
        at = position + 1;
    }
    push(first + rows - at, !keep);
    RowGroupAccess::Selection(RowSelection::from(selectors))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The rows of a group that are read.
    fn read(access: &RowGroupAccess, rows: u64) -> Vec<u64> {
        match access {
            RowGroupAccess::Skip => Vec::new(),
            RowGroupAccess::Scan => (0..rows).collect(),
            RowGroupAccess::Selection(selection) => {
                let mut at = 0;
                let mut read = Vec::new();
                for selector in selection.iter() {
                    let next = at + selector.row_count as u64;
                    if !selector.skip {
                        read.extend(at..next);
                    }
                    at = next;
                }
                assert_eq!(at, rows, "a selection tells of every row");
                read
            }
        }
    }

    #[test]
    fn every_set_of_positions_is_read_or_left_out_exactly() {
        let (first, rows) = (10, 6u64);
        for set in 0..1u64 << rows {
            let chosen: Vec<u64> = (0..rows).filter(|row| set >> row & 1 == 1).collect();
            let others: Vec<u64> = (0..rows).filter(|row| set >> row & 1 == 0).collect();
            let positions: Vec<u64> = chosen.iter().map(|row| row + first).collect();
            assert_eq!(read(&group_access(&positions, first, rows, true), rows), chosen);
            assert_eq!(read(&group_access(&positions, first, rows, false), rows), others);
        }
    }

    #[test]
    fn files_are_divided_by_their_bytes() {
        let files = [50, 10, 10, 10, 20].map(|size| PartitionedFile::new("f", size)).to_vec();
        let bytes = |group: &FileGroup| group.iter().map(|file| file.object_meta.size).sum::<u64>();
        let groups = divided(files.clone(), 2);
        assert_eq!(groups.iter().map(bytes).collect::<Vec<_>>(), [50, 50]);
        assert_eq!(divided(files, 8).len(), 5);
    }
}
