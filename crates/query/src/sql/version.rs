//! Time travel in SQL: `VERSION AS OF` and `TIMESTAMP AS OF` as Spark writes them, with `FOR` before them as Athena
//! does, and `FOR SYSTEM_TIME AS OF`.
//!
//! Of the parser's dialects none reads them all, so they are taken out of the tokens before it sees them.

use std::collections::HashMap;

use chrono::{NaiveDate, NaiveDateTime};
use datafusion::sql::sqlparser::keywords::Keyword;
use datafusion::sql::sqlparser::tokenizer::{Token, TokenWithSpan, Word};
use weir_model::Timestamp;

use super::place::{Place, excerpt};
use crate::error::QueryError;

/// Which state of a table is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Version {
    /// A snapshot.
    Id(i64),
    /// What was current at a time.
    Time(Timestamp),
}

/// A point in time as people write it; without an offset it is UTC.
pub(crate) fn parse_time(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    if let Some(time) = Timestamp::parse(text).or_else(|| Timestamp::parse(&text.replacen(' ', "T", 1))) {
        return Some(time);
    }
    let text = text.strip_suffix("UTC").map_or(text, str::trim_end);
    let formats = ["%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M"];
    let wall = formats.iter().find_map(|format| NaiveDateTime::parse_from_str(text, format).ok());
    let day = || NaiveDate::parse_from_str(text, "%Y-%m-%d").ok()?.and_hms_opt(0, 0, 0);
    wall.or_else(day).map(|time| Timestamp::from_micros(time.and_utc().timestamp_micros()))
}

/// Takes the versions out of the tokens. They are told by the place of the first token of their table's name.
pub(crate) fn take_versions(
    sql: &str,
    tokens: Vec<TokenWithSpan>,
) -> Result<(Vec<TokenWithSpan>, HashMap<Place, Version>), QueryError> {
    let mut versions = HashMap::new();
    let mut kept: Vec<TokenWithSpan> = Vec::with_capacity(tokens.len());
    let mut at = 0;
    while at < tokens.len() {
        let name = name_before(&kept);
        match (name, version(&tokens, at)) {
            (Some(place), Some(found)) => {
                let (version, next) = found.map_err(|bad| wrong(sql, bad))?;
                if versions.insert(place, version).is_some() {
                    return Err(wrong(sql, &tokens[at]));
                }
                at = next;
            }
            _ => {
                kept.push(tokens[at].clone());
                at += 1;
            }
        }
    }
    Ok((kept, versions))
}

fn wrong(sql: &str, token: &TokenWithSpan) -> QueryError {
    let start = token.span.start;
    let place = Place::new(start.line, start.column);
    let at = place.map_or(String::new(), |place| format!(" at line {}, column {}", place.line, place.column));
    QueryError::Syntax {
        message: format!(
            "time travel cannot be read{at}; write VERSION AS OF 123 with a snapshot's id, or TIMESTAMP AS OF '2026-01-31 08:30:00' \
             (UTC, or with an offset), once behind a table's name"
        ),
        excerpt: excerpt(sql, place),
    }
}

fn word(token: &TokenWithSpan) -> Option<&Word> {
    match &token.token {
        Token::Word(word) => Some(word),
        _ => None,
    }
}

fn keyword(tokens: &[TokenWithSpan], at: usize) -> Keyword {
    let unquoted = tokens.get(at).and_then(word).filter(|word| word.quote_style.is_none());
    unquoted.map_or(Keyword::NoKeyword, |word| word.keyword)
}

/// The next token that is no space or comment.
fn solid(tokens: &[TokenWithSpan], from: usize) -> usize {
    let is_space = |token: &TokenWithSpan| matches!(token.token, Token::Whitespace(_));
    tokens[from.min(tokens.len())..].iter().position(|token| !is_space(token)).map_or(tokens.len(), |step| from + step)
}

/// Where the name begins that the tokens end with.
fn name_before(kept: &[TokenWithSpan]) -> Option<Place> {
    let mut last = kept.iter().rposition(|token| !matches!(token.token, Token::Whitespace(_)))?;
    word(&kept[last])?;
    while last >= 2 && kept[last - 1].token == Token::Period && word(&kept[last - 2]).is_some() {
        last -= 2;
    }
    Place::new(kept[last].span.start.line, kept[last].span.start.column)
}

/// The version that begins at a token, and the token behind it.
fn version(tokens: &[TokenWithSpan], at: usize) -> Option<Result<(Version, usize), &TokenWithSpan>> {
    let mut next = at;
    if keyword(tokens, next) == Keyword::FOR {
        next = solid(tokens, next + 1);
    }
    let of_time = match tokens
        .get(next)
        .and_then(word)
        .filter(|word| word.quote_style.is_none())?
        .value
        .to_uppercase()
        .as_str()
    {
        "VERSION" | "SYSTEM_VERSION" => false,
        "TIMESTAMP" | "SYSTEM_TIME" => true,
        _ => return None,
    };
    next = solid(tokens, next + 1);
    if keyword(tokens, next) != Keyword::AS {
        return None;
    }
    next = solid(tokens, next + 1);
    if keyword(tokens, next) != Keyword::OF {
        return None;
    }
    let of = next;
    next = solid(tokens, next + 1);
    if of_time && keyword(tokens, next) == Keyword::TIMESTAMP {
        next = solid(tokens, next + 1);
    }
    let Some(value) = tokens.get(next) else { return Some(Err(&tokens[of])) };
    let version = match (&value.token, of_time) {
        (Token::Number(digits, _) | Token::SingleQuotedString(digits), false) => digits.parse().ok().map(Version::Id),
        (Token::SingleQuotedString(text), true) => parse_time(text).map(Version::Time),
        _ => None,
    };
    Some(version.map(|version| (version, next + 1)).ok_or(value))
}
