//! What an SVG grows to when its references are followed.
//!
//! Nine elements can name each other ten times each, and stand for a billion.

use std::collections::HashMap;

use understudy_domain::ports::MediaError;
use usvg::roxmltree::{Document, Node, NodeId};

use super::gate::too_large;

const MAX_ELEMENTS: u64 = 50_000;
const MAX_BYTES: u64 = 32 * 1024 * 1024;
/// Levels, those of what is referred to included.
const MAX_HEIGHT: u32 = 64;

#[derive(Clone, Copy, Default)]
struct Cost {
    elements: u64,
    bytes: u64,
    height: u32,
}

/// Refuses what grows too large.
pub(super) fn check(document: &Document<'_>) -> Result<(), MediaError> {
    let mut targets = HashMap::new();
    for node in document.descendants().filter(Node::is_element) {
        if let Some(id) = node.attribute("id") {
            targets.entry(id).or_insert(node);
        }
    }
    let mut counting = Counting { targets, known: HashMap::new() };
    let cost = counting.cost(document.root_element(), 0)?;
    if cost.elements > MAX_ELEMENTS || cost.bytes > MAX_BYTES {
        return Err(too_large(
            "at most 50,000 elements and 32 MiB when its references are followed",
        ));
    }
    Ok(())
}

struct Counting<'a, 'input> {
    targets: HashMap<&'a str, Node<'a, 'input>>,
    /// `None` while it is being counted.
    known: HashMap<NodeId, Option<Cost>>,
}

impl<'a, 'input> Counting<'a, 'input> {
    fn cost(&mut self, node: Node<'a, 'input>, level: u32) -> Result<Cost, MediaError> {
        match self.known.get(&node.id()) {
            Some(Some(cost)) => return Ok(*cost),
            Some(None) => {
                return Err(MediaError::Invalid("the SVG refers to itself".to_owned()));
            }
            None => {}
        }
        if level > MAX_HEIGHT {
            return Err(too_deep());
        }
        self.known.insert(node.id(), None);
        let mut total = Cost { elements: 1, ..Cost::default() };
        for part in self.parts(node) {
            let cost = self.cost(part, level + 1)?;
            total.elements = total.elements.saturating_add(cost.elements);
            total.bytes = total.bytes.saturating_add(cost.bytes);
            total.height = total.height.max(cost.height);
        }
        total.height += 1;
        if total.height > MAX_HEIGHT {
            return Err(too_deep());
        }
        let own: usize = node.attributes().map(|attribute| attribute.value().len()).sum();
        total.bytes = total.bytes.saturating_add(u64::try_from(own).unwrap_or(u64::MAX));
        self.known.insert(node.id(), Some(total));
        Ok(total)
    }

    /// What is inside of an element and what it refers to.
    fn parts(&self, node: Node<'a, 'input>) -> Vec<Node<'a, 'input>> {
        let mut parts: Vec<_> = node.children().filter(Node::is_element).collect();
        for attribute in node.attributes() {
            let value = attribute.value().trim();
            let named = value.strip_prefix('#').filter(|_| attribute.name() == "href");
            let used = value.split("url(").skip(1).filter_map(|rest| {
                let name = rest.trim_start_matches(['"', '\'', ' ']).strip_prefix('#')?;
                name.split(['"', '\'', ')', ' ']).next()
            });
            parts.extend(named.into_iter().chain(used).filter_map(|id| self.targets.get(id)));
        }
        parts
    }
}

fn too_deep() -> MediaError {
    too_large("at most 64 levels when its references are followed")
}
