//! Log-ins by an identity provider: whom they make, whom they follow, whom they
//! refuse.

use serde_json::{Map, Value, json};
use understudy_domain::{
    DirectoryMapping, EventFilter, Organization, OrganizationLimits, OrganizationSettings, Role,
    Secret, User,
    directory::SeatRule,
    ports::{ExternalIdentity, IdentityError, Proof, Store, Walk},
    usecases::{
        Caller, Conflict, Denied, Error, Origin, Result,
        directory::{Begun, Return, SignOn, begin_log_in, finish_log_in, log_in_external},
        sessions::{LoggedIn, authenticate, end_sessions},
        users::{CreateUser, UpdateUser, UserName, create_user, find_user, update_user},
    },
};
use understudy_testkit::{FakeIdentityProvider, FakeLogins, FakePasswords, FakeSigner, sample};

use crate::stage::{Stage, caller, user};

pub fn mapping() -> DirectoryMapping {
    DirectoryMapping {
        role_claim: Some("groups".to_owned()),
        roles: [("admins", Role::Admin), ("staff", Role::Member)]
            .map(|(name, role)| (name.to_owned(), role))
            .into(),
        default_role: Some(Role::Viewer),
        department_claim: Some("units".to_owned()),
        seat: SeatRule::Claim { name: "groups".to_owned(), values: ["ai".to_owned()].into() },
    }
}

fn claims(value: Value) -> Map<String, Value> {
    let Value::Object(claims) = value else { panic!("claims are an object") };
    claims
}

/// Grace, with these groups.
pub fn grace(groups: &[&str]) -> ExternalIdentity {
    ExternalIdentity {
        subject: "sub-1".to_owned(),
        email: Some("Grace@example.org".to_owned()),
        email_verified: true,
        name: Some("Grace".to_owned()),
        claims: claims(json!({"groups": groups, "units": ["Navy"]})),
    }
}

async fn log_in(stage: &Stage, who: &ExternalIdentity) -> Result<LoggedIn> {
    let origin = Origin::default();
    log_in_external(stage.deps(), &mapping(), &FakeSigner::default(), &origin, who).await
}

async fn is_in(stage: &Stage, logged_in: &LoggedIn) -> bool {
    let proof = Proof::Cookie(understudy_domain::TokenHash::of(logged_in.cookie.expose()));
    authenticate(stage.deps(), proof, &Origin::default()).await.is_ok()
}

async fn actions(stage: &Stage) -> Vec<String> {
    let tenant = user(1).organization;
    let filter = EventFilter::default();
    let events = stage.store.audit().events(tenant, &filter, Walk::Forward(0), 100).await;
    events.unwrap().into_iter().map(|recorded| recorded.event.action).collect()
}

fn refused<T: std::fmt::Debug>(result: Result<T>) -> &'static str {
    match result {
        Err(Error::Forbidden(Denied::LogIn(text))) => text,
        other => panic!("expected a refusal, got {other:?}"),
    }
}

async fn change(stage: &Stage, who: &Caller, whom: &User, change: UpdateUser) -> Result<User> {
    update_user(stage.deps(), &FakePasswords::default(), who, whom.id, change).await
}

fn linked(to: &str) -> UpdateUser {
    UpdateUser { external_id: Some(Some(to.to_owned())), ..UpdateUser::default() }
}

#[tokio::test]
async fn somebody_new_becomes_a_user_as_the_claims_say() {
    let stage = Stage::set().await;

    let logged_in = log_in(&stage, &grace(&["staff", "ai"])).await.unwrap();

    let user = &logged_in.user;
    assert_eq!((user.email.as_str(), user.name.as_str()), ("grace@example.org", "Grace"));
    assert_eq!((user.role, user.ai_seat), (Role::Member, true));
    assert_eq!(
        user.departments.iter().map(understudy_domain::Department::as_str).collect::<Vec<_>>(),
        ["Navy"]
    );
    assert_eq!(user.external_id.as_deref(), Some("sub-1"));
    assert!(user.password.is_none());
    assert!(is_in(&stage, &logged_in).await);
    assert_eq!(actions(&stage).await, ["user.provisioned", "session.created"]);
}

#[tokio::test]
async fn a_later_log_in_follows_the_claims_and_ends_sessions_of_another_rank() {
    let stage = Stage::set().await;
    let first = log_in(&stage, &grace(&["staff", "ai"])).await.unwrap();

    let same = log_in(&stage, &grace(&["staff", "ai"])).await.unwrap();
    assert!(is_in(&stage, &first).await && is_in(&stage, &same).await);

    let renamed = ExternalIdentity {
        name: Some("Rear Admiral\u{7}".to_owned()),
        email: Some("other@example.org".to_owned()),
        email_verified: false,
        ..grace(&["admins"])
    };
    let promoted = log_in(&stage, &renamed).await.unwrap();

    let user = &promoted.user;
    assert_eq!((user.id, user.role, user.ai_seat), (first.user.id, Role::Admin, false));
    assert_eq!(user.name, "Rear Admiral");
    assert_eq!(user.email, first.user.email, "the address is an administrator's affair");
    assert!(!is_in(&stage, &first).await && !is_in(&stage, &same).await);
    assert!(is_in(&stage, &promoted).await);
    let expected = [
        "user.provisioned",
        "session.created",
        "session.created",
        "user.updated",
        "session.created",
    ];
    assert_eq!(actions(&stage).await, expected);
}

#[tokio::test]
async fn an_owner_stays_one_whatever_is_claimed() {
    let stage = Stage::set().await;
    change(&stage, &caller(1), &user(1), linked("sub-1")).await.unwrap();

    let logged_in = log_in(&stage, &grace(&[])).await.unwrap();

    assert_eq!((logged_in.user.id, logged_in.user.role), (user(1).id, Role::Owner));
}

#[tokio::test]
async fn an_address_links_nobody() {
    let stage = Stage::set().await;
    let theirs = ExternalIdentity { email: Some(user(4).email.to_string()), ..grace(&["admins"]) };

    let refused = log_in(&stage, &theirs).await;

    assert!(matches!(refused, Err(Error::Conflict(Conflict::AccountNotLinked))), "{refused:?}");
    change(&stage, &caller(2), &user(4), linked("sub-1")).await.unwrap();
    assert_eq!(log_in(&stage, &theirs).await.unwrap().user.id, user(4).id);
}

#[tokio::test]
async fn nobody_comes_in_without_a_verified_address() {
    let stage = Stage::set().await;
    for who in [
        ExternalIdentity { email_verified: false, ..grace(&["staff"]) },
        ExternalIdentity { email: None, ..grace(&["staff"]) },
        ExternalIdentity { email: Some("no address".to_owned()), ..grace(&["staff"]) },
    ] {
        assert!(refused(log_in(&stage, &who).await).contains("verified e-mail address"));
    }
    assert!(actions(&stage).await.is_empty());
}

#[tokio::test]
async fn who_is_shut_out_stays_out_and_why_is_not_told() {
    let stage = Stage::set().await;
    let first = log_in(&stage, &grace(&["staff"])).await.unwrap();
    let out = UpdateUser { disabled: Some(true), ..UpdateUser::default() };
    change(&stage, &caller(2), &first.user, out).await.unwrap();

    let disabled = refused(log_in(&stage, &grace(&["staff"])).await);

    assert!(!is_in(&stage, &first).await);
    let strict = DirectoryMapping { default_role: None, ..mapping() };
    let signer = FakeSigner::default();
    let origin = Origin::default();
    let groupless = log_in_external(stage.deps(), &strict, &signer, &origin, &grace(&["x"])).await;
    assert_eq!(refused(groupless), disabled);
    for subject in [String::new(), "x".repeat(256)] {
        let odd = ExternalIdentity { subject, ..grace(&["staff"]) };
        assert_eq!(refused(log_in(&stage, &odd).await), disabled);
    }
}

#[tokio::test]
async fn an_organization_takes_no_more_users_than_it_may_have() {
    let limits = OrganizationLimits { max_users: Some(1), ..OrganizationLimits::default() };
    let settings = OrganizationSettings { limits, ..OrganizationSettings::default() };
    let stage = Stage::default();
    let rows = vec![Organization { settings, ..sample::organization(1) }.into()];
    sample::save(&stage.store, rows).await.unwrap();
    let other = ExternalIdentity {
        subject: "sub-2".to_owned(),
        email: Some("ada@example.org".to_owned()),
        ..grace(&[])
    };

    log_in(&stage, &grace(&[])).await.unwrap();
    refused(log_in(&stage, &other).await);

    log_in(&stage, &grace(&[])).await.unwrap();
}

#[tokio::test]
async fn an_external_id_is_for_one_user_and_finds_them() {
    let stage = Stage::set().await;
    let new = |external_id: Option<&str>| CreateUser {
        email: "new@example.org".to_owned(),
        name: None,
        role: Role::Member,
        departments: vec![],
        ai_seat: false,
        password: None,
        external_id: external_id.map(str::to_owned),
    };
    change(&stage, &caller(2), &user(4), linked("x-1")).await.unwrap();
    let passwords = FakePasswords::default();

    let taken = create_user(stage.deps(), &passwords, &caller(2), new(Some("x-1"))).await;
    assert!(matches!(taken, Err(Error::Conflict(Conflict::Taken { what: "external id" }))));
    let taken = change(&stage, &caller(2), &user(5), linked("x-1")).await;
    assert!(matches!(taken, Err(Error::Conflict(Conflict::Taken { what: "external id" }))));
    let wrong = change(&stage, &caller(2), &user(5), linked("")).await;
    assert!(matches!(wrong, Err(Error::Invalid(faults)) if faults[0].pointer == "/externalId"));

    let find = async |name| find_user(stage.deps(), &caller(2), &name).await.unwrap();
    let by_id = find(UserName::ExternalId("x-1".to_owned())).await;
    assert_eq!(by_id.map(|found| found.id), Some(user(4).id));
    let by_address = find(UserName::Email(user(5).email.to_string())).await;
    assert_eq!(by_address.map(|found| found.id), Some(user(5).id));
    assert!(find(UserName::Email("nobody@example.org".to_owned())).await.is_none());
    let member = find_user(stage.deps(), &caller(4), &UserName::ExternalId("x-1".to_owned())).await;
    assert!(matches!(member, Err(Error::Forbidden(Denied::Role(_)))));
    let own = change(&stage, &caller(4), &user(4), linked("x-2")).await;
    assert!(matches!(own, Err(Error::Forbidden(_))), "one does not link oneself");
}

#[tokio::test]
async fn sessions_are_ended_by_oneself_and_by_those_above() {
    let stage = Stage::set().await;
    change(&stage, &caller(2), &user(4), linked("sub-1")).await.unwrap();
    let end = async |who: u32| end_sessions(stage.deps(), &caller(who), user(4).id).await;

    for who in [2, 4] {
        let logged_in = log_in(&stage, &grace(&["staff"])).await.unwrap();
        assert!(is_in(&stage, &logged_in).await);
        end(who).await.unwrap();
        assert!(!is_in(&stage, &logged_in).await);
    }

    assert!(matches!(end(6).await, Err(Error::Forbidden(Denied::Role(_)))));
    let above = end_sessions(stage.deps(), &caller(2), user(1).id).await;
    assert!(matches!(above, Err(Error::Forbidden(Denied::Rank))));
}

/// A browser on its way, and the provider it goes to.
struct Way {
    stage: Stage,
    provider: FakeIdentityProvider,
}

impl Way {
    async fn new() -> Self {
        Self { stage: Stage::set().await, provider: FakeIdentityProvider::default() }
    }

    async fn begin(&self) -> Result<Begun> {
        let mapping = mapping();
        begin_log_in(self.stage.deps(), self.sign_on(&mapping), "/there").await
    }

    async fn back(&self, cookie: Option<&str>, state: &str, code: Option<&str>) -> Result<String> {
        let mapping = mapping();
        let back = Return {
            cookie: cookie.map(str::to_owned),
            state: state.to_owned(),
            code: code.map(|code| Secret::new(code.to_owned())),
        };
        let (signer, origin) = (FakeSigner::default(), Origin::default());
        let (deps, sign_on) = (self.stage.deps(), self.sign_on(&mapping));
        finish_log_in(deps, sign_on, &signer, &origin, back).await.map(|(_, path)| path)
    }

    fn sign_on<'a>(&'a self, mapping: &'a DirectoryMapping) -> SignOn<'a> {
        let redirect_url = "https://us.example/back";
        SignOn { provider: &self.provider, sealer: &FakeLogins, mapping, redirect_url }
    }
}

#[tokio::test]
async fn a_log_in_ends_where_it_was_to_go_on_and_only_in_its_browser() {
    let way = Way::new().await;
    way.provider.knows("code", grace(&["staff"]));
    let begun = way.begin().await.unwrap();
    let other = way.begin().await.unwrap();
    let cookie = begun.cookie.expose();

    let no_cookie = refused(way.back(None, "state-1", Some("code")).await);
    for (cookie, state) in [
        (Some(cookie.as_str()), "state-2"),
        (Some(cookie), ""),
        (Some(other.cookie.expose()), "state-1"),
        (Some("junk"), "state-1"),
    ] {
        assert_eq!(refused(way.back(cookie, state, Some("code")).await), no_cookie);
    }
    refused(way.back(Some(cookie), "state-1", None).await);

    let path = way.back(Some(cookie), "state-1", Some("code")).await.unwrap();
    assert_eq!(path, "/there");
    let again = way.back(Some(cookie), "state-1", Some("code")).await;
    assert!(matches!(again, Err(Error::Identity(IdentityError::Refused(_)))), "{again:?}");
    assert_eq!(way.provider.redirects(), ["https://us.example/back"; 2]);
}

#[tokio::test]
async fn a_log_in_takes_ten_minutes_at_most() {
    let way = Way::new().await;
    way.provider.knows("code", grace(&["staff"]));
    let begun = way.begin().await.unwrap();
    way.stage.clock.advance(time::Duration::minutes(10));

    refused(way.back(Some(begun.cookie.expose()), "state-1", Some("code")).await);
}

#[tokio::test]
async fn a_provider_that_is_away_is_told_as_that() {
    let way = Way::new().await;
    let begun = way.begin().await.unwrap();
    way.provider.go_away();

    let away = |error| matches!(error, Some(Error::Identity(IdentityError::Unavailable(_))));
    assert!(away(way.begin().await.err()));
    assert!(away(way.back(Some(begun.cookie.expose()), "state-1", Some("code")).await.err()));
}
