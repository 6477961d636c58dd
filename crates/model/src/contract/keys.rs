//! The keys of ODCS v3.1.0 documents, as its JSON schema lists them
//! (<https://github.com/bitol-io/open-data-contract-standard>, `schema/odcs-json-schema-v3.1.0.json`),
//! and the custom properties that are Weir's own.

pub(super) const ROOT: &[&str] = &[
    "apiVersion",
    "authoritativeDefinitions",
    "contractCreatedTs",
    "customProperties",
    "dataProduct",
    "description",
    "domain",
    "id",
    "kind",
    "name",
    "price",
    "roles",
    "schema",
    "servers",
    "slaDefaultElement",
    "slaProperties",
    "status",
    "support",
    "tags",
    "team",
    "tenant",
    "version",
];

pub(super) const TABLE: &[&str] = &[
    "authoritativeDefinitions",
    "businessName",
    "customProperties",
    "dataGranularityDescription",
    "description",
    "id",
    "logicalType",
    "name",
    "physicalName",
    "physicalType",
    "properties",
    "quality",
    "relationships",
    "tags",
];

pub(super) const PROPERTY: &[&str] = &[
    "authoritativeDefinitions",
    "businessName",
    "classification",
    "criticalDataElement",
    "customProperties",
    "description",
    "encryptedName",
    "examples",
    "id",
    "items",
    "logicalType",
    "logicalTypeOptions",
    "name",
    "partitionKeyPosition",
    "partitioned",
    "physicalName",
    "physicalType",
    "primaryKey",
    "primaryKeyPosition",
    "properties",
    "quality",
    "relationships",
    "required",
    "tags",
    "transformDescription",
    "transformLogic",
    "transformSourceObjects",
    "unique",
];

pub(super) const CUSTOM_PROPERTY: &[&str] = &["description", "id", "property", "value"];

pub(super) const LOGICAL_TYPES: &[&str] =
    &["string", "date", "timestamp", "time", "number", "integer", "object", "array", "boolean"];

/// The options that each logical type may have.
pub(super) fn type_options(logical_type: &str) -> &'static [&'static str] {
    match logical_type {
        "string" => &["format", "maxLength", "minLength", "pattern"],
        "date" => &["exclusiveMaximum", "exclusiveMinimum", "format", "maximum", "minimum"],
        "timestamp" => {
            &["defaultTimezone", "exclusiveMaximum", "exclusiveMinimum", "format", "maximum", "minimum", "timezone"]
        }
        "integer" | "number" => &["exclusiveMaximum", "exclusiveMinimum", "format", "maximum", "minimum", "multipleOf"],
        "object" => &["maxProperties", "minProperties", "required"],
        "array" => &["maxItems", "minItems", "uniqueItems"],
        _ => &[],
    }
}

/// Weir's own settings of a table: `schema[0].customProperties`.
pub(super) mod table {
    pub(crate) const FORMAT: &str = "weir.format";
    pub(crate) const CSV_DELIMITER: &str = "weir.csv.delimiter";
    pub(crate) const CSV_HEADER: &str = "weir.csv.header";
    pub(crate) const CSV_NULL: &str = "weir.csv.null";
    pub(crate) const CSV_NULL_WHEN_QUOTED: &str = "weir.csv.nullWhenQuoted";
    pub(crate) const UNKNOWN_COLUMNS: &str = "weir.unknownColumns";
    pub(crate) const BAD_ROW_LIMIT: &str = "weir.badRowLimit";
    pub(crate) const GENERATE: &str = "weir.generate";
    pub(crate) const ENVELOPE: &str = "weir.envelope";
    pub(crate) const SEQUENCE: &str = "weir.sequence";
    pub(crate) const DMS_BEFORE_IMAGE: &str = "weir.dms.beforeImage";
    pub(crate) const FLAT_OPERATION_FIELD: &str = "weir.flat.operationField";
    pub(crate) const FLAT_OPERATIONS: &str = "weir.flat.operations";
    pub(crate) const FLAT_SEQUENCE_FIELD: &str = "weir.flat.sequenceField";
    pub(crate) const FLAT_EVENT_TIME_FIELD: &str = "weir.flat.eventTimeField";
    /// What every setting of silver begins with.
    pub(crate) const SILVER: &str = "weir.silver.";
    pub(crate) const SILVER_KIND: &str = "weir.silver.kind";
    pub(crate) const SILVER_STATE_COLUMN: &str = "weir.silver.stateColumn";
    pub(crate) const SILVER_PARTITION_BY: &str = "weir.silver.partitionBy";
    pub(crate) const SILVER_SORT_BY: &str = "weir.silver.sortBy";
    pub(crate) const SILVER_TARGET_FILE_SIZE: &str = "weir.silver.targetFileSize";

    pub(crate) const ALL: &[&str] = &[
        FORMAT,
        CSV_DELIMITER,
        CSV_HEADER,
        CSV_NULL,
        CSV_NULL_WHEN_QUOTED,
        UNKNOWN_COLUMNS,
        BAD_ROW_LIMIT,
        GENERATE,
        ENVELOPE,
        SEQUENCE,
        DMS_BEFORE_IMAGE,
        FLAT_OPERATION_FIELD,
        FLAT_OPERATIONS,
        FLAT_SEQUENCE_FIELD,
        FLAT_EVENT_TIME_FIELD,
        SILVER_KIND,
        SILVER_STATE_COLUMN,
        SILVER_PARTITION_BY,
        SILVER_SORT_BY,
        SILVER_TARGET_FILE_SIZE,
    ];
}

/// Weir's own settings of a column: `properties[].customProperties`.
pub(super) mod column {
    pub(crate) const PII: &str = "pii";
    pub(crate) const EPOCH: &str = "weir.epoch";
    pub(crate) const GENERATE: &str = "weir.generate";
    pub(crate) const RENAMED_FROM: &str = "weir.renamedFrom";

    pub(crate) const ALL: &[&str] = &[PII, EPOCH, GENERATE, RENAMED_FROM];
}
