//! Variables whose names others chose: those of AWS, the keys of providers, and where
//! programs are.

use std::{collections::BTreeMap, ffi::OsString};

use understudy_domain::{ProviderKind, Secret};

/// What the AWS tools read, in their names.
const AWS: [&str; 7] = [
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "AWS_REGION",
    "AWS_DEFAULT_REGION",
    "AWS_ENDPOINT_URL",
    "AWS_ENDPOINT_URL_S3",
];

/// What gives a provider on the first start: an API key, or the address of Ollama.
const PROVIDERS: [(&str, ProviderKind); 4] = [
    ("OPENAI_API_KEY", ProviderKind::Openai),
    ("ANTHROPIC_API_KEY", ProviderKind::Anthropic),
    ("CLIPDROP_API_KEY", ProviderKind::Clipdrop),
    ("OLLAMA_HOST", ProviderKind::Ollama),
];

/// Where programs are looked for.
const PATH: &str = "PATH";

/// Those of them that are set.
#[derive(Clone, Debug, Default)]
pub struct Foreign(BTreeMap<&'static str, Secret<String>>);

impl Foreign {
    /// Picks them out of the environment; blank ones count as not set.
    #[must_use]
    pub fn of(environment: &[(OsString, OsString)]) -> Self {
        let names = AWS.into_iter().chain(PROVIDERS.map(|(name, _)| name)).chain([PATH]);
        let value = |name: &str| {
            let (_, value) = environment.iter().find(|(known, _)| known == name)?;
            let value = value.to_str()?.trim();
            (!value.is_empty()).then(|| Secret::new(value.to_owned()))
        };
        Self(names.filter_map(|name| Some((name, value(name)?))).collect())
    }

    /// The first of these variables that is set.
    #[must_use]
    pub fn first(&self, names: &[&str]) -> Option<&Secret<String>> {
        names.iter().find_map(|name| self.0.get::<str>(name))
    }

    /// The providers that are to be there on the first start.
    pub fn providers(&self) -> impl Iterator<Item = (ProviderKind, &Secret<String>)> {
        PROVIDERS.iter().filter_map(|(name, kind)| Some((*kind, self.0.get(name)?)))
    }
}
