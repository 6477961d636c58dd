//! Rows for people.

use futures::{Stream, StreamExt, pin_mut};
use weir_query::output::{is_number, text_rows};
use weir_query::{QueryError, RecordBatch, SchemaRef};

use crate::output::{counted, say, table};
use crate::progress::Waiting;

/// So many characters of a value are shown.
const WIDTH: usize = 120;

/// The rows that are shown, and whether there are more.
pub(super) struct Taken {
    rows: Vec<Vec<Option<String>>>,
    more: bool,
}

/// Takes the first `limit` rows, or all where that is 0.
pub(super) async fn take(
    stream: impl Stream<Item = Result<RecordBatch, QueryError>>,
    limit: usize,
    waiting: &Waiting,
) -> Result<Taken, QueryError> {
    let limit = if limit == 0 { usize::MAX } else { limit };
    let mut taken = Taken { rows: Vec::new(), more: false };
    pin_mut!(stream);
    while let Some(batch) = stream.next().await {
        let batch = batch?;
        waiting.step();
        let left = limit - taken.rows.len();
        taken.rows.extend(text_rows(&batch.slice(0, batch.num_rows().min(left)))?);
        if batch.num_rows() > left {
            taken.more = true;
            break;
        }
    }
    Ok(taken)
}

/// Prints them. Plans are printed as they are, line by line.
pub(super) fn print(schema: &SchemaRef, taken: Taken, is_plan: bool) -> anyhow::Result<()> {
    if is_plan {
        for row in taken.rows {
            say!("{}", row.into_iter().flatten().collect::<Vec<_>>().join("\n"));
        }
        return Ok(());
    }
    let header: Vec<&str> = schema.fields().iter().map(|field| field.name().as_str()).collect();
    let numbers: Vec<usize> = schema
        .fields()
        .iter()
        .enumerate()
        .filter(|(_, field)| is_number(field.data_type()))
        .map(|(index, _)| index)
        .collect();
    let count = taken.rows.len();
    let mut cut = 0;
    let mut cell = |value: Option<String>| match value {
        None => "null".to_owned(),
        Some(value) => {
            let (shown, was_cut) = one_line(&value);
            cut += u64::from(was_cut);
            shown
        }
    };
    let rows: Vec<Vec<String>> = taken.rows.into_iter().map(|row| row.into_iter().map(&mut cell).collect()).collect();
    say!("{}", table(&header, &numbers, rows));
    if taken.more {
        say!(
            "The first {}; there are more: --max-rows N shows them, --out FILE writes all.",
            counted(count as u64, "row")
        );
    } else {
        say!("{}", counted(count as u64, "row"));
    }
    if cut > 0 {
        say!("{} cut to {WIDTH} characters; --format json shows all of each.", counted(cut, "long value"));
    }
    Ok(())
}

/// The value on one line, and whether a part of it is left out. What would move the cursor is escaped.
fn one_line(value: &str) -> (String, bool) {
    let mut shown = String::new();
    for (count, c) in value.chars().enumerate() {
        if count == WIDTH {
            shown.push('…');
            return (shown, true);
        }
        if c.is_control() { shown.extend(c.escape_default()) } else { shown.push(c) }
    }
    (shown, false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_stays_on_its_line() {
        assert_eq!(one_line("a\nb\u{1b}[31m"), ("a\\nb\\u{1b}[31m".to_owned(), false));
        assert_eq!(one_line(&"ü".repeat(120)), ("ü".repeat(120), false));
        assert_eq!(one_line(&"ü".repeat(121)), (format!("{}…", "ü".repeat(120)), true));
    }
}
