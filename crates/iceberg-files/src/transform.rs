//! Partition transforms, where those of the `iceberg` crate (0.10.1) do not do what the specification says
//! (<https://iceberg.apache.org/spec/#partition-transforms>).

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{Date32Type, TimestampMicrosecondType};
use arrow_array::{ArrayRef, PrimitiveArray};
use arrow_cast::cast;
use arrow_schema::{DataType, TimeUnit};
use iceberg::spec::Transform;
use iceberg::transform::create_transform_function;

use crate::error::FilesError;

const DAY_MICROS: i64 = 86_400_000_000;

/// A column's values under a partition transform.
///
/// # Errors
/// [`FilesError::Defect`] where the transform does not go with the column's type.
pub fn transform(by: &Transform, column: ArrayRef) -> Result<ArrayRef, FilesError> {
    match (by, column.data_type()) {
        // The crate's takes the last second of a day before 1970 for the next day, but for its beginning.
        (Transform::Day, DataType::Timestamp(TimeUnit::Microsecond, _)) => {
            // Days of 64 bits of microseconds are far from 32 bits.
            let day = |micros: i64| micros.div_euclid(DAY_MICROS) as i32;
            let days: PrimitiveArray<Date32Type> = column.as_primitive::<TimestampMicrosecondType>().unary(day);
            Ok(Arc::new(days))
        }
        // The crate reads binary as large binary, which it does not truncate.
        (Transform::Truncate(_), DataType::LargeBinary) => {
            Ok(create_transform_function(by)?.transform(cast(&column, &DataType::Binary)?)?)
        }
        _ => Ok(create_transform_function(by)?.transform(column)?),
    }
}

#[cfg(test)]
mod tests {
    use arrow_array::{LargeBinaryArray, TimestampMicrosecondArray};

    use super::*;

    #[test]
    fn a_day_before_1970_ends_at_midnight() {
        let times = [-1, -500_000, -DAY_MICROS, -DAY_MICROS - 1, -DAY_MICROS - 500_000, 0, DAY_MICROS - 1];
        let column: ArrayRef = Arc::new(TimestampMicrosecondArray::from(times.to_vec()));
        let days = transform(&Transform::Day, column).unwrap();
        assert_eq!(days.as_primitive::<Date32Type>().values(), &[-1, -1, -1, -2, -2, 0, 0]);
    }

    #[test]
    fn bytes_are_truncated_as_texts_are() {
        let column: ArrayRef = Arc::new(LargeBinaryArray::from(vec![Some(&b"abc"[..]), Some(b""), None]));
        let truncated = transform(&Transform::Truncate(2), column).unwrap();
        let truncated: Vec<Option<&[u8]>> = truncated.as_binary::<i32>().iter().collect();
        assert_eq!(truncated, [Some(&b"ab"[..]), Some(b""), None]);
    }
}
