//! Lists of more than fits on a page: read from a place on, never from a number of rows on, so that what comes or goes meanwhile moves
//! nothing.

use url::form_urlencoded::Serializer;

/// How many there are on a page.
pub const PAGE: usize = 50;

/// How many are read: one more says that there is a next page.
pub const LIMIT: i64 = 51;

/// What the page shows, and the query of the next one, if there is one.
pub fn cut<T, Q>(mut found: Vec<T>, query: impl FnOnce(&T) -> Q) -> (Vec<T>, Option<Q>) {
    let is_more = found.len() > PAGE;
    found.truncate(PAGE);
    let next = found.last().filter(|_| is_more).map(query);
    (found, next)
}

/// A query; what is empty is left out.
pub fn query(parameters: &[(&str, &str)]) -> String {
    let given = parameters.iter().filter(|(_, value)| !value.is_empty());
    Serializer::new(String::new()).extend_pairs(given).finish()
}
