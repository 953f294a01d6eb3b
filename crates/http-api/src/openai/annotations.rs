//! What an answer draws on, as places in its text.

use serde_json::{Value, json};
use understudy_domain::run::{Citation, Outcome};

/// A place in an answer's text, counted in characters.
struct Place {
    start: usize,
    end: usize,
}

/// Where the text cites the source; its end when it does not say.
fn place(text: &str, number: u32) -> Place {
    let mark = format!("[{number}]");
    let Some((before, _)) = text.split_once(&mark) else {
        let end = text.chars().count();
        return Place { start: end, end };
    };
    let start = before.chars().count();
    Place { start, end: start + mark.chars().count() }
}

/// Pages that the answer cites, as Chat Completions tells them.
pub(super) fn of_chat(outcome: &Outcome) -> Vec<Value> {
    let told = |citation: &Citation| {
        let url = url_citation(&outcome.text, citation)?;
        Some(json!({ "type": "url_citation", "url_citation": url }))
    };
    outcome.citations.iter().filter_map(told).collect()
}

/// Sources that the answer cites, as Responses tells them.
pub(super) fn of_response(outcome: &Outcome) -> Vec<Value> {
    let told = |citation: &Citation| {
        let url = url_citation(&outcome.text, citation);
        if let Some(Value::Object(mut url)) = url {
            url.insert("type".to_owned(), "url_citation".into());
            return Some(url.into());
        }
        let file = citation.id.as_ref()?;
        let index = place(&outcome.text, citation.number).start;
        let title = &citation.title;
        Some(json!({
            "type": "file_citation", "file_id": file, "filename": title, "index": index,
        }))
    };
    outcome.citations.iter().filter_map(told).collect()
}

fn url_citation(text: &str, citation: &Citation) -> Option<Value> {
    let url = citation.url.as_ref()?;
    let Place { start, end } = place(text, citation.number);
    let title = &citation.title;
    Some(json!({ "url": url, "title": title, "start_index": start, "end_index": end }))
}
