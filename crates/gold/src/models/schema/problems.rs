//! What DataFusion finds wrong, with its place in the file.

use std::ops::ControlFlow;

use datafusion::common::{DataFusionError, SchemaError};
use datafusion::sql::sqlparser::ast::{Expr, Ident, Query, Visit, Visitor};
use weir_model::Problem;
use weir_model::problem::nearest;
use weir_model::sql_model::Place;

use crate::models::references::{folded, start};

/// The problems of `error`. `otherwise` is where they stand if nothing tells more; `place_of` leads from a place in
/// the query to one in the file.
pub(super) fn of(
    error: &DataFusionError,
    file: &str,
    otherwise: Place,
    query: Option<&Query>,
    place_of: &dyn Fn(Place) -> Place,
) -> Vec<Problem> {
    let mut problems: Vec<Problem> = Vec::new();
    for error in error.iter() {
        let diagnostic = error.diagnostic();
        let root = error.find_root();
        let (message, help, name) = match root {
            DataFusionError::SchemaError(schema, _) => schema_error(schema),
            other => {
                let text = diagnostic.map_or_else(|| other.strip_backtrace(), |found| found.message.clone());
                let notes = diagnostic.into_iter().flat_map(|found| {
                    let notes = found.notes.iter().map(|note| note.message.clone());
                    notes.chain(found.helps.iter().map(|help| help.message.clone()))
                });
                let notes: Vec<String> = notes.collect();
                (first_line(&text), (!notes.is_empty()).then(|| notes.join("; ")), None)
            }
        };
        let spanned = diagnostic
            .and_then(|found| found.span)
            .map(|span| Place { line: (span.start.line as usize).max(1), column: (span.start.column as usize).max(1) });
        let named = || name.as_deref().zip(query).and_then(|(name, query)| place_of_column(query, name));
        let place = spanned.or_else(named).map_or(otherwise, place_of);
        let problem = place.problem(file, "", message, help);
        if !problems.contains(&problem) {
            problems.push(problem);
        }
    }
    problems
}

/// What is wrong, what to do, and the column that it is about.
fn schema_error(error: &SchemaError) -> (String, Option<String>, Option<String>) {
    match error {
        SchemaError::FieldNotFound { field, valid_fields } => {
            let mut known: Vec<&str> = valid_fields.iter().map(|column| column.name.as_str()).collect();
            known.sort_unstable();
            known.dedup();
            let there = |column: &&datafusion::common::Column| column.name == field.name;
            let help = match valid_fields.iter().find(there) {
                // The name is right, and what stands before it is not.
                Some(column) => Some(format!("there is {}", column.flat_name())),
                None => match nearest(&field.name, &known) {
                    Some(near) => Some(format!("did you mean '{near}'?")),
                    None if known.is_empty() => None,
                    None => Some(format!("there are: {}", known.join(", "))),
                },
            };
            (format!("there is no column '{}' here", field.flat_name()), help, Some(field.name.clone()))
        }
        SchemaError::AmbiguousReference { field } => (
            format!("'{}' may be a column of more than one table", field.name),
            Some("write the table's name or alias before it, as in r.beer_id".to_owned()),
            Some(field.name.clone()),
        ),
        SchemaError::DuplicateQualifiedField { name, .. } | SchemaError::DuplicateUnqualifiedField { name } => (
            format!("two columns are called '{name}'"),
            Some("give one another name with AS, or leave it out".to_owned()),
            Some(name.clone()),
        ),
    }
}

fn first_line(text: &str) -> String {
    let text = text.strip_prefix("Error during planning: ").unwrap_or(text);
    text.lines().next().unwrap_or_default().to_owned()
}

/// Where a column of this name is first written.
fn place_of_column(query: &Query, name: &str) -> Option<Place> {
    find(query, &|expr| match expr {
        Expr::Identifier(ident) if folded(ident) == name => Some(start(ident)),
        Expr::CompoundIdentifier(parts) => {
            let last = parts.last().filter(|ident| folded(ident) == name)?;
            Some(start(parts.first().unwrap_or(last)))
        }
        _ => None,
    })
}

/// Where a function of this name is first called.
pub(super) fn place_of_function(query: &Query, name: &str) -> Option<Place> {
    let called = |ident: &Ident| ident.value.eq_ignore_ascii_case(name).then(|| start(ident));
    find(query, &|expr| match expr {
        Expr::Function(function) => called(function.name.0.last()?.as_ident()?),
        _ => None,
    })
}

fn find(query: &Query, matches: &dyn Fn(&Expr) -> Option<Place>) -> Option<Place> {
    struct Finder<'a>(&'a dyn Fn(&Expr) -> Option<Place>);
    impl Visitor for Finder<'_> {
        type Break = Place;
        fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<Place> {
            match (self.0)(expr) {
                Some(place) if place.line > 0 => ControlFlow::Break(place),
                _ => ControlFlow::Continue(()),
            }
        }
    }
    match query.visit(&mut Finder(matches)) {
        ControlFlow::Break(place) => Some(place),
        ControlFlow::Continue(()) => None,
    }
}
