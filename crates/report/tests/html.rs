//! What holds of every report, whatever its lake is called and says.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs, unreachable_pub)]

mod sample;

use sample::{data, empty, failing, well};
use weir_report::{Chart, ChartKind, Level, Problem, Report, Waiting, html};

const HOSTILE: &str =
    "</script><script>document.title='owned'</script><img src=x onerror=alert(1)>\" onload='x' & <!--";

/// A report that says the same in every place that a lake may fill.
fn saying(text: &str) -> Report {
    let mut report = failing();
    report.lake = text.to_owned();
    report.description = Some(text.to_owned());
    report.version = text.to_owned();
    report.lake_option = text.to_owned();
    report.problems.push(Problem { what: text.to_owned(), message: text.to_owned() });
    report.waiting.push(Waiting { what: text.to_owned(), command: text.to_owned() });
    for table in &mut report.tables {
        table.name = text.to_owned();
    }
    for commit in &mut report.commits {
        commit.table = text.to_owned();
        commit.operation = text.to_owned();
    }
    for count in &mut report.files.counts {
        count.table = text.to_owned();
    }
    for file in &mut report.files.recent {
        (file.key, file.id) = (text.to_owned(), text.to_owned());
    }
    for trouble in &mut report.files.troubles {
        let all = [&mut trouble.key, &mut trouble.code, &mut trouble.message, &mut trouble.command];
        all.into_iter().for_each(|field| *field = text.to_owned());
    }
    for cause in &mut report.quarantine.causes {
        let all = [&mut cause.table, &mut cause.reason, &mut cause.message];
        all.into_iter().for_each(|field| *field = text.to_owned());
        cause.column = Some(text.to_owned());
    }
    for model in &mut report.models {
        model.name = text.to_owned();
        model.description = Some(text.to_owned());
        model.sample = Some(data(&[text], &[&[Some(text)]]));
        for chart in &mut model.charts {
            chart.title = text.to_owned();
            match &mut chart.data {
                Ok(of) => *of = data(&[text, text], &[&[Some(text), Some("1")]]),
                Err(failure) => *failure = text.to_owned(),
            }
        }
    }
    report
}

/// The tags of a page by name, its scripts and styles left out.
fn tags(page: &str) -> Vec<String> {
    let mut names = Vec::new();
    let mut rest = page;
    while let Some((_, after)) = rest.split_once('<') {
        let name: String = after.chars().take_while(|c| !c.is_whitespace() && *c != '>').collect();
        rest = after.split_once('>').unwrap().1;
        if name == "script" || name == "style" {
            rest = rest.split_once(&format!("</{name}>")).unwrap().1;
        }
        names.push(name);
    }
    names
}

#[test]
fn whatever_a_lake_says_is_text_and_never_markup() {
    let page = html(&saying(HOSTILE));
    assert_eq!(tags(&page), tags(&html(&saying("plain"))));
    assert!(!page.contains("<script>document") && !page.contains("<img"));
    // It is there, as text: title, heading, and many places more.
    assert!(page.matches("&lt;/script&gt;&lt;script&gt;document.title=&#39;owned&#39;").count() > 30);
}

#[test]
fn every_tag_that_is_opened_is_closed_in_order() {
    for report in [empty(), well(), failing(), saying(HOSTILE)] {
        let mut open: Vec<String> = Vec::new();
        for tag in tags(&html(&report)) {
            match tag.strip_prefix('/') {
                Some(name) => assert_eq!(open.pop().as_deref(), Some(name)),
                None if ["!doctype", "meta", "link", "script", "style"].contains(&tag.as_str()) => {}
                None => open.push(tag),
            }
        }
        assert_eq!(open, [""; 0]);
    }
}

#[test]
fn the_policy_names_every_script_and_lets_nothing_else_in() {
    let page = html(&well());
    let policy = page.split_once("Security-Policy\" content=\"").unwrap().1.split_once('"').unwrap().0;
    assert!(policy.starts_with("default-src 'none'; script-src 'sha256-"), "{policy}");
    assert!(!policy.contains("unsafe") && !policy.contains("http") && !policy.contains('*'), "{policy}");
    assert_eq!(policy.matches("'sha256-").count(), 3, "{policy}");
    // Inline handlers and styles would be refused by it.
    for refused in [" onclick=", " onload=", " style=\""] {
        assert!(!page.contains(refused), "{refused}");
    }
}

#[test]
fn an_empty_lake_says_what_to_do_first_and_carries_no_library() {
    let report = empty();
    assert_eq!(report.state().level, Level::Empty);
    let page = html(&report);
    assert!(page.contains("Nothing here yet") && page.contains("weir run --lake demo"));
    assert!(page.len() < 40_000, "{}", page.len());
}

#[test]
fn the_gravest_point_decides_and_each_leads_to_its_section() {
    assert_eq!(well().state().level, Level::Well);
    assert!(html(&well()).contains("All is well"));
    let mut waiting = well();
    waiting.waiting.push(Waiting { what: "1 file waits".to_owned(), command: "weir run".to_owned() });
    assert_eq!(waiting.state().level, Level::Attention);

    let report = failing();
    let state = report.state();
    assert_eq!(state.level, Level::Failing);
    assert_eq!(state.points.len(), 4);
    let page = html(&report);
    for point in state.points {
        assert!(page.contains(&format!("<section id=\"{}\"", point.section)), "{}", point.section);
        assert!(page.contains(&point.text), "{}", point.text);
    }
    assert!(page.contains("weir retry 3f9c3f9c3f9c --lake demo"));
}

#[test]
fn rows_of_files_that_were_replaced_do_not_ask_for_a_look() {
    let mut report = well();
    report.quarantine = failing().quarantine;
    assert_eq!(report.state().level, Level::Attention);
    report.quarantine.rows_standing = 0;
    assert_eq!(report.state().level, Level::Well);
    assert!(html(&report).contains("since replaced or removed"));
}

#[test]
fn a_chart_that_could_not_be_drawn_says_why_in_its_place_and_the_report_is_not_whole() {
    let report = failing();
    assert!(well().is_whole() && !report.is_whole());
    let page = html(&report);
    let place = page.split_once("Reviews by state</figcaption>").unwrap().1;
    assert!(place.split_once("</figure>").unwrap().0.contains("the nearest is &#39;state&#39;"));
}

#[test]
fn every_number_of_a_chart_is_in_a_table_exactly_as_it_is() {
    let mut report = well();
    let exact = "12345678901234567890.123456789";
    let rows: &[&[Option<&str>]] = &[&[Some("a"), Some(exact)], &[Some("b"), Some("NaN")], &[None, None]];
    let of = data(&["label", "n"], rows);
    report.models[0].charts = vec![Chart { title: "Exact".to_owned(), kind: ChartKind::Bar, data: Ok(of) }];
    let page = html(&report);
    assert!(page.contains(exact) && page.contains(">NaN<") && page.contains("<i>null</i>"));
    // What is drawn: a number, and nothing where there is none.
    let json = page.split_once("id=\"charts\">").unwrap().1.split_once("</script>").unwrap().0;
    let drawn: serde_json::Value = serde_json::from_str(json).unwrap();
    assert_eq!(drawn[0]["labels"], serde_json::json!(["a", "b", "(null)"]));
    assert_eq!(drawn[0]["series"][0]["values"], serde_json::json!([1.234_567_890_123_456_8e19, null, null]));
}

#[test]
fn text_of_any_script_and_length_keeps_its_own_direction() {
    let long = "x".repeat(5000);
    let page = html(&saying(&format!("بيرة {long} שלום")));
    assert!(page.contains("<h1 dir=\"auto\">بيرة") && page.matches(&long).count() > 30);
}

#[test]
fn json_for_scripts_tells_a_chart_from_its_failure() {
    let json = serde_json::to_value(failing()).unwrap();
    assert!(json["models"][0]["charts"][0]["data"]["rows"].is_array());
    assert!(json["models"][1]["charts"][0]["failure"].is_string());
    assert_eq!(json["tables"][0]["layer"], "bronze");
}
