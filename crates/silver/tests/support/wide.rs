//! Tables with a column of every type, and what they have to hold.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{
    Date32Type, Decimal128Type, Float32Type, Float64Type, Int32Type, Int64Type, TimestampMicrosecondType,
};
use arrow_array::{
    Array, ArrayRef, BinaryArray, BooleanArray, Date32Array, Decimal128Array, Float32Array, Float64Array, Int32Array,
    Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray,
};
use arrow_schema::DataType;
use futures::TryStreamExt;
use iceberg::TableIdent;
use iceberg_commit::TableName;
use object_store::{ObjectStoreExt, PutPayload};
use parquet::arrow::ArrowWriter;
use proptest::prelude::*;
use weir_model::Contract;
use weir_silver::{Silver, Source};

use super::partitions::{Transform, plain};

/// A value as it is stored, to the bit.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Value {
    Null,
    Text(String),
    Int(i32),
    Long(i64),
    Float(u32),
    Double(u64),
    Decimal(i128),
    Bool(bool),
    Date(i32),
    Time(i64),
    Bytes(Vec<u8>),
}

/// A type of a contract.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Text,
    Int,
    Long,
    Float,
    Double,
    Decimal(u8, i8),
    Bool,
    Date,
    Time,
    Zoned,
    Bytes,
    Json,
}

/// The data columns of every table here.
pub const DATA: [(&str, Kind); 14] = [
    ("text", Kind::Text),
    ("int", Kind::Int),
    ("long", Kind::Long),
    ("float", Kind::Float),
    ("double", Kind::Double),
    ("small", Kind::Decimal(9, 2)),
    ("middle", Kind::Decimal(18, 4)),
    ("large", Kind::Decimal(38, 10)),
    ("flag", Kind::Bool),
    ("day", Kind::Date),
    ("clock", Kind::Time),
    ("moment", Kind::Zoned),
    ("bytes", Kind::Bytes),
    ("json", Kind::Json),
];

impl Kind {
    fn declared(self) -> String {
        match self {
            Kind::Text => "logicalType: string".to_owned(),
            Kind::Int => "logicalType: integer, physicalType: int".to_owned(),
            Kind::Long => "logicalType: integer, physicalType: bigint".to_owned(),
            Kind::Float => "logicalType: number, physicalType: float".to_owned(),
            Kind::Double => "logicalType: number, physicalType: double".to_owned(),
            Kind::Decimal(precision, scale) => {
                format!("logicalType: number, physicalType: \"decimal({precision},{scale})\"")
            }
            Kind::Bool => "logicalType: boolean".to_owned(),
            Kind::Date => "logicalType: date".to_owned(),
            Kind::Time => "logicalType: timestamp, physicalType: timestamp".to_owned(),
            Kind::Zoned => "logicalType: timestamp, physicalType: timestamptz".to_owned(),
            Kind::Bytes => "logicalType: string, physicalType: binary".to_owned(),
            Kind::Json => "logicalType: object".to_owned(),
        }
    }

    /// Values as bronze holds them.
    pub fn array<'v>(self, values: impl Iterator<Item = &'v Value>) -> ArrayRef {
        macro_rules! of {
            ($variant:ident) => {
                values.map(|value| match value {
                    Value::$variant(value) => Some(value.clone()),
                    Value::Null => None,
                    other => panic!("{other:?} is no {self:?}"),
                })
            };
        }
        match self {
            Kind::Text | Kind::Json => Arc::new(StringArray::from_iter(of!(Text))),
            Kind::Int => Arc::new(Int32Array::from_iter(of!(Int))),
            Kind::Long => Arc::new(Int64Array::from_iter(of!(Long))),
            Kind::Float => Arc::new(Float32Array::from_iter(of!(Float).map(|bits| bits.map(f32::from_bits)))),
            Kind::Double => Arc::new(Float64Array::from_iter(of!(Double).map(|bits| bits.map(f64::from_bits)))),
            Kind::Decimal(precision, scale) => {
                Arc::new(Decimal128Array::from_iter(of!(Decimal)).with_precision_and_scale(precision, scale).unwrap())
            }
            Kind::Bool => Arc::new(BooleanArray::from_iter(of!(Bool))),
            Kind::Date => Arc::new(Date32Array::from_iter(of!(Date))),
            Kind::Time => Arc::new(TimestampMicrosecondArray::from_iter(of!(Time))),
            Kind::Zoned => Arc::new(TimestampMicrosecondArray::from_iter(of!(Time)).with_timezone("UTC")),
            Kind::Bytes => Arc::new(BinaryArray::from_iter(of!(Bytes))),
        }
    }

    /// Values that are likely to be handled wrong, and others.
    pub fn values(self) -> BoxedStrategy<Value> {
        match self {
            Kind::Text => prop::sample::select(texts()).prop_map(Value::Text).boxed(),
            Kind::Json => prop::sample::select(vec!["{}", "{\"a\": 1}", "{\"a\":1}", "[]", "null", "\"\u{10FFFF}\""])
                .prop_map(|text| Value::Text(text.to_owned()))
                .boxed(),
            Kind::Int => prop_oneof![prop::sample::select(vec![i32::MIN + 99, -1, 0, 1, i32::MAX]), -9i32..9]
                .prop_map(Value::Int)
                .boxed(),
            Kind::Long => prop_oneof![
                prop::sample::select(vec![i64::MIN + 99, -1, 0, i64::MAX, 1 << 31, 1 << 32, (1 << 53) + 1]),
                -9i64..9
            ]
            .prop_map(Value::Long)
            .boxed(),
            Kind::Float => prop::sample::select(vec![0.0, -0.0, 1.5, f32::NAN, f32::INFINITY, f32::MIN, 1e-45])
                .prop_map(|value: f32| Value::Float(value.to_bits()))
                .boxed(),
            Kind::Double => prop::sample::select(vec![0.0, -0.0, 0.1, f64::NAN, f64::NEG_INFINITY, f64::MAX, 5e-324])
                .prop_map(|value: f64| Value::Double(value.to_bits()))
                .boxed(),
            Kind::Decimal(precision, _) => {
                let most = 10i128.pow(u32::from(precision)) - 1;
                let edges = vec![0, 1, -1, 127, 128, -128, -129, 255, -256, 32_768, most - 100, 100 - most];
                prop::sample::select(edges).prop_map(Value::Decimal).boxed()
            }
            Kind::Bool => any::<bool>().prop_map(Value::Bool).boxed(),
            Kind::Date => prop_oneof![
                prop::sample::select(vec![-719_162, -366, -365, -31, -1, 0, 58, 59, 19_000, 2_932_896]),
                -800i32..800
            ]
            .prop_map(Value::Date)
            .boxed(),
            Kind::Time | Kind::Zoned => {
                let day = 86_400_000_000i64;
                let edges = vec![-1, 0, 1, -day, -day - 1, 1 - day, -500_000, -day - 500_000, -3_600_000_000, day - 1];
                prop_oneof![
                    prop::sample::select(edges),
                    -900 * day..900 * day,
                    prop::sample::select(vec![-62_135_596_800_000_000, 253_402_300_799_999_999])
                ]
                .prop_map(Value::Time)
                .boxed()
            }
            Kind::Bytes => {
                let edges =
                    vec![vec![], vec![0], vec![0, 0], vec![255; 80], vec![255; 63], [vec![7; 70], vec![255]].concat()];
                prop_oneof![prop::sample::select(edges), prop::collection::vec(any::<u8>(), 0..4)]
                    .prop_map(Value::Bytes)
                    .boxed()
            }
        }
    }

    /// What a table may be partitioned by.
    pub fn transforms(self) -> Vec<Transform> {
        use Transform as T;
        match self {
            Kind::Float | Kind::Double | Kind::Json => vec![],
            Kind::Bool => vec![T::Identity],
            Kind::Date => vec![T::Identity, T::Year, T::Month, T::Day, T::Bucket(3)],
            Kind::Time | Kind::Zoned => vec![T::Identity, T::Year, T::Month, T::Day, T::Hour, T::Bucket(3)],
            _ => vec![T::Identity, T::Bucket(3), T::Bucket(1), T::Truncate(1), T::Truncate(3)],
        }
    }
}

fn texts() -> Vec<String> {
    let shared = "p".repeat(70);
    let most = "\u{10FFFF}".repeat(20);
    let mut texts: Vec<String> = ["", "a", "A", "z", "\0", "\u{7f}", "ü", "-", "\u{10FFFF}"].map(str::to_owned).into();
    texts.extend(["", "a", "b", "ü", "\u{10FFFF}"].iter().map(|end| format!("{shared}{end}")));
    texts.extend(["", "a", "\u{10FFFF}"].iter().map(|end| format!("{most}{end}")));
    // What comes after it is no character; a bound may have to skip a gap, or end within a character.
    texts.push("\u{D7FF}".repeat(30));
    texts.push(format!("{}\u{D7FF}\u{10FFFF}\u{10FFFF}", "q".repeat(60)));
    texts.push(format!("{}üüü", "q".repeat(63)));
    texts
}

/// A change record of a table with these columns.
#[derive(Debug, Clone)]
pub struct Change {
    pub key: Vec<Value>,
    pub sequence: String,
    pub op: char,
    /// Microseconds.
    pub time: i64,
    /// `None`: the record says that the column did not change.
    pub values: Vec<Option<Value>>,
}

/// A change of one of these keys.
pub fn change(pool: Vec<Vec<Value>>) -> impl Strategy<Value = Change> {
    let values: Vec<BoxedStrategy<Option<Value>>> = DATA
        .iter()
        .map(|(_, kind)| {
            prop_oneof![1 => Just(None), 2 => Just(Some(Value::Null)), 7 => kind.values().prop_map(Some)].boxed()
        })
        .collect();
    let ops = prop::sample::select(vec!['I', 'U', 'U', 'U', 'D', 'L']);
    (prop::sample::select(pool), 0u8..30, ops, -40i64..40, values, any::<bool>()).prop_map(
        |(key, number, op, time, values, whole)| Change {
            key,
            sequence: format!("{}{number:03}", if op == 'L' { '0' } else { '1' }),
            op,
            time: time * 1_000_001,
            values: values.into_iter().map(|value| if whole { value.or(Some(Value::Null)) } else { value }).collect(),
        },
    )
}

/// A table and how it is keyed and partitioned.
#[derive(Debug, Clone)]
pub struct Wide {
    pub keys: Vec<Kind>,
    pub partition: Option<(String, Transform)>,
    pub kind: &'static str,
}

impl Wide {
    pub fn columns(&self) -> Vec<(String, Kind)> {
        let keys = self.keys.iter().enumerate().map(|(place, kind)| (format!("k{place}"), *kind));
        keys.chain(DATA.iter().map(|(name, kind)| ((*name).to_owned(), *kind))).collect()
    }

    pub fn contract(&self) -> Contract {
        let mut text = format!(
            "apiVersion: v3.1.0\nkind: DataContract\nid: t\nname: t\nversion: 1.0.0\nstatus: active\nschema:\n  - name: t\n    \
             customProperties:\n      - {{property: weir.silver.kind, value: {}}}\n",
            self.kind
        );
        if let Some((column, transform)) = &self.partition {
            let by = transform.declared(column);
            text.push_str(&format!("      - {{property: weir.silver.partitionBy, value: [\"{by}\"]}}\n"));
        }
        text.push_str("    properties:\n");
        for (place, (name, kind)) in self.columns().iter().enumerate() {
            let key = match place < self.keys.len() {
                true => format!(", primaryKey: true, primaryKeyPosition: {}, required: true", place + 1),
                false => String::new(),
            };
            text.push_str(&format!("      - {{name: {name}, {}{key}}}\n", kind.declared()));
        }
        super::lake::parse(&text)
    }

    /// Writes change records as a bronze file.
    pub async fn bronze(&self, silver: &Silver, number: usize, changes: &[Change]) -> Source {
        let mut columns: Vec<(String, ArrayRef)> = Vec::new();
        for (place, (name, kind)) in self.columns().into_iter().enumerate() {
            let of = |change: &'_ Change| match place.checked_sub(self.keys.len()) {
                None => change.key[place].clone(),
                Some(place) if change.op == 'D' => {
                    // A deletion carries its key alone, or whatever there was.
                    if change.time % 2 == 0 { Value::Null } else { change.values[place].clone().unwrap_or(Value::Null) }
                }
                Some(place) => change.values[place].clone().unwrap_or(Value::Null),
            };
            let values: Vec<Value> = changes.iter().map(of).collect();
            columns.push((name, kind.array(values.iter())));
        }
        let unset = changes.iter().map(|change| {
            let names =
                DATA.iter().zip(&change.values).filter(|(_, value)| value.is_none()).map(|((name, _), _)| *name);
            let names: Vec<&str> = names.collect();
            (!names.is_empty()).then(|| serde_json::to_string(&names).unwrap())
        });
        let text = |of: &dyn Fn(&Change) -> String| -> ArrayRef {
            Arc::new(StringArray::from_iter_values(changes.iter().map(of)))
        };
        let times = TimestampMicrosecondArray::from_iter_values(changes.iter().map(|change| change.time));
        columns.push(("_op".to_owned(), text(&|change| change.op.to_string())));
        columns.push(("_seq".to_owned(), text(&|change| change.sequence.clone())));
        columns.push(("_event_time".to_owned(), Arc::new(times.with_timezone("UTC"))));
        columns.push(("_unchanged".to_owned(), Arc::new(StringArray::from_iter(unset))));
        let batch = RecordBatch::try_from_iter(columns).unwrap();
        let control_id = format!("{number:032x}");
        let bronze_key = format!("bronze/t/v1/{control_id}.parquet");
        put(silver, &bronze_key, parquet(&batch)).await;
        Source { control_id, bronze_key }
    }

    /// What the table has to hold: key, data, the kind's three times, `_op`, `_seq`, `_carried`.
    pub fn expected(&self, history: &[Change]) -> BTreeSet<Vec<Value>> {
        let mut keys: BTreeMap<&Vec<Value>, Vec<&Change>> = BTreeMap::new();
        for change in history {
            keys.entry(&change.key).or_default().push(change);
        }
        let mut rows = BTreeSet::new();
        for (key, mut changes) in keys {
            changes.sort_by_key(|change| change.sequence.clone());
            let from = if self.kind == "history" { 1 } else { changes.len() };
            for count in from..=changes.len() {
                let known = &changes[..count];
                let winner = known[count - 1];
                let (mut row, mut sequences) = (key.clone(), BTreeMap::new());
                for (place, (name, _)) in DATA.iter().enumerate() {
                    let setter = known.iter().rev().find(|change| change.op != 'D' && change.values[place].is_some());
                    row.push(setter.map_or(Value::Null, |change| change.values[place].clone().unwrap()));
                    sequences.insert((*name).to_owned(), setter.map_or("", |change| change.sequence.as_str()));
                }
                let first = known.iter().map(|change| change.time).min().unwrap();
                let deleted = if winner.op == 'D' { Value::Time(winner.time) } else { Value::Null };
                let until = changes.get(count).map_or(Value::Null, |next| Value::Time(next.time));
                match self.kind {
                    "history" => row.extend([Value::Time(winner.time), until, deleted]),
                    _ => row.extend([Value::Time(first), Value::Time(winner.time), deleted]),
                }
                row.extend([Value::Text(winner.op.to_string()), Value::Text(winner.sequence.clone())]);
                row.push(carried(&winner.sequence, &sequences));
                rows.insert(row);
            }
        }
        rows
    }

    /// Every row of the table, read by the `iceberg` crate's scan; fails where one stands twice.
    pub async fn read(&self, silver: &Silver) -> BTreeSet<Vec<Value>> {
        let mut rows = BTreeSet::new();
        for batch in scan(silver).await {
            for row in 0..batch.num_rows() {
                let mut values: Vec<Value> = batch.columns().iter().map(|column| value(column, row)).collect();
                if let Some(Value::Text(carried)) = values.last_mut() {
                    let parsed: BTreeMap<String, String> = serde_json::from_str(carried).unwrap();
                    *carried = serde_json::to_string(&parsed).unwrap();
                }
                assert!(rows.insert(values.clone()), "a row stands twice: {values:?}");
            }
        }
        rows
    }

    /// Looks into every data file: its rows are of its partition, and its bounds hold them.
    pub async fn check_files(&self, silver: &Silver) {
        let table = silver.tables.load(&TableName::new("silver", "t")).await.unwrap().unwrap();
        let live = table.live(silver.tables.warehouse()).await.unwrap();
        for file in &live.data {
            let path = silver.tables.warehouse().path(file.file.file_path()).unwrap();
            let bytes = silver.tables.warehouse().store().get(&path).await.unwrap().bytes().await.unwrap();
            let reader = parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder::try_new(bytes).unwrap();
            for batch in reader.build().unwrap() {
                let batch = batch.unwrap();
                for (name, _) in self.columns() {
                    let column = batch.column_by_name(&name).unwrap();
                    let id = table.metadata.current_schema().field_id_by_name(&name).unwrap();
                    let bound = |bounds: &std::collections::HashMap<i32, iceberg::spec::Datum>| {
                        bounds.get(&id).map(|datum| literal(datum.literal()))
                    };
                    let lower = bound(file.file.lower_bounds());
                    let upper = bound(file.file.upper_bounds());
                    for row in 0..batch.num_rows() {
                        let value = value(column, row);
                        if let Some((wanted, transform)) = &self.partition
                            && *wanted == name
                        {
                            let stored = file.file.partition().iter().next().unwrap();
                            let stored =
                                stored.map_or(Value::Null, |stored| literal(&stored.as_primitive_literal().unwrap()));
                            assert_eq!(stored, transform.of(&value), "{transform:?} of {name} {value:?}");
                        }
                        // Floats do not compare by their bits.
                        if matches!(value, Value::Null | Value::Float(_) | Value::Double(_)) {
                            continue;
                        }
                        let value = plain(value);
                        assert!(lower.as_ref().is_none_or(|lower| *lower <= value), "{name} {lower:?} {value:?}");
                        assert!(upper.as_ref().is_none_or(|upper| value <= *upper), "{name} {upper:?} {value:?}");
                    }
                }
            }
        }
    }
}

fn literal(literal: &iceberg::spec::PrimitiveLiteral) -> Value {
    use iceberg::spec::PrimitiveLiteral as L;
    match literal {
        L::Boolean(value) => Value::Bool(*value),
        L::Int(value) => Value::Int(*value),
        L::Long(value) => Value::Long(*value),
        L::Float(value) => Value::Float(value.0.to_bits()),
        L::Double(value) => Value::Double(value.0.to_bits()),
        L::String(value) => Value::Text(value.clone()),
        L::Binary(value) => Value::Bytes(value.clone()),
        L::Int128(value) => Value::Decimal(*value),
        other => panic!("{other:?}"),
    }
}

/// `_carried`, with its names in their order.
fn carried(own: &str, sequences: &BTreeMap<String, &str>) -> Value {
    let first = *sequences.values().next().unwrap();
    let mut told: BTreeMap<&str, &str> = BTreeMap::new();
    if sequences.values().all(|sequence| *sequence == first) {
        told.extend((first != own).then_some(("*", first)));
    } else {
        let older = sequences.iter().filter(|(_, sequence)| **sequence != own);
        told.extend(older.map(|(name, sequence)| (name.as_str(), *sequence)));
    }
    if told.is_empty() { Value::Null } else { Value::Text(serde_json::to_string(&told).unwrap()) }
}

/// A batch as a Parquet file.
pub fn parquet(batch: &RecordBatch) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut writer = ArrowWriter::try_new(&mut bytes, batch.schema(), None).unwrap();
    writer.write(batch).unwrap();
    writer.close().unwrap();
    bytes
}

/// Writes an object to bronze.
pub async fn put(silver: &Silver, key: &str, bytes: Vec<u8>) {
    let path = silver.bronze.path(key).unwrap();
    silver.bronze.store().put(&path, PutPayload::from(bytes)).await.unwrap();
}

/// The table, read by the `iceberg` crate's own scan.
pub async fn scan(silver: &Silver) -> Vec<RecordBatch> {
    let Some(table) = silver.tables.load(&TableName::new("silver", "t")).await.unwrap() else { return Vec::new() };
    let table = iceberg::table::Table::builder()
        .metadata(Arc::clone(&table.metadata))
        .metadata_location(table.metadata_location.clone())
        .identifier(TableIdent::from_strs(["silver", "t"]).unwrap())
        .file_io(silver.tables.warehouse().file_io().clone())
        .runtime(iceberg::Runtime::try_current().unwrap())
        .build()
        .unwrap();
    let stream = table.scan().build().unwrap().to_arrow().await.unwrap();
    stream.try_collect().await.unwrap()
}

/// One value of a column.
pub fn value(column: &ArrayRef, row: usize) -> Value {
    if column.is_null(row) {
        return Value::Null;
    }
    match column.data_type() {
        DataType::Utf8 => Value::Text(column.as_string::<i32>().value(row).to_owned()),
        DataType::Int32 => Value::Int(column.as_primitive::<Int32Type>().value(row)),
        DataType::Int64 => Value::Long(column.as_primitive::<Int64Type>().value(row)),
        DataType::Float32 => Value::Float(column.as_primitive::<Float32Type>().value(row).to_bits()),
        DataType::Float64 => Value::Double(column.as_primitive::<Float64Type>().value(row).to_bits()),
        DataType::Decimal128(_, _) => Value::Decimal(column.as_primitive::<Decimal128Type>().value(row)),
        DataType::Boolean => Value::Bool(column.as_boolean().value(row)),
        DataType::Date32 => Value::Date(column.as_primitive::<Date32Type>().value(row)),
        DataType::Timestamp(_, _) => Value::Time(column.as_primitive::<TimestampMicrosecondType>().value(row)),
        DataType::Binary => Value::Bytes(column.as_binary::<i32>().value(row).to_vec()),
        DataType::LargeBinary => Value::Bytes(column.as_binary::<i64>().value(row).to_vec()),
        other => panic!("{other} is none of the types here"),
    }
}
