//! Reading the query of a request: unknown parameters are refused by name.

use actix_web::{HttpRequest, web};
use understudy_domain::Fault;

use crate::{fields::snake, problem::Problem};

/// Rows of a page when the caller does not say.
pub(crate) const DEFAULT_LIMIT: u32 = 50;
/// Most rows of a page.
pub(crate) const MAX_LIMIT: u32 = 200;
/// Most characters of one parameter.
const MAX_CHARS: usize = 4_096;

/// The parameters of a query, taken one by one; what is left is unknown.
pub(crate) struct Query {
    pairs: Vec<(String, String)>,
    faults: Vec<Fault>,
}

impl Query {
    pub(crate) fn of(request: &HttpRequest) -> Self {
        Self::parse(request.query_string())
    }

    fn parse(text: &str) -> Self {
        let pairs = web::Query::<Vec<(String, String)>>::from_query(text);
        let pairs = pairs.map(web::Query::into_inner).unwrap_or_default();
        let mut query = Self { pairs, faults: Vec::new() };
        let unfit = |text: &str| {
            text.chars().any(|c| c == '\0' || c == char::REPLACEMENT_CHARACTER)
                || text.chars().count() > MAX_CHARS
        };
        let faulty: Vec<String> = query
            .pairs
            .iter()
            .filter(|(name, value)| unfit(name) || unfit(value))
            .map(|(name, _)| name.chars().take(100).collect())
            .collect();
        for name in faulty {
            let message =
                format!("must be UTF-8 without U+0000, and at most {MAX_CHARS} characters");
            query.fault(&name, "invalid", message);
        }
        query
    }

    pub(crate) fn fault(&mut self, name: &str, code: &'static str, message: impl Into<String>) {
        self.faults.push(Fault::new(name, code, message));
    }

    /// The parameter in `camelCase` or `snake_case`; twice it is a fault.
    pub(crate) fn text(&mut self, name: &str) -> Option<String> {
        let (found, rest): (Vec<_>, Vec<_>) = std::mem::take(&mut self.pairs)
            .into_iter()
            .partition(|(key, _)| key == name || snake(key) == snake(name));
        self.pairs = rest;
        if found.len() > 1 {
            self.fault(name, "duplicate_parameter", "is given more than once");
        }
        found.into_iter().next().map(|(_, value)| value)
    }

    pub(crate) fn read<T>(
        &mut self,
        name: &str,
        expects: &str,
        read: impl FnOnce(&str) -> Option<T>,
    ) -> Option<T> {
        let text = self.text(name)?;
        let found = read(&text);
        if found.is_none() {
            self.fault(name, "invalid", format!("must be {expects}"));
        }
        found
    }

    pub(crate) fn flag(&mut self, name: &str) -> Option<bool> {
        self.read(name, "true or false", |text| text.parse().ok())
    }

    pub(crate) fn limit(&mut self) -> u32 {
        let expects = format!("a whole number from 1 to {MAX_LIMIT}");
        let read = |text: &str| text.parse().ok().filter(|limit| (1..=MAX_LIMIT).contains(limit));
        self.read("limit", &expects, read).unwrap_or(DEFAULT_LIMIT)
    }

    /// All parameters whose name begins with `prefix`, without it.
    pub(crate) fn prefixed(&mut self, prefix: &str) -> Vec<(String, String)> {
        let (found, rest): (Vec<_>, Vec<_>) = std::mem::take(&mut self.pairs)
            .into_iter()
            .partition(|(name, _)| name.starts_with(prefix));
        self.pairs = rest;
        let strip = |(name, value): (String, String)| {
            (name.strip_prefix(prefix).unwrap_or_default().to_owned(), value)
        };
        found.into_iter().map(strip).collect()
    }

    /// Ends the reading: everything that was wrong, unknown parameters included.
    pub(crate) fn finish(mut self) -> Result<(), Problem> {
        for (name, _) in std::mem::take(&mut self.pairs) {
            let name: String = name.chars().take(100).collect();
            self.fault(&name, "unknown_parameter", "is not a parameter here");
        }
        if self.faults.is_empty() { Ok(()) } else { Err(Problem::invalid(self.faults)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_casings_are_read_and_what_is_left_is_unknown() {
        let mut query = Query::parse("isActive=true&limit=0&tag=x&metadata.a.b=1&metadata.c=%20");

        assert_eq!(query.flag("is_active"), Some(true));
        assert_eq!(query.limit(), DEFAULT_LIMIT);
        assert_eq!(
            query.prefixed("metadata."),
            [("a.b".to_owned(), "1".to_owned()), ("c".to_owned(), " ".to_owned())]
        );
        let problem = format!("{:?}", query.finish().unwrap_err());
        assert!(problem.contains("\"limit\"") && problem.contains("\"tag\""), "{problem}");
    }

    #[test]
    fn a_parameter_may_be_named_in_either_casing_and_in_one_only() {
        let mut query = Query::parse("group_by=day&rule_type=a&ruleType=b");
        assert_eq!(query.text("groupBy").as_deref(), Some("day"));
        query.text("ruleType");
        let problem = format!("{:?}", query.finish().unwrap_err());
        assert!(problem.contains("duplicate_parameter"), "{problem}");
    }

    #[test]
    fn a_parameter_that_is_no_text_is_refused() {
        assert!(Query::parse("q=%00").finish().is_err());
        assert!(Query::parse("q=%ff").finish().is_err());
    }
}
