//! `$name` in SQL, and the value in its place.

use std::collections::BTreeSet;
use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{
    Expr, Query, UnaryOperator, Value, ValueWithSpan, Visit, VisitMut, Visitor, VisitorMut,
};
use datafusion::sql::sqlparser::dialect::GenericDialect;
use datafusion::sql::sqlparser::tokenizer::{Token, Tokenizer};
use weir_model::Problem;
use weir_model::problem::nearest;
use weir_model::sql_model::{Literal, Place, Variable};

/// The variables that a query names, each with where.
pub(super) fn named(query: &Query) -> Vec<(String, Place)> {
    struct Names(Vec<(String, Place)>);
    impl Visitor for Names {
        type Break = ();
        fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<()> {
            if let Expr::Value(ValueWithSpan { value: Value::Placeholder(name), span }) = expr {
                let place = Place { line: span.start.line as usize, column: span.start.column as usize };
                self.0.push((name.clone(), place));
            }
            ControlFlow::Continue(())
        }
    }
    let mut names = Names(Vec::new());
    let _ = query.visit(&mut names);
    names.0
}

/// What is wrong with the variables that stand at `places`; those that are right are added to `used`.
pub(super) fn check(
    file: &str,
    places: Vec<(String, Place)>,
    variables: &[Variable],
    used: &mut BTreeSet<String>,
    problems: &mut Vec<Problem>,
) {
    let known: Vec<&str> = variables.iter().map(|variable| variable.name.as_str()).collect();
    for (name, place) in places {
        match name.strip_prefix('$').filter(|name| known.contains(name)) {
            Some(name) => {
                used.insert(name.to_owned());
            }
            None => problems.push(unknown(file, place, name.strip_prefix('$').unwrap_or(&name), &known)),
        }
    }
}

pub(super) fn unknown(file: &str, place: Place, name: &str, known: &[&str]) -> Problem {
    let help = match nearest(name, known) {
        Some(near) => format!("did you mean '{near}'?"),
        None if known.is_empty() => "the model's header has no 'variables'".to_owned(),
        None => format!("there are: {}", known.join(", ")),
    };
    place.problem(file, "", format!("the model has no variable '{name}'"), Some(help))
}

/// The query with values in place of the variables that are known.
pub(super) fn in_query(query: &Query, variables: &[Variable]) -> Box<Query> {
    struct Put<'a>(&'a [Variable]);
    impl VisitorMut for Put<'_> {
        type Break = ();
        fn pre_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
            if let Expr::Value(ValueWithSpan { value: Value::Placeholder(name), span }) = expr
                && let Some(variable) = find(self.0, name)
            {
                let span = *span;
                let value = |value| Expr::Value(ValueWithSpan { value, span });
                *expr = match &variable.value {
                    Literal::Null => value(Value::Null),
                    Literal::Boolean(truth) => value(Value::Boolean(*truth)),
                    Literal::Text(text) => value(Value::SingleQuotedString(text.clone())),
                    Literal::Number(text) => match text.strip_prefix('-') {
                        // In brackets, since two dashes begin a comment.
                        Some(digits) => Expr::Nested(Box::new(Expr::UnaryOp {
                            op: UnaryOperator::Minus,
                            expr: Box::new(value(Value::Number(digits.to_owned(), false))),
                        })),
                        None => value(Value::Number(plain(text).to_owned(), false)),
                    },
                };
            }
            ControlFlow::Continue(())
        }
    }
    let mut query = Box::new(query.clone());
    let _ = VisitMut::visit(query.as_mut(), &mut Put(variables));
    query
}

fn find<'v>(variables: &'v [Variable], placeholder: &str) -> Option<&'v Variable> {
    let name = placeholder.strip_prefix('$')?;
    variables.iter().find(|variable| variable.name == name)
}

fn plain(number: &str) -> &str {
    number.strip_prefix('+').unwrap_or(number)
}

/// The text with values in place of the variables that are known, and all else as it was; `None` where it cannot be read.
pub(super) fn in_text(sql: &str, variables: &[Variable]) -> Option<String> {
    let tokens = Tokenizer::new(&GenericDialect {}, sql).tokenize_with_location().ok()?;
    let mut starts = vec![0];
    starts.extend(sql.match_indices('\n').map(|(index, _)| index + 1));
    let mut out = String::with_capacity(sql.len());
    let mut done = 0;
    for token in tokens {
        let Token::Placeholder(name) = &token.token else { continue };
        let Some(variable) = find(variables, name) else { continue };
        let line = *starts.get((token.span.start.line as usize).checked_sub(1)?)?;
        let offset = sql[line..].char_indices().nth((token.span.start.column as usize).checked_sub(1)?)?.0;
        let from = line + offset;
        out.push_str(sql.get(done..from)?);
        match &variable.value {
            Literal::Number(text) if text.starts_with('-') => out.push_str(&format!("({text})")),
            Literal::Number(text) => out.push_str(plain(text)),
            other => out.push_str(&other.to_string()),
        }
        done = from + name.len();
    }
    out.push_str(sql.get(done..)?);
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn variable(name: &str, value: Literal) -> Variable {
        Variable { name: name.to_owned(), value, place: Place::START }
    }

    #[test]
    fn a_variable_is_put_into_text_and_all_else_stays() {
        let variables =
            [variable("least", Literal::Number("-5".to_owned())), variable("word", Literal::Text("O'R".to_owned()))];
        let text = "-- $least\nSELECT 'é$least', $least,\n  1-$least, $word, $other";
        let expected = "-- $least\nSELECT 'é$least', (-5),\n  1-(-5), 'O''R', $other";
        assert_eq!(in_text(text, &variables).unwrap(), expected);
    }
}
