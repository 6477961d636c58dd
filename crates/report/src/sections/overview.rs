//! What a person sees first: which lake, whether it is well, how much is where, and what to do.

use weir_model::control::Status;

use super::{begin, end};
use crate::escape::Esc;
use crate::format::{ago, count, counted, size, when};
use crate::page::put;
use crate::report::{Layer, Report};
use crate::state::Level;

pub(super) fn header(out: &mut String, report: &Report) {
    out.push_str(
        "<a class=\"skip\" href=\"#main\">To the report</a>\n<header>\n<p class=\"kicker\">Weir · lake report</p>\n",
    );
    put!(out, "<h1 dir=\"auto\">{}</h1>\n", Esc(&report.lake));
    if let Some(description) = &report.description {
        put!(out, "<p class=\"lead\" dir=\"auto\">{}</p>\n", Esc(description));
    }
    put!(
        out,
        "<p class=\"meta\">As of <time datetime=\"{}\" id=\"made\">{}</time><span id=\"age\"></span>, by weir {}</p>\n",
        report.made_at,
        when(report.made_at),
        Esc(&report.version)
    );
    out.push_str("<nav aria-label=\"Sections\"><ul>");
    let mut link = |id: &str, title: &str, there: bool| {
        if there {
            put!(out, "<li><a href=\"#{id}\">{title}</a></li>");
        }
    };
    link("waiting", "To do", !report.waiting.is_empty());
    link("troubles", "Failures", !report.files.troubles.is_empty());
    link("problems", "Not read", !report.problems.is_empty());
    link("models", "Models", !report.models.is_empty());
    link("layers", "Tables", true);
    link("quarantine", "Quarantine", true);
    link("files", "Files", true);
    link("commits", "Commits", !report.commits.is_empty());
    out.push_str("</ul></nav>\n</header>\n");
}

/// The one line to read, and why.
pub(super) fn state(out: &mut String, report: &Report) {
    let state = report.state();
    let (class, sign, words) = match state.level {
        Level::Empty => ("empty", "○", "Nothing here yet"),
        Level::Well => ("well", "✓", "All is well"),
        Level::Attention => ("attention", "!", "Worth a look"),
        Level::Failing => ("failing", "✕", "Something failed"),
    };
    put!(
        out,
        "<section class=\"state {class}\" aria-label=\"State of the lake\">\n<p class=\"verdict\"><span class=\"sign\" \
         aria-hidden=\"true\">{sign}</span>{words}</p>\n"
    );
    match state.level {
        Level::Empty => put!(
            out,
            "<p>Put files under <code>raw/&lt;table&gt;/</code>, then type <code>weir run{}</code>.</p>\n",
            Esc(&report.lake_option)
        ),
        Level::Well => {
            let files = report.files_in(Status::Succeeded);
            let are = if files == 1 { "is" } else { "are" };
            put!(out, "<p>{} {are} ingested. Nothing failed, nothing waits.</p>\n", counted(files, "file"));
        }
        Level::Attention | Level::Failing => {
            out.push_str("<ul>");
            for point in &state.points {
                put!(out, "<li><a href=\"#{}\" dir=\"auto\">{}</a></li>", point.section, Esc(&point.text));
            }
            out.push_str("</ul>\n");
        }
    }
    out.push_str("</section>\n");
}

/// The way of the data, from left to right.
pub(super) fn flow(out: &mut String, report: &Report) {
    let files: u64 = report.files.counts.iter().map(|count| count.files).sum();
    let bytes: u64 = report.files.counts.iter().map(|count| count.bytes).sum();
    out.push_str("<ol class=\"flow\" aria-label=\"The layers of the lake\">\n");
    put!(
        out,
        "<li><span class=\"name\">raw</span><span class=\"big\">{}</span><span>{}</span><span class=\"dim\">{}</span></li>\n",
        count(files),
        if files == 1 { "file" } else { "files" },
        size(bytes)
    );
    for layer in Layer::ALL {
        let tables = report.of(layer).count() as u64;
        let rows = report.rows_of(layer);
        let fresh = report.of(layer).filter_map(|table| table.changed_at).max();
        let age = fresh.map_or("no data yet".to_owned(), |at| format!("changed {}", ago(at, report.made_at)));
        put!(
            out,
            "<li><span class=\"name\">{}</span><span class=\"big\">{}</span><span>{} in {}</span><span class=\"dim\">{age}</span></li>\n",
            layer.as_str(),
            count(rows),
            if rows == 1 { "row" } else { "rows" },
            counted(tables, "table")
        );
    }
    out.push_str("</ol>\n");
}

/// What waits, with what to type.
pub(super) fn waiting(out: &mut String, report: &Report) {
    if report.waiting.is_empty() {
        return;
    }
    begin(out, "waiting", "To do");
    out.push_str("<ul class=\"cards\">\n");
    for waiting in &report.waiting {
        put!(
            out,
            "<li class=\"card attention\"><p dir=\"auto\">{}</p><pre><code>{}</code></pre></li>\n",
            Esc(&waiting.what),
            Esc(&waiting.command)
        );
    }
    out.push_str("</ul>\n");
    end(out);
}

/// What could not be read for the report.
pub(super) fn problems(out: &mut String, report: &Report) {
    if report.problems.is_empty() {
        return;
    }
    begin(out, "problems", "Not read for this report");
    out.push_str("<ul class=\"cards\">\n");
    for problem in &report.problems {
        put!(
            out,
            "<li class=\"card failing\"><h3 dir=\"auto\">{}</h3><p dir=\"auto\">{}</p></li>\n",
            Esc(&problem.what),
            Esc(&problem.message)
        );
    }
    out.push_str("</ul>\n");
    end(out);
}

pub(super) fn footer(out: &mut String, report: &Report) {
    put!(
        out,
        "<footer><p>Made by weir {} on {}. Ages are counted from then, times are in UTC. The file holds all that it shows and asks \
         nothing of any network. To make it anew: <code>weir report{}</code></p></footer>\n",
        Esc(&report.version),
        when(report.made_at),
        Esc(&report.lake_option)
    );
}
