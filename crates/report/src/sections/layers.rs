//! The tables of each layer, and what was committed to them.

use super::table::{Cell, Column, table};
use super::{begin, end};
use crate::page::put;
use crate::report::{Layer, Report};

pub(super) fn layers(out: &mut String, report: &Report) {
    begin(out, "layers", "Tables");
    for layer in Layer::ALL {
        put!(out, "<h3>{}</h3>\n", layer.as_str());
        if report.of(layer).next().is_none() {
            out.push_str("<p class=\"dim\">No table yet.</p>\n");
            continue;
        }
        let mut columns =
            vec![Column("table", false), Column("rows", true), Column("size", true), Column("files", true)];
        // A folder of bronze files has no snapshots.
        let versioned = layer != Layer::Bronze;
        if versioned {
            columns.push(Column("snapshots", true));
        }
        columns.push(Column("last change", false));
        let rows = report.of(layer).map(|of| {
            let mut row =
                vec![Cell::Code(of.name.clone()), Cell::number(of.rows), Cell::size(of.bytes), Cell::number(of.files)];
            if versioned {
                row.push(Cell::number(of.snapshots));
            }
            row.push(Cell::time(of.changed_at, report.made_at));
            row
        });
        table(out, &format!("Tables of {}", layer.as_str()), &columns, rows);
    }
    end(out);
}

pub(super) fn commits(out: &mut String, report: &Report) {
    if report.commits.is_empty() {
        return;
    }
    begin(out, "commits", "Last commits");
    let columns = [
        Column("table", false),
        Column("time", false),
        Column("operation", false),
        Column("rows written", true),
        Column("rows after", true),
        Column("snapshot", true),
    ];
    let rows = report.commits.iter().map(|commit| {
        vec![
            Cell::Code(format!("{}.{}", commit.layer.as_str(), commit.table)),
            Cell::time(Some(commit.at), report.made_at),
            Cell::Text(commit.operation.clone()),
            Cell::number(commit.rows_written),
            Cell::number(commit.rows),
            Cell::Number(commit.snapshot.to_string()),
        ]
    });
    table(out, "Last commits to silver and gold", &columns, rows);
    end(out);
}
