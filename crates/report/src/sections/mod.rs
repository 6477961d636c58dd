//! The parts of the page, in the order in which a person reads them.

mod files;
mod layers;
mod models;
mod overview;
mod table;

use crate::page::put;
use crate::report::Report;

/// Writes all that belongs between `body` and the scripts.
pub(crate) fn all(out: &mut String, report: &Report) {
    overview::header(out, report);
    out.push_str("<main id=\"main\">\n");
    overview::state(out, report);
    overview::flow(out, report);
    overview::waiting(out, report);
    files::troubles(out, report);
    overview::problems(out, report);
    models::models(out, report);
    layers::layers(out, report);
    files::quarantine(out, report);
    files::files(out, report);
    layers::commits(out, report);
    out.push_str("</main>\n");
    overview::footer(out, report);
}

/// Begins a section that the page's links lead to.
fn begin(out: &mut String, id: &str, title: &str) {
    put!(out, "<section id=\"{id}\" aria-labelledby=\"{id}-title\">\n<h2 id=\"{id}-title\">{title}</h2>\n");
}

fn end(out: &mut String) {
    out.push_str("</section>\n");
}
