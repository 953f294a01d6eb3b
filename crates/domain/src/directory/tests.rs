//! What claims make of a user, and what they never make.

use proptest::prelude::*;
use serde_json::json;

use super::*;

fn mapping() -> DirectoryMapping {
    DirectoryMapping {
        role_claim: Some("groups".to_owned()),
        roles: [("admins", Role::Admin), ("staff", Role::Member), ("chiefs", Role::Owner)]
            .map(|(name, role)| (name.to_owned(), role))
            .into(),
        default_role: Some(Role::Viewer),
        department_claim: Some("org.units".to_owned()),
        seat: SeatRule::Claim { name: "groups".to_owned(), values: ["ai".to_owned()].into() },
    }
}

fn claims(value: Value) -> Map<String, Value> {
    let Value::Object(claims) = value else { panic!("claims are an object") };
    claims
}

#[test]
fn the_highest_rank_that_claims_name_counts() {
    let role = |groups: Value| mapping().map(&claims(json!({"groups": groups}))).unwrap().role;

    assert_eq!(role(json!(["staff", "admins", "others"])), Told::Always(Role::Admin));
    assert_eq!(role(json!("staff")), Told::Always(Role::Member));
    assert_eq!(role(json!(["others", 1, null])), Told::Always(Role::Viewer));
}

#[test]
fn no_claim_makes_an_owner() {
    let mapping = DirectoryMapping { default_role: Some(Role::Owner), ..mapping() };

    assert_eq!(mapping.map(&claims(json!({"groups": ["chiefs"]}))), None);
    let mapped = mapping.map(&claims(json!({"groups": ["chiefs", "staff"]}))).unwrap();
    assert_eq!(mapped.role, Told::Always(Role::Member));
}

#[test]
fn nobody_is_let_in_without_a_rank() {
    let strict = DirectoryMapping { default_role: None, ..mapping() };

    assert_eq!(strict.map(&claims(json!({"groups": ["others"]}))), None);
    assert!(strict.map(&claims(json!({"groups": ["staff"]}))).is_some());
    assert_eq!(DirectoryMapping::default().map(&Map::new()), None);
}

#[test]
fn a_claim_is_found_by_its_name_before_its_path() {
    let all = claims(json!({"a.b": 1, "a": {"b": 2, "c": {"d": 3}}}));

    assert_eq!(find(&all, "a.b"), Some(&json!(1)));
    assert_eq!(find(&all, "a.c.d"), Some(&json!(3)));
    assert_eq!(find(&all, "a.x"), None);
    assert_eq!(find(&all, ""), None);
}

#[test]
fn what_the_directory_has_taken_away_is_gone() {
    let full = json!({"groups": ["ai"], "org": {"units": ["Sales", "", "Care"]}});
    let mapped = mapping().map(&claims(full)).unwrap();
    let names: Vec<_> = mapped.departments.first().into_iter().collect();
    assert_eq!(names.iter().map(Department::as_str).collect::<Vec<_>>(), ["Care", "Sales"]);
    assert_eq!(mapped.ai_seat, Told::Always(true));

    let bare = mapping().map(&Map::new()).unwrap();
    assert_eq!(bare.departments, Told::Always(BTreeSet::new()));
    assert_eq!(bare.ai_seat, Told::Always(false));
}

#[test]
fn what_no_claim_decides_is_an_administrators_affair() {
    let fixed = DirectoryMapping {
        default_role: Some(Role::Member),
        seat: SeatRule::New(true),
        ..DirectoryMapping::default()
    };

    let mapped = fixed.map(&claims(json!({"groups": ["admins"]}))).unwrap();

    assert_eq!(mapped.role.clone().first(), Role::Member);
    assert_eq!(mapped.role.over(Role::Manager), Role::Manager);
    assert!(mapped.ai_seat.clone().first());
    assert!(!mapped.ai_seat.over(false));
}

#[test]
fn a_seat_may_hang_on_a_claim_that_is_true() {
    let rule = SeatRule::Claim { name: "ai".to_owned(), values: BTreeSet::new() };
    let mapping = DirectoryMapping { seat: rule, ..mapping() };
    let seat = |value: Value| mapping.map(&claims(json!({"ai": value}))).unwrap().ai_seat;

    assert_eq!(seat(json!(true)), Told::Always(true));
    assert_eq!(seat(json!("true")), Told::Always(true));
    for no in [json!(false), json!("yes"), json!(1), json!([true]), json!(null)] {
        assert_eq!(seat(no), Told::Always(false));
    }
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i32>().prop_map(Value::from),
        prop_oneof![Just("admins"), Just("chiefs"), Just("staff"), Just("owner"), Just("ai")]
            .prop_map(Value::from),
        ".{0,120}".prop_map(Value::from),
    ];
    leaf.prop_recursive(2, 80, 60, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..60).prop_map(Value::from),
            prop::collection::hash_map("units|roles|[a-z]", inner, 0..4)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn whatever_is_claimed_nobody_becomes_an_owner_and_limits_hold(
        groups in value(),
        org in value(),
        default in prop::option::of(prop::sample::select(Role::ALL.to_vec())),
    ) {
        let mapping = DirectoryMapping { default_role: default, ..mapping() };
        let claims = claims(json!({"groups": groups, "org": org}));
        if let Some(mapped) = mapping.map(&claims) {
            prop_assert_ne!(mapped.role.first(), Role::Owner);
            prop_assert!(mapped.departments.first().len() <= MAX_DEPARTMENTS);
        }
    }
}
