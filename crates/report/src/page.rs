//! The page around the sections: its policy, its style, its scripts.
//!
//! The policy lets nothing in but the style and the two scripts of the file itself, by their digests. So even markup that
//! came through could neither run nor ask for anything.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;
use sha2::{Digest, Sha256};

use crate::escape::{Esc, json_in_script};
use crate::report::{Chart, Report};
use crate::sections;

const STYLE: &str = include_str!("../assets/report.css");
const SCRIPT: &str = include_str!("../assets/report.js");
const CHART: &str = include_str!("../assets/chart.umd.min.js");
const CHART_LICENSE: &str = include_str!("../assets/chart.LICENSE.md");
/// A mark for the browser's tab: nothing is to be asked for.
const ICON: &str = "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'%3E%3Cpath \
    d='M1 5q3.5-3 7 0t7 0M1 11q3.5-3 7 0t7 0' fill='none' stroke='%232a6f97' stroke-width='2'/%3E%3C/svg%3E";

/// Writes to text; that cannot fail.
macro_rules! put {
    ($out:expr, $($text:tt)*) => {{
        use std::fmt::Write as _;
        let _ = write!($out, $($text)*);
    }};
}
pub(crate) use put;

/// The report as one HTML file that needs nothing else.
#[must_use]
pub fn html(report: &Report) -> String {
    let charts: Vec<&Chart> = report.models.iter().flat_map(|model| &model.charts).collect();
    let draws = charts.iter().any(|chart| chart.data.is_ok());
    let library = if draws { library() } else { String::new() };
    let mut out = String::with_capacity(64 * 1024 + library.len());
    let scripts = if draws { format!("{} {}", digest(&library), digest(SCRIPT)) } else { digest(SCRIPT) };
    put!(
        out,
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; script-src {scripts}; style-src {}; \
         img-src data:; base-uri 'none'; form-action 'none'\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n<meta name=\"referrer\" content=\"no-referrer\">\n\
         <meta name=\"generator\" content=\"weir {}\">\n<title>{} · lake report</title>\n\
         <link rel=\"icon\" href=\"{ICON}\">\n<style>{STYLE}</style>\n</head>\n<body>\n",
        digest(STYLE),
        Esc(&report.version),
        Esc(&report.lake),
    );
    sections::all(&mut out, report);
    put!(out, "<script type=\"application/json\" id=\"charts\">{}</script>\n", json_in_script(&chart_json(&charts)));
    if draws {
        put!(out, "<script>{library}</script>\n");
    }
    put!(out, "<script>{SCRIPT}</script>\n</body>\n</html>\n");
    out
}

/// The library under its licence. Its last line, which would have developer tools ask for a file, is left out.
fn library() -> String {
    let code = CHART.rsplit_once("\n//# sourceMappingURL").map_or(CHART, |(code, _)| code);
    format!("/*!\n{}\n*/\n{code}\n", CHART_LICENSE.trim())
}

fn digest(text: &str) -> String {
    format!("'sha256-{}'", STANDARD.encode(Sha256::digest(text)))
}

/// What the script draws: numbers as JavaScript has them. The page has them as text as well, exactly.
fn chart_json(charts: &[&Chart]) -> String {
    let number = |text: &Option<String>| text.as_ref()?.parse::<f64>().ok().filter(|number| number.is_finite());
    let drawn = charts.iter().map(|chart| {
        let Ok(data) = &chart.data else { return json!(null) };
        let labels: Vec<&str> =
            data.rows.iter().map(|row| row.first().and_then(Option::as_deref).unwrap_or("(null)")).collect();
        let series = data.columns.iter().enumerate().skip(1).map(|(column, name)| {
            let values: Vec<Option<f64>> = data.rows.iter().map(|row| row.get(column).and_then(number)).collect();
            json!({"name": name, "values": values})
        });
        json!({"kind": chart.kind, "labels": labels, "series": series.collect::<Vec<_>>()})
    });
    serde_json::Value::Array(drawn.collect()).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_file_embeds_is_what_was_vetted_and_cannot_end_its_script() {
        let sums = include_str!("../assets/SHA256SUMS");
        for (name, text) in [("chart.umd.min.js", CHART), ("chart.LICENSE.md", CHART_LICENSE)] {
            let hex: String = Sha256::digest(text).iter().map(|byte| format!("{byte:02x}")).collect();
            assert!(sums.contains(&format!("{hex}  {name}")), "{name} is not what SHA256SUMS says");
        }
        for script in [library().as_str(), SCRIPT] {
            let lower = script.to_lowercase();
            assert!(!lower.contains("</script") && !lower.contains("<!--") && !lower.contains("sourcemappingurl"));
        }
        assert!(!STYLE.contains("</") && !STYLE.contains("url(") && !CHART_LICENSE.contains("*/"));
        assert!(library().contains("Permission is hereby granted") && library().contains("Chart.js v"));
    }
}
