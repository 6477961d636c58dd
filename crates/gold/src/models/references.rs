//! The tables that a query reads.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{Ident, ObjectName, Query, TableFactor, Visit, Visitor};
use weir_model::Problem;
use weir_model::problem::nearest;
use weir_model::sql_model::Place;
use weir_ports::catalog::TableName;

use super::{GOLD, SILVER, THIS};

/// What a query may read.
pub(super) struct Scope<'a> {
    pub(super) file: &'a str,
    /// All tables of silver and gold.
    pub(super) tables: &'a BTreeSet<TableName>,
    /// Whether `this` is a table.
    pub(super) this: bool,
}

/// The tables that `query` reads, each with where it is first named. `place_of` leads from a place in the query to
/// one in the file.
pub(super) fn of(
    query: &Query,
    scope: &Scope<'_>,
    place_of: &dyn Fn(Place) -> Place,
    problems: &mut Vec<Problem>,
) -> BTreeMap<TableName, Place> {
    let mut finder = Finder { scope, place_of, problems, ctes: Vec::new(), is_function: false, found: BTreeMap::new() };
    let _ = query.visit(&mut finder);
    finder.found
}

/// The tables of silver and gold that a query names, whatever else it names; none where it cannot be read.
pub(crate) fn tables_of(sql: &str) -> BTreeSet<TableName> {
    struct Names(BTreeSet<TableName>);
    impl Visitor for Names {
        type Break = ();
        fn pre_visit_relation(&mut self, name: &ObjectName) -> ControlFlow<()> {
            let parts: Vec<String> = name.0.iter().filter_map(|part| part.as_ident()).map(folded).collect();
            if let [layer, name] = parts.as_slice() {
                self.0.insert(TableName::new(layer, name));
            }
            ControlFlow::Continue(())
        }
    }
    let mut names = Names(BTreeSet::new());
    if let Ok(query) = super::parse::query(sql, &|place| place, "this") {
        let _ = query.visit(&mut names);
    }
    names.0
}

/// An identifier as DataFusion and the SQL standard take it: in lower case unless it is quoted.
pub(super) fn folded(ident: &Ident) -> String {
    if ident.quote_style.is_some() { ident.value.clone() } else { ident.value.to_lowercase() }
}

struct Finder<'a> {
    scope: &'a Scope<'a>,
    place_of: &'a dyn Fn(Place) -> Place,
    problems: &'a mut Vec<Problem>,
    /// The names that the queries around this place give to queries of their own.
    ctes: Vec<Vec<String>>,
    /// Whether the name that comes next is a function's, which is no table.
    is_function: bool,
    found: BTreeMap<TableName, Place>,
}

impl Visitor for Finder<'_> {
    type Break = ();

    fn pre_visit_query(&mut self, query: &Query) -> ControlFlow<()> {
        let with = query.with.iter().flat_map(|with| &with.cte_tables);
        self.ctes.push(with.map(|cte| folded(&cte.alias.name)).collect());
        ControlFlow::Continue(())
    }

    fn post_visit_query(&mut self, _query: &Query) -> ControlFlow<()> {
        self.ctes.pop();
        ControlFlow::Continue(())
    }

    fn pre_visit_table_factor(&mut self, factor: &TableFactor) -> ControlFlow<()> {
        self.is_function = matches!(factor, TableFactor::Table { args: Some(_), .. } | TableFactor::Function { .. });
        ControlFlow::Continue(())
    }

    fn pre_visit_relation(&mut self, name: &ObjectName) -> ControlFlow<()> {
        if !std::mem::take(&mut self.is_function) {
            self.relation(name);
        }
        ControlFlow::Continue(())
    }
}

impl Finder<'_> {
    fn relation(&mut self, name: &ObjectName) {
        let idents: Vec<&Ident> = name.0.iter().filter_map(|part| part.as_ident()).collect();
        let place = idents.first().map_or(Place::START, |ident| start(ident));
        let place = (self.place_of)(place);
        let parts: Vec<String> = idents.iter().map(|ident| folded(ident)).collect();
        match parts.as_slice() {
            [name] if self.ctes.iter().flatten().any(|cte| cte == name) => {}
            [name] if self.scope.this && name == THIS => {}
            [name] => self.unqualified(place, name),
            [layer, name] if layer == SILVER || layer == GOLD => {
                let table = TableName::new(layer, name);
                if self.scope.tables.contains(&table) {
                    self.found.entry(table).or_insert(place);
                } else {
                    self.unknown(place, &table);
                }
            }
            [layer, name] if layer == "bronze" => {
                let silver = TableName::new(SILVER, name);
                let help = if self.scope.tables.contains(&silver) {
                    format!("read {silver}, which holds what those records come to")
                } else {
                    "give the table's contract a primary key, which gives it a place in silver, and read that"
                        .to_owned()
                };
                let message = "a model cannot read bronze: it holds change records, a row for each time that one came, \
                               and has no snapshots by which to tell what changed";
                self.problem(place, message.to_owned(), help);
            }
            parts => {
                let message = format!("'{}' is no table that a model can read", parts.join("."));
                self.problem(place, message, "write the layer and the table, as silver.beer".to_owned());
            }
        }
    }

    fn unqualified(&mut self, place: Place, name: &str) {
        let layers = [SILVER, GOLD].into_iter().map(|layer| TableName::new(layer, name));
        let there: Vec<String> =
            layers.filter(|table| self.scope.tables.contains(table)).map(|table| table.to_string()).collect();
        let help = match there.as_slice() {
            [] => self.near(&TableName::new(SILVER, name)),
            there => format!("write {}", there.join(" or ")),
        };
        self.problem(place, format!("'{name}' does not say its layer"), help);
    }

    fn unknown(&mut self, place: Place, table: &TableName) {
        let help = self.near(table);
        self.problem(place, format!("there is no table {table}"), help);
    }

    /// The table of the same name in the other layer, or those that are spelt alike.
    fn near(&self, table: &TableName) -> String {
        let other = TableName::new(if table.namespace == SILVER { GOLD } else { SILVER }, &table.name);
        if self.scope.tables.contains(&other) {
            return format!("did you mean {other}?");
        }
        let known: Vec<String> = self.scope.tables.iter().map(ToString::to_string).collect();
        let known: Vec<&str> = known.iter().map(String::as_str).collect();
        match nearest(&table.to_string(), &known) {
            Some(near) => format!("did you mean {near}?"),
            None if known.is_empty() => "no contract of this lake makes a table in silver".to_owned(),
            None => format!("there are: {}", known.join(", ")),
        }
    }

    fn problem(&mut self, place: Place, message: String, help: String) {
        self.problems.push(place.problem(self.scope.file, "", message, Some(help)));
    }
}

pub(super) fn start(ident: &Ident) -> Place {
    Place { line: ident.span.start.line as usize, column: ident.span.start.column as usize }
}
