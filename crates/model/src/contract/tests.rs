use super::*;

fn document(properties: &str, custom: &str) -> String {
    format!(
        "apiVersion: v3.1.0\nkind: DataContract\nid: t\nversion: 2.1.0\nstatus: active\nschema:\n  - name: review\n    \
         logicalType: object\n{custom}    properties:\n{properties}"
    )
}

fn columns(properties: &str) -> Result<Contract, Problems> {
    Contract::parse("c.yaml", &document(properties, ""))
}

fn type_of(lines: &str) -> Result<ColumnType, String> {
    let body: String = lines.split('|').map(|line| format!("        {line}\n")).collect();
    columns(&format!("      - name: x\n{body}"))
        .map(|contract| contract.columns[0].column_type.clone())
        .map_err(|problems| problems.to_string())
}

#[test]
fn logical_and_physical_type_together_decide_the_column() {
    let iso = || TimeText::Iso;
    for (lines, expected) in [
        ("logicalType: string", ColumnType::String),
        ("logicalType: string|physicalType: varchar(20)", ColumnType::String),
        ("logicalType: string|physicalType: bytea", ColumnType::Binary),
        ("logicalType: string|logicalTypeOptions: {format: binary}", ColumnType::Binary),
        ("logicalType: string|logicalTypeOptions: {format: email}", ColumnType::String),
        ("logicalType: integer", ColumnType::Int64),
        ("logicalType: integer|physicalType: int", ColumnType::Int32),
        ("logicalType: integer|logicalTypeOptions: {format: i32}", ColumnType::Int32),
        ("logicalType: integer|physicalType: BIGINT|logicalTypeOptions: {format: i64}", ColumnType::Int64),
        ("logicalType: number", ColumnType::Float64),
        ("logicalType: number|physicalType: real", ColumnType::Float32),
        ("logicalType: number|physicalType: decimal(10,2)", ColumnType::Decimal { precision: 10, scale: 2 }),
        ("logicalType: boolean", ColumnType::Boolean),
        ("logicalType: date", ColumnType::Date(iso())),
        ("logicalType: timestamp", ColumnType::Timestamp { zoned: false, text: iso() }),
        (
            "logicalType: timestamp|physicalType: timestamp with time zone",
            ColumnType::Timestamp { zoned: true, text: iso() },
        ),
        (
            "logicalType: timestamp|logicalTypeOptions: {timezone: true}",
            ColumnType::Timestamp { zoned: true, text: iso() },
        ),
        (
            "logicalType: timestamp|customProperties: [{property: weir.epoch, value: milliseconds}]",
            ColumnType::Timestamp { zoned: false, text: TimeText::Epoch(EpochUnit::Milliseconds) },
        ),
        ("logicalType: object", ColumnType::Json),
        ("logicalType: array|physicalType: jsonb", ColumnType::Json),
    ] {
        assert_eq!(type_of(lines), Ok(expected), "{lines}");
    }
}

#[test]
fn contradictory_keys_are_errors() {
    for (lines, part) in [
        ("logicalType: integer|physicalType: varchar(9)", "contradicts logicalType 'integer'"),
        ("logicalType: integer|physicalType: bigint|logicalTypeOptions: {format: i32}", "with format 'i32'"),
        ("logicalType: integer|logicalTypeOptions: {format: u64}", "decimal(20,0)"),
        ("logicalType: number|physicalType: decimal(39,2)", "from 1 to 38"),
        ("logicalType: number|physicalType: decimal(3,4)", "no more of them after the point"),
        ("logicalType: timestamp|physicalType: timestamptz|logicalTypeOptions: {timezone: false}", "timezone: false"),
        ("logicalType: date|logicalTypeOptions: {format: yyyy-MM-dd HH:mm}", "time of day"),
        ("logicalType: date|logicalTypeOptions: {format: dd MMM yyyy}", "'MMM'"),
        ("logicalType: string|customProperties: [{property: weir.epoch, value: seconds}]", "contradicts logicalType"),
        ("logicalType: time", "use logicalType string"),
        ("logicalType: string|primaryKey: true|required: false", "contradicts 'primaryKey: true'"),
        ("logicalType: string|primaryKeyPosition: 1", "contradicts 'primaryKey: false'"),
        (
            "logicalType: integer|customProperties: [{property: pii, value: {kind: phone, action: hash}}]",
            "'hash' gives text",
        ),
        (
            "logicalType: string|customProperties: [{property: pii, value: {kind: phone, action: keep}}]",
            "needs a 'reason'",
        ),
    ] {
        let error = type_of(lines).unwrap_err();
        assert!(error.contains(part), "{lines}: {error}");
    }
}

#[test]
fn an_unknown_key_names_file_line_and_the_nearest_key() {
    let error = columns("      - name: a\n        logicaltype: string\n").unwrap_err();
    let text = error.to_string();
    assert!(text.contains("c.yaml:11:9: schema[0].properties[0]: unknown key 'logicaltype'"), "{text}");
    assert!(text.contains("did you mean 'logicalType'?"), "{text}");

    let custom = "    customProperties:\n      - property: weir.badRowLimits\n        value: 3\n      - property: theirs\n        value: 1\n";
    let text = Contract::parse("c.yaml", &document("      - name: a\n        logicalType: string\n", custom))
        .unwrap_err()
        .to_string();
    assert!(text.contains("c.yaml:10:19"), "{text}");
    assert!(text.contains("did you mean 'weir.badRowLimit'?"), "{text}");
    assert!(!text.contains("theirs"), "other tools' properties are theirs: {text}");
}

#[test]
fn every_mistake_is_told_at_once_in_the_order_of_lines() {
    let error =
        columns("      - name: a\n        logicalType: strin\n      - name: _op\n        logicalType: string\n")
            .unwrap_err();
    let lines: Vec<usize> = error.0.iter().map(|problem| problem.line).collect();
    assert_eq!(lines, [11, 12]);
}

#[test]
fn two_columns_cannot_share_a_name_or_a_source() {
    for second in
        ["name: A\n        logicalType: string\n", "name: b\n        physicalName: a\n        logicalType: string\n"]
    {
        assert!(columns(&format!("      - name: a\n        logicalType: string\n      - {second}")).is_err());
    }
}

#[test]
fn the_primary_key_keeps_its_own_order_and_is_required() {
    let contract = columns(
        "      - name: a\n        logicalType: string\n        primaryKey: true\n        primaryKeyPosition: 2\n      \
         - name: b\n        logicalType: string\n        primaryKey: true\n        primaryKeyPosition: 1\n",
    )
    .unwrap();
    let names: Vec<&str> = contract.key_columns().map(|column| column.name.as_str()).collect();
    assert_eq!(names, ["b", "a"]);
    assert!(contract.columns.iter().all(|column| column.required));
    assert_eq!(contract.version.major, 2);
}

#[test]
fn the_settings_of_a_table_are_read() {
    let custom = "    customProperties:\n      - {property: weir.csv.delimiter, value: '\\t'}\n      \
        - {property: weir.csv.null, value: ['', '\\N']}\n      - {property: weir.badRowLimit, value: 0.5%}\n      \
        - {property: weir.unknownColumns, value: fail}\n";
    let contract = Contract::parse("c", &document("      - name: a\n        logicalType: string\n", custom)).unwrap();
    assert_eq!(contract.source.csv.delimiter, b'\t');
    assert_eq!(contract.source.csv.null, ["", "\\N"]);
    assert_eq!(contract.bad_row_limit, BadRowLimit::Percent(0.5));
    assert_eq!(contract.source.unknown_columns, UnknownColumns::Fail);
}

#[test]
fn bad_row_limits_are_judged_exactly() {
    assert!(!BadRowLimit::Rows(3).is_exceeded(3, 10));
    assert!(BadRowLimit::Rows(3).is_exceeded(4, 10));
    assert!(!BadRowLimit::Percent(1.0).is_exceeded(1, 100));
    assert!(BadRowLimit::Percent(1.0).is_exceeded(2, 199));
    assert!(!BadRowLimit::Percent(100.0).is_exceeded(5, 5));
    assert!(!BadRowLimit::Percent(0.0).is_exceeded(0, 0));
    // Where a contract says nothing, a small object may have bad rows to any part, up to 100.
    assert!(!BadRowLimit::DEFAULT.is_exceeded(100, 100));
    assert!(BadRowLimit::DEFAULT.is_exceeded(101, 10_099));
    assert!(!BadRowLimit::DEFAULT.is_exceeded(101, 10_100));
}

#[test]
fn what_the_standard_knows_and_weir_does_not_act_on_is_listed() {
    let contract = columns("      - name: a\n        logicalType: string\n        logicalTypeOptions: {maxLength: 5}\n        unique: true\n").unwrap();
    let paths: Vec<&str> = contract.unread.iter().map(|unread| unread.path.as_str()).collect();
    assert_eq!(paths, ["schema[0].properties[0].unique", "schema[0].properties[0].logicalTypeOptions.maxLength"]);
}

fn streaming(settings: &str) -> Result<StreamSettings, String> {
    streaming_with(settings, "      - name: a\n        logicalType: string\n")
}

fn streaming_with(settings: &str, properties: &str) -> Result<StreamSettings, String> {
    let mut custom = String::from("    customProperties:\n");
    for setting in settings.split('|') {
        let (name, value) = setting.split_once(": ").unwrap();
        custom.push_str(&format!("      - property: {name}\n        value: {value}\n"));
    }
    Contract::parse("c.yaml", &document(properties, &custom))
        .map(|contract| contract.stream)
        .map_err(|problems| problems.to_string())
}

#[test]
fn a_contract_says_how_its_stream_is_read() {
    use crate::change::Operation;
    use crate::sequence::SequenceRule;

    let plain = columns("      - name: a\n        logicalType: string\n").unwrap();
    assert_eq!(plain.stream, StreamSettings::default());

    let stream = streaming("weir.sequence: dms-transaction|weir.dms.beforeImage: BI_*").unwrap();
    assert_eq!(stream.envelope, Some(EnvelopeKind::Dms));
    assert_eq!(stream.sequence, Some(SequenceRule::DmsTransaction));
    assert_eq!(stream.before_image, BeforeImage::Prefix("BI_".to_owned()));

    let properties = "      - name: at\n        physicalName: changed\n        logicalType: timestamp\n        \
         customProperties: [{property: weir.epoch, value: milliseconds}]\n";
    let settings = "weir.flat.operationField: kind|weir.flat.operations: {new: I, gone: D, 3: U}|\
        weir.flat.sequenceField: version|weir.flat.eventTimeField: changed";
    let stream = streaming_with(settings, properties).unwrap();
    assert_eq!(stream.envelope, Some(EnvelopeKind::Flat));
    assert_eq!(stream.sequence, Some(SequenceRule::Field));
    assert_eq!(stream.flat.operations[2], ("3".to_owned(), Operation::Update));
    assert_eq!(stream.flat.event_time.unwrap().text, TimeText::Epoch(EpochUnit::Milliseconds));
}

#[test]
fn contradictory_stream_settings_are_errors_with_their_line() {
    for (settings, part) in [
        ("weir.sequence: kineses", "did you mean 'kinesis'?"),
        ("weir.sequense: kinesis", "did you mean 'weir.sequence'?"),
        ("weir.envelope: dms", "does not say what orders its changes"),
        ("weir.dms.beforeImage: before", "does not say what orders its changes"),
        ("weir.sequence: dms-transaction|weir.envelope: debezium", "contradicts the envelope 'debezium'"),
        ("weir.sequence: debezium-mysql|weir.envelope: dms", "contradicts the envelope 'dms'"),
        ("weir.sequence: debezium-postgres|weir.flat.operationField: op", "contradicts the envelope 'flat'"),
        ("weir.sequence: kinesis|weir.envelope: dms|weir.flat.operationField: op", "'weir.envelope: dms'"),
        ("weir.sequence: kinesis|weir.dms.beforeImage: b|weir.flat.operationField: op", "'weir.envelope: dms'"),
        ("weir.sequence: file-order|weir.envelope: dms", "'file-order' orders files"),
        ("weir.sequence: kinesis|weir.format: csv", "streams arrive as JSON"),
        ("weir.sequence: field|weir.envelope: flat", "needs 'weir.flat.sequenceField'"),
        ("weir.sequence: kinesis|weir.flat.sequenceField: v", "contradicts 'weir.flat.sequenceField'"),
        ("weir.sequence: event-time|weir.envelope: flat", "needs 'weir.flat.eventTimeField'"),
        ("weir.sequence: kinesis|weir.flat.operations: {a: I}", "needs 'weir.flat.operationField'"),
        ("weir.sequence: kinesis|weir.flat.operationField: o|weir.flat.operations: {a: X}", "unknown value 'X'"),
        ("weir.sequence: kinesis|weir.flat.operationField: o|weir.flat.operations: [a]", "give a map"),
        ("weir.flat.sequenceField: o|weir.flat.operationField: o", "one field cannot be two"),
        ("weir.sequence: kinesis|weir.dms.beforeImage: ''", "name of a field is missing"),
    ] {
        let error = streaming(settings).unwrap_err();
        assert!(error.contains(part) && error.starts_with("c.yaml:"), "{settings}: {error}");
    }
    let pattern =
        "      - name: at\n        logicalType: timestamp\n        logicalTypeOptions: {format: dd/MM/yyyy}\n";
    let error = streaming_with("weir.sequence: event-time|weir.flat.eventTimeField: at", pattern).unwrap_err();
    assert!(error.contains("written by a pattern"), "{error}");
    let text = columns("      - name: _unchanged\n        logicalType: string\n").unwrap_err().to_string();
    assert!(text.contains("bronze adds"), "{text}");
}
