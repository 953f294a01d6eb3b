//! The users of the organization.

use actix_web::http::Method;
use serde::Serialize;
use serde_json::Value;
use understudy_domain::{
    OrganizationId, Role, Timestamp, User, UserId,
    usecases::{
        Precondition, sessions,
        users::{self, CreateUser, ListUsers, UpdateUser, UserName},
    },
};
use utoipa::ToSchema;

use crate::{
    answer::{self, Answer},
    call::{Asked, Call},
    cursor,
    endpoint::Endpoint,
    fields::Fields,
    idempotency::once,
    input::{self, Input},
    openapi::{Doc, Parameter},
    problem::{Code, Problem},
};

mod scim;

const ALL: &str = "/api/users";
const ONE: &str = "/api/users/{id}";
const SESSIONS: &str = "/api/users/{id}/sessions";

/// What only the server sets.
const READ_ONLY: &[&str] = &["id", "organizationId", "hasPassword", "createdAt", "updatedAt"];

/// A user of the organization.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = User)]
#[expect(clippy::struct_excessive_bools, reason = "`active` is SCIM's word for `disabled`")]
pub(crate) struct UserView {
    /// Its identifier.
    #[schema(value_type = String, example = "usr_019a1c0e5b7c7d2e8f3a4b5c6d7e8f90")]
    id: UserId,
    /// The organization it belongs to.
    #[schema(value_type = String, example = "org_019a1c0e5b7c7d2e8f3a4b5c6d7e8f90")]
    organization_id: OrganizationId,
    /// The log-in name, in lower case.
    #[schema(example = "ada@example.org")]
    email: String,
    /// What people call them; may be empty.
    #[schema(example = "Ada")]
    name: String,
    /// The rank in the organization: `owner`, `admin`, `manager`, `member` or `viewer`.
    #[schema(value_type = String, example = "member")]
    role: Role,
    /// The departments they work in.
    #[schema(example = json!(["Support"]))]
    departments: Vec<String>,
    /// Whether they may use assistants.
    ai_seat: bool,
    /// Whether they are shut out.
    disabled: bool,
    /// The inverse of `disabled`, as SCIM has it.
    active: bool,
    /// Who they are to the organization's directory: the subject that its identity
    /// provider names.
    external_id: Option<String>,
    /// Whether they can log in with a password.
    has_password: bool,
    /// When the user was made.
    #[schema(value_type = String, format = DateTime, example = "2026-01-31T12:00:00Z")]
    created_at: Timestamp,
    /// When the user was last changed.
    #[schema(value_type = String, format = DateTime, example = "2026-01-31T12:00:00Z")]
    updated_at: Timestamp,
}

impl From<&User> for UserView {
    fn from(user: &User) -> Self {
        Self {
            id: user.id,
            organization_id: user.organization,
            email: user.email.to_string(),
            name: user.name.clone(),
            role: user.role,
            departments: user.departments.iter().map(|d| d.as_str().to_owned()).collect(),
            ai_seat: user.ai_seat,
            disabled: user.disabled,
            active: !user.disabled,
            external_id: user.external_id.clone(),
            has_password: user.password.is_some(),
            created_at: user.created_at,
            updated_at: user.updated_at,
        }
    }
}

/// A page of users.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct UserPage {
    /// The users, by e-mail address.
    data: Vec<UserView>,
    /// Where the next page begins; null on the last one.
    next_cursor: Option<String>,
    /// How many there are in all; only with `total=true`.
    #[serde(skip_serializing_if = "Option::is_none")]
    total: Option<u64>,
}

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::new(Method::GET, ALL, list_users, |doc: Doc| {
            doc.op("users", "listUsers", "List users")
                .about("By e-mail address. Needs the role admin or owner.")
                .query("q", "Text that address or name contains.", Parameter::text())
                .query(
                    "filter",
                    "In SCIM's syntax, alone: `externalId eq \"…\"` or `userName eq \"…\"`.",
                    Parameter::text(),
                )
                .page_parameters()
                .json(200, "A page of users.", "UserPage")
                .codes(&[Code::BadCursor, Code::InsufficientRole])
        }),
        Endpoint::new(Method::POST, ALL, create_user, |doc: Doc| {
            doc.op("users", "createUser", "Make a user")
                .about("Needs the role admin or owner, and a rank above the new user's; owners may make owners.")
                .body("UserCreate")
                .created("The new user.", "User")
                .codes(&[Code::LimitReached, Code::EmailTaken, Code::ExternalIdTaken, Code::InsufficientRole, Code::InsufficientRank])
        }),
        Endpoint::new(Method::GET, ONE, read_user, |doc: Doc| {
            doc.op("users", "getUser", "Read a user")
                .about("Oneself, or with the role admin or owner anybody.")
                .tagged(200, "The user.", "User")
                .codes(&[Code::NotFound, Code::InsufficientRole])
        }),
        Endpoint::new(Method::PATCH, ONE, update_user, |doc: Doc| {
            doc.op("users", "patchUser", "Change a user")
                .about("A change of rank, seat, password or external id, and shutting out, end the user's sessions; the tokens of somebody who is shut out are refused. Needs the role admin or owner, and a rank above the user's; oneself may change name and password. Takes SCIM's `PatchOp`, too, for `active`, `userName`, `displayName`, `name.formatted` and `externalId`.")
                .body_as("UserPatch", scim::MEDIA_TYPES)
                .tagged(200, "The user as they are now.", "User")
                .codes(&[Code::NotFound, Code::EmailTaken, Code::ExternalIdTaken, Code::LastOwner, Code::ConcurrentChange, Code::InsufficientRole, Code::InsufficientRank])
        }),
        Endpoint::new(Method::DELETE, ONE, delete_user, |doc: Doc| {
            doc.op("users", "deleteUser", "Delete a user")
                .about("Their tokens and sessions end; what they own stays. Needs the role admin or owner, and a rank above the user's.")
                .empty(204, "They are gone.")
                .conditional()
                .codes(&[Code::NotFound, Code::LastOwner, Code::ConcurrentChange, Code::InsufficientRole, Code::InsufficientRank])
        }),
        Endpoint::new(Method::DELETE, SESSIONS, end_sessions, |doc: Doc| {
            doc.op("users", "endUserSessions", "End all sessions of a user")
                .about("With their cookies and JWTs, at the next request to whatever server; tokens stay. Oneself, or with the role admin or owner those of a lower rank. Ending none is no fault.")
                .empty(204, "There are none any more.")
                .codes(&[Code::NotFound, Code::InsufficientRole, Code::InsufficientRank])
        }),
    ]
}

async fn list_users(Asked { call, mut query }: Asked) -> Answer {
    let q = query.text("q").filter(|q| !q.is_empty());
    let list_key = cursor::list_of(&["users", q.as_deref().unwrap_or_default()]);
    let cursor = query.text("cursor");
    let limit = query.limit();
    let total = query.flag("total").unwrap_or(false);
    let filter = query.read("filter", scim::FILTERS, scim::filter);
    if filter.is_some() && (q.is_some() || cursor.is_some()) {
        query.fault("filter", "conflict", "stands alone, without `q` and `cursor`");
    }
    query.finish()?;
    if let Some(name) = filter {
        return one_user(&call, &name, total).await;
    }
    let after = cursor.map(|text| cursor::to_email(&list_key, &text)).transpose()?;
    let command = ListUsers { q, after, limit, count: total };
    let page = users::list_users(call.deps(), &call.caller, command).await?;
    let last = page.rows.last().filter(|_| page.more);
    answer::ok(&UserPage {
        next_cursor: last.map(|user| cursor::of_email(&list_key, &user.email)),
        data: page.rows.iter().map(UserView::from).collect(),
        total: page.total,
    })
}

async fn one_user(call: &Call, name: &UserName, total: bool) -> Answer {
    let found = users::find_user(call.deps(), &call.caller, name).await?;
    answer::ok(&UserPage {
        next_cursor: None,
        total: total.then_some(u64::from(found.is_some())),
        data: found.iter().map(UserView::from).collect(),
    })
}

async fn create_user(mut call: Call) -> Answer {
    let input = call.input(input::SMALL).await?;
    once(call, input, async |call: Call, input: Input| {
        let command = new_user(input)?;
        let passwords = &*call.state.services.passwords;
        let user = users::create_user(call.deps(), passwords, &call.caller, command).await?;
        let location = format!("{ALL}/{}", user.id);
        answer::created(&location, &users::etag(&user), &UserView::from(&user))
    })
    .await
}

fn new_user(input: Input) -> Result<CreateUser, Problem> {
    let mut fields = Fields::of(input.value)?.ignoring(READ_ONLY);
    let command = CreateUser {
        email: fields.required("email", Fields::text),
        name: fields.text("name"),
        role: fields.parsed("role").unwrap_or(Role::Member),
        departments: fields.texts("departments").unwrap_or_default(),
        ai_seat: fields.flag("aiSeat").unwrap_or(false),
        password: fields.nullable("password", Fields::secret).flatten(),
        external_id: fields.nullable("externalId", Fields::text).flatten(),
    };
    fields.finish().map(|()| command)
}

async fn read_user(call: Call) -> Answer {
    let id = call.id("id", "user")?;
    let user = users::view_user(call.deps(), &call.caller, id).await?;
    answer::resource(&call.request, &users::etag(&user), &UserView::from(&user))
}

async fn update_user(mut call: Call) -> Answer {
    let id = call.id("id", "user")?;
    let precondition = call.precondition()?;
    let body = call.value_of(scim::MEDIA_TYPES).await?;
    let change = if scim::is_patch_op(&body) { scim::read(body)? } else { change(body)? };
    let command = UpdateUser { precondition, ..change };
    let passwords = &*call.state.services.passwords;
    let user = users::update_user(call.deps(), passwords, &call.caller, id, command).await?;
    answer::changed(&users::etag(&user), &UserView::from(&user))
}

fn change(body: Value) -> Result<UpdateUser, Problem> {
    let mut fields = Fields::of(body)?.ignoring(READ_ONLY);
    let change = UpdateUser {
        email: fields.text("email"),
        name: fields.text("name"),
        role: fields.parsed("role"),
        departments: fields.texts("departments"),
        ai_seat: fields.flag("aiSeat"),
        disabled: disabled(&mut fields),
        password: fields.secret("password"),
        external_id: fields.nullable("externalId", Fields::text),
        precondition: Precondition::None,
    };
    fields.finish().map(|()| change)
}

/// `disabled`, and `active`, which says the same the other way round.
fn disabled(fields: &mut Fields) -> Option<bool> {
    let (disabled, active) = (fields.flag("disabled"), fields.flag("active"));
    if disabled.is_some() && disabled == active {
        fields.fault("active", "conflict", "must be the inverse of `disabled`");
    }
    disabled.or(active.map(|active| !active))
}

async fn end_sessions(call: Call) -> Answer {
    let id = call.id("id", "user")?;
    sessions::end_sessions(call.deps(), &call.caller, id).await?;
    answer::gone()
}

async fn delete_user(call: Call) -> Answer {
    let (id, precondition) = (call.id("id", "user")?, call.precondition()?);
    users::delete_user(call.deps(), &call.caller, id, precondition).await?;
    answer::gone()
}
