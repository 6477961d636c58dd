//! The raw files: where they stand, which failed, and which of their rows could not be read.

use super::table::{Cell, Column, table};
use super::{begin, end};
use crate::escape::Esc;
use crate::format::{ago, count, counted, plural, short, took, when};
use crate::page::put;
use crate::report::Report;

/// Files that failed, each with its way out.
pub(super) fn troubles(out: &mut String, report: &Report) {
    if report.files.troubles.is_empty() {
        return;
    }
    begin(out, "troubles", "Files that failed");
    out.push_str("<ul class=\"cards\">\n");
    for trouble in &report.files.troubles {
        let status = trouble.status.as_str();
        put!(
            out,
            "<li class=\"card failing\"><h3><bdi>{}</bdi></h3><p><span class=\"status s-{}\">{status}</span> <code>{}</code> \
             <span class=\"dim\">{}, {}</span></p><p dir=\"auto\">{}</p><pre><code>{}</code></pre></li>\n",
            Esc(&trouble.key),
            status.to_lowercase(),
            Esc(&trouble.code),
            ago(trouble.at, report.made_at),
            when(trouble.at),
            Esc(&trouble.message),
            Esc(&trouble.command),
        );
    }
    out.push_str("</ul>\n");
    if report.files.more_troubles > 0 {
        let more = report.files.more_troubles;
        put!(
            out,
            "<p>{} more {}: <code>weir status --status FAILED{}</code> lists them.</p>\n",
            count(more),
            plural(more, "is not shown", "are not shown"),
            Esc(&report.lake_option)
        );
    }
    end(out);
}

pub(super) fn quarantine(out: &mut String, report: &Report) {
    let quarantine = &report.quarantine;
    begin(out, "quarantine", "Quarantine");
    if quarantine.rows == 0 {
        out.push_str("<p class=\"dim\">Every row that came could be read.</p>\n");
        return end(out);
    }
    let standing = match quarantine.rows_standing {
        0 => ", all of files that were since replaced or removed".to_owned(),
        rows if rows == quarantine.rows => String::new(),
        rows => format!(", {} of them of files that are still as they were", count(rows)),
    };
    put!(
        out,
        "<p>{} could not be read{standing}. They are under <code>quarantine/</code> with line, column and reason.</p>\n",
        counted(quarantine.rows, "row")
    );
    let columns = [
        Column("table", false),
        Column("column", false),
        Column("reason", false),
        Column("rows", true),
        Column("what it means", false),
    ];
    let rows = quarantine.causes.iter().map(|cause| {
        vec![
            Cell::Code(cause.table.clone()),
            cause.column.clone().map_or(Cell::Text(String::new()), Cell::Code),
            Cell::Code(cause.reason.clone()),
            Cell::alarm(Some(cause.rows)),
            Cell::Text(cause.message.clone()),
        ]
    });
    table(out, "Rows in quarantine by reason", &columns, rows);
    if quarantine.rows_not_read > 0 {
        put!(
            out,
            "<p class=\"dim\">The reasons of {} more were not counted.</p>\n",
            counted(quarantine.rows_not_read, "row")
        );
    }
    end(out);
}

pub(super) fn files(out: &mut String, report: &Report) {
    begin(out, "files", "Files");
    if report.files.counts.is_empty() {
        out.push_str("<p class=\"dim\">No file is registered.</p>\n");
        return end(out);
    }
    let named =
        |table: &str| if table.is_empty() { Cell::Text("(none)".to_owned()) } else { Cell::Code(table.to_owned()) };
    let columns = [
        Column("table", false),
        Column("status", false),
        Column("files", true),
        Column("rows in", true),
        Column("to bronze", true),
        Column("quarantined", true),
        Column("raw size", true),
    ];
    let rows = report.files.counts.iter().map(|of| {
        vec![
            named(&of.table),
            Cell::Status(of.status),
            Cell::number(Some(of.files)),
            Cell::number(Some(of.rows_in)),
            Cell::number(Some(of.rows_written)),
            Cell::alarm(Some(of.rows_quarantined)),
            Cell::size(Some(of.bytes)),
        ]
    });
    table(out, "Raw files by table and status", &columns, rows);
    out.push_str("<h3>Last files</h3>\n");
    let columns = [
        Column("file", false),
        Column("status", false),
        Column("time", false),
        Column("took", true),
        Column("to bronze", true),
        Column("quarantined", true),
        Column("id", false),
    ];
    let rows = report.files.recent.iter().map(|file| {
        vec![
            Cell::Code(file.key.clone()),
            Cell::Status(file.status),
            Cell::time(Some(file.at), report.made_at),
            file.took_ms.map_or(Cell::Unknown, |ms| Cell::Number(took(ms))),
            Cell::number(file.rows_written),
            Cell::alarm(file.rows_quarantined),
            Cell::Code(short(&file.id).to_owned()),
        ]
    });
    table(out, "The last files that came", &columns, rows);
    end(out);
}
