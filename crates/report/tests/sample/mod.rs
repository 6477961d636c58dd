//! A made-up report with something in every section.

use weir_model::Timestamp;
use weir_model::control::Status;
use weir_report::{
    Cause, Chart, ChartKind, Commit, FileCount, Files, Layer, ModelPage, Quarantine, RecentFile, Report, TableData,
    TableState, Trouble, Waiting,
};

const NOW: &str = "2026-11-20T08:30:00Z";

pub fn empty() -> Report {
    Report {
        lake: "beer".to_owned(),
        description: None,
        made_at: Timestamp::parse(NOW).unwrap(),
        version: "0.1.0".to_owned(),
        lake_option: " --lake demo".to_owned(),
        tables: Vec::new(),
        files: Files::default(),
        commits: Vec::new(),
        quarantine: Quarantine::default(),
        waiting: Vec::new(),
        models: Vec::new(),
        problems: Vec::new(),
    }
}

fn ago(seconds: i64) -> Timestamp {
    Timestamp::parse(NOW).unwrap().plus_seconds(-seconds)
}

fn table(layer: Layer, name: &str, rows: u64, bytes: u64, files: u64, seconds: i64) -> TableState {
    let snapshots = (layer != Layer::Bronze).then_some(3);
    TableState {
        layer,
        name: name.to_owned(),
        rows: Some(rows),
        bytes: Some(bytes),
        files: Some(files),
        snapshots,
        changed_at: Some(ago(seconds)),
    }
}

fn count(table: &str, status: Status, files: u64, rows_in: u64, rows_quarantined: u64) -> FileCount {
    let rows_written = rows_in - rows_quarantined;
    FileCount { table: table.to_owned(), status, files, bytes: rows_in * 40, rows_in, rows_written, rows_quarantined }
}

pub fn data(columns: &[&str], rows: &[&[Option<&str>]]) -> TableData {
    let numeric = (0..columns.len())
        .map(|column| rows.iter().filter_map(|row| row[column]).all(|value| value.parse::<f64>().is_ok()))
        .collect();
    TableData {
        columns: columns.iter().map(|&name| name.to_owned()).collect(),
        numeric,
        rows: rows.iter().map(|row| row.iter().map(|value| value.map(str::to_owned)).collect()).collect(),
        more: false,
    }
}

/// A lake in which all is well.
pub fn well() -> Report {
    let beers: &[&[Option<&str>]] = &[
        &[Some("Hazy Harvest Double Dry-Hopped India Pale Ale"), Some("4.81")],
        &[Some("Old Mill Porter"), Some("4.77")],
        &[Some("Bière de Garde"), Some("4.69")],
        &[Some("Три Богатыря Stout"), Some("4.66")],
        &[Some("Lantern Lager"), Some("4.52")],
    ];
    let months: Vec<String> = (0..48).map(|month| format!("{}-{:02}", 2008 + month / 12, month % 12 + 1)).collect();
    let series: Vec<[String; 3]> = (0..48u64)
        .map(|month| {
            [
                months[month as usize].clone(),
                (9_000 + month * 410 + (month * 7919) % 1500).to_string(),
                (4_000 + (month * 104_729) % 2500).to_string(),
            ]
        })
        .collect();
    let lines: Vec<Vec<Option<&str>>> =
        series.iter().map(|row| row.iter().map(|text| Some(text.as_str())).collect()).collect();
    let lines: Vec<&[Option<&str>]> = lines.iter().map(Vec::as_slice).collect();
    let states: &[&[Option<&str>]] = &[
        &[Some("CA"), Some("31200")],
        &[Some("OR"), Some("18110")],
        &[Some("CO"), Some("9040")],
        &[Some("TX"), None],
        &[Some("ME"), Some("4120")],
    ];
    let chart = |title: &str, kind, data| Chart { title: title.to_owned(), kind, data: Ok(data) };
    let model = |name: &str, description: &str, rows, charts| ModelPage {
        layer: Layer::Gold,
        name: name.to_owned(),
        description: Some(description.to_owned()),
        built: true,
        rows: Some(rows),
        changed_at: Some(ago(240)),
        charts,
        sample: Some(data(
            &["beer_name", "average_overall", "rating_rank"],
            &[&[Some("Old Mill Porter"), Some("4.77"), Some("2")], &[Some("Small Beer"), Some("3.1"), None]],
        )),
    };
    let recent = |table: &str, rows, seconds| RecentFile {
        id: format!("{:064x}", rows),
        key: format!("raw/{table}/{table}-00000.csv.gz"),
        table: table.to_owned(),
        status: Status::Succeeded,
        at: ago(seconds),
        took_ms: Some(rows / 500),
        rows_written: Some(rows),
        rows_quarantined: Some(0),
    };
    Report {
        description: Some("Beer reviews: who drank what, where it is brewed, and how it was liked.".to_owned()),
        tables: vec![
            table(Layer::Bronze, "beer", 66_055, 2_100_000, 1, 3600),
            table(Layer::Bronze, "review", 1_606_614, 61_400_000, 3, 600),
            table(Layer::Silver, "review", 1_586_202, 70_200_000, 12, 420),
            table(Layer::Silver, "review_flat", 1_586_202, 140_300_000, 168, 260),
            table(Layer::Gold, "state_by_review_volume", 8_421, 310_000, 168, 240),
            table(Layer::Gold, "top_beers_by_rating", 402_112, 9_300_000, 168, 240),
        ],
        files: Files {
            counts: vec![
                count("beer", Status::Succeeded, 1, 66_055, 0),
                count("review", Status::Succeeded, 3, 1_606_614, 0),
            ],
            recent: vec![recent("review", 1_586_614, 600), recent("beer", 66_055, 3600)],
            ..Files::default()
        },
        commits: vec![
            Commit {
                layer: Layer::Gold,
                table: "top_beers_by_rating".to_owned(),
                snapshot: 8_310_114_887_236_410_113,
                at: ago(240),
                operation: "overwrite".to_owned(),
                rows_written: Some(402_112),
                rows: Some(402_112),
            },
            Commit {
                layer: Layer::Silver,
                table: "review".to_owned(),
                snapshot: 1_310_114_887_236_410_113,
                at: ago(420),
                operation: "append".to_owned(),
                rows_written: Some(1_586_614),
                rows: None,
            },
        ],
        models: vec![
            model(
                "top_beers_by_rating",
                "The beers of each month by their average rating, ranked where there are enough reviews.",
                402_112,
                vec![
                    chart("Best beers of the last month", ChartKind::Bar, data(&["beer", "average rating"], beers)),
                    chart(
                        "Reviews by month",
                        ChartKind::Line,
                        TableData { more: true, ..data(&["month", "all reviews", "with a text"], &lines) },
                    ),
                ],
            ),
            model(
                "state_by_review_volume",
                "Reviews by the state of the brewery.",
                8_421,
                vec![chart("Reviews by state", ChartKind::Bar, data(&["state", "reviews"], states))],
            ),
        ],
        ..empty()
    }
}

/// The same lake, in trouble.
pub fn failing() -> Report {
    let mut report = well();
    report.files.counts.push(count("review", Status::Failed, 1, 0, 0));
    report.files.counts.push(count("profile", Status::Succeeded, 1, 33_000, 41));
    report.files.troubles.push(Trouble {
        id: "3f9c".repeat(16),
        key: "raw/review/2026/11/review-00007.csv.gz".to_owned(),
        status: Status::Failed,
        at: ago(1200),
        code: "Input.Truncated".to_owned(),
        message: "the gzip data ends at byte 1,048,576 in the middle of a block; deliver the file again".to_owned(),
        command: "weir retry 3f9c3f9c3f9c --lake demo".to_owned(),
    });
    report.quarantine = Quarantine {
        rows: 41,
        rows_standing: 41,
        causes: vec![Cause {
            table: "profile".to_owned(),
            reason: "not_of_type".to_owned(),
            column: Some("joined".to_owned()),
            rows: 41,
            message: "the value is no timestamp".to_owned(),
        }],
        rows_not_read: 0,
    };
    report.waiting.push(Waiting {
        what: "2 files of bronze wait for a merge into silver".to_owned(),
        command: "weir merge --all --lake demo".to_owned(),
    });
    report.models[1].charts[0].data =
        Err("Query.Unknown: line 1, column 8: there is no column 'stat'; the nearest is 'state'".to_owned());
    report
}
