//! The example lakes, carried in the program so that `weir init` needs nothing else.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use thiserror::Error;

/// One file of an example: its path below the lake and its text.
pub type ExampleFile = (&'static str, &'static str);

macro_rules! example {
    ($name:literal: $($path:literal),+ $(,)?) => {
        &[$(($path, include_str!(concat!("../../../examples/", $name, "/", $path)))),+]
    };
}

/// The example lakes by name.
pub const EXAMPLES: &[(&str, &[ExampleFile])] = &[
    (
        "beer",
        example!("beer":
            "README.md",
            "lake.yaml",
            "contracts/beer.odcs.yaml",
            "contracts/brewery.odcs.yaml",
            "contracts/profile.odcs.yaml",
            "contracts/review.odcs.yaml",
            "models/gold/state_by_review_volume.sql",
            "models/gold/state_by_review_volume.test.yaml",
            "models/gold/top_beers_by_rating.sql",
            "models/gold/top_beers_by_rating.test.yaml",
            "models/gold/top_breweries_by_rating.sql",
            "models/gold/top_breweries_by_rating.test.yaml",
            "models/gold/top_drinkers.sql",
            "models/gold/top_drinkers.test.yaml",
            "models/gold/top_styles_by_popularity.sql",
            "models/gold/top_styles_by_popularity.test.yaml",
            "models/silver/review_flat.sql",
            "models/silver/review_flat.test.yaml",
            "queries/best_beers.sql",
        ),
    ),
    (
        "people",
        example!("people":
            "README.md",
            "lake.yaml",
            "contracts/people.odcs.yaml",
            "models/gold/people_duplicates.sql",
            "models/gold/people_duplicates.test.yaml",
            "models/silver/people_unique.sql",
            "models/silver/people_unique.test.yaml",
        ),
    ),
];

/// Why a lake was not made.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum InitError {
    /// No such example.
    #[error("there is no example '{0}'; there are {names}", names = names())]
    Unknown(String),
    /// Something is there already.
    #[error("{} is there already and not empty; choose another folder", .0.display())]
    NotEmpty(PathBuf),
    /// A file could not be written.
    #[error("{} could not be written: {source}", path.display())]
    Write {
        /// The file or folder.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
}

fn names() -> String {
    EXAMPLES.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ")
}

/// Copies the example `name` into the folder `dir`, which has to be empty or absent.
///
/// # Errors
/// [`InitError`].
pub fn init(dir: &Path, name: &str) -> Result<usize, InitError> {
    let (_, files) =
        EXAMPLES.iter().find(|(known, _)| *known == name).ok_or_else(|| InitError::Unknown(name.to_owned()))?;
    if fs::read_dir(dir).is_ok_and(|mut entries| entries.next().is_some()) {
        return Err(InitError::NotEmpty(dir.to_owned()));
    }
    let folder =
        |path: &Path| fs::create_dir_all(path).map_err(|source| InitError::Write { path: path.to_owned(), source });
    for (path, text) in *files {
        let path = dir.join(path);
        if let Some(parent) = path.parent() {
            folder(parent)?;
        }
        fs::write(&path, text).map_err(|source| InitError::Write { path, source })?;
    }
    folder(&dir.join(weir_model::keys::RAW))?;
    Ok(files.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_of_an_example_is_carried() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples");
        for (name, files) in EXAMPLES {
            let mut carried: Vec<PathBuf> = files.iter().map(|(path, _)| root.join(name).join(path)).collect();
            let mut there: Vec<PathBuf> = walkdir::WalkDir::new(root.join(name))
                .into_iter()
                .map(|entry| entry.unwrap())
                .filter(|entry| entry.file_type().is_file())
                .map(|entry| entry.path().to_owned())
                .collect();
            carried.sort();
            there.sort();
            assert_eq!(carried, there);
        }
    }

    #[test]
    fn a_folder_in_use_is_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        init(&dir.path().join("lake"), "beer").unwrap();
        assert!(matches!(init(&dir.path().join("lake"), "beer"), Err(InitError::NotEmpty(_))));
        assert!(init(&dir.path().join("other"), "wine").unwrap_err().to_string().contains("beer, people"));
    }
}
