//! The values of `choice` and `number`, checked against their column's type.

use serde_json::Value;
use weir_model::ColumnType;
use weir_model::contract::CsvSettings;

use crate::calendar::{parse_micros, write_date, write_time};
use crate::decimal::Decimal;
use crate::generator::{Generator, Number};

/// The largest whole number of a type; of text, any that a row can have.
pub(crate) fn largest(column: &ColumnType) -> u128 {
    match column {
        ColumnType::Int32 => i32::MAX as u128,
        ColumnType::Decimal { precision, .. } => 10_u128.pow(u32::from(*precision)) - 1,
        _ => i64::MAX as u128,
    }
}

/// The generator of a `choice`.
pub(crate) fn choice(
    column: &ColumnType,
    csv: &CsvSettings,
    of: &[Value],
    weights: &[f64],
) -> Result<Generator, String> {
    let mut texts: Vec<Box<[u8]>> = Vec::with_capacity(of.len());
    for value in of {
        let text = text_of(column, value)
            .ok_or_else(|| format!("'of' has {value}, which is no value of a column of type {column}"))?;
        if csv.null_when_quoted && csv.null.iter().any(|null| null.as_bytes() == text) {
            return Err(format!("'of' has {value}, which the contract's 'weir.csv.null' reads as null; use 'nulls'"));
        }
        texts.push(text.into_boxed_slice());
    }
    let mut sum = 0;
    let parts = (0..of.len()).map(|index| match weights.get(index) {
        None => 1,
        Some(weight) => (weight * 1e6).round() as u64,
    });
    let ends = parts.map(|part| {
        sum += part;
        sum
    });
    let ends = ends.collect();
    Ok(Generator::Choice { texts, ends })
}

/// The text of a value of `choice`, as raw objects write it.
fn text_of(column: &ColumnType, value: &Value) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    match (column, value) {
        (ColumnType::Json, value) => out.extend_from_slice(value.to_string().as_bytes()),
        (ColumnType::String | ColumnType::Binary, Value::String(text)) => out.extend_from_slice(text.as_bytes()),
        (ColumnType::Boolean, Value::Bool(value)) => out.extend_from_slice(value.to_string().as_bytes()),
        (ColumnType::Date(text), Value::String(date)) => write_date(&mut out, text, parse_micros(date)?),
        (ColumnType::Timestamp { zoned, text }, Value::String(time)) => {
            write_time(&mut out, text, *zoned, parse_micros(time)?);
        }
        (_, Value::Number(number)) => {
            let number = Decimal::parse(&number.to_string())?;
            let rule = NumberType::of(column)?;
            let scale = rule.scale.unwrap_or(number.scale);
            let units = number.at_scale(scale).filter(|units| units.unsigned_abs() <= rule.largest)?;
            crate::decimal::write_decimal(&mut out, units, scale, rule.trim);
        }
        _ => return None,
    }
    Some(out)
}

/// How a type writes numbers.
struct NumberType {
    /// `None`: as many digits after the point as the hint has.
    scale: Option<u32>,
    trim: bool,
    /// In units of the scale.
    largest: u128,
}

impl NumberType {
    fn of(column: &ColumnType) -> Option<Self> {
        Some(match column {
            ColumnType::Int32 | ColumnType::Int64 => {
                NumberType { scale: Some(0), trim: false, largest: largest(column) }
            }
            ColumnType::Decimal { scale, .. } => {
                NumberType { scale: Some(u32::from(*scale)), trim: false, largest: largest(column) }
            }
            ColumnType::Float32 | ColumnType::Float64 => {
                NumberType { scale: None, trim: true, largest: i128::MAX as u128 }
            }
            _ => return None,
        })
    }
}

/// The numbers of a `number` hint.
pub(crate) fn number(
    column: &ColumnType,
    from: Option<Decimal>,
    to: Option<Decimal>,
    by: Option<Decimal>,
    peak: Option<Decimal>,
) -> Result<Number, String> {
    let rule = NumberType::of(column).ok_or("not a column of numbers")?;
    let given = [from, to, by].into_iter().flatten().map(|number| number.scale).max().unwrap_or(0);
    let scale = rule.scale.unwrap_or(if by.is_some() { given } else { given.max(2) });
    let units = |number: Option<Decimal>, key: &str, default: i128| match number {
        None => Ok(default),
        Some(number) => number
            .at_scale(scale)
            .filter(|units| units.unsigned_abs() <= rule.largest)
            .ok_or_else(|| format!("'{key}' does not fit a column of type {column}")),
    };
    let from = units(from, "from", 0)?;
    let by = units(by, "by", 1)?;
    // Up to a thousand, or what the type holds if that is less.
    let reach = 10_i128.checked_pow(scale + 3).unwrap_or(i128::MAX) - 1;
    let default_to = from.saturating_add(reach).min(i128::try_from(rule.largest).unwrap_or(i128::MAX));
    let to = units(to, "to", default_to)?;
    if by <= 0 {
        return Err("'by' is above 0".to_owned());
    }
    let span = to.checked_sub(from).filter(|span| *span >= 0).ok_or("'to' is below 'from'")?;
    let count = u64::try_from(span / by)
        .ok()
        .filter(|count| *count < 1 << 53)
        .ok_or("from 'from' to 'to' there are too many numbers; give a larger 'by'")?
        + 1;
    let peak = match peak {
        None => None,
        Some(peak) => {
            let at = peak.at_scale(scale).filter(|at| (from..=to).contains(at));
            let at = at.ok_or("'peak' is not between 'from' and 'to'")?;
            Some(if count == 1 { 0.0 } else { ((at - from) / by) as f64 / (count - 1) as f64 })
        }
    };
    Ok(Number { from, by, count, scale, trim: rule.trim, peak })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decimal(text: &str) -> Option<Decimal> {
        Decimal::parse(text)
    }

    #[test]
    fn numbers_are_counted_exactly() {
        let ratings = number(&ColumnType::Float64, decimal("1"), decimal("5.0"), decimal("0.5"), decimal("4")).unwrap();
        assert_eq!((ratings.from, ratings.by, ratings.count, ratings.scale), (10, 5, 9, 1));
        assert_eq!(ratings.peak, Some(0.75));
        let price = ColumnType::Decimal { precision: 38, scale: 2 };
        assert_eq!(number(&price, None, None, None, None).unwrap().count, 100_000);
        let narrow = ColumnType::Decimal { precision: 4, scale: 2 };
        assert_eq!(number(&narrow, None, None, None, None).unwrap().count, 10_000);
    }

    #[test]
    fn numbers_that_do_not_fit_say_which() {
        let wrong = number(&ColumnType::Int32, None, decimal("2147483648"), None, None).unwrap_err();
        assert!(wrong.contains("'to' does not fit"), "{wrong}");
        let wrong = number(&ColumnType::Int64, decimal("0.5"), None, None, None).unwrap_err();
        assert!(wrong.contains("'from' does not fit"), "{wrong}");
        assert!(number(&ColumnType::Int64, decimal("5"), decimal("4"), None, None).is_err());
        assert!(number(&ColumnType::Int64, None, None, decimal("0"), None).is_err());
    }

    #[test]
    fn a_choice_has_values_of_its_column() {
        let csv = CsvSettings::default();
        assert!(choice(&ColumnType::Boolean, &csv, &[true.into()], &[]).is_ok());
        assert!(choice(&ColumnType::Boolean, &csv, &["yes".into()], &[]).is_err());
        assert!(choice(&ColumnType::Int32, &csv, &[1.5.into()], &[]).is_err());
        assert!(choice(&ColumnType::String, &csv, &[Value::Null], &[]).is_err());
    }
}
