//! The models: what they say of themselves, their charts, and the first rows of gold.

use futures::TryStreamExt;
use weir_gold::models::{Model, Models};
use weir_model::sql_model;
use weir_query::output::{is_number, names, text_rows};
use weir_query::{QueryError, QueryLake};
use weir_report::{Chart, ChartKind, Layer, ModelPage, Report, TableData, Waiting};

/// Rows of a chart.
const CHART_ROWS: usize = 200;
/// Rows of a table that are shown.
const SAMPLE_ROWS: usize = 10;
/// The longest text that is shown of a value.
const MAX_LETTERS: usize = 200;

/// Adds the models, gold first. The rows of silver are people's and things' own, and are not shown.
pub(super) async fn gather(queries: &QueryLake, models: &Models, report: &mut Report) {
    for layer in [Layer::Gold, Layer::Silver] {
        for model in models.iter().filter(|model| model.name.namespace == layer.as_str()) {
            let page = page(queries, model, layer, report).await;
            report.models.push(page);
        }
    }
    let missing = report.models.iter().filter(|model| !model.built).count();
    if missing > 0 {
        let what = if missing == 1 {
            "1 model is not built yet".to_owned()
        } else {
            format!("{missing} models are not built yet")
        };
        report.waiting.push(Waiting { what, command: format!("weir build{}", report.lake_option) });
    }
}

async fn page(queries: &QueryLake, model: &Model, layer: Layer, report: &mut Report) -> ModelPage {
    let name = &model.name.name;
    let table = report.tables.iter().find(|table| table.layer == layer && table.name == *name);
    let mut page = ModelPage {
        layer,
        name: name.clone(),
        description: model.header.description.clone(),
        built: table.is_some(),
        rows: table.and_then(|table| table.rows),
        changed_at: table.and_then(|table| table.changed_at),
        charts: Vec::new(),
        sample: None,
    };
    if !page.built {
        return page;
    }
    for chart in &model.header.charts {
        let data = rows(queries, &model.sql_with_this(&chart.sql.sql), CHART_ROWS).await;
        let kind = match chart.kind {
            sql_model::ChartKind::Bar => ChartKind::Bar,
            sql_model::ChartKind::Line => ChartKind::Line,
        };
        let failed = |why: String| format!("{}:{}: {why}", model.file, chart.place.line);
        let data = data.map_err(|error| format!("{}: {error}", error.code())).and_then(drawable).map_err(failed);
        page.charts.push(Chart { title: chart.title.clone(), kind, data });
    }
    if layer == Layer::Gold {
        let quoted = name.replace('"', "\"\"");
        match rows(queries, &format!("SELECT * FROM gold.\"{quoted}\" LIMIT {SAMPLE_ROWS}"), SAMPLE_ROWS).await {
            Ok(sample) => page.sample = Some(sample),
            Err(error) => super::problem(report, format!("gold.{name}"), &error),
        }
    }
    page
}

/// The first rows of a query.
async fn rows(queries: &QueryLake, sql: &str, most: usize) -> Result<TableData, QueryError> {
    let query = queries.query(sql, None).await?;
    let schema = query.schema();
    let mut data = TableData {
        columns: names(&schema),
        numeric: schema.fields().iter().map(|field| is_number(field.data_type())).collect(),
        ..TableData::default()
    };
    let mut batches = Box::pin(query.stream()?);
    while let Some(batch) = batches.try_next().await? {
        let room = most - data.rows.len();
        data.rows.extend(text_rows(&batch.slice(0, room.min(batch.num_rows())))?.into_iter().map(shorten));
        if batch.num_rows() > room {
            data.more = true;
            break;
        }
    }
    Ok(data)
}

fn shorten(row: Vec<Option<String>>) -> Vec<Option<String>> {
    let cut = |text: String| match text.char_indices().nth(MAX_LETTERS) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    };
    row.into_iter().map(|value| value.map(cut)).collect()
}

/// A chart has labels in its first column and numbers in the others.
fn drawable(data: TableData) -> Result<TableData, String> {
    if data.columns.len() < 2 {
        return Err("a chart's query has two columns or more: labels, then numbers; this one has one".to_owned());
    }
    match data.numeric.iter().zip(&data.columns).skip(1).find(|(numeric, _)| !**numeric) {
        Some((_, column)) => Err(format!(
            "column '{column}' of a chart's query holds no numbers; labels are in the first column, and numbers in all others"
        )),
        None => Ok(data),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn data(columns: &[(&str, bool)]) -> TableData {
        TableData {
            columns: columns.iter().map(|(name, _)| (*name).to_owned()).collect(),
            numeric: columns.iter().map(|(_, numeric)| *numeric).collect(),
            ..TableData::default()
        }
    }

    #[test]
    fn a_chart_needs_labels_and_then_numbers_alone() {
        assert!(drawable(data(&[("beer", false), ("average", true)])).is_ok());
        assert!(drawable(data(&[("year", true), ("average", true)])).is_ok());
        assert!(drawable(data(&[("beer", false)])).unwrap_err().contains("two columns"));
        let error = drawable(data(&[("a", false), ("b", true), ("c", false)])).unwrap_err();
        assert!(error.contains("column 'c'"), "{error}");
    }

    #[test]
    fn a_long_text_is_cut_between_letters() {
        let row = shorten(vec![Some("ü".repeat(500)), None, Some("kurz".to_owned())]);
        assert_eq!(row, [Some(format!("{}…", "ü".repeat(MAX_LETTERS))), None, Some("kurz".to_owned())]);
    }
}
