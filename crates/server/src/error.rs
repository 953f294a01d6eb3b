//! What the process says when it cannot go on: one line, no internals.

/// The error with its causes, in one line.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut line = String::new();
    for error in std::iter::successors(Some(error), |error| error.source()) {
        let text = error.to_string().split_whitespace().collect::<Vec<_>>().join(" ");
        // Some libraries repeat their cause in their own text.
        if line.ends_with(&text) {
            continue;
        }
        if !line.is_empty() {
            line.push_str(": ");
        }
        line.push_str(&text);
    }
    line
}
