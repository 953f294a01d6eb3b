//! What is an affair of an assistant's organization: who owns it, with whom it is
//! shared, how it is labelled, what is said about it. All of it belongs to the live
//! assistant, also when the id of its draft names it.

use std::collections::BTreeMap;

use super::{
    Caller, Denied, Deps, Result,
    support::{find, find_to_write, require_level},
};
use crate::{
    OrganizationId, Principal, UserId,
    access::Level,
    assistant::view::AssistantView,
    ports::{AssistantRecord, DraftMark},
};

/// The assistant that a path names, if the caller may see it and belongs to its
/// organization.
pub(super) async fn find_at_home(
    deps: &Deps<'_>,
    caller: &Caller,
    reference: &str,
) -> Result<AssistantView> {
    let view = find(deps, caller, reference).await?;
    require_home(&view)?;
    Ok(view)
}

/// The live assistant behind what a path names, if the caller belongs to its
/// organization, has this level on it, and their credential may write.
pub(super) async fn find_at_home_to_write(
    deps: &Deps<'_>,
    caller: &Caller,
    reference: &str,
    needed: Level,
) -> Result<AssistantView> {
    let view = find_to_write(deps, caller, reference, Level::View).await?;
    require_home(&view)?;
    require_level(&view, needed)?;
    Ok(on_live(view))
}

/// Refuses people of other organizations, who may see it all the same.
pub(super) fn require_home(view: &AssistantView) -> Result<()> {
    if view.at_home { Ok(()) } else { Err(Denied::OtherOrganization.into()) }
}

/// The same caller's view of the live assistant, where this is one of its draft.
pub(super) fn on_live(view: AssistantView) -> AssistantView {
    let AssistantView { record, level, at_home } = view;
    let AssistantRecord { assistant, live, draft } = record;
    let record = match live {
        Some(live) => AssistantRecord {
            draft: Some(DraftMark { id: assistant.id }),
            assistant: *live,
            live: None,
        },
        None => AssistantRecord { assistant, live, draft },
    };
    AssistantView { record, level, at_home }
}

/// What people call users and teams; those that are gone are not among them.
pub(super) async fn names_of(
    deps: &Deps<'_>,
    tenant: OrganizationId,
    principals: impl IntoIterator<Item = Principal>,
) -> Result<BTreeMap<Principal, String>> {
    let (mut users, mut teams) = (Vec::<UserId>::new(), Vec::new());
    for principal in principals {
        match principal {
            Principal::User(user) => users.push(user),
            Principal::Team(team) => teams.push(team),
        }
    }
    let directory = deps.store.directory();
    let mut names = BTreeMap::new();
    if !users.is_empty() {
        let known = directory.users_by_id(tenant, &users).await?;
        names.extend(known.into_iter().map(|user| (Principal::User(user.id), user.name)));
    }
    if let [team] = teams.as_slice() {
        let known = directory.team(tenant, *team).await?;
        names.extend(known.map(|team| (Principal::Team(team.id), team.name)));
    } else if !teams.is_empty() {
        let known = directory.teams(tenant).await?.into_iter();
        let meant = known.filter(|team| teams.contains(&team.id));
        names.extend(meant.map(|team| (Principal::Team(team.id), team.name)));
    }
    Ok(names)
}
