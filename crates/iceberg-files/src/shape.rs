//! What a table's files look like.

use std::sync::Arc;

use arrow_array::ArrayRef;
use arrow_row::SortField;
use arrow_schema::{SchemaRef as ArrowSchemaRef, SortOptions};
use iceberg::arrow::{arrow_primitive_to_literal, schema_to_arrow_schema};
use iceberg::spec::{
    NullOrder, PartitionSpecRef, SchemaRef, SortDirection, SortOrderRef, Struct, TableMetadata, Transform,
};

use crate::error::FilesError;

/// What a table's files look like.
#[derive(Debug, Clone)]
pub struct FileShape {
    /// The columns.
    pub schema: SchemaRef,
    /// The same in Arrow, with field ids.
    pub arrow: ArrowSchemaRef,
    /// How rows are divided into partitions.
    pub spec: PartitionSpecRef,
    /// How rows are sorted within a file.
    pub sort: SortOrderRef,
    /// A file that has so many bytes gets no more rows.
    pub target_file_bytes: u64,
}

impl FileShape {
    /// That of a table's new files: its current schema, default partition spec and default sort order.
    ///
    /// # Errors
    /// [`FilesError::Defect`] where Arrow has no type for a column.
    pub fn of(metadata: &TableMetadata, target_file_bytes: u64) -> Result<Self, FilesError> {
        Ok(FileShape {
            schema: Arc::clone(metadata.current_schema()),
            arrow: Arc::new(schema_to_arrow_schema(metadata.current_schema())?),
            spec: Arc::clone(metadata.default_partition_spec()),
            sort: Arc::clone(metadata.default_sort_order()),
            target_file_bytes,
        })
    }

    /// The place of a column.
    ///
    /// # Errors
    /// [`FilesError::Defect`] where the table has none with this field id.
    pub fn place(&self, field_id: i32) -> Result<usize, FilesError> {
        let place = self.schema.as_struct().fields().iter().position(|field| field.id == field_id);
        place.ok_or_else(|| FilesError::Defect(format!("field {field_id} is none of the table's columns")))
    }

    /// The source column and the transform of each partition field that divides rows, so not of void ones.
    pub fn partition_fields(&self) -> impl Iterator<Item = (i32, Transform)> {
        let fields = self.spec.fields().iter().filter(|field| field.transform != Transform::Void);
        fields.map(|field| (field.source_id, field.transform))
    }

    /// The partition of a row. `values` are the columns of [`FileShape::partition_fields`], transformed.
    ///
    /// # Errors
    /// [`FilesError::Defect`] where they are not.
    pub fn partition(&self, values: &[ArrayRef], row: usize) -> Result<Struct, FilesError> {
        let missing = || FilesError::Defect("a partition value is missing".to_owned());
        let partition_type = self.spec.partition_type(&self.schema)?;
        let mut values = values.iter();
        let mut literals = Vec::with_capacity(self.spec.fields().len());
        for (field, described) in self.spec.fields().iter().zip(partition_type.fields()) {
            if field.transform == Transform::Void {
                literals.push(None);
                continue;
            }
            let value = values.next().ok_or_else(missing)?.slice(row, 1);
            let read = arrow_primitive_to_literal(&value, &described.field_type)?;
            literals.push(read.into_iter().next().ok_or_else(missing)?);
        }
        Ok(Struct::from_iter(literals))
    }

    /// The source column and the transform of each field of the sort order, and how its values are sorted.
    pub fn sort_fields(&self) -> impl Iterator<Item = (i32, Transform, SortOptions)> {
        self.sort.fields.iter().map(|field| {
            let options = SortOptions {
                descending: field.direction == SortDirection::Descending,
                nulls_first: field.null_order == NullOrder::First,
            };
            (field.source_id, field.transform, options)
        })
    }
}

/// How an array is encoded for comparison.
pub(crate) fn plain(array: &ArrayRef) -> SortField {
    SortField::new(array.data_type().clone())
}
