//! The folder of a partition's files. It is for people: readers go by the manifests.

use iceberg::spec::{Literal, PrimitiveLiteral, Struct, Transform};
use weir_model::Timestamp;

use crate::shape::FileShape;

/// Characters of a value that a folder's name keeps.
const MOST: usize = 40;

/// Folders as others name them, `review_time_month=2020-09`. What a path may not hold is replaced:
/// values may be anything, and every file has a name of its own.
pub(crate) fn folder(shape: &FileShape, partition: &Struct) -> String {
    let fields = shape.spec.fields().iter().zip(partition.iter());
    let parts: Vec<String> =
        fields.map(|(field, value)| format!("{}={}", plain(&field.name), shown(field.transform, value))).collect();
    parts.join("/")
}

fn shown(transform: Transform, value: Option<&Literal>) -> String {
    let Some(Literal::Primitive(value)) = value else { return "null".to_owned() };
    match (transform, value) {
        (Transform::Year, PrimitiveLiteral::Int(years)) => (1970 + i64::from(*years)).to_string(),
        (Transform::Month, PrimitiveLiteral::Int(months)) => {
            let months = i64::from(*months);
            format!("{}-{:02}", 1970 + months.div_euclid(12), months.rem_euclid(12) + 1)
        }
        (Transform::Day, PrimitiveLiteral::Int(days)) => moment(i64::from(*days) * 86_400, 10),
        (Transform::Hour, PrimitiveLiteral::Int(hours)) => moment(i64::from(*hours) * 3600, 13).replace('T', "-"),
        (_, PrimitiveLiteral::Boolean(value)) => value.to_string(),
        (_, PrimitiveLiteral::Int(value)) => value.to_string(),
        (_, PrimitiveLiteral::Long(value)) => value.to_string(),
        (_, PrimitiveLiteral::Int128(value)) => value.to_string(),
        (_, PrimitiveLiteral::String(value)) => plain(value),
        _ => "value".to_owned(),
    }
}

/// The beginning of a time's text.
fn moment(seconds: i64, length: usize) -> String {
    let text = Timestamp::from_micros(seconds.saturating_mul(1_000_000)).to_string();
    text.get(..length).unwrap_or(&text).to_owned()
}

fn plain(text: &str) -> String {
    let kept = |c: char| if c.is_ascii_alphanumeric() || "-_.".contains(c) { c } else { '_' };
    let plain: String = text.chars().take(MOST).map(kept).collect();
    if plain.is_empty() { "_".to_owned() } else { plain }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn int(value: i32) -> Literal {
        Literal::Primitive(PrimitiveLiteral::Int(value))
    }

    #[test]
    fn times_are_shown_as_people_write_them() {
        assert_eq!(shown(Transform::Year, Some(&int(-1))), "1969");
        assert_eq!(shown(Transform::Month, Some(&int(608))), "2020-09");
        assert_eq!(shown(Transform::Month, Some(&int(-1))), "1969-12");
        assert_eq!(shown(Transform::Day, Some(&int(-1))), "1969-12-31");
        assert_eq!(shown(Transform::Hour, Some(&int(25))), "1970-01-02-01");
        assert_eq!(shown(Transform::Day, None), "null");
    }

    #[test]
    fn a_value_never_leaves_its_folder() {
        assert_eq!(plain("../a b/ü`"), ".._a_b___");
        assert_eq!(plain(""), "_");
    }
}
