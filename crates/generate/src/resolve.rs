//! From hints to generators: what needs other columns, other tables or the number of rows is settled here.

use weir_model::raw::Format;
use weir_model::{Column, ColumnType, Contract};

use crate::calendar::{MICROS_A_DAY, resolution};
use crate::generator::{ColumnAt, Generator, Maker, NameMaker, Table, Tables};
use crate::hint::{Hint, Kind, is_sequence};
use crate::problem::{Report, known_words};
use crate::random::{Chance, seed_of};
use crate::share::{Pool, Share};
use crate::skew::Skew;
use crate::{names, values};

/// One table on its way into a plan.
pub(crate) struct Draft<'c> {
    pub(crate) contract: &'c Contract,
    pub(crate) format: Format,
    pub(crate) share: Share,
    pub(crate) rows: u64,
    hints: Vec<Option<Hint>>,
}

impl<'c> Draft<'c> {
    pub(crate) fn new(contract: &'c Contract, format: Format, asked: u64, report: &mut Report) -> Self {
        let share = Share::new(contract.generate);
        let hinted_key = contract.key_columns().any(|column| column.generate.is_some());
        let first_key = contract.primary_key.first().filter(|_| !hinted_key);
        let hints = contract.columns.iter().enumerate().map(|(index, column)| match &column.generate {
            Some(hint) => Hint::read(&contract.table, column, hint, report),
            None => Some(Hint::for_type(column, first_key == Some(&index))),
        });
        Draft { contract, format, share, rows: share.rows(asked), hints: hints.collect() }
    }

    /// Why a null cannot be written into a file of this table.
    fn no_nulls(&self) -> Option<&'static str> {
        match (self.format, self.contract.source.csv.null.first()) {
            (Format::Json, _) => None,
            (Format::Csv, None) => Some("the contract's 'weir.csv.null' leaves no text for a null"),
            (Format::Csv, Some(null)) if null.is_empty() && self.contract.columns.len() == 1 => {
                Some("a line without text is no row of a CSV file")
            }
            _ => None,
        }
    }
}

/// The generators of all tables; whatever is wrong goes into `report`.
pub(crate) fn tables(drafts: &[Draft<'_>], seed: u64, report: &mut Report) -> Tables {
    let mut tables = Vec::with_capacity(drafts.len());
    for draft in drafts {
        let table_seed = seed_of(seed, &draft.contract.table);
        let columns = draft.contract.columns.iter().zip(&draft.hints);
        let makers = columns.map(|(column, hint)| {
            let nulls = match (hint, draft.no_nulls()) {
                (Some(Hint { nulls: Some(nulls), .. }), Some(why)) if *nulls > 0.0 => {
                    if column.generate.is_some() {
                        report.add(&draft.contract.table, Some(&column.name), format!("'nulls': {why}"), None);
                    }
                    0.0
                }
                (hint, _) => hint.as_ref().and_then(|hint| hint.nulls).unwrap_or(0.0),
            };
            let generator = hint.as_ref().and_then(|hint| {
                let mut resolver = Resolver { drafts, draft, column, report };
                resolver.generator(&hint.kind)
            });
            Maker {
                seed: seed_of(table_seed, &column.name),
                nulls: Chance::new(nulls),
                // Stands where a problem was reported; such a plan is never run.
                generator: generator.unwrap_or(Generator::Uuid),
            }
        });
        let columns = makers.collect();
        tables.push(Table { seed: seed_of(table_seed, ""), repeats: repeats(draft, report), columns });
    }
    let tables = Tables(tables);
    check_dependencies(drafts, &tables, report);
    tables
}

/// The share of rows that repeat an earlier one; at most one column says it, for all of them.
fn repeats(draft: &Draft<'_>, report: &mut Report) -> Chance {
    let says = |hint: &Option<Hint>| hint.as_ref().and_then(|hint| hint.repeats);
    let mut all = draft.contract.columns.iter().zip(draft.hints.iter().map(says)).filter_map(|(c, r)| Some((c, r?)));
    let share = all.next().map_or(0.0, |(_, share)| share);
    if let Some((second, _)) = all.next() {
        let message = "a second column with 'repeats'; it holds for the whole row, one column says it".to_owned();
        report.add(&draft.contract.table, Some(&second.name), message, None);
    }
    Chance::new(share)
}

struct Resolver<'r, 'c> {
    drafts: &'r [Draft<'c>],
    draft: &'r Draft<'c>,
    column: &'r Column,
    report: &'r mut Report,
}

impl Resolver<'_, '_> {
    fn problem<T>(&mut self, message: impl Into<String>, help: Option<String>) -> Option<T> {
        self.report.add(&self.draft.contract.table, Some(&self.column.name), message.into(), help);
        None
    }

    fn generator(&mut self, kind: &Kind) -> Option<Generator> {
        Some(match kind {
            Kind::Sequence { from, prefix, digits } => return self.sequence(*from, prefix, *digits),
            Kind::Reference { table, column, skew } => return self.reference(table, column.as_deref(), *skew),
            Kind::Lookup { via, column } => return self.lookup(via, column),
            Kind::Choice { of, weights } => {
                match values::choice(&self.column.column_type, &self.draft.contract.source.csv, of, weights) {
                    Ok(choice) => choice,
                    Err(message) => return self.problem(message, None),
                }
            }
            Kind::Number { from, to, by, peak } => {
                match values::number(&self.column.column_type, *from, *to, *by, *peak) {
                    Ok(number) => Generator::Number(number),
                    Err(message) => return self.problem(message, None),
                }
            }
            Kind::Date { from, to } => {
                let ColumnType::Date(text) = &self.column.column_type else { return None };
                let (first, last) = (from.div_euclid(MICROS_A_DAY), to.div_euclid(MICROS_A_DAY));
                Generator::Date { text: text.clone(), first, days: (last - first).max(0) as u64 + 1 }
            }
            Kind::Time { from, to } => {
                let ColumnType::Timestamp { zoned, text } = &self.column.column_type else { return None };
                let step = resolution(text);
                let count = ((to - from) / step).max(0) as u64 + 1;
                Generator::Time { text: text.clone(), zoned: *zoned, from: *from, step, count }
            }
            Kind::Words { least, most, ends } => Generator::Words {
                least: *least,
                most: *most,
                ends: ends.iter().map(|end| end.clone().into_boxed_str()).collect(),
            },
            Kind::Text { least, most, empty } => {
                let csv = &self.draft.contract.source.csv;
                // Where a quoted empty field is null, an empty text cannot be told from it.
                let is_null =
                    self.draft.format == Format::Csv && csv.null_when_quoted && csv.null.iter().any(String::is_empty);
                let empty = Chance::new(if is_null { 0.0 } else { *empty });
                Generator::Text { least: *least, most: *most, empty }
            }
            Kind::Uuid => Generator::Uuid,
            Kind::FirstName => Generator::Name(NameMaker(names::first)),
            Kind::LastName => Generator::Name(NameMaker(names::last)),
            Kind::Username => Generator::Name(NameMaker(names::username)),
            Kind::Email => Generator::Name(NameMaker(names::email)),
            Kind::Phone => Generator::Name(NameMaker(names::phone)),
            Kind::City => Generator::Name(NameMaker(names::city)),
            Kind::Bytes { least, most } => Generator::Bytes { least: *least, most: *most },
            Kind::Json => Generator::Json,
        })
    }

    fn sequence(&mut self, from: u64, prefix: &str, digits: u32) -> Option<Generator> {
        let column_type = &self.column.column_type;
        if *column_type != ColumnType::String && !(prefix.is_empty() && digits == 0) {
            return self.problem("'prefix' and 'digits' are for columns of type string", None);
        }
        let last = u128::from(from) + u128::from(self.draft.rows.saturating_sub(1));
        if !is_sequence(column_type) || last > values::largest(column_type) {
            return self.problem(format!("a sequence up to {last} does not fit {column_type}"), None);
        }
        Some(Generator::Sequence { from, prefix: prefix.as_bytes().into(), digits })
    }

    fn reference(&mut self, table: &str, column: Option<&str>, skew: f64) -> Option<Generator> {
        let Some(at) = self.drafts.iter().position(|draft| draft.contract.table == table) else {
            let known: Vec<&str> = self.drafts.iter().map(|draft| draft.contract.table.as_str()).collect();
            return self.problem(format!("unknown table '{table}'"), Some(known_words(table, &known)));
        };
        let other = &self.drafts[at];
        let to = match (column, other.contract.primary_key.as_slice()) {
            (Some(column), _) => self.column_of(at, column)?,
            (None, [key]) => *key,
            (None, keys) => {
                let message = format!("table '{table}' has {} key columns", keys.len());
                return self.problem(message, Some("name one with 'column'".to_owned()));
            }
        };
        self.same_type((at, to))?;
        if other.rows == 0 && self.draft.rows > 0 {
            return self.problem(format!("table '{table}' would have no rows to refer to"), None);
        }
        let pool = Pool::new(self.draft.share, other.share, other.rows);
        Some(Generator::Reference { pool, skew: Skew::new(skew), to: (at, to) })
    }

    fn lookup(&mut self, via: &str, column: &str) -> Option<Generator> {
        let own = self.drafts.iter().position(|draft| std::ptr::eq(draft, self.draft))?;
        let via_at = self.column_of(own, via)?;
        let Some(Some(Hint { kind: Kind::Reference { table, .. }, .. })) = self.draft.hints.get(via_at) else {
            return self.problem(format!("'via: {via}' is not a column of kind 'reference'"), None);
        };
        // An unknown table is reported where the reference names it.
        let at = self.drafts.iter().position(|draft| draft.contract.table == *table)?;
        let to = self.column_of(at, column)?;
        self.same_type((at, to))?;
        Some(Generator::Lookup { via: via_at, to: (at, to) })
    }

    fn column_of(&mut self, table: usize, name: &str) -> Option<usize> {
        let contract = self.drafts[table].contract;
        if let Some(at) = contract.columns.iter().position(|column| column.name == name) {
            return Some(at);
        }
        let known: Vec<&str> = contract.columns.iter().map(|column| column.name.as_str()).collect();
        self.problem(format!("unknown column '{name}' of table '{}'", contract.table), Some(known_words(name, &known)))
    }

    fn same_type(&mut self, to: ColumnAt) -> Option<()> {
        let other = &self.drafts[to.0].contract.columns[to.1];
        let whole = |column: &ColumnType| matches!(column, ColumnType::Int32 | ColumnType::Int64);
        let (own, its) = (&self.column.column_type, &other.column_type);
        if own == its || whole(own) && whole(its) {
            return Some(());
        }
        let message = format!("'{}' is of type {its}, this column of type {own}", other.name);
        self.problem(message, Some("give both the same type".to_owned()))
    }
}

/// No value may depend on itself, and none that is required on one that may be null.
fn check_dependencies(drafts: &[Draft<'_>], tables: &Tables, report: &mut Report) {
    for (t, draft) in drafts.iter().enumerate() {
        for (c, column) in draft.contract.columns.iter().enumerate() {
            let say = |report: &mut Report, message: &str| {
                report.add(&draft.contract.table, Some(&column.name), message.to_owned(), None);
            };
            match may_be_null(tables, (t, c), 0) {
                None => say(report, "its value would depend on itself, through references or lookups"),
                Some(true) if column.required => say(report, "it is required, and what it is taken from may be null"),
                Some(_) => {}
            }
        }
    }
}

/// `None` where the value depends on itself.
pub(crate) fn may_be_null(tables: &Tables, at: ColumnAt, depth: usize) -> Option<bool> {
    // A chain without a cycle meets no column twice.
    let longest = tables.0.iter().map(|table| table.columns.len()).sum::<usize>();
    if depth > longest {
        return None;
    }
    let maker = &tables.0[at.0].columns[at.1];
    let of_sources = match &maker.generator {
        Generator::Reference { to, .. } => may_be_null(tables, *to, depth + 1)?,
        Generator::Lookup { via, to } => {
            !tables.0[at.0].columns[*via].nulls.is_never() || may_be_null(tables, *to, depth + 1)?
        }
        _ => false,
    };
    Some(of_sources || !maker.nulls.is_never())
}
