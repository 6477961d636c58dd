//! Which models are meant.

use std::collections::BTreeSet;
use std::sync::Arc;

use thiserror::Error;
use weir_model::problem::nearest;

use super::{Model, Models};

/// A name that is no model's.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("there is no model '{name}'; {help}")]
pub struct UnknownModel {
    /// The name as it was given.
    pub name: String,
    /// What is most likely meant.
    pub help: String,
}

impl Models {
    /// The model that a person calls `name`: `top_beers` or `gold.top_beers`.
    ///
    /// # Errors
    /// Where there is none, or one in each layer.
    pub fn named(&self, name: &str) -> Result<&Arc<Model>, UnknownModel> {
        let whole = self.iter().find(|model| model.name.to_string() == name);
        let mut short = self.iter().filter(|model| model.name.name == name);
        let unknown = |help| UnknownModel { name: name.to_owned(), help };
        match (whole, short.next(), short.next()) {
            (Some(model), ..) | (None, Some(model), None) => Ok(model),
            (None, Some(one), Some(other)) => {
                Err(unknown(format!("there is one in each layer; say {} or {}", one.name, other.name)))
            }
            (None, None, _) => {
                let long: Vec<String> = self.iter().map(|model| model.name.to_string()).collect();
                let mut known: Vec<&str> = self.iter().map(|model| model.name.name.as_str()).collect();
                known.extend(long.iter().map(String::as_str));
                Err(unknown(match nearest(name, &known) {
                    Some(near) => format!("did you mean '{near}'?"),
                    None if long.is_empty() => "this lake has no models; write one as models/gold/NAME.sql".to_owned(),
                    None => format!("there are: {}", long.join(", ")),
                }))
            }
        }
    }

    /// The models that are meant, in the order of building; all where nothing is named. A `+` after a name adds the
    /// models that depend on it, one before it those that it depends on.
    ///
    /// # Errors
    /// Where a name is no model's.
    pub fn select(&self, names: &[impl AsRef<str>]) -> Result<Vec<Arc<Model>>, UnknownModel> {
        if names.is_empty() {
            return Ok(self.iter().cloned().collect());
        }
        let mut meant = BTreeSet::new();
        for name in names {
            let name = name.as_ref();
            let (upstream, name) = name.strip_prefix('+').map_or((false, name), |name| (true, name));
            let (downstream, name) = name.strip_suffix('+').map_or((false, name), |name| (true, name));
            let model = self.named(name)?;
            meant.insert(model.name.clone());
            if upstream {
                meant.extend(self.upstream(&model.name));
            }
            if downstream {
                meant.extend(self.downstream(&model.name));
            }
        }
        Ok(self.iter().filter(|model| meant.contains(&model.name)).cloned().collect())
    }
}
