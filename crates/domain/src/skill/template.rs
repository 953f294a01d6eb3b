//! Texts with placeholders: `{{name}}` and `{{input.name}}` for what the model
//! gives, `{{secrets.NAME}}` for a secret. Nothing else in a text means anything.

/// A text with placeholders.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template<'a> {
    parts: Vec<Part<'a>>,
}

/// A piece of a [`Template`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part<'a> {
    /// Stands for itself.
    Text(&'a str),
    /// Stands for the input with this name.
    Input(&'a str),
    /// Stands for the secret with this name.
    Secret(&'a str),
}

/// The text is no template.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    /// A placeholder begins and does not end.
    #[error("has `{{{{` without `}}}}` behind it")]
    Open,
    /// A placeholder holds no name.
    #[error("has a placeholder that names nothing; write `{{{{name}}}}` or `{{{{secrets.NAME}}}}`")]
    Nameless,
}

impl<'a> Template<'a> {
    /// Takes a text apart.
    ///
    /// # Errors
    ///
    /// [`Malformed`].
    pub fn parse(text: &'a str) -> Result<Self, Malformed> {
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some((before, behind)) = rest.split_once("{{") {
            let (name, after) = behind.split_once("}}").ok_or(Malformed::Open)?;
            if !before.is_empty() {
                parts.push(Part::Text(before));
            }
            parts.push(named(name.trim())?);
            rest = after;
        }
        if !rest.is_empty() {
            parts.push(Part::Text(rest));
        }
        Ok(Self { parts })
    }

    /// Its pieces, in their order.
    #[must_use]
    pub fn parts(&self) -> &[Part<'a>] {
        &self.parts
    }
}

fn named(name: &str) -> Result<Part<'_>, Malformed> {
    let part = if let Some(input) = name.strip_prefix("input.") {
        Part::Input(input)
    } else if let Some(secret) = name.strip_prefix("secrets.") {
        Part::Secret(secret)
    } else {
        Part::Input(name)
    };
    match part {
        Part::Input(name) | Part::Secret(name)
            if !name.is_empty() && !name.contains(['{', '}']) =>
        {
            Ok(part)
        }
        Part::Text(_) | Part::Input(_) | Part::Secret(_) => Err(Malformed::Nameless),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_text_is_taken_apart_at_its_placeholders() {
        let template = Template::parse("Bearer {{ secrets.KEY }}-{{id}}{{input.secrets.x}}.");

        let expected = [
            Part::Text("Bearer "),
            Part::Secret("KEY"),
            Part::Text("-"),
            Part::Input("id"),
            Part::Input("secrets.x"),
            Part::Text("."),
        ];
        assert_eq!(template.unwrap().parts(), expected);
    }

    #[test]
    fn what_names_nothing_is_no_placeholder() {
        for text in ["{{}}", "{{ }}", "{{input.}}", "{{secrets.}}", "{{{x}}}", "{{a{{b}}}}"] {
            assert_eq!(Template::parse(text), Err(Malformed::Nameless), "{text}");
        }
        assert_eq!(Template::parse("a {{b"), Err(Malformed::Open));
        assert_eq!(Template::parse("{{a} }"), Err(Malformed::Open));
    }

    proptest! {
        #[test]
        fn nothing_of_a_text_is_lost(text in "[a{}. ]{0,20}") {
            if let Ok(template) = Template::parse(&text) {
                let compact = |text: &str| text.replace(['{', '}', ' '], "").replace("input.", "");
                let told: String = template.parts().iter().map(|part| match part {
                    Part::Text(text) | Part::Input(text) => (*text).to_owned(),
                    Part::Secret(name) => format!("secrets.{name}"),
                }).collect();
                prop_assert_eq!(compact(&told), compact(&text));
            }
        }
    }
}
