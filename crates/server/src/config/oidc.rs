//! Logging in by an `OpenID` provider: who it is, and what its claims mean.

use std::collections::{BTreeMap, BTreeSet};

use understudy_domain::{DirectoryMapping, Role, directory::SeatRule};
use url::Url;

use super::{Fault, Reader, SecretSource, secret::text};

/// What has no meaning without an issuer.
const DEPENDENT: [&str; 7] = [
    "oidc_client_id",
    "oidc_client_secret",
    "oidc_client_secret_file",
    "oidc_role_claim",
    "oidc_roles",
    "oidc_department_claim",
    "oidc_seat",
];

/// An `OpenID` provider, and what its claims mean.
#[derive(Clone, Debug)]
pub struct OidcConfig {
    /// Its issuer, letter by letter.
    pub issuer: String,
    /// What it calls this service.
    pub client_id: String,
    /// What the service proves that with, unless it is a public client.
    pub client_secret: Option<SecretSource>,
    /// What it is asked for.
    pub scopes: Vec<String>,
    /// What its claims mean.
    pub mapping: DirectoryMapping,
}

impl Reader<'_> {
    pub(super) fn oidc(&mut self) -> Option<OidcConfig> {
        let issuer = self.optional("oidc_issuer", issuer);
        let client_id = self.optional("oidc_client_id", text);
        let client_secret = self.secret("oidc_client_secret", "oidc_client_secret_file");
        let scopes = self.required("oidc_scopes", scopes);
        let mapping = DirectoryMapping {
            role_claim: self.optional("oidc_role_claim", text),
            roles: self.optional("oidc_roles", roles).unwrap_or_default(),
            default_role: self.required("oidc_default_role", default_role).flatten(),
            department_claim: self.optional("oidc_department_claim", text),
            seat: self.optional("oidc_seat", seat).unwrap_or_default(),
        };
        self.require_each_other();
        Some(OidcConfig {
            issuer: issuer?,
            client_id: client_id?,
            client_secret,
            scopes: scopes?,
            mapping,
        })
    }

    /// Tells what is set without what gives it a meaning.
    fn require_each_other(&mut self) {
        let is_set = |key| self.settings.get(key).is_some();
        let mut lacking = Vec::new();
        if is_set("oidc_issuer") {
            if !is_set("oidc_client_id") {
                lacking.push(("oidc_issuer", "oidc_client_id"));
            }
            if is_set("oidc_roles") != is_set("oidc_role_claim") {
                let both = ["oidc_roles", "oidc_role_claim"];
                let (set, other) =
                    if is_set(both[0]) { (both[0], both[1]) } else { (both[1], both[0]) };
                lacking.push((set, other));
            }
        } else {
            let alone = DEPENDENT.into_iter().filter(|key| is_set(key));
            lacking.extend(alone.map(|key| (key, "oidc_issuer")));
        }
        for (key, needed) in lacking {
            self.faults.push(Fault::new(key, format!("needs {needed}, which is not set")));
        }
    }
}

fn issuer(text: &str) -> Result<String, String> {
    let plain = |url: &Url| {
        matches!(url.scheme(), "http" | "https")
            && url.has_host()
            && url.query().is_none()
            && url.fragment().is_none()
            && url.username().is_empty()
            && url.password().is_none()
    };
    match Url::parse(text).ok().filter(plain) {
        // Not as a URL, which may end otherwise: issuers are compared by the letter.
        Some(_) => Ok(text.to_owned()),
        None => Err("must be an https URL such as https://login.example.com/realms/x".to_owned()),
    }
}

fn scopes(text: &str) -> Result<Vec<String>, String> {
    let names = text.split([' ', ',']).filter(|name| !name.is_empty());
    let scopes: Vec<String> = names.map(str::to_owned).collect();
    let plain = |name: &String| name.bytes().all(|byte| byte.is_ascii_graphic());
    if scopes.iter().all(plain) {
        Ok(scopes)
    } else {
        Err("must be names such as openid profile email".to_owned())
    }
}

fn roles(text: &str) -> Result<BTreeMap<String, Role>, String> {
    let pair = |item: &str| {
        let (value, role) = item.rsplit_once('=')?;
        Some((value.trim().to_owned(), role.trim().parse().ok()?))
    };
    let items = text.split(',').map(str::trim).filter(|item| !item.is_empty());
    let roles: Option<BTreeMap<String, Role>> = items.map(pair).collect();
    match roles {
        Some(roles) if roles.values().any(|role| *role == Role::Owner) => {
            Err("must not make owners: only owners do".to_owned())
        }
        Some(roles) => Ok(roles),
        None => Err("must be pairs such as admins=admin,staff=member".to_owned()),
    }
}

fn default_role(text: &str) -> Result<Option<Role>, String> {
    match text.parse() {
        _ if text == "none" => Ok(None),
        Ok(Role::Owner) | Err(_) => {
            Err("must be admin, manager, member, viewer or none".to_owned())
        }
        Ok(role) => Ok(Some(role)),
    }
}

fn seat(text: &str) -> Result<SeatRule, String> {
    let (name, values) = match text {
        "true" => return Ok(SeatRule::New(true)),
        "false" => return Ok(SeatRule::New(false)),
        _ => text.split_once('=').unwrap_or((text, "")),
    };
    let values = values.split(',').map(str::trim).filter(|value| !value.is_empty());
    let values: BTreeSet<String> = values.map(str::to_owned).collect();
    let name = name.trim();
    if name.is_empty() || (values.is_empty() && text.contains('=')) {
        return Err("must be true, false, or a claim such as ai or groups=ai,staff".to_owned());
    }
    Ok(SeatRule::Claim { name: name.to_owned(), values })
}
