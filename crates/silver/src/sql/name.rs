//! Names, texts and paths as Spark reads them.

use super::{SqlError, Target};

/// A name in backticks, which are doubled inside.
pub(super) fn identifier(what: &'static str, name: &str) -> Result<String, SqlError> {
    let reason = if name.is_empty() {
        "it is empty"
    } else if name.contains("${") {
        // Spark puts variables in before it reads a statement, inside of quotes too.
        "Spark takes '${' for the start of a variable"
    } else if name.chars().any(char::is_control) {
        "it has control characters"
    } else {
        return Ok(format!("`{}`", name.replace('`', "``")));
    };
    Err(SqlError::Name { what, name: name.to_owned(), reason })
}

/// The name of a contract's column.
pub(super) fn column(name: &str) -> Result<String, SqlError> {
    // It would be taken for the word that stands for all columns in `_carried`.
    if name == "*" {
        return Err(SqlError::Name { what: "column", name: name.to_owned(), reason: "'*' stands for all columns" });
    }
    identifier("column", name)
}

/// A table's full name.
pub(super) fn table(target: &Target<'_>) -> Result<String, SqlError> {
    Ok(format!(
        "{}.{}.{}",
        identifier("catalog", target.catalog)?,
        identifier("namespace", target.namespace)?,
        identifier("table", target.table)?
    ))
}

/// A text in single quotes.
pub(super) fn literal(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('\'');
    for letter in text.chars() {
        match letter {
            '\'' | '\\' => quoted.extend(['\\', letter]),
            // Else `${` would be a variable.
            '$' => quoted.push_str("\\u0024"),
            letter if letter.is_control() => quoted.push_str(&format!("\\u{:04x}", u32::from(letter))),
            letter => quoted.push(letter),
        }
    }
    quoted.push('\'');
    quoted
}

/// A path as a pattern that matches it alone: Hadoop's globs escape with a backslash.
pub(super) fn glob(path: &str) -> String {
    let mut pattern = String::with_capacity(path.len());
    for letter in path.chars() {
        if matches!(letter, '*' | '?' | '[' | ']' | '{' | '}' | ',' | '\\' | '^') {
            pattern.push('\\');
        }
        pattern.push(letter);
    }
    pattern
}
