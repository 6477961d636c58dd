//! What holds of everything that is generated.

mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;

use serde_json::Value;
use support::{column, contract, csv, files, lake, plain, plan, property, table, text};
use weir_generate::Options;
use weir_model::raw::{Compression, Format};

/// One column of each type and text form, all of them without a hint.
fn every_type(required: bool) -> weir_model::Contract {
    let required = format!("required: {required}");
    let types = [
        "logicalType: string",
        "logicalType: integer|physicalType: int",
        "logicalType: integer",
        "logicalType: number|physicalType: real",
        "logicalType: number",
        "logicalType: number|physicalType: decimal(38,10)",
        "logicalType: number|physicalType: decimal(2,2)",
        "logicalType: boolean",
        "logicalType: date",
        "logicalType: date|logicalTypeOptions: {format: dd/MM/yyyy}",
        "logicalType: date|customProperties: [{property: weir.epoch, value: milliseconds}]",
        "logicalType: timestamp",
        "logicalType: timestamp|physicalType: timestamptz",
        "logicalType: timestamp|logicalTypeOptions: {format: \"yyyy-MM-dd HH:mm:ss.SSS\"}",
        "logicalType: timestamp|customProperties: [{property: weir.epoch, value: microseconds}]",
        "logicalType: string|physicalType: bytea",
        "logicalType: object",
    ];
    let properties =
        types.iter().enumerate().map(|(at, keys)| property(&format!("c{at}"), &format!("{keys}|{required}"), ""));
    contract("all", "", &properties.collect::<String>())
}

#[test]
fn the_same_seed_gives_the_same_bytes_and_another_seed_others() {
    for compression in [Compression::None, Compression::Gzip, Compression::Zstd] {
        let with = |seed| {
            let options = Options { compression, ..plain(seed) };
            let plan = plan(&lake("beer"), 2_000, &options);
            plan.tables.iter().map(files).collect::<Vec<_>>()
        };
        assert_eq!(with(7), with(7));
        assert_ne!(with(7), with(8));
    }
}

/// If this fails, lakes that were made before can no longer be made again: say so in the change log.
#[test]
fn the_bytes_stay_the_same_from_version_to_version() {
    let plan = plan(&lake("beer"), 1_000, &plain(1));
    let review = text(table(&plan, "review"));
    let lines: Vec<&str> = review.lines().skip(998).collect();
    assert_eq!(lines, PINNED_REVIEWS);
    let sums: Vec<(String, u64)> =
        plan.tables.iter().map(|t| (t.contract.table.clone(), fnv(text(t).as_bytes()))).collect();
    let sums: Vec<(&str, u64)> = sums.iter().map(|(name, sum)| (name.as_str(), *sum)).collect();
    assert_eq!(sums, PINNED_SUMS);
}

const PINNED_REVIEWS: [&str; 3] = [
    "998,1,10007,100011,3,3,4,3.5,4,1315775872",
    "999,1,10002,100005,4,4,4.5,4.5,3.5,1253814882",
    "1000,1,10014,100006,3.5,4.5,3.5,2,3,965206753",
];
const PINNED_SUMS: [(&str, u64); 4] = [
    ("beer", 11_960_938_927_363_383_815),
    ("brewery", 9_923_473_003_831_223_519),
    ("profile", 14_195_509_967_045_102_760),
    ("review", 5_707_107_042_463_988_244),
];

fn fnv(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}

#[test]
fn more_rows_extend_fewer() {
    for (name, rows) in [("beer", 1_000), ("people", 500)] {
        let contracts = lake(name);
        let (few, many) = (plan(&contracts, rows, &plain(3)), plan(&contracts, rows * 7 + 13, &plain(3)));
        for (few, many) in few.tables.iter().zip(&many.tables) {
            assert!(text(many).starts_with(&text(few)), "{}", few.contract.table);
        }
    }
}

#[test]
fn rows_do_not_depend_on_the_file_they_land_in() {
    let contracts = lake("beer");
    let whole = plan(&contracts, 3_000, &plain(3));
    let split = plan(&contracts, 3_000, &Options { rows_per_file: 700, ..plain(3) });
    let whole = text(table(&whole, "review"));
    let files = files(table(&split, "review"));
    let keys: Vec<&str> = files.keys().map(String::as_str).collect();
    assert_eq!((keys.len(), keys[0], keys[4]), (5, "raw/review/review-00000.csv", "raw/review/review-00004.csv"));
    let header = whole.split_inclusive('\n').next().unwrap();
    let joined: String =
        files.values().map(|file| std::str::from_utf8(file).unwrap().strip_prefix(header).unwrap()).collect();
    assert_eq!(format!("{header}{joined}"), whole);
}

#[test]
fn adding_a_column_leaves_the_others_as_they_were() {
    let name = property("name", "logicalType: string|required: true", "");
    let one = plan(&[contract("t", "", &name)], 50, &plain(1));
    let before = property("code", "logicalType: integer|required: true", "");
    let two = plan(&[contract("t", "", &format!("{before}{name}"))], 50, &plain(1));
    assert_eq!(column(&text(&one.tables[0]), "name"), column(&text(&two.tables[0]), "name"));
}

#[test]
fn every_reference_exists_and_looked_up_values_agree() {
    for rows in [1, 2, 30, 5_000] {
        let plan = plan(&lake("beer"), rows, &plain(5));
        let of = |name, field| column(&text(table(&plan, name)), field);
        let keys = |name, field| of(name, field).into_iter().collect::<BTreeSet<_>>();
        let brewery_of: BTreeMap<_, _> = of("beer", "beer_id").into_iter().zip(of("beer", "brewery_id")).collect();
        assert!(keys("beer", "brewery_id").is_subset(&keys("brewery", "brewery_id")));
        assert!(keys("review", "profile_id").is_subset(&keys("profile", "profile_id")));
        for (beer, brewery) in of("review", "beer_id").iter().zip(of("review", "brewery_id")) {
            assert_eq!(brewery_of.get(beer), Some(&brewery), "beer {beer:?}");
        }
    }
}

#[test]
fn a_few_beers_get_most_of_the_reviews() {
    let plan = plan(&lake("beer"), 50_000, &plain(5));
    let mut reviews: BTreeMap<String, usize> = BTreeMap::new();
    for beer in column(&text(table(&plan, "review")), "beer_id") {
        *reviews.entry(beer.unwrap()).or_default() += 1;
    }
    let mut counts: Vec<usize> = reviews.into_values().collect();
    counts.sort_unstable_by(|a, b| b.cmp(a));
    let best = table(&plan, "beer").rows as usize / 100;
    let share = counts[..best].iter().sum::<usize>() as f64 / 50_000.0;
    assert!((0.2..0.5).contains(&share), "the first hundredth has {share}");
    assert!(counts[0] < 5_000, "no beer has a tenth of all: {}", counts[0]);
}

#[test]
fn prose_survives_csv_with_its_quotes_commas_line_breaks_and_letters() {
    let plan = plan(&lake("beer"), 10_000, &plain(5));
    let texts = column(&text(table(&plan, "beer")), "description");
    for mark in ["\"", ",", "\n", "\u{1f37a}", "è"] {
        assert!(texts.iter().flatten().any(|text| text.contains(mark)), "{mark:?}");
    }
    assert!(texts.contains(&None) && texts.contains(&Some(String::new())), "nulls and empty texts are two things");
}

#[test]
fn csv_and_json_hold_the_same_values() {
    for contracts in [lake("beer"), lake("people"), vec![every_type(false)]] {
        let as_csv = plan(&contracts, 300, &plain(9));
        let as_json = plan(&contracts, 300, &Options { format: Some(Format::Json), ..plain(9) });
        for (as_csv, as_json) in as_csv.tables.iter().zip(&as_json.tables) {
            let records = csv(&text(as_csv));
            let lines = text(as_json);
            assert_eq!(records.len() - 1, lines.lines().count());
            for (record, line) in records[1..].iter().zip(lines.lines()) {
                let Value::Object(row) = serde_json::from_str(line).unwrap() else { panic!("{line}") };
                assert_eq!(row.len(), record.len());
                for ((name, value), (header, field)) in row.iter().zip(records[0].iter().zip(record)) {
                    assert_eq!(Some(name), header.as_ref());
                    match (value, field) {
                        (Value::Null, field) => assert_eq!(*field, None),
                        (Value::String(value), field) => assert_eq!(Some(value), field.as_ref()),
                        (_, field) => assert!(line.contains(field.as_ref().unwrap()), "{name}: {field:?} in {line}"),
                    }
                }
            }
        }
    }
}

#[test]
fn nulls_are_only_where_they_are_allowed() {
    for contracts in [lake("beer"), lake("people"), vec![every_type(false)], vec![every_type(true)]] {
        let plan = plan(&contracts, 2_000, &plain(4));
        for table in &plan.tables {
            let records = csv(&text(table));
            for (at, column) in table.contract.columns.iter().enumerate() {
                let nulls = records[1..].iter().filter(|record| record[at].is_none()).count();
                assert!(nulls == 0 || !column.required, "{}.{} is required", table.contract.table, column.name);
                let may = !column.required && column.generate.is_none();
                assert!(nulls > 0 || !may, "{}.{} has no null", table.contract.table, column.name);
            }
        }
    }
}

#[test]
fn repeated_people_keep_their_data_under_a_new_index() {
    let plan = plan(&lake("people"), 10_000, &plain(2));
    let records = csv(&text(&plan.tables[0]));
    let indexes: BTreeSet<_> = records[1..].iter().map(|record| &record[0]).collect();
    assert_eq!(indexes.len(), 10_000);
    let mut people: BTreeMap<_, BTreeSet<_>> = BTreeMap::new();
    for record in &records[1..] {
        people.entry(&record[1]).or_default().insert(&record[2..]);
    }
    assert!(people.values().all(|data| data.len() == 1), "one user_id, one person");
    let repeated = 10_000 - people.len();
    assert!((200..400).contains(&repeated), "{repeated}");
}

#[test]
fn the_settings_of_the_contract_shape_its_csv() {
    let custom = "- {property: weir.csv.delimiter, value: ';'}\n- {property: weir.csv.null, value: ['NA', '-']}\n\
                  - {property: weir.csv.header, value: false}";
    let properties = property("a", "logicalType: string|required: true", "{kind: choice, of: [NA, 'x;y', 'x,y', '']}")
        + &property("b", "logicalType: integer|required: false", "{kind: number, to: 9, nulls: 0.5}");
    let plan = plan(&[contract("t", custom, &properties)], 200, &plain(1));
    let text = text(&plan.tables[0]);
    let mut first: Vec<&str> = text.lines().map(|line| line.rsplit_once(';').unwrap().0).collect();
    first.sort_unstable();
    first.dedup();
    assert_eq!(first, ["\"\"", "\"NA\"", "\"x;y\"", "x,y"]);
    assert!(text.lines().any(|line| line.ends_with(";NA")), "the first text for nulls is written");
}

#[test]
fn the_names_are_those_of_the_source() {
    let properties = property("a", "physicalName: 'A, \"b\"'|logicalType: integer|required: true", "{kind: sequence}");
    let contracts = [contract("t", "", &properties)];
    assert_eq!(text(&plan(&contracts, 1, &plain(1)).tables[0]), "\"A, \"\"b\"\"\"\n1\n");
    let json = Options { format: Some(Format::Json), ..plain(1) };
    assert_eq!(text(&plan(&contracts, 1, &json).tables[0]), "{\"A, \\\"b\\\"\":1}\n");
}

#[test]
fn packed_files_hold_the_bytes_of_plain_ones_and_tell_no_time() {
    let contracts = lake("beer");
    let expected = text(table(&plan(&contracts, 5_000, &plain(1)), "review"));
    let gzip = plan(&contracts, 5_000, &Options { compression: Compression::Gzip, ..plain(1) });
    let (key, bytes) = files(table(&gzip, "review")).pop_first().unwrap();
    assert_eq!(key, "raw/review/review-00000.csv.gz");
    assert_eq!(bytes[..8], [0x1f, 0x8b, 8, 0, 0, 0, 0, 0], "no name, no time");
    let mut unpacked = String::new();
    flate2::read::GzDecoder::new(bytes.as_slice()).read_to_string(&mut unpacked).unwrap();
    assert!(unpacked == expected);
    let zstd = plan(&contracts, 5_000, &Options { compression: Compression::Zstd, ..plain(1) });
    let (key, bytes) = files(table(&zstd, "review")).pop_first().unwrap();
    assert_eq!(key, "raw/review/review-00000.csv.zst");
    assert!(zstd::decode_all(bytes.as_slice()).unwrap() == expected.as_bytes());
}

#[test]
fn no_rows_make_no_files() {
    let plan = plan(&lake("beer"), 0, &plain(1));
    assert!(plan.tables.iter().all(|table| table.rows == 0 && files(table).is_empty()));
}

#[test]
fn progress_adds_up_to_what_was_made() {
    let plan = plan(&lake("beer"), 20_000, &Options { rows_per_file: 6_000, ..plain(1) });
    let (mut rows, mut bytes, mut calls) = (0, 0, 0);
    let mut written = 0;
    let mut count = |made: weir_generate::Progress| {
        rows += made.rows;
        bytes += made.bytes;
        calls += 1;
    };
    let review = table(&plan, "review");
    for file in review.files() {
        written += review.write_file(&file, Vec::new(), &mut count).unwrap().len() as u64;
    }
    assert_eq!((rows, bytes), (20_000, written));
    assert!(calls > 10, "{calls}");
}

#[test]
fn row_buffers_are_used_again() {
    let plan = plan(&lake("beer"), 100_000, &plain(1));
    let mut rows = table(&plan, "beer").rows();
    let mut line = Vec::with_capacity(4 << 10);
    let room = line.capacity();
    for row in 0..4_000 {
        line.clear();
        rows.csv(row, &mut line);
    }
    assert_eq!(line.capacity(), room);
}

#[test]
fn a_failing_writer_stops_the_table() {
    let plan = plan(&lake("beer"), 20_000, &plain(1));
    let mut full = |_: &str| -> std::io::Result<Full> { Ok(Full) };
    let error = table(&plan, "review").write(&mut full, &mut |_| {}).unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::StorageFull);
}

struct Full;

impl std::io::Write for Full {
    fn write(&mut self, _: &[u8]) -> std::io::Result<usize> {
        Err(std::io::ErrorKind::StorageFull.into())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
