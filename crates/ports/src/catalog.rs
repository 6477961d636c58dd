//! Which metadata file is a table's current one, and the one conditional write that moves on.
//!
//! A catalog knows names and locations, nothing of what a metadata file holds. All that a commit
//! needs of it is that of several that swap from one location, one wins.

use std::fmt;

use async_trait::async_trait;
use thiserror::Error;

/// A table's name in the catalog.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TableName {
    /// The namespace, such as `silver`.
    pub namespace: String,
    /// The name within the namespace.
    pub name: String,
}

impl TableName {
    /// The table `name` in `namespace`.
    #[must_use]
    pub fn new(namespace: impl Into<String>, name: impl Into<String>) -> Self {
        TableName { namespace: namespace.into(), name: name.into() }
    }
}

impl fmt::Display for TableName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.namespace, self.name)
    }
}

/// What became of a `create` or a `swap`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Swap {
    /// The catalog points to the new location.
    Won,
    /// It points to another one, as before; nothing was changed.
    Lost,
}

/// What can go wrong with a catalog.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum CatalogError {
    /// The catalog is busy, throttled or out of reach. A write may or may not have taken effect: ask for the head and look.
    #[error(
        "the catalog does not answer ({reason}); a write may have taken effect: look at the table's head before you repeat it"
    )]
    Unavailable {
        /// What the catalog said.
        reason: String,
    },
    /// The catalog refuses, has changed nothing, and trying again will not help.
    #[error("the catalog cannot be used: {reason}")]
    Unusable {
        /// What is wrong and what to do.
        reason: String,
    },
}

impl CatalogError {
    /// Whether a write that failed so may have taken effect.
    #[must_use]
    pub fn outcome_is_unknown(&self) -> bool {
        matches!(self, CatalogError::Unavailable { .. })
    }
}

/// Keeps the location of each table's current metadata file.
///
/// Every method may fail with [`CatalogError::Unavailable`]; then a write may have taken effect although its
/// answer was lost. Locations never come twice, so whoever finds his own as the head has won.
#[async_trait]
pub trait Catalog: fmt::Debug + Send + Sync {
    /// The location of the table's metadata file as the last completed write left it; `None` where there is no such table.
    ///
    /// # Errors
    /// [`CatalogError`].
    async fn head(&self, table: &TableName) -> Result<Option<String>, CatalogError>;

    /// The tables of a namespace, in the order of their names; none where there is no such namespace.
    ///
    /// # Errors
    /// [`CatalogError`].
    async fn tables(&self, namespace: &str) -> Result<Vec<TableName>, CatalogError>;

    /// Adds the table, and its namespace where that is missing. Lost where there is a table of that name.
    ///
    /// # Errors
    /// [`CatalogError`].
    async fn create(&self, table: &TableName, metadata_location: &str) -> Result<Swap, CatalogError>;

    /// Points the table to `to`, if it points to `from`. Lost where it points elsewhere or is gone.
    ///
    /// # Errors
    /// [`CatalogError`].
    async fn swap(&self, table: &TableName, from: &str, to: &str) -> Result<Swap, CatalogError>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_is_shown_as_sql_names_it() {
        assert_eq!(TableName::new("silver", "review").to_string(), "silver.review");
    }

    #[test]
    fn only_a_lost_answer_leaves_the_outcome_open() {
        assert!(CatalogError::Unavailable { reason: "busy".to_owned() }.outcome_is_unknown());
        assert!(!CatalogError::Unusable { reason: "full".to_owned() }.outcome_is_unknown());
    }
}
