//! What a model's SQL may not do, each with the reason.
//!
//! A model is a function of the tables that it reads: built again it has to come out the same, and a part of it
//! built anew has to fit the rest. And it is written so that Spark and Athena read it, too.

use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{
    CastKind, Distinct, Expr, Function, FunctionArgumentClause, FunctionArguments, GroupByExpr, JoinOperator, Query,
    Select, SelectFlavor, SelectItem, SetExpr, Spanned, TableFactor, TableWithJoins, Visit, Visitor,
    WildcardAdditionalOptions, WindowType,
};
use datafusion::sql::sqlparser::dialect::GenericDialect;
use datafusion::sql::sqlparser::keywords::Keyword;
use datafusion::sql::sqlparser::tokenizer::{Span, Token, Tokenizer};
use weir_model::Problem;
use weir_model::sql_model::Place;

/// Functions that differ from one run to the next.
const CHANGING: &[&str] = &[
    "now",
    "today",
    "current_date",
    "current_time",
    "current_timestamp",
    "localtime",
    "localtimestamp",
    "getdate",
    "sysdate",
    "unix_timestamp",
    "random",
    "rand",
    "randn",
    "shuffle",
    "uuid",
    "gen_random_uuid",
    "newid",
    "monotonically_increasing_id",
    "current_user",
    "session_user",
    "user",
    "current_catalog",
    "current_schema",
    "current_database",
    "version",
];
/// Aggregates whose result follows the order in which rows come.
const ORDERED: &[&str] = &[
    "array_agg",
    "collect_list",
    "string_agg",
    "listagg",
    "group_concat",
    "first",
    "last",
    "first_value",
    "last_value",
    "nth_value",
    "any_value",
    "arbitrary",
];
/// Approximations that follow the order in which rows come, or differ between engines.
const APPROXIMATE: &str = "approx_";
/// Window functions that count along an order.
const RANKING: &[&str] = &[
    "row_number",
    "rank",
    "dense_rank",
    "percent_rank",
    "cume_dist",
    "ntile",
    "lag",
    "lead",
    "first_value",
    "last_value",
    "nth_value",
];

/// Reports all that the model's query may not do.
pub(super) fn check(file: &str, query: &Query, problems: &mut Vec<Problem>) {
    let mut rules = Rules { file, problems, depth: 0 };
    if let Some(select) = first_select(&query.body) {
        rules.names(select);
    }
    let _ = query.visit(&mut rules);
}

/// Reports every comma that nothing follows, which the parser forgives and other engines do not. `sql` begins where the
/// file does.
pub(super) fn check_commas(file: &str, sql: &str, problems: &mut Vec<Problem>) {
    // What cannot be taken apart was reported when it was parsed.
    let Ok(tokens) = Tokenizer::new(&GenericDialect {}, sql).tokenize_with_location() else { return };
    let words: Vec<_> = tokens.iter().filter(|token| !matches!(token.token, Token::Whitespace(_))).collect();
    for pair in words.windows(2) {
        let ends = match &pair[1].token {
            Token::RParen => true,
            Token::Word(word) => word.keyword == Keyword::FROM,
            _ => false,
        };
        if pair[0].token == Token::Comma && ends {
            let start = pair[0].span.start;
            let place = Place { line: start.line as usize, column: start.column as usize };
            let message = "a comma with nothing after it is not read by every engine";
            problems.push(place.problem(file, "", message, Some("leave it out".to_owned())));
        }
    }
}

/// The select that names the columns of the result.
fn first_select(body: &SetExpr) -> Option<&Select> {
    match body {
        SetExpr::Select(select) => Some(select),
        SetExpr::Query(query) => first_select(&query.body),
        SetExpr::SetOperation { left, .. } => first_select(left),
        _ => None,
    }
}

struct Rules<'a> {
    file: &'a str,
    problems: &'a mut Vec<Problem>,
    depth: usize,
}

impl Visitor for Rules<'_> {
    type Break = ();

    fn pre_visit_query(&mut self, query: &Query) -> ControlFlow<()> {
        self.query(query);
        self.depth += 1;
        ControlFlow::Continue(())
    }

    fn post_visit_query(&mut self, _query: &Query) -> ControlFlow<()> {
        self.depth -= 1;
        ControlFlow::Continue(())
    }

    fn pre_visit_table_factor(&mut self, factor: &TableFactor) -> ControlFlow<()> {
        self.factor(factor);
        ControlFlow::Continue(())
    }

    fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<()> {
        match expr {
            Expr::Function(function) => self.function(function, expr.span()),
            Expr::Cast { kind: CastKind::DoubleColon, expr, data_type, .. } => self.refuse(
                expr.span(),
                "'::' is not read by every engine",
                &format!("write CAST({expr} AS {data_type})"),
            ),
            Expr::Cast { kind: CastKind::SafeCast, expr, data_type, .. } => self.refuse(
                expr.span(),
                "SAFE_CAST is not read by every engine",
                &format!("write TRY_CAST({expr} AS {data_type})"),
            ),
            Expr::ILike { expr, .. } => {
                self.refuse(expr.span(), "ILIKE is not read by every engine", "write LOWER(…) LIKE …");
            }
            _ => {}
        }
        ControlFlow::Continue(())
    }
}

impl Rules<'_> {
    fn refuse(&mut self, span: Span, message: &str, help: &str) {
        let place = Place { line: (span.start.line as usize).max(1), column: (span.start.column as usize).max(1) };
        self.problems.push(place.problem(self.file, "", message, Some(help.to_owned())));
    }

    fn query(&mut self, query: &Query) {
        let span = query.span();
        if let Some(with) = query.with.as_ref().filter(|with| with.recursive) {
            self.refuse(
                with.span(),
                "WITH RECURSIVE is not read by every engine",
                "write out the levels that there are",
            );
        }
        let limited = query.limit_clause.is_some() || query.fetch.is_some();
        if limited && query.order_by.is_none() {
            let help = "add ORDER BY with columns that leave no ties, or leave the limit out";
            self.refuse(
                span,
                "a limit without an order takes whichever rows come first, and others the next time",
                help,
            );
        }
        if let Some(order) = query.order_by.as_ref().filter(|_| !limited && self.depth == 0) {
            let help = "name the columns in the header under sortBy, which orders the rows within files";
            self.refuse(order.span(), "a table has no order, so ORDER BY at the end does nothing", help);
        }
        let odd = !query.locks.is_empty()
            || query.for_clause.is_some()
            || query.settings.is_some()
            || query.format_clause.is_some()
            || !query.pipe_operators.is_empty();
        if odd {
            let help = "leave out FOR UPDATE, FOR XML, SETTINGS, FORMAT and |>";
            self.refuse(span, "a clause of this query is of one engine only", help);
        }
        self.body(&query.body);
    }

    fn body(&mut self, body: &SetExpr) {
        match body {
            SetExpr::Select(select) => self.select(select),
            // A query of its own, which is visited.
            SetExpr::Query(_) | SetExpr::Values(_) => {}
            SetExpr::SetOperation { left, right, .. } => {
                self.body(left);
                self.body(right);
            }
            SetExpr::Table(_) => {
                self.refuse(body.span(), "TABLE is not read by every engine", "write SELECT * FROM …");
            }
            SetExpr::Insert(_) | SetExpr::Update(_) | SetExpr::Delete(_) | SetExpr::Merge(_) => {
                self.refuse(body.span(), "a model only reads", "write SELECT; Weir writes the table");
            }
        }
    }

    fn select(&mut self, select: &Select) {
        let span = select.span();
        let mut refuse = |there: bool, message: &str, help: &str| {
            if there {
                self.refuse(span, message, help);
            }
        };
        let standard = matches!(select.flavor, SelectFlavor::Standard);
        refuse(!standard, "FROM without SELECT is not read by every engine", "begin with SELECT");
        refuse(
            select.qualify.is_some(),
            "QUALIFY is not read by every engine",
            "filter the rank in a query around this one",
        );
        refuse(select.top.is_some(), "TOP is not read by every engine", "write ORDER BY … LIMIT");
        refuse(select.into.is_some(), "a model only reads", "leave INTO out; the table is called as the file");
        let on = matches!(select.distinct, Some(Distinct::On(_)));
        refuse(
            on,
            "DISTINCT ON is not read by every engine",
            "number the rows by ROW_NUMBER() OVER (…) and keep the first",
        );
        let all = matches!(select.group_by, GroupByExpr::All(_));
        refuse(all, "GROUP BY ALL is not read by every engine", "name the columns");
        let odd = select.exclude.is_some()
            || !select.lateral_views.is_empty()
            || select.prewhere.is_some()
            || !select.connect_by.is_empty()
            || !select.cluster_by.is_empty()
            || !select.distribute_by.is_empty()
            || !select.sort_by.is_empty()
            || select.value_table_mode.is_some()
            || select.select_modifiers.is_some();
        refuse(
            odd,
            "a clause of this SELECT is of one engine only",
            "keep to FROM, WHERE, GROUP BY, HAVING and WINDOW",
        );
        for item in &select.projection {
            let (SelectItem::Wildcard(options) | SelectItem::QualifiedWildcard(_, options)) = item else { continue };
            if !is_plain(options) {
                let message = "what follows the * is not read by every engine";
                self.refuse(options.wildcard_token.0.span, message, "name the columns");
            }
        }
        self.joins(&select.from);
    }

    fn joins(&mut self, from: &[TableWithJoins]) {
        for join in from.iter().flat_map(|table| &table.joins) {
            match join.join_operator {
                JoinOperator::Semi(_)
                | JoinOperator::LeftSemi(_)
                | JoinOperator::RightSemi(_)
                | JoinOperator::Anti(_)
                | JoinOperator::LeftAnti(_)
                | JoinOperator::RightAnti(_) => {
                    let help = "write WHERE EXISTS (…) or WHERE NOT EXISTS (…)";
                    self.refuse(join.relation.span(), "SEMI and ANTI joins are not read by every engine", help);
                }
                JoinOperator::CrossApply
                | JoinOperator::OuterApply
                | JoinOperator::AsOf { .. }
                | JoinOperator::StraightJoin(_) => {
                    let help = "use JOIN, LEFT JOIN, RIGHT JOIN, FULL JOIN or CROSS JOIN";
                    self.refuse(join.relation.span(), "this kind of join is of one engine only", help);
                }
                _ => {}
            }
        }
    }

    fn factor(&mut self, factor: &TableFactor) {
        let span = factor.span();
        let sampled = "a sample has other rows each time";
        match factor {
            TableFactor::Table { args, version, sample, with_ordinality, partitions, index_hints, .. } => {
                if args.is_some() || *with_ordinality {
                    let help = "read a table of silver or gold; fixed rows can stand in VALUES";
                    self.refuse(span, "a model does not read from functions", help);
                } else if version.is_some() {
                    let help = "leave the version out; `weir query` travels in time";
                    self.refuse(span, "a model reads its tables as they are now", help);
                } else if sample.is_some() {
                    self.refuse(span, sampled, "filter by a column");
                } else if !partitions.is_empty() || !index_hints.is_empty() {
                    self.refuse(span, "a hint of one engine stands here", "leave it out");
                }
            }
            TableFactor::Derived { sample: Some(_), .. } => self.refuse(span, sampled, "filter by a column"),
            TableFactor::Derived { .. } => {}
            TableFactor::NestedJoin { table_with_joins, .. } => self.joins(std::slice::from_ref(table_with_joins)),
            _ => {
                let help = "read a table of silver or gold, or a query in brackets";
                self.refuse(span, "this cannot be read by every engine", help);
            }
        }
    }

    fn function(&mut self, function: &Function, span: Span) {
        let Some(name) = function.name.0.last().and_then(|part| part.as_ident()) else { return };
        let span = if name.span == Span::empty() { span } else { name.span };
        let name = name.value.to_lowercase();
        if CHANGING.contains(&name.as_str()) {
            let help = "take it from a column of what the model reads, or from a variable";
            self.refuse(span, &format!("{name} differs from one build to the next, and a model may not"), help);
            return;
        }
        if name.starts_with(APPROXIMATE) {
            let help = "use the exact function";
            self.refuse(
                span,
                &format!("{name} follows the order in which rows come, and differs between engines"),
                help,
            );
            return;
        }
        match &function.over {
            Some(WindowType::WindowSpec(window))
                if RANKING.contains(&name.as_str()) && window.order_by.is_empty() && window.window_name.is_none() =>
            {
                let help = "add ORDER BY to its OVER, with columns that leave no ties";
                self.refuse(span, &format!("{name} without an order numbers rows as they come"), help);
            }
            Some(_) => {}
            None if ORDERED.contains(&name.as_str())
                && function.within_group.is_empty()
                && !is_ordered(&function.args) =>
            {
                let help = "order it, as in ARRAY_AGG(x ORDER BY x), or use MIN or MAX";
                self.refuse(span, &format!("{name} without an order takes rows as they come"), help);
            }
            None => {}
        }
    }

    /// Every column of the result needs a name that is the same in every engine.
    fn names(&mut self, select: &Select) {
        for item in &select.projection {
            if let SelectItem::UnnamedExpr(expr) = item
                && !matches!(expr, Expr::Identifier(_) | Expr::CompoundIdentifier(_))
            {
                let mut shown = expr.to_string();
                if shown.chars().count() > 40 {
                    shown = shown.chars().take(39).chain(['…']).collect();
                }
                let message = format!("the column {shown} has no name of its own, and engines give it different ones");
                self.refuse(expr.span(), &message, "add AS and a name");
            }
        }
    }
}

fn is_plain(options: &WildcardAdditionalOptions) -> bool {
    options.opt_ilike.is_none()
        && options.opt_exclude.is_none()
        && options.opt_except.is_none()
        && options.opt_replace.is_none()
        && options.opt_rename.is_none()
}

fn is_ordered(arguments: &FunctionArguments) -> bool {
    let FunctionArguments::List(list) = arguments else { return false };
    list.clauses.iter().any(|clause| matches!(clause, FunctionArgumentClause::OrderBy(_)))
}
