//! A catalog in memory, for this crate's own tests: it keeps every rule, or breaks a chosen one.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;

use crate::catalog::{Catalog, CatalogError, Swap, TableName};

/// The rule that a catalog breaks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Fault {
    #[default]
    None,
    CreateOverwrites,
    SwapIgnoresFrom,
    SwapChecksBeforeItWrites,
    ListsEveryNamespace,
}

#[derive(Debug, Default)]
struct MemoryCatalog {
    heads: Mutex<BTreeMap<TableName, String>>,
    fault: Fault,
}

impl MemoryCatalog {
    fn heads(&self) -> MutexGuard<'_, BTreeMap<TableName, String>> {
        self.heads.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Catalog for MemoryCatalog {
    async fn head(&self, table: &TableName) -> Result<Option<String>, CatalogError> {
        Ok(self.heads().get(table).cloned())
    }

    async fn tables(&self, namespace: &str) -> Result<Vec<TableName>, CatalogError> {
        let all = self.fault == Fault::ListsEveryNamespace;
        Ok(self.heads().keys().filter(|table| all || table.namespace == namespace).cloned().collect())
    }

    async fn create(&self, table: &TableName, metadata_location: &str) -> Result<Swap, CatalogError> {
        let mut heads = self.heads();
        if heads.contains_key(table) && self.fault != Fault::CreateOverwrites {
            return Ok(Swap::Lost);
        }
        heads.insert(table.clone(), metadata_location.to_owned());
        Ok(Swap::Won)
    }

    async fn swap(&self, table: &TableName, from: &str, to: &str) -> Result<Swap, CatalogError> {
        let is_from = |head: Option<&String>| head.is_some_and(|head| head == from);
        if self.fault == Fault::SwapChecksBeforeItWrites {
            if !is_from(self.heads().get(table)) {
                return Ok(Swap::Lost);
            }
            tokio::task::yield_now().await;
        }
        let mut heads = self.heads();
        let Some(head) = heads.get_mut(table) else { return Ok(Swap::Lost) };
        let unchecked = matches!(self.fault, Fault::SwapIgnoresFrom | Fault::SwapChecksBeforeItWrites);
        if head != from && !unchecked {
            return Ok(Swap::Lost);
        }
        to.clone_into(head);
        Ok(Swap::Won)
    }
}

/// The suite is run over a catalog that keeps the rules, and each rule's own breach is caught by it.
mod suite {
    use std::sync::Arc;

    use super::*;
    use crate::conformance::catalog as rules;

    fn handles(fault: Fault) -> Vec<Arc<dyn Catalog>> {
        vec![Arc::new(MemoryCatalog { fault, ..MemoryCatalog::default() })]
    }

    async fn fresh() -> Vec<Arc<dyn Catalog>> {
        handles(Fault::None)
    }

    crate::catalog_conformance!(fresh);

    #[tokio::test]
    #[should_panic(expected = "the name is taken")]
    async fn a_create_that_overwrites_is_caught() {
        rules::a_second_create_is_lost_and_changes_nothing(&handles(Fault::CreateOverwrites)).await;
    }

    #[tokio::test]
    #[should_panic(expected = "the old head is stale")]
    async fn a_swap_without_its_condition_is_caught() {
        rules::a_swap_from_a_stale_head_is_lost_and_changes_nothing(&handles(Fault::SwapIgnoresFrom)).await;
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
    #[should_panic(expected = "one swap wins")]
    async fn a_swap_that_checks_before_it_writes_is_caught() {
        rules::of_32_swaps_from_one_head_one_wins(&handles(Fault::SwapChecksBeforeItWrites)).await;
    }

    #[tokio::test]
    #[should_panic(expected = "of this namespace alone")]
    async fn a_listing_of_too_much_is_caught() {
        rules::tables_are_listed_by_namespace_in_the_order_of_their_names(&handles(Fault::ListsEveryNamespace)).await;
    }
}
