//! Listing assistants: filters, order, pages.

use serde::Serialize;
use understudy_domain::{
    Principal,
    assistant::{content::AssistantKind, policy::AccessMode, view::AssistantView},
    ports::{AssistantFilter, Position, Sort, SortKey},
    usecases::assistants::{self, AssistantPage, ListAssistants},
};

use crate::{
    answer::{self, Answer},
    call::{Asked, Call},
    cursor,
    openapi::{Doc, Parameter},
    problem::{Code, Problem},
    query::Query,
};

const METADATA: &str = "metadata.";
/// Most metadata pairs of a filter: as many as an assistant can have.
const MAX_PAIRS: usize = 16;

/// What a page shows of each assistant.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Shown {
    Summary,
    Full,
}

/// A page as JSON.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct PageView<T> {
    data: Vec<T>,
    next_cursor: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    total: Option<u64>,
}

pub(super) fn describe(doc: Doc) -> Doc {
    let words = |words: &[&str]| Parameter::word(words);
    doc.op("assistants", "listAssistants", "List assistants")
        .about("Those that the caller may see; drafts and deleted ones never. Pages are keyset pages: the last one costs what the first one costs.")
        .query("q", "Text that name or description contains.", Parameter::text())
        .query("kind", "Their kind.", words(&["custom", "dispatcher"]))
        .query("owner", "The id of their owning user or team, or `me`.", Parameter::text())
        .query("access_mode", "Their access mode.", words(&["private", "restricted", "department", "organization", "global", "public"]))
        .query("is_active", "Active ones (`true`) or inactive ones (`false`).", Parameter::flag())
        .query("include_inactive", "Whether inactive ones are among them; they are not, unless asked for.", Parameter::flag())
        .query("model", "Their model key.", Parameter::text())
        .query("tag", "The id or name of a tag that they have.", Parameter::text())
        .query("favorite", "With `true`, only the caller's favourites.", Parameter::flag())
        .query("visible_in_chat", "With `true`, only those that the caller is to see in a chat.", Parameter::flag())
        .query("metadata.<key>", "Only those whose metadata has this value under the key; up to 16 of them.", Parameter::text())
        .query("fields", "How much of each assistant; `summary` when absent.", words(&["summary", "full"]))
        .query("sort", "The order, descending with `-`; `-updated_at` when absent.", words(&["updated_at", "-updated_at", "created_at", "-created_at", "name", "-name"]))
        .page_parameters()
        .json(200, "A page of assistants.", "AssistantPage")
        .codes(&[Code::BadCursor])
        .needs_seat()
}

pub(super) async fn list_assistants(Asked { call, mut query }: Asked) -> Answer {
    let shown = shown(&mut query);
    let (sort, sort_name) = sort(&mut query);
    let list = cursor::list_of(&[&sort_name, &filters_of(&call)]);
    let cursor = query.text("cursor");
    let command = ListAssistants {
        filter: filter(&call, &mut query),
        tag: query.text("tag"),
        include_inactive: query.flag("include_inactive").unwrap_or(false),
        sort,
        after: None,
        limit: query.limit(),
        count: query.flag("total").unwrap_or(false),
    };
    query.finish()?;
    let after = after(cursor, &list, sort.key)?;
    let command = ListAssistants { after, ..command };
    let page = assistants::list_assistants(call.deps(), &call.caller, command).await?;
    present(page, &list, shown)
}

fn present(page: AssistantPage, list: &str, shown: Shown) -> Answer {
    let AssistantPage { rows, next, total } = page;
    let next_cursor = next.map(|position| cursor::of_position(list, &position));
    match shown {
        Shown::Full => answer::ok(&PageView { data: rows, next_cursor, total }),
        Shown::Summary => {
            let data = rows.iter().map(AssistantView::summary).collect();
            answer::ok(&PageView { data, next_cursor, total })
        }
    }
}

fn shown(query: &mut Query) -> Shown {
    let read = |text: &str| match text {
        "summary" => Some(Shown::Summary),
        "full" => Some(Shown::Full),
        _ => None,
    };
    query.read("fields", "`summary` or `full`", read).unwrap_or(Shown::Summary)
}

fn sort(query: &mut Query) -> (Sort, String) {
    let read = |text: &str| {
        let (descending, name) = match text.strip_prefix('-') {
            Some(name) => (true, name),
            None => (false, text),
        };
        let key = match name {
            "updated_at" | "updatedAt" => SortKey::UpdatedAt,
            "created_at" | "createdAt" => SortKey::CreatedAt,
            "name" => SortKey::Name,
            _ => return None,
        };
        Some((Sort { key, descending }, text.to_owned()))
    };
    let expects = "`updated_at`, `created_at` or `name`, with `-` before it for descending order";
    let default = || (Sort { key: SortKey::UpdatedAt, descending: true }, "-updated_at".to_owned());
    query.read("sort", expects, read).unwrap_or_else(default)
}

/// The parameters that decide which rows a list has.
fn filters_of(call: &Call) -> String {
    const NOT_FILTERS: [&str; 5] = ["cursor", "limit", "total", "fields", "sort"];
    let pairs = call.request.query_string().split('&').filter(|pair| {
        let name = pair.split('=').next().unwrap_or_default();
        !name.is_empty() && !NOT_FILTERS.contains(&name)
    });
    let mut pairs: Vec<&str> = pairs.collect();
    pairs.sort_unstable();
    pairs.join("&")
}

fn filter(call: &Call, query: &mut Query) -> AssistantFilter {
    let me = call.caller.actor.user;
    let owner = |text: &str| {
        if text == "me" {
            return Some(Principal::User(me));
        }
        let user = || text.parse().map(Principal::User).ok();
        text.strip_prefix("team_")
            .and_then(|_| text.parse().map(Principal::Team).ok())
            .or_else(user)
    };
    let chat = query.flag("visible_in_chat").unwrap_or(false);
    let favorite = query.flag("favorite").unwrap_or(false);
    let metadata = query.prefixed(METADATA);
    if metadata.len() > MAX_PAIRS || metadata.iter().any(|(key, _)| key.is_empty()) {
        query.fault("metadata", "invalid", format!("must be 1 to {MAX_PAIRS} pairs with keys"));
    }
    AssistantFilter {
        q: query.text("q").map(|q| q.to_lowercase()).filter(|q| !q.is_empty()),
        kind: query.read("kind", "`custom` or `dispatcher`", AssistantKind::from_word),
        owner: query.read("owner", "`me`, or the id of a user or team", owner),
        access_mode: query.read("access_mode", "an access mode", AccessMode::from_word),
        model: query.text("model"),
        is_active: query.flag("is_active"),
        api_enabled_only: false,
        visible_in_chat_to: chat.then_some(me),
        metadata,
        only: None,
        // The name of a tag is looked up in the caller's organization.
        tag: None,
        favorite_of: favorite.then_some(me),
    }
}

fn after(cursor: Option<String>, list: &str, key: SortKey) -> Result<Option<Position>, Problem> {
    let timed = match key {
        SortKey::UpdatedAt | SortKey::CreatedAt => true,
        SortKey::Name => false,
    };
    cursor.map(|text| cursor::to_position(list, &text, timed)).transpose()
}
