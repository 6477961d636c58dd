//! Records that are about the stream or the schema, not about a row.

use std::borrow::Cow;

/// A record that changes no row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Control<'r> {
    /// What it says.
    pub kind: ControlKind,
    /// The table that it is about, as the source names it; it may be none of the lake's.
    pub table: Option<Cow<'r, str>>,
}

macro_rules! kinds {
    ($($(#[$doc:meta])* $variant:ident = $word:literal),+ $(,)?) => {
        /// What a control record says.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum ControlKind { $($(#[$doc])* $variant),+ }

        impl ControlKind {
            /// The word for counters and logs.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self { $(ControlKind::$variant => $word),+ }
            }

            /// The kind that DMS names so; it has written both `truncate-table` and `TruncateTable`.
            pub(crate) fn of_dms(operation: &[u8]) -> Option<Self> {
                const DMS: &[ControlKind] = &[
                    ControlKind::CreateTable,
                    ControlKind::DropTable,
                    ControlKind::RenameTable,
                    ControlKind::AddColumn,
                    ControlKind::DropColumn,
                    ControlKind::RenameColumn,
                    ControlKind::ColumnTypeChange,
                    ControlKind::TruncateTable,
                ];
                let letters = |word: &[u8]| -> Vec<u8> {
                    word.iter().filter(|byte| !b"-_".contains(byte)).map(u8::to_ascii_lowercase).collect()
                };
                let operation = letters(operation);
                DMS.iter().find(|kind| letters(kind.as_str().as_bytes()) == operation).copied()
            }
        }
    };
}

kinds! {
    /// A table was made.
    CreateTable = "create-table",
    /// A table is gone. Its rows stay in the lake.
    DropTable = "drop-table",
    /// A table has another name. Its rows stay in the lake under the old one.
    RenameTable = "rename-table",
    /// A table was emptied. Its rows **stay in the lake**: a truncate has no rows to delete.
    TruncateTable = "truncate-table",
    /// A column came.
    AddColumn = "add-column",
    /// A column went.
    DropColumn = "drop-column",
    /// A column has another name.
    RenameColumn = "rename-column",
    /// A column has another type.
    ColumnTypeChange = "column-type-change",
    /// What Debezium calls a schema change: a statement that was run.
    SchemaChange = "schema-change",
    /// The null that follows a delete, for Kafka's compaction.
    Tombstone = "tombstone",
    /// A transaction begins.
    TransactionBegin = "transaction-begin",
    /// A transaction ends.
    TransactionEnd = "transaction-end",
    /// A sign of life.
    Heartbeat = "heartbeat",
    /// A message that an application wrote into PostgreSQL's log.
    Message = "message",
}

impl ControlKind {
    /// Whether the lake no longer holds what the source does, so that a person should be told.
    #[must_use]
    pub fn needs_attention(self) -> bool {
        matches!(self, ControlKind::TruncateTable | ControlKind::DropTable | ControlKind::RenameTable)
    }
}
