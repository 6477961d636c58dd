//! The models: what each is, its charts, its first rows.

use super::table::{Cell, Column, table};
use super::{begin, end};
use crate::escape::Esc;
use crate::format::{ago, counted};
use crate::page::put;
use crate::report::{Chart, ChartKind, ModelPage, Report, TableData};

pub(super) fn models(out: &mut String, report: &Report) {
    if report.models.is_empty() {
        return;
    }
    begin(out, "models", "Models");
    let mut chart = 0;
    for model in &report.models {
        put!(
            out,
            "<article class=\"model\">\n<h3><span class=\"dim\">{}.</span><bdi>{}</bdi></h3>\n",
            model.layer.as_str(),
            Esc(&model.name)
        );
        if let Some(description) = &model.description {
            put!(out, "<p dir=\"auto\">{}</p>\n", Esc(description));
        }
        facts(out, model, report);
        if !model.charts.is_empty() {
            out.push_str("<div class=\"charts\">\n");
            for of in &model.charts {
                figure(out, of, chart);
                chart += 1;
            }
            out.push_str("</div>\n");
        }
        if let Some(sample) = model.sample.as_ref().filter(|sample| !sample.rows.is_empty()) {
            let caption = format!("First rows of {}.{}", model.layer.as_str(), model.name);
            out.push_str("<details><summary>First rows</summary>\n");
            numbers(out, &caption, sample);
            out.push_str("</details>\n");
        }
        out.push_str("</article>\n");
    }
    end(out);
}

fn facts(out: &mut String, model: &ModelPage, report: &Report) {
    let mut facts = Vec::new();
    if !model.built {
        facts.push("not built yet".to_owned());
    }
    facts.extend(model.rows.map(|rows| counted(rows, "row")));
    facts.extend(model.changed_at.map(|at| format!("changed {}", ago(at, report.made_at))));
    put!(out, "<p class=\"dim\">{}</p>\n", facts.join(" · "));
}

/// A chart, and its numbers for those who do not see it.
fn figure(out: &mut String, chart: &Chart, number: usize) {
    put!(out, "<figure>\n<figcaption dir=\"auto\">{}</figcaption>\n", Esc(&chart.title));
    match &chart.data {
        Err(failure) => {
            put!(out, "<div class=\"card failing\" role=\"note\"><p dir=\"auto\">{}</p></div>\n", Esc(failure))
        }
        Ok(data) if data.rows.is_empty() => out.push_str("<p class=\"dim\">No rows.</p>\n"),
        Ok(data) => {
            let kind = match chart.kind {
                ChartKind::Bar => "Bar chart",
                ChartKind::Line => "Line chart",
            };
            put!(
                out,
                "<div class=\"plot\"><canvas data-chart=\"{number}\" role=\"img\" aria-label=\"{kind}: {} ({}; the numbers follow)\">\
                 </canvas></div>\n",
                Esc(&chart.title),
                counted(data.rows.len() as u64, "row"),
            );
            out.push_str("<details><summary>Numbers</summary>\n");
            numbers(out, &chart.title, data);
            out.push_str("</details>\n");
            if data.more {
                put!(
                    out,
                    "<p class=\"dim\">Only the first {} are shown.</p>\n",
                    counted(data.rows.len() as u64, "row")
                );
            }
        }
    }
    out.push_str("</figure>\n");
}

fn numbers(out: &mut String, caption: &str, data: &TableData) {
    let numeric = |column: usize| data.numeric.get(column).copied().unwrap_or(false);
    let columns: Vec<Column<'_>> =
        data.columns.iter().enumerate().map(|(column, name)| Column(name, numeric(column))).collect();
    let rows = data.rows.iter().map(|row| {
        let cells = row.iter().enumerate().map(|(column, value)| match value {
            None => Cell::Null(numeric(column)),
            Some(value) if numeric(column) => Cell::Number(value.clone()),
            Some(value) => Cell::Text(value.clone()),
        });
        cells.collect()
    });
    table(out, caption, &columns, rows);
}
