//! Places in the text of a query, as people are shown them.

/// A place in a text: line and column, from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Place {
    pub(crate) line: u64,
    pub(crate) column: u64,
}

impl Place {
    pub(crate) fn new(line: u64, column: u64) -> Option<Self> {
        // The parser writes 0 where it does not know.
        (line > 0 && column > 0).then_some(Place { line, column })
    }
}

/// So many characters of a line are shown.
const WIDTH: usize = 100;

/// The line at a place, with a mark below the place; empty where the text has no such line.
pub(crate) fn excerpt(sql: &str, place: Option<Place>) -> String {
    let Some(place) = place else { return String::new() };
    let index = usize::try_from(place.line).unwrap_or(usize::MAX).saturating_sub(1);
    let Some(line) = sql.lines().nth(index) else { return String::new() };
    let column = usize::try_from(place.column).unwrap_or(usize::MAX).saturating_sub(1);
    // Of a long line the part around the place.
    let from = column.saturating_sub(WIDTH / 2);
    let shown: String = line.chars().skip(from).take(WIDTH).map(|c| if c.is_control() { ' ' } else { c }).collect();
    let (before, after) = (if from > 0 { "…" } else { "" }, if line.chars().count() > from + WIDTH { "…" } else { "" });
    let mark = " ".repeat(column.min(line.chars().count()) - from.min(line.chars().count()) + before.chars().count());
    format!("  {before}{shown}{after}\n  {mark}^")
}

/// `there is no column 'x'`, with the nearest that there is.
pub(crate) fn no_such(what: &str, name: &str, known: &[String]) -> String {
    let mut known: Vec<&str> = known.iter().map(String::as_str).collect();
    known.sort_unstable();
    known.dedup();
    let limit = (name.chars().count() / 3).max(1);
    let nearest = known
        .iter()
        .map(|other| (strsim::damerau_levenshtein(&name.to_lowercase(), &other.to_lowercase()), *other))
        .filter(|(distance, _)| *distance <= limit)
        .min();
    match nearest {
        Some((_, nearest)) => format!("there is no {what} '{name}'; did you mean '{nearest}'?"),
        None if known.is_empty() => format!("there is no {what} '{name}'"),
        None => {
            const LISTED: usize = 30;
            let more = if known.len() > LISTED { format!(" and {} more", known.len() - LISTED) } else { String::new() };
            format!("there is no {what} '{name}'; there are {}{more}", known[..known.len().min(LISTED)].join(", "))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mark_stands_below_the_place_even_in_a_long_line() {
        assert_eq!(excerpt("SELECT\n  x FROM t", Place::new(2, 3)), "    x FROM t\n    ^");
        assert_eq!(excerpt("SELECT 1", None), "");
        assert_eq!(excerpt("SELECT 1", Place::new(7, 1)), "");
        let long = format!("{}x{}", "a".repeat(300), "b".repeat(300));
        let shown = excerpt(&long, Place::new(1, 301));
        let (line, mark) = shown.split_once('\n').unwrap();
        assert_eq!(line.chars().nth(mark.chars().count() - 1), Some('x'), "{shown}");
        assert!(line.chars().count() < 110, "{shown}");
        // A place behind the end, as after a query that stops too early.
        assert_eq!(excerpt("SELECT", Place::new(1, 9)), "  SELECT\n        ^");
    }

    #[test]
    fn the_nearest_name_is_told_or_all_that_there_are() {
        let known = ["review".to_owned(), "beer".to_owned()];
        assert_eq!(no_such("table", "revew", &known), "there is no table 'revew'; did you mean 'review'?");
        assert_eq!(no_such("table", "zzz", &known), "there is no table 'zzz'; there are beer, review");
        assert_eq!(no_such("table", "zzz", &[]), "there is no table 'zzz'");
    }
}
