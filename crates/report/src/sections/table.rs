//! Tables: captions for those who do not see them, numbers to the right, and a box of their own to scroll in.

use crate::escape::Esc;
use crate::page::put;

/// What stands in one place of a table.
pub(super) enum Cell {
    /// Text from the lake.
    Text(String),
    /// A name, a code or a command, in letters of one width.
    Code(String),
    /// A number or a size, set to the right.
    Number(String),
    /// The same, where it asks for a look.
    Alarm(String),
    /// SQL's null, as apart from empty text; whether among numbers.
    Null(bool),
    /// Nothing is known.
    Unknown,
    /// Nothing, in a column of numbers.
    None,
    /// The status of a file.
    Status(weir_model::control::Status),
    /// A point in time and its age.
    Time(String, String),
}

impl Cell {
    pub(super) fn number(number: Option<u64>) -> Self {
        number.map_or(Cell::Unknown, |number| Cell::Number(crate::format::count(number)))
    }

    pub(super) fn size(bytes: Option<u64>) -> Self {
        bytes.map_or(Cell::Unknown, |bytes| Cell::Number(crate::format::size(bytes)))
    }

    pub(super) fn time(time: Option<weir_model::Timestamp>, now: weir_model::Timestamp) -> Self {
        time.map_or(Cell::Unknown, |time| Cell::Time(crate::format::when(time), crate::format::ago(time, now)))
    }

    /// A count of which anything but nothing asks for a look.
    pub(super) fn alarm(number: Option<u64>) -> Self {
        match number {
            None | Some(0) => Cell::None,
            Some(number) => Cell::Alarm(crate::format::count(number)),
        }
    }

    fn write(&self, out: &mut String) {
        match self {
            Cell::Text(text) => put!(out, "<td dir=\"auto\">{}</td>", Esc(text)),
            Cell::Code(text) => put!(out, "<td class=\"c\"><code><bdi>{}</bdi></code></td>", Esc(text)),
            Cell::Number(text) => put!(out, "<td class=\"n\">{}</td>", Esc(text)),
            Cell::Alarm(text) => put!(out, "<td class=\"n alarm\">{}</td>", Esc(text)),
            Cell::Null(true) => put!(out, "<td class=\"n dim\"><i>null</i></td>"),
            Cell::Null(false) => put!(out, "<td class=\"dim\"><i>null</i></td>"),
            Cell::Unknown => put!(out, "<td class=\"n dim\">–</td>"),
            Cell::None => put!(out, "<td class=\"n\"></td>"),
            Cell::Status(status) => {
                let status = status.as_str();
                put!(out, "<td><span class=\"status s-{}\">{status}</span></td>", status.to_lowercase());
            }
            Cell::Time(when, ago) => {
                put!(out, "<td class=\"time\">{} <span class=\"dim\">{}</span></td>", Esc(ago), Esc(when));
            }
        }
    }
}

/// A column: its title, and whether it holds numbers.
pub(super) struct Column<'a>(pub(super) &'a str, pub(super) bool);

/// Writes a table.
pub(super) fn table(out: &mut String, caption: &str, columns: &[Column<'_>], rows: impl Iterator<Item = Vec<Cell>>) {
    put!(
        out,
        "<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"{0}\">\n<table>\n<caption>{0}</caption>\n<thead><tr>",
        Esc(caption)
    );
    for Column(title, numeric) in columns {
        let class = if *numeric { " class=\"n\"" } else { "" };
        put!(out, "<th scope=\"col\"{class} dir=\"auto\">{}</th>", Esc(title));
    }
    out.push_str("</tr></thead>\n<tbody>\n");
    for row in rows {
        out.push_str("<tr>");
        for cell in &row {
            cell.write(out);
        }
        out.push_str("</tr>\n");
    }
    out.push_str("</tbody>\n</table>\n</div>\n");
}
