//! A silver table as a merge sees it: which column is what.

use std::sync::Arc;

use arrow_schema::{DataType, TimeUnit};
use hashbrown::HashMap;
use iceberg::spec::TableMetadata;
use iceberg_files::FileShape;
use weir_model::Contract;
use weir_model::contract::{SilverKind, silver};

use crate::error::MergeError;
use crate::rows::Rows;

/// A column whose values come from the source.
#[derive(Debug, Clone)]
pub(crate) struct DataColumn {
    pub(crate) name: String,
    pub(crate) data_type: DataType,
    pub(crate) field_id: i32,
    pub(crate) is_key: bool,
}

/// What a column of the table is filled with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cell {
    /// The data column at this place.
    Data(usize),
    /// The state before, of the data column at this place.
    Previous(usize),
    /// The kind's time at this place.
    Time(usize),
    Op,
    Sequence,
    /// `_carried` or `_repeats`.
    Text,
}

/// A silver table as a merge sees it.
#[derive(Debug)]
pub(crate) struct Layout {
    pub(crate) table: String,
    pub(crate) kind: SilverKind,
    pub(crate) data: Vec<DataColumn>,
    /// Places in `data` of the primary key, in its own order.
    pub(crate) keys: Vec<usize>,
    /// Place in `data` of the column whose states are kept.
    pub(crate) state: usize,
    /// What each column of the table is filled with.
    pub(crate) cells: Vec<Cell>,
    /// What the table's files look like.
    pub(crate) files: Arc<FileShape>,
    aliases: HashMap<String, usize>,
}

/// Times in bronze.
pub(crate) fn zoned() -> DataType {
    DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()))
}

impl Layout {
    /// Of a table whose schema already is what the contract asks for.
    pub(crate) fn new(metadata: &TableMetadata, contract: &Contract) -> Result<Self, MergeError> {
        let settings = &contract.silver;
        let files = FileShape::of(metadata, settings.target_file_bytes).map_err(MergeError::files(&contract.table))?;
        let keys: Vec<&str> = contract.key_columns().map(|column| column.name.as_str()).collect();
        let state = settings.state_column.map(|column| contract.columns[column].name.as_str());
        let previous = state.map(silver::columns::previous);
        let (mut data, mut cells) = (Vec::new(), Vec::new());
        for (field, arrow) in files.schema.as_struct().fields().iter().zip(files.arrow.fields()) {
            let name = field.name.as_str();
            let time = TIMES.iter().find(|(kind, time, _)| *kind == settings.kind && *time == name);
            cells.push(match (name, time) {
                (_, Some((_, _, place))) => Cell::Time(*place),
                (silver::columns::OP, _) => Cell::Op,
                (silver::columns::SEQ, _) => Cell::Sequence,
                (silver::columns::CARRIED | silver::columns::REPEATS, _) => Cell::Text,
                _ if previous.as_deref() == Some(name) => Cell::Previous(0),
                _ => {
                    data.push(DataColumn {
                        name: name.to_owned(),
                        data_type: arrow.data_type().clone(),
                        field_id: field.id,
                        is_key: keys.contains(&name),
                    });
                    Cell::Data(data.len() - 1)
                }
            });
        }
        let place = |name: &str| data.iter().position(|column: &DataColumn| column.name == name);
        let missing = |name: &str| MergeError::Defect(format!("the table has no column '{name}'"));
        let state = match state {
            Some(name) => place(name).ok_or_else(|| missing(name))?,
            None => 0,
        };
        let keys: Result<Vec<usize>, _> = keys.iter().map(|name| place(name).ok_or_else(|| missing(name))).collect();
        let mut aliases = HashMap::new();
        for (index, column) in contract.columns.iter().enumerate() {
            let earlier = settings.earlier_names(index).iter();
            aliases.extend(earlier.filter_map(|name| Some((name.clone(), place(&column.name)?))));
        }
        for cell in &mut cells {
            if let Cell::Previous(column) = cell {
                *column = state;
            }
        }
        Ok(Layout {
            table: contract.table.clone(),
            kind: settings.kind,
            keys: keys?,
            state,
            cells,
            files: Arc::new(files),
            aliases,
            data,
        })
    }

    /// Place in `data` of a column of bronze, by its name or one that it had before.
    pub(crate) fn source_column(&self, name: &str) -> Option<usize> {
        self.data.iter().position(|column| column.name == name).or_else(|| self.aliases.get(name).copied())
    }

    /// Rows without a batch yet.
    pub(crate) fn rows(&self) -> Rows {
        Rows {
            batches: Vec::new(),
            names: self.data.iter().map(|column| column.name.clone()).collect(),
            is_key: self.data.iter().map(|column| column.is_key).collect(),
            renamed: self.aliases.clone(),
        }
    }

    /// Name of the column that fills a cell.
    pub(crate) fn column_of(&self, cell: Cell) -> Option<&str> {
        let place = self.cells.iter().position(|other| *other == cell)?;
        Some(self.files.arrow.field(place).name())
    }

    /// Field id of the column that fills a cell.
    pub(crate) fn field_of(&self, cell: Cell) -> Option<i32> {
        self.files.schema.field_id_by_name(self.column_of(cell)?)
    }
}

/// Each kind's columns of time and their places in [`crate::fold::NewRow::times`].
const TIMES: [(SilverKind, &str, usize); 7] = [
    (SilverKind::Snapshot, silver::columns::CREATED_AT, 0),
    (SilverKind::Snapshot, silver::columns::UPDATED_AT, 1),
    (SilverKind::Snapshot, silver::columns::DELETED_AT, 2),
    (SilverKind::History, silver::columns::VALID_FROM, 0),
    (SilverKind::History, silver::columns::VALID_TO, 1),
    (SilverKind::History, silver::columns::DELETED_AT, 2),
    (SilverKind::StateChanges, silver::columns::CHANGED_AT, 0),
];
