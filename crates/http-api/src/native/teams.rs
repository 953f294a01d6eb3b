//! Teams and their members.

use actix_web::http::Method;
use serde::Serialize;
use understudy_domain::{
    OrganizationId, Team, TeamId, TeamRole, Timestamp, UserId,
    usecases::{Precondition, teams},
};
use utoipa::ToSchema;

use crate::{
    answer::{self, Answer},
    call::Call,
    endpoint::Endpoint,
    fields::Fields,
    idempotency::once,
    input::{self, Input},
    openapi::Doc,
    problem::{Code, Problem},
};

const ALL: &str = "/api/teams";
const ONE: &str = "/api/teams/{id}";
const MEMBER: &str = "/api/teams/{id}/members/{userId}";

/// What only the server sets, or other routes do.
const READ_ONLY: &[&str] = &["id", "organizationId", "members", "createdAt", "updatedAt"];

/// A team with its members.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Team)]
pub(crate) struct TeamView {
    /// Its identifier.
    #[schema(value_type = String, example = "team_019a1c0e5b7c7d2e8f3a4b5c6d7e8f90")]
    id: TeamId,
    /// The organization it belongs to.
    #[schema(value_type = String, example = "org_019a1c0e5b7c7d2e8f3a4b5c6d7e8f90")]
    organization_id: OrganizationId,
    /// What people call it; unique in the organization.
    #[schema(example = "Customer care")]
    name: String,
    /// Who belongs to it.
    members: Vec<MemberView>,
    /// When it was made.
    #[schema(value_type = String, format = DateTime, example = "2026-01-31T12:00:00Z")]
    created_at: Timestamp,
    /// When it was last changed.
    #[schema(value_type = String, format = DateTime, example = "2026-01-31T12:00:00Z")]
    updated_at: Timestamp,
}

/// A member of a team.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Member)]
pub(crate) struct MemberView {
    /// The user.
    #[schema(value_type = String, example = "usr_019a1c0e5b7c7d2e8f3a4b5c6d7e8f90")]
    user_id: UserId,
    /// `admin` or `member`.
    #[schema(value_type = String, example = "member")]
    role: TeamRole,
}

impl From<&Team> for TeamView {
    fn from(team: &Team) -> Self {
        let member = |(&user_id, &role): (&UserId, &TeamRole)| MemberView { user_id, role };
        Self {
            id: team.id,
            organization_id: team.organization,
            name: team.name.clone(),
            members: team.members.iter().map(member).collect(),
            created_at: team.created_at,
            updated_at: team.updated_at,
        }
    }
}

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::new(Method::GET, ALL, list_teams, |doc: Doc| {
            doc.op("teams", "listTeams", "List teams")
                .about("All for administrators; for others those that they belong to.")
                .json(200, "The teams, by name.", "TeamList")
        }),
        Endpoint::new(Method::POST, ALL, create_team, |doc: Doc| {
            doc.op("teams", "createTeam", "Make a team")
                .about("Without members. Needs the role admin or owner.")
                .body("TeamWrite")
                .created("The new team.", "Team")
                .codes(&[Code::NameTaken, Code::InsufficientRole])
        }),
        Endpoint::new(Method::GET, ONE, read_team, |doc: Doc| {
            doc.op("teams", "getTeam", "Read a team")
                .about("For administrators and members.")
                .tagged(200, "The team.", "Team")
                .codes(&[Code::NotFound])
        }),
        Endpoint::new(Method::PATCH, ONE, rename_team, |doc: Doc| {
            doc.op("teams", "patchTeam", "Rename a team")
                .about("Needs the role admin, in the organization or the team.")
                .patch("TeamWrite")
                .tagged(200, "The team as it is now.", "Team")
                .codes(&[
                    Code::NotFound,
                    Code::NameTaken,
                    Code::ConcurrentChange,
                    Code::InsufficientRole,
                ])
        }),
        Endpoint::new(Method::DELETE, ONE, delete_team, |doc: Doc| {
            doc.op("teams", "deleteTeam", "Delete a team")
                .about("Needs the role admin, in the organization or the team.")
                .empty(204, "It is gone.")
                .conditional()
                .codes(&[
                    Code::NotFound,
                    Code::TeamOwnsAssistants,
                    Code::ConcurrentChange,
                    Code::InsufficientRole,
                ])
        }),
        Endpoint::new(Method::PUT, MEMBER, put_member, |doc: Doc| {
            doc.op("teams", "putTeamMember", "Put a user into a team")
                .about("Or change their role in it. Needs the role admin, in the organization or the team.")
                .body("MemberWrite")
                .tagged(200, "The team; the user was a member before.", "Team")
                .tagged(201, "The team; the user is a member now.", "Team")
                .codes(&[Code::NotFound, Code::ConcurrentChange, Code::InsufficientRole])
        }),
        Endpoint::new(Method::DELETE, MEMBER, remove_member, |doc: Doc| {
            doc.op("teams", "removeTeamMember", "Take a user out of a team")
                .about("Needs the role admin, in the organization or the team.")
                .empty(204, "They are no member any more.")
                .conditional()
                .codes(&[Code::NotFound, Code::ConcurrentChange, Code::InsufficientRole])
        }),
    ]
}

async fn list_teams(call: Call) -> Answer {
    let all = teams::list_teams(call.deps(), &call.caller).await?;
    answer::ok(&all.iter().map(TeamView::from).collect::<Vec<_>>())
}

async fn create_team(mut call: Call) -> Answer {
    let input = call.input(input::SMALL).await?;
    once(call, input, async |call: Call, input: Input| {
        let name = name_of(Fields::of(input.value)?)?;
        let team = teams::create_team(call.deps(), &call.caller, name).await?;
        let location = format!("{ALL}/{}", team.id);
        answer::created(&location, &teams::etag(&team), &TeamView::from(&team))
    })
    .await
}

fn name_of(fields: Fields) -> Result<String, Problem> {
    let mut fields = fields.ignoring(READ_ONLY);
    let name = fields.required("name", Fields::text);
    fields.finish().map(|()| name)
}

async fn read_team(call: Call) -> Answer {
    let team = teams::view_team(call.deps(), &call.caller, call.id("id", "team")?).await?;
    answer::resource(&call.request, &teams::etag(&team), &TeamView::from(&team))
}

async fn rename_team(mut call: Call) -> Answer {
    let (id, precondition) = (call.id("id", "team")?, call.precondition()?);
    let name = name_of(call.patch().await?)?;
    let team = teams::rename_team(call.deps(), &call.caller, id, name, precondition).await?;
    answer::changed(&teams::etag(&team), &TeamView::from(&team))
}

async fn delete_team(call: Call) -> Answer {
    let (id, precondition) = (call.id("id", "team")?, call.precondition()?);
    teams::delete_team(call.deps(), &call.caller, id, precondition).await?;
    answer::gone()
}

async fn put_member(mut call: Call) -> Answer {
    let (team, user) = (call.id("id", "team")?, call.id("userId", "user")?);
    let mut fields = call.fields().await?.ignoring(&["userId"]);
    fields.require("role");
    let role = fields.parsed("role").unwrap_or(TeamRole::Member);
    fields.finish()?;
    require_team_match(&call, team).await?;
    let (team, created) = teams::put_member(call.deps(), &call.caller, team, user, role).await?;
    let (tag, view) = (teams::etag(&team), TeamView::from(&team));
    if created {
        answer::created(call.request.path(), &tag, &view)
    } else {
        answer::changed(&tag, &view)
    }
}

async fn remove_member(call: Call) -> Answer {
    let (team, user) = (call.id("id", "team")?, call.id("userId", "user")?);
    require_team_match(&call, team).await?;
    teams::remove_member(call.deps(), &call.caller, team, user).await?;
    answer::gone()
}

/// Refuses a change of a member when the team is in another state than
/// `If-Match` names.
async fn require_team_match(call: &Call, team: TeamId) -> Result<(), Problem> {
    let precondition = call.precondition()?;
    if precondition != Precondition::None {
        let team = teams::view_team(call.deps(), &call.caller, team).await?;
        precondition.check(&teams::etag(&team))?;
    }
    Ok(())
}
