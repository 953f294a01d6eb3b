//! Sample entities by number: the same number is always the same entity.
//!
//! Users, teams and assistants belong to organization 1 unless they are moved
//! with [`Members::of`]. Every field can be changed before the entity is saved.

mod collaboration;
mod content;
mod material;
mod rows;
mod running;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::json;
use time::Duration;
use understudy_domain::{
    ApiToken, Approval, Assistant, AuditEvent, Automation, Comment, Content, DataKey, Delivery,
    Department, Editing, Email, Execution, Extraction, Id, Image, Kind, Memory, Message,
    Organization, OrganizationId, OrganizationSettings, PasswordHash, Policy, Principal, Provider,
    Role, Rule, RuleAttachment, Run, SealedValue, Secret, Session, Slug, Tag, Team, TeamRole,
    Thread, Timestamp, TokenHash, TokenKind, TokenLimits, Upload, Usage, User, UserId, Version,
    Webhook,
};
use uuid::Uuid;

pub use collaboration::{attachment, comment, delivery, reply, rule, share, tag, webhook};
pub use content::{attached_rule, full_content, full_policy, reference, secret, skill};
pub use material::{
    avatar, blob, bytes, extraction, file, icon, image, provider, touched, upload, usage,
    whole_upload, with_files,
};
pub use rows::{Row, Touched, save};
pub use running::{
    Spent, approval, automation, budget_month, execution, memory, message, run, spent, thread, told,
};

/// What every identifier begins with: version 7, one instant in 2024.
const STEM: u128 = 0x018f_0000_0000_7000_8000_0000_0000_0000;

/// The `n`th identifier of its kind; larger numbers sort behind smaller ones.
#[must_use]
pub fn id<T: Kind>(n: u32) -> Id<T> {
    let kind = T::PREFIX.bytes().fold(0u128, |sum, byte| (sum * 31 + u128::from(byte)) % 0xffff);
    Id::from_uuid(Uuid::from_u128(STEM | (kind << 40) | u128::from(n)))
}

/// An instant `n` seconds and `n` microseconds into 2026.
///
/// # Panics
///
/// Never: the calendar has them all.
#[must_use]
pub fn instant(n: u32) -> Timestamp {
    let start = Timestamp::parse_rfc3339("2026-01-01T00:00:00Z");
    let start = start.unwrap_or_else(|| unreachable!("the text is RFC 3339"));
    let n = i64::from(n);
    start.plus(Duration::seconds(n) + Duration::microseconds(n))
}

/// Organization `n`.
#[must_use]
pub fn organization(n: u32) -> Organization {
    Organization {
        id: id(n),
        name: format!("Organization {n}"),
        settings: OrganizationSettings {
            default_model_key: format!("model-{n}"),
            ..OrganizationSettings::default()
        },
        created_at: instant(n),
        revision: 1,
    }
}

/// User `n` of organization 1: a member with seat and password, no department.
#[must_use]
pub fn user(n: u32) -> User {
    User {
        id: id(n),
        organization: id(1),
        email: email(&format!("user{n}@example.com")),
        name: format!("User {n}"),
        role: Role::Member,
        departments: BTreeSet::new(),
        ai_seat: true,
        disabled: false,
        password: Some(PasswordHash(Secret::new(format!("$fake$hash-of-user-{n}")))),
        external_id: None,
        created_at: instant(n),
        updated_at: instant(n),
        revision: 1,
    }
}

/// The address `text`.
///
/// # Panics
///
/// When it is none.
#[must_use]
pub fn email(text: &str) -> Email {
    Email::parse(text).unwrap_or_else(|error| panic!("{text:?}: {error}"))
}

/// The department called `name`.
///
/// # Panics
///
/// When that is no name for one.
#[must_use]
pub fn department(name: &str) -> Department {
    Department::parse(name).unwrap_or_else(|| panic!("{name:?} is no department"))
}

/// The slug `text`.
///
/// # Panics
///
/// When it is none.
#[must_use]
pub fn slug(text: &str) -> Slug {
    Slug::parse(text).unwrap_or_else(|error| panic!("{text:?}: {error}"))
}

/// Team `n` of organization 1, with these members.
#[must_use]
pub fn team(n: u32, members: impl IntoIterator<Item = (UserId, TeamRole)>) -> Team {
    Team {
        id: id(n),
        organization: id(1),
        name: format!("Team {n}"),
        members: members.into_iter().collect::<BTreeMap<_, _>>(),
        created_at: instant(n),
        updated_at: instant(n),
        revision: 1,
    }
}

/// Assistant `n` of organization 1, made and owned by `owner`, private, with
/// default content and a slug of its own.
#[must_use]
pub fn assistant(n: u32, owner: UserId, name: &str) -> Assistant {
    Assistant {
        id: id(n),
        organization: id(1),
        editing: None,
        slug: Some(slug(&format!("assistant-{n}"))),
        owner: Principal::User(owner),
        created_by: owner,
        created_at: instant(n),
        updated_at: instant(n),
        deleted_at: None,
        is_default: false,
        version: 1,
        revision: 1,
        content: Content { name: name.to_owned(), ..Content::default() },
        policy: Policy::default(),
        shares: BTreeMap::new(),
        tags: BTreeSet::new(),
    }
}

/// Draft `n` of `live`; it shares its numbers with assistants.
#[must_use]
pub fn draft_of(n: u32, live: &Assistant) -> Assistant {
    Assistant {
        id: id(n),
        editing: Some(Editing { live: live.id }),
        slug: None,
        is_default: false,
        revision: 1,
        shares: BTreeMap::new(),
        tags: BTreeSet::new(),
        ..live.clone()
    }
}

/// Version `number` of `assistant`, made by its maker.
#[must_use]
pub fn version(number: u32, assistant: &Assistant) -> Version {
    let low = u128::from(number) | (assistant.id.as_uuid().as_u128() & 0xffff_ffff) << 16;
    Version {
        id: Id::from_uuid(Uuid::from_u128(STEM | low)),
        organization: assistant.organization,
        assistant: assistant.id,
        number,
        author: assistant.created_by,
        created_at: instant(number),
        message: Some(format!("Change {number}")),
        changes: number,
        content: assistant.content.clone(),
    }
}

/// Token `n` of `user`, personal, without limits.
#[must_use]
pub fn token(n: u32, user: &User) -> ApiToken {
    ApiToken {
        id: id(n),
        organization: user.organization,
        user: user.id,
        kind: TokenKind::Personal,
        notes: format!("Token {n}"),
        limits: TokenLimits::default(),
        hash: TokenHash::of(&format!("token {n}")),
        created_at: instant(n),
        updated_at: instant(n),
        last_use: None,
    }
}

/// Session `n` of `user`, an hour long.
#[must_use]
pub fn session(n: u32, user: &User) -> Session {
    Session {
        id: id(n),
        organization: user.organization,
        user: user.id,
        cookie: TokenHash::of(&format!("cookie {n}")),
        created_at: instant(n),
        expires_at: instant(n).plus(Duration::HOUR),
    }
}

/// Write-only value `n` of `assistant`.
#[must_use]
pub fn sealed_value(n: u32, assistant: &Assistant) -> SealedValue {
    SealedValue {
        id: id(n),
        organization: assistant.organization,
        assistant: assistant.id,
        name: format!("mcp/server-{n}/authorization"),
        ciphertext: n.to_be_bytes().into_iter().chain([0, 0xff, 0x80]).collect(),
        created_at: instant(n),
    }
}

/// Data key `n` of an organization.
#[must_use]
pub fn data_key(n: u32, organization: OrganizationId) -> DataKey {
    DataKey {
        id: id(n),
        organization,
        wrapped: n.to_be_bytes().into_iter().chain([0, 0xff]).collect(),
        created_at: instant(n),
    }
}

/// Audit event `n`: `actor` changed `target`, which is no assistant's affair.
#[must_use]
pub fn event(n: u32, actor: &User, target: &str) -> AuditEvent {
    AuditEvent {
        id: id(n),
        organization: actor.organization,
        at: instant(n),
        actor: Some(actor.id),
        token: None,
        address: Some("2001:db8::7".to_owned()),
        request_id: Some(format!("request-{n}")),
        action: "assistant.updated".to_owned(),
        target: target.to_owned(),
        assistant: None,
        before: Some(json!({ "name": "before" })),
        after: Some(json!({ "name": "after", "temperature": 0.1, "seed": null })),
    }
}

/// Moving a sample to another organization.
pub trait Members {
    /// The same as a member of organization `n`.
    #[must_use]
    fn of(self, n: u32) -> Self;
}

macro_rules! members {
    ($($entity:ty),+) => {
        $(impl Members for $entity {
            fn of(self, n: u32) -> Self {
                Self { organization: id(n), ..self }
            }
        })+
    };
}
members!(User, Team, Assistant, Upload, Image, Extraction, Provider, Usage, Touched);
members!(Rule, RuleAttachment, Comment, Tag, Webhook, Delivery);
members!(Thread, Message, Memory, Run, Approval, Automation, Execution, Spent);
