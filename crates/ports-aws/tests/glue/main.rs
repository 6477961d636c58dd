//! The Glue catalog over a Glue of our own: the rules of every catalog, and what Glue adds to them.

#![allow(clippy::unwrap_used, clippy::panic, reason = "what fails here fails a test")]

mod entries;
mod failures;
mod fake;
mod swap;

use std::sync::Arc;
use std::time::Duration;

use weir_ports::catalog::{Catalog, CatalogError, Swap, TableName};
use weir_ports_aws::{GlueCatalog, GlueSettings};

use fake::{FakeGlue, quick};

/// Handles, and the Glue that goes when they go.
struct Fresh(Vec<Arc<dyn Catalog>>, #[expect(dead_code)] FakeGlue);

impl std::ops::Deref for Fresh {
    type Target = [Arc<dyn Catalog>];

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

async fn handles(number: usize) -> Fresh {
    let glue = FakeGlue::start().await;
    Fresh((0..number).map(|_| Arc::new(glue.catalog()) as Arc<dyn Catalog>).collect(), glue)
}

/// All rules but that of the listing, which makes tables whose names differ in case alone: Glue has no such.
macro_rules! rules {
    ($handles:literal) => {
        async fn fresh() -> super::Fresh {
            super::handles($handles).await
        }

        weir_ports::catalog_conformance! { @tests fresh;
            an_unknown_table_has_no_head_and_cannot_be_swapped
            a_created_table_has_its_head
            a_second_create_is_lost_and_changes_nothing
            a_swap_moves_the_head_for_everybody
            a_swap_from_a_stale_head_is_lost_and_changes_nothing
            names_and_locations_come_back_letter_for_letter
            of_32_creates_of_one_table_one_wins
            of_32_swaps_from_one_head_one_wins
            of_32_that_reload_and_swap_none_is_overwritten
        }
    };
}

mod one_handle {
    rules!(1);
}

mod two_handles_onto_one_glue {
    rules!(2);
}

fn review() -> TableName {
    TableName::new("silver", "review")
}

/// The table at head `a`, through a handle that waits for no answer longer than half a second.
async fn created(glue: &FakeGlue) -> GlueCatalog {
    let catalog = glue.catalog_with(GlueSettings { timeout: Duration::from_millis(500), ..quick() });
    assert_eq!(catalog.create(&review(), "a").await, Ok(Swap::Won));
    catalog
}

fn unusable(error: &CatalogError, words: &[&str]) {
    assert!(matches!(error, CatalogError::Unusable { .. }), "{error}");
    for word in words {
        assert!(error.to_string().contains(word), "{word}: {error}");
    }
}
