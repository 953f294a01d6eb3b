//! The list of problems, for readers.

use std::fmt::Write;

use super::Code;

/// All problems as a page of the documentation (`docs/problems.md`).
#[must_use]
pub fn problems_markdown() -> String {
    let mut text = "# Problems\n\n\
        Every error is a problem document (RFC 9457) whose `code` is one of these. \
        A running service lists them at `/problems`.\n\n\
        | code | status | means |\n| --- | --- | --- |\n"
        .to_owned();
    for &code in Code::ALL {
        let (slug, status, title) = code.describe();
        // Writing to a String cannot fail.
        let _ = writeln!(text, "| `{slug}` | {} | {title}. {} |", status.as_u16(), code.about());
    }
    text
}

/// All problems as a page of its own, with an anchor for each.
pub(crate) fn problems_page() -> String {
    let mut text = "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\">\
        <title>Problems</title><h1>Problems</h1><dl>"
        .to_owned();
    for &code in Code::ALL {
        let (slug, status, title) = code.describe();
        let (status, about) = (status.as_u16(), code.about());
        let _ = write!(
            text,
            "<dt id=\"{slug}\"><code>{slug}</code> ({status}): {title}</dt><dd>{about}</dd>"
        );
    }
    text.push_str("</dl></html>");
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_committed_list_of_problems_is_the_one_in_force() {
        let committed = include_str!("../../../../docs/problems.md");

        assert_eq!(committed, problems_markdown());
    }

    #[test]
    fn every_problem_has_a_name_of_its_own_and_an_error_status() {
        let mut slugs: Vec<_> = Code::ALL.iter().map(|code| code.describe().0).collect();
        slugs.sort_unstable();
        slugs.dedup();

        assert_eq!(slugs.len(), Code::ALL.len());
        assert!(Code::ALL.iter().all(|code| code.describe().1.as_u16() >= 400));
    }
}
