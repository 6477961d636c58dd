//! What a manifest says of a data file, from its Parquet footer.

use std::collections::HashMap;

use arrow_array::cast::AsArray;
use arrow_array::types::{
    Date32Type, Decimal128Type, Float32Type, Float64Type, Int32Type, Int64Type, TimestampMicrosecondType,
};
use arrow_array::{Array, ArrayRef};
use iceberg::spec::{
    DataContentType, DataFile, DataFileBuilder, DataFileFormat, Datum, PrimitiveLiteral, PrimitiveType, Struct, Type,
};
use parquet::arrow::arrow_reader::statistics::StatisticsConverter;
use parquet::file::metadata::ParquetMetaData;

use crate::error::FilesError;
use crate::shape::FileShape;

/// Describes a data file of the table. `nans` are how many values of a column are no number: bounds are of the others.
pub(crate) fn data_file(
    shape: &FileShape,
    metadata: &ParquetMetaData,
    uri: String,
    bytes: u64,
    partition: Struct,
    nans: HashMap<i32, u64>,
) -> Result<DataFile, FilesError> {
    let groups = metadata.row_groups();
    let parquet_schema = metadata.file_metadata().schema_descr();
    let (mut sizes, mut values, mut nulls) = (HashMap::new(), HashMap::new(), HashMap::new());
    let (mut lower, mut upper) = (HashMap::new(), HashMap::new());
    for (place, field) in shape.schema.as_struct().fields().iter().enumerate() {
        let Type::Primitive(kind) = field.field_type.as_ref() else { continue };
        // A nested column before this one has several leaves.
        let leaf = (0..parquet_schema.num_columns()).find(|leaf| parquet_schema.get_column_root_idx(*leaf) == place);
        let Some(leaf) = leaf else { continue };
        let chunks = groups.iter().map(|group| group.column(leaf));
        sizes.insert(field.id, chunks.clone().map(|chunk| chunk.compressed_size().unsigned_abs()).sum());
        values.insert(field.id, chunks.clone().map(|chunk| chunk.num_values().unsigned_abs()).sum());
        let null_counts: Option<Vec<u64>> =
            chunks.map(|chunk| chunk.statistics().and_then(|statistics| statistics.null_count_opt())).collect();
        let null_count = null_counts.map(|counts| counts.iter().sum::<u64>());
        if let Some(count) = null_count {
            nulls.insert(field.id, count);
        }
        let name = shape.arrow.field(place).name();
        let Ok(statistics) = StatisticsConverter::try_new(name, &shape.arrow, parquet_schema) else { continue };
        let (Ok(mins), Ok(maxes)) = (statistics.row_group_mins(groups), statistics.row_group_maxes(groups)) else {
            continue;
        };
        let all = |array: &ArrayRef| -> Option<Vec<Datum>> {
            // A row group of nulls alone has no bounds, and none are missing for it.
            let of = |group: usize| {
                let is_null =
                    groups[group].column(leaf).statistics().and_then(|statistics| statistics.null_count_opt())
                        == Some(groups[group].num_rows().unsigned_abs());
                (!is_null).then(|| datum(array, group, kind))
            };
            (0..groups.len()).filter_map(of).collect()
        };
        if let Some(least) = all(&mins).and_then(|bounds| bounds.into_iter().reduce(|a, b| if b < a { b } else { a })) {
            lower.insert(field.id, least);
        }
        if let Some(most) = all(&maxes).and_then(|bounds| bounds.into_iter().reduce(|a, b| if b > a { b } else { a })) {
            upper.insert(field.id, most);
        }
    }
    // A bound alone says nothing that readers rely on.
    lower.retain(|field, _| upper.contains_key(field));
    upper.retain(|field, _| lower.contains_key(field));
    let mut builder = DataFileBuilder::default();
    builder
        .content(DataContentType::Data)
        .file_path(uri)
        .file_format(DataFileFormat::Parquet)
        .partition(partition)
        .partition_spec_id(shape.spec.spec_id())
        .record_count(metadata.file_metadata().num_rows().unsigned_abs())
        .file_size_in_bytes(bytes)
        .column_sizes(sizes)
        .value_counts(values)
        .null_value_counts(nulls)
        .nan_value_counts(nans)
        .lower_bounds(lower)
        .upper_bounds(upper)
        .split_offsets(Some(groups.iter().filter_map(|group| group.file_offset()).collect()));
    if let (false, Ok(order)) = (shape.sort.is_unsorted(), i32::try_from(shape.sort.order_id)) {
        builder.sort_order_id(order);
    }
    builder.build().map_err(|error| FilesError::Defect(format!("a data file cannot be described: {error}")))
}

/// A bound of one row group, `None` where it is not known.
fn datum(array: &ArrayRef, group: usize, kind: &PrimitiveType) -> Option<Datum> {
    if array.is_null(group) {
        return None;
    }
    Some(match kind {
        PrimitiveType::Boolean => Datum::bool(array.as_boolean_opt()?.value(group)),
        PrimitiveType::Int => Datum::int(array.as_primitive_opt::<Int32Type>()?.value(group)),
        PrimitiveType::Long => Datum::long(array.as_primitive_opt::<Int64Type>()?.value(group)),
        PrimitiveType::Float => {
            Datum::float(finite(f64::from(array.as_primitive_opt::<Float32Type>()?.value(group)))? as f32)
        }
        PrimitiveType::Double => Datum::double(finite(array.as_primitive_opt::<Float64Type>()?.value(group))?),
        PrimitiveType::Date => Datum::date(array.as_primitive_opt::<Date32Type>()?.value(group)),
        PrimitiveType::Timestamp => {
            Datum::timestamp_micros(array.as_primitive_opt::<TimestampMicrosecondType>()?.value(group))
        }
        PrimitiveType::Timestamptz => {
            Datum::timestamptz_micros(array.as_primitive_opt::<TimestampMicrosecondType>()?.value(group))
        }
        PrimitiveType::String => Datum::string(array.as_string_opt::<i32>()?.value(group)),
        PrimitiveType::Binary => match array.as_binary_opt::<i64>() {
            Some(values) => Datum::binary(values.value(group).iter().copied()),
            None => Datum::binary(array.as_binary_opt::<i32>()?.value(group).iter().copied()),
        },
        PrimitiveType::Decimal { .. } => {
            let value = array.as_primitive_opt::<Decimal128Type>()?.value(group);
            decimal(value, kind)?
        }
        _ => return None,
    })
}

fn finite(value: f64) -> Option<f64> {
    (!value.is_nan()).then_some(value)
}

/// Iceberg's bytes of a decimal: two's complement, the most significant first, as few as there can be.
fn decimal(value: i128, kind: &PrimitiveType) -> Option<Datum> {
    let bytes = value.to_be_bytes();
    let is_spare = |at: usize| {
        let filler = if value < 0 { 0xFF } else { 0 };
        bytes[at] == filler && (bytes[at + 1] & 0x80 == 0) == (value >= 0)
    };
    let spare = (0..15).take_while(|at| is_spare(*at)).count();
    let datum = Datum::try_from_bytes(&bytes[spare..], kind.clone()).ok()?;
    matches!(datum.literal(), PrimitiveLiteral::Int128(read) if *read == value).then_some(datum)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_are_bounds_of_any_size() {
        let kind = PrimitiveType::Decimal { precision: 38, scale: 2 };
        for value in [0, 1, -1, 127, 128, -128, -129, 255, 256, 10i128.pow(37), -(10i128.pow(37))] {
            let datum = decimal(value, &kind).unwrap();
            assert_eq!(datum.literal(), &PrimitiveLiteral::Int128(value));
        }
    }
}
