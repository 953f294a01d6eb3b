//! The static shapes of an SVG: written from an allow-list, and checked by it.
//!
//! Nothing here knows what is dangerous. What is not on the lists is refused,
//! identifiers are given anew, and texts, comments and instructions are left out.

use std::collections::HashMap;

use understudy_domain::ports::MediaError;
use usvg::roxmltree::{Document, Node};

/// What an SVG of shapes may weigh.
const MAX_BYTES: usize = 8 * 1024 * 1024;

const SVG: &str = "http://www.w3.org/2000/svg";

const ELEMENTS: &[&str] = &[
    "clipPath",
    "defs",
    "feBlend",
    "feColorMatrix",
    "feComponentTransfer",
    "feComposite",
    "feConvolveMatrix",
    "feDiffuseLighting",
    "feDisplacementMap",
    "feDistantLight",
    "feDropShadow",
    "feFlood",
    "feFuncA",
    "feFuncB",
    "feFuncG",
    "feFuncR",
    "feGaussianBlur",
    "feMerge",
    "feMergeNode",
    "feMorphology",
    "feOffset",
    "fePointLight",
    "feSpecularLighting",
    "feSpotLight",
    "feTile",
    "feTurbulence",
    "filter",
    "g",
    "linearGradient",
    "mask",
    "path",
    "pattern",
    "radialGradient",
    "stop",
    "svg",
];

const ATTRIBUTES: &[&str] = &[
    "amplitude",
    "azimuth",
    "baseFrequency",
    "bias",
    "clip-path",
    "clip-rule",
    "color-interpolation-filters",
    "cx",
    "cy",
    "d",
    "diffuseConstant",
    "divisor",
    "dx",
    "dy",
    "edgeMode",
    "elevation",
    "exponent",
    "fill",
    "fill-opacity",
    "fill-rule",
    "filter",
    "filterUnits",
    "flood-color",
    "flood-opacity",
    "fr",
    "fx",
    "fy",
    "gradientTransform",
    "gradientUnits",
    "height",
    "id",
    "in",
    "in2",
    "intercept",
    "k1",
    "k2",
    "k3",
    "k4",
    "kernelMatrix",
    "lighting-color",
    "limitingConeAngle",
    "mask",
    "mask-type",
    "maskUnits",
    "maskContentUnits",
    "clipPathUnits",
    "primitiveUnits",
    "mode",
    "numOctaves",
    "offset",
    "opacity",
    "operator",
    "order",
    "paint-order",
    "patternContentUnits",
    "patternTransform",
    "patternUnits",
    "pointsAtX",
    "pointsAtY",
    "pointsAtZ",
    "preserveAlpha",
    "r",
    "radius",
    "result",
    "rx",
    "ry",
    "scale",
    "seed",
    "shape-rendering",
    "slope",
    "specularConstant",
    "specularExponent",
    "spreadMethod",
    "stdDeviation",
    "stitchTiles",
    "stop-color",
    "stop-opacity",
    "stroke",
    "stroke-dasharray",
    "stroke-dashoffset",
    "stroke-linecap",
    "stroke-linejoin",
    "stroke-miterlimit",
    "stroke-opacity",
    "stroke-width",
    "style",
    "surfaceScale",
    "tableValues",
    "targetX",
    "targetY",
    "transform",
    "type",
    "values",
    "viewBox",
    "visibility",
    "width",
    "x",
    "x1",
    "x2",
    "xChannelSelector",
    "y",
    "y1",
    "y2",
    "yChannelSelector",
    "z",
];

type Names<'a> = HashMap<&'a str, String>;

/// Writes the shapes of a parsed and simplified SVG.
pub(super) fn rewrite(written: &str) -> Result<String, MediaError> {
    let document = Document::parse(written).ok().ok_or_else(refused)?;
    let names: Names<'_> = document
        .descendants()
        .filter_map(|node| node.attribute("id"))
        .enumerate()
        .map(|(index, id)| (id, format!("n{index}")))
        .collect();
    let mut shapes = Shapes { names, out: String::new() };
    let root = document.root_element();
    if root.tag_name().name() != "svg" {
        return Err(refused());
    }
    shapes.element(root, true)?;
    Ok(shapes.out)
}

/// Checks that a text is what [`rewrite`] writes.
pub(crate) fn verify(svg: &str) -> Result<(), MediaError> {
    let document = Document::parse(svg).ok().ok_or_else(refused)?;
    for node in document.descendants() {
        if node.is_element() {
            allowed(node)?;
            for attribute in node.attributes() {
                let value = attribute.value();
                let held = match attribute.name() {
                    "id" => value.strip_prefix('n').is_some_and(is_number),
                    "style" => is_blending(value),
                    _ => references(value)?
                        .into_iter()
                        .all(|reference| reference.strip_prefix('n').is_some_and(is_number)),
                };
                if !held {
                    return Err(refused());
                }
            }
        } else if node.is_text() || node.is_comment() || node.is_pi() {
            return Err(refused());
        }
    }
    Ok(())
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Whether an element and the names of its attributes are on the lists.
fn allowed(node: Node<'_, '_>) -> Result<(), MediaError> {
    let name = node.tag_name();
    let known = name.namespace() == Some(SVG) && ELEMENTS.contains(&name.name());
    let mut attributes = node.attributes();
    if known && attributes.all(|a| a.namespace().is_none() && ATTRIBUTES.contains(&a.name())) {
        return Ok(());
    }
    Err(refused())
}

struct Shapes<'a> {
    names: Names<'a>,
    out: String,
}

impl Shapes<'_> {
    fn element(&mut self, node: Node<'_, '_>, is_root: bool) -> Result<(), MediaError> {
        allowed(node)?;
        let name = node.tag_name().name();
        self.out.push('<');
        self.out.push_str(name);
        if is_root {
            self.attribute("xmlns", SVG);
            let sides = (node.attribute("width"), node.attribute("height"));
            if let (Some(width), Some(height), None) = (sides.0, sides.1, node.attribute("viewBox"))
            {
                self.attribute("viewBox", &format!("0 0 {width} {height}"));
            }
        }
        for attribute in node.attributes() {
            let value = self.value(attribute.name(), attribute.value())?;
            self.attribute(attribute.name(), &value);
        }
        if self.out.len() > MAX_BYTES {
            return Err(MediaError::TooLarge(
                "an SVG has at most 8 MiB when its references are followed".to_owned(),
            ));
        }
        if !node.has_children() {
            self.out.push_str("/>");
            return Ok(());
        }
        self.out.push('>');
        for child in node.children().filter(Node::is_element) {
            self.element(child, false)?;
        }
        self.out.push_str("</");
        self.out.push_str(name);
        self.out.push('>');
        Ok(())
    }

    /// A value that is allowed, with identifiers of ours.
    fn value(&self, name: &str, value: &str) -> Result<String, MediaError> {
        if name == "id" {
            return self.names.get(value).cloned().ok_or_else(refused);
        }
        if name == "style" {
            return if is_blending(value) { Ok(value.to_owned()) } else { Err(refused()) };
        }
        let mut renamed = value.to_owned();
        // An identifier may hold anything, so the longest goes first: none is
        // then taken for the beginning of another.
        let mut found: Vec<&str> = self.referred(value);
        found.sort_by_key(|id| std::cmp::Reverse(id.len()));
        for id in found {
            let name = self.names.get(id).ok_or_else(refused)?;
            renamed = renamed.replace(&format!("url(#{id})"), &format!("url(#{name})"));
        }
        references(&renamed)?;
        Ok(renamed)
    }

    fn referred<'v>(&self, value: &'v str) -> Vec<&'v str> {
        let pieces = value.split("url(#").skip(1);
        let known = |piece: &&'v str| self.names.contains_key(*piece);
        pieces.filter_map(|piece| piece.rsplit_once(')')).map(|(id, _)| id).filter(known).collect()
    }

    fn attribute(&mut self, name: &str, value: &str) {
        // Neither needs escaping: both are of letters, digits and a few marks.
        for part in [" ", name, "=\"", value, "\""] {
            self.out.push_str(part);
        }
    }
}

/// The identifiers that a value refers to, if it holds nothing but words, numbers
/// and such references.
fn references(value: &str) -> Result<Vec<&str>, MediaError> {
    let plain = |text: &str| {
        text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b" .,()#%+-_".contains(&byte))
    };
    let lower = value.to_ascii_lowercase();
    let local = lower.matches("url").count() == value.matches("url(#").count();
    if !plain(value) || !local {
        return Err(refused());
    }
    let pieces = value.split("url(#").skip(1);
    Ok(pieces.filter_map(|piece| piece.split(')').next()).collect())
}

/// Whether a style says nothing but how a group is laid over what is below.
fn is_blending(style: &str) -> bool {
    style.split(';').filter(|part| !part.is_empty()).all(|part| {
        part.split_once(':').is_some_and(|(name, value)| {
            let word = value.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-');
            word && ["mix-blend-mode", "isolation", "mask-type"].contains(&name)
        })
    })
}

fn refused() -> MediaError {
    MediaError::Unsupported(
        "the SVG uses something beyond shapes, gradients, masks and simple filters".to_owned(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refuses(inner: &str) -> bool {
        verify(&format!("<svg xmlns=\"{SVG}\">{inner}</svg>")).is_err()
    }

    #[test]
    fn what_is_not_on_the_list_is_refused() {
        assert!(!refuses("<path d=\"M0 0h1\" fill=\"url(#n1)\"/>"));
        for inner in [
            "<script/>",
            "<a/>",
            "<use href=\"#n1\"/>",
            "<image/>",
            "<path onclick=\"x\"/>",
            "<path fill=\"url(http)\"/>",
            "<path fill=\"URL(#n1)\"/>",
            "<path fill=\"url(#x)\"/>",
            "<path fill=\"a:b\"/>",
            "<g style=\"fill:url(#n1)\"/>",
            "<g id=\"onload\"/>",
            "<path xmlns=\"urn:x\" d=\"M0 0\"/>",
            "text",
            "<!-- comment -->",
            "<?pi?>",
        ] {
            assert!(refuses(inner), "{inner}");
        }
    }

    #[test]
    fn identifiers_are_given_anew() {
        let svg = format!(
            "<svg xmlns=\"{SVG}\" width=\"1\" height=\"2\"><defs><linearGradient id=\"java)x\"/>\
             </defs><path d=\"M0 0h1\" fill=\"url(#java)x)\"/></svg>"
        );
        let shapes = rewrite(&svg).unwrap();
        assert!(shapes.contains("fill=\"url(#n0)\""), "{shapes}");
        assert!(shapes.contains("viewBox=\"0 0 1 2\""), "{shapes}");
        verify(&shapes).unwrap();
    }
}
