//! What is looked for in JSON.

use std::collections::BTreeSet;

use understudy_domain::{
    Assistant, Content, RuleId, Tag, TagId, assistant::content::AttachedRule, ports::Store,
};
use uuid::Uuid;

use super::samples::{ADA, TENANT, assistant, at, inhabited};

const RULE: RuleId = RuleId::from_uuid(Uuid::from_u128(7));

fn with_rule(mut assistant: Assistant) -> Assistant {
    assistant.content.rules = vec![AttachedRule {
        rule_id: RULE,
        priority: 50,
        character_limit: 1_000,
        is_active: true,
        attached_at: at(0),
        attached_by: ADA,
    }];
    assistant
}

#[tokio::test]
async fn a_rule_is_found_where_it_is_attached_and_not_where_a_text_names_it() {
    let (store, _folder) = inhabited().await;
    let mut work = store.begin(TENANT).await.unwrap();
    let mut naming = assistant(1);
    naming.content = Content { instructions: RULE.to_string(), ..naming.content };
    work.assistants().insert(&naming).await.unwrap();
    work.assistants().insert(&with_rule(assistant(2))).await.unwrap();

    let found = work.rules().assistants_with(RULE).await.unwrap();

    assert_eq!(found, [assistant(2).id]);
}

fn tagged(number: u128, tags: &[TagId]) -> Assistant {
    Assistant { tags: tags.iter().copied().collect(), ..assistant(number) }
}

#[tokio::test]
async fn a_tag_that_goes_is_taken_off_and_the_others_stay() {
    let (store, _folder) = inhabited().await;
    let ids = [1, 2, 3].map(|number| TagId::from_uuid(Uuid::from_u128(number)));
    let [_, gone, _] = ids;
    let tag = Tag {
        id: gone,
        organization: TENANT,
        name: "Gone".to_owned(),
        color: String::new(),
        created_at: at(0),
        updated_at: at(0),
        revision: 1,
    };
    let mut work = store.begin(TENANT).await.unwrap();
    work.labels().insert(&tag).await.unwrap();
    work.assistants().insert(&tagged(1, &ids)).await.unwrap();
    work.assistants().insert(&tagged(2, &[gone])).await.unwrap();
    work.assistants().insert(&tagged(3, &ids[..1])).await.unwrap();
    assert!(work.labels().delete(gone).await.unwrap());

    let mut left = Vec::new();
    for number in 1..=3 {
        let found = work.assistants().find(assistant(number).id).await.unwrap().unwrap();
        left.push((found.tags, found.revision));
    }
    let [first, _, last] = ids;
    assert_eq!(
        left,
        [(BTreeSet::from([first, last]), 2), (BTreeSet::new(), 2), (BTreeSet::from([first]), 1)]
    );
}
