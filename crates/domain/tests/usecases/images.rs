//! Pictures that models draw: who draws, what is stored, and what a failure leaves.

use serde_json::{Value, json};
use understudy_domain::{
    Digest, ImageOrigin, ProviderKind, Scope, Secret, TokenLimits,
    ports::{ImageLook, ImageQuality, ImageTokens, ProviderError},
    usecases::{
        Caller, Conflict, Denied, Error, Precondition, Result,
        assistants::view_assistant,
        images::{
            Apply, CreateImage, CreatedImage, ListImages, Painter, create_image, create_image_for,
            create_images, delete_image, list_images, open_image,
        },
        providers::{CreateProvider, create_provider},
        usage::{ListUsage, list_usage},
    },
};
use understudy_testkit::{BlobFault, FakeImageModel};

use crate::stage::{Stage, by_token, caller, id_of, named, seen};

struct Studio {
    stage: Stage,
    models: FakeImageModel,
}

impl Studio {
    async fn open() -> Self {
        Self { stage: Stage::set().await, models: FakeImageModel::default() }
    }

    fn painter(&self) -> Painter<'_> {
        Painter { vault: &self.stage.vault, models: &self.models }
    }

    async fn provider(&self, kind: ProviderKind, priority: i32) {
        let command = CreateProvider {
            name: kind.as_str().to_owned(),
            kind,
            base_url: None,
            api_key: Some(Secret::new(format!("key-of-{}", kind.as_str()))),
            models: vec![],
            priority,
            enabled: true,
        };
        let deps = self.stage.deps();
        create_provider(deps, &self.stage.vault, &caller(2), command).await.unwrap();
    }

    async fn create(&self, who: &Caller, command: CreateImage) -> Result<CreatedImage> {
        create_image(self.stage.deps(), self.painter(), who, command).await
    }

    async fn create_for(
        &self,
        who: &Caller,
        id: &str,
        command: CreateImage,
        apply: Apply,
    ) -> Result<CreatedImage> {
        let deps = self.stage.deps();
        create_image_for(deps, self.painter(), who, id, (command, apply)).await
    }

    async fn pictures_of(&self, who: &Caller) -> usize {
        let all = ListImages { user: None, before: None, limit: 100 };
        list_images(self.stage.deps(), who, all).await.unwrap().rows.len()
    }

    async fn uses(&self) -> u64 {
        let all = list_usage(self.stage.deps(), &caller(1), ListUsage::default()).await.unwrap();
        all.totals.iter().map(|total| total.amount.count).sum()
    }

    async fn assistant(&self, input: Value) -> String {
        id_of(&self.stage.create(&caller(4), input).await.unwrap())
    }
}

fn of(prompt: &str) -> CreateImage {
    CreateImage { prompt: prompt.to_owned(), ..CreateImage::default() }
}

fn pointers<T: std::fmt::Debug>(result: Result<T>) -> Vec<String> {
    match result {
        Err(Error::Invalid(faults)) => faults.into_iter().map(|fault| fault.pointer).collect(),
        other => panic!("expected faults, got {other:?}"),
    }
}

#[tokio::test]
async fn a_picture_is_stored_counted_and_seen_by_whoever_has_its_key() {
    let studio = Studio::open().await;
    studio.provider(ProviderKind::Openai, 0).await;
    let command = CreateImage {
        model: Some("dall-e-3".to_owned()),
        size: Some("512x256".to_owned()),
        ..of("a lighthouse")
    };

    let made = studio.create(&caller(4), command).await.unwrap();

    let (access, request) = studio.models.asked().remove(0);
    assert_eq!(access.kind, ProviderKind::Openai);
    assert_eq!(access.api_key.unwrap().expose(), "key-of-openai");
    assert_eq!((request.width, request.height), (512, 256));
    assert_eq!((made.model.as_str(), made.size.as_str()), ("dall-e-3", "512x256"));
    assert_eq!(made.image.key.expose().len(), 43);
    let opened = open_image(studio.stage.deps(), made.image.key.expose()).await.unwrap();
    assert_eq!(opened.id, made.image.id);
    let mut reader = studio
        .stage
        .deps()
        .blobs
        .read(opened.organization, opened.blob.digest, None)
        .await
        .unwrap();
    let bytes = reader.next().await.unwrap().unwrap();
    assert_eq!(Digest::of(&bytes), opened.blob.digest);
    assert!(String::from_utf8_lossy(&bytes).contains("512x256"), "it was not encoded anew");
    let used = list_usage(studio.stage.deps(), &caller(4), ListUsage::default()).await.unwrap();
    let used = used.rows;
    assert_eq!(used.len(), 1);
    assert_eq!(used[0].model, Some(("openai".to_owned(), "dall-e-3".to_owned())));
    assert_eq!(
        (used[0].kind.as_str(), used[0].amount.count, used[0].amount.quantity),
        ("image", 1, 1)
    );
}

#[tokio::test]
async fn without_a_provider_the_built_in_one_draws() {
    let studio = Studio::open().await;

    let made = studio.create(&caller(4), of("a lighthouse")).await.unwrap();

    let ImageOrigin::Generated { provider, size, .. } = made.image.origin else {
        panic!("{:?}", made.image.origin)
    };
    assert_eq!((provider.as_str(), size.as_str()), ("builtin", "1024x1024"));
}

#[tokio::test]
async fn a_failure_leaves_nothing_and_is_not_counted() {
    let studio = Studio::open().await;
    studio.models.fail_next(ProviderError::Refused { status: 400, message: "no".to_owned() });
    let refused = studio.create(&caller(4), of("x")).await;
    assert!(matches!(refused, Err(Error::Provider(ProviderError::Refused { status: 400, .. }))));

    studio.models.draw_always(b"<html>Sorry</html>");
    let garbled = studio.create(&caller(4), of("x")).await;
    assert!(matches!(garbled, Err(Error::Provider(ProviderError::Garbled(_)))));

    assert_eq!(studio.stage.blobs.count(), 0);
    assert_eq!(studio.pictures_of(&caller(4)).await, 0);
    assert_eq!(studio.uses().await, 0);
}

#[tokio::test]
async fn a_picture_without_room_is_not_counted() {
    let studio = Studio::open().await;
    studio.stage.blobs.set_fault(Some(BlobFault::Full));

    let refused = studio.create(&caller(4), of("x")).await;

    assert!(matches!(refused, Err(Error::Blobs(_))));
    assert_eq!((studio.pictures_of(&caller(4)).await, studio.uses().await), (0, 0));
}

#[tokio::test]
async fn what_is_wrong_is_told_before_anybody_is_paid() {
    let studio = Studio::open().await;
    let sized = |size: &str| CreateImage { size: Some(size.to_owned()), ..of("x") };

    assert_eq!(pointers(studio.create(&caller(4), of("  ")).await), ["/prompt"]);
    assert_eq!(pointers(studio.create(&caller(4), of(&"x".repeat(4_001))).await), ["/prompt"]);
    for size in
        ["", "512", "63x512", "512x2049", "512X512", "+512x512", "512x512x512", "99999999999x64"]
    {
        assert_eq!(pointers(studio.create(&caller(4), sized(size)).await), ["/size"], "{size}");
    }
    let both = CreateImage { size: Some("0x0".to_owned()), ..of("") };
    assert_eq!(pointers(studio.create(&caller(4), both).await), ["/prompt", "/size"]);
    let unknown = CreateImage { model: Some("dall-e-4".to_owned()), ..of("x") };
    assert_eq!(pointers(studio.create(&caller(4), unknown).await), ["/model"]);
    assert_eq!(studio.models.asked().len(), 0);
    for size in ["64x2048", "2048x64"] {
        assert!(studio.create(&caller(4), sized(size)).await.is_ok(), "{size}");
    }
}

#[tokio::test]
async fn only_who_may_run_models_draws() {
    let studio = Studio::open().await;
    let scoped = |scopes: &[Scope]| TokenLimits {
        scopes: scopes.iter().copied().collect(),
        ..TokenLimits::default()
    };
    let mut seatless = caller(4);
    seatless.actor.ai_seat = false;

    let refused = studio.create(&seatless, of("x")).await;
    assert!(matches!(refused, Err(Error::SeatRequired)));
    let writer = by_token(4, scoped(&[Scope::Read, Scope::Write]));
    let refused = studio.create(&writer, of("x")).await;
    assert!(matches!(refused, Err(Error::Forbidden(Denied::Scope("run")))));
    let read_only = TokenLimits { read_only: true, ..TokenLimits::default() };
    let refused = studio.create(&by_token(4, read_only), of("x")).await;
    assert!(matches!(refused, Err(Error::Forbidden(Denied::ReadOnly))));
    assert_eq!(studio.models.asked().len(), 0);
    assert!(studio.create(&by_token(4, scoped(&[Scope::Run])), of("x")).await.is_ok());
}

#[tokio::test]
async fn an_assistants_settings_decide_who_draws_for_it() {
    let studio = Studio::open().await;
    studio.provider(ProviderKind::Openai, 0).await;
    studio.provider(ProviderKind::Clipdrop, 1).await;
    let tools = json!({"systemTools": {"imageGeneration": {"mode": "on", "provider": "clipdrop"}}});
    let clipdrop = json!({"name": "a", "tool_configurations": tools});
    let narrow = json!({"name": "b", "allowed_model_providers": ["openai"]});
    let (clipdrop, narrow) = (studio.assistant(clipdrop).await, studio.assistant(narrow).await);
    let kind = |n: usize| studio.models.asked()[n].0.kind;

    studio.create_for(&caller(4), &clipdrop, of("x"), Apply::Nothing).await.unwrap();
    assert_eq!(kind(0), ProviderKind::Clipdrop);
    let by_name = CreateImage { model: Some("dall-e-3".to_owned()), ..of("x") };
    studio.create_for(&caller(4), &clipdrop, by_name, Apply::Nothing).await.unwrap();
    assert_eq!(kind(1), ProviderKind::Openai);

    let outside = CreateImage { model: Some("clipdrop".to_owned()), ..of("x") };
    let refused = studio.create_for(&caller(4), &narrow, outside, Apply::Nothing).await;
    let Err(Error::Conflict(Conflict::ProviderNotAllowed { provider })) = refused else {
        panic!("{refused:?}")
    };
    assert_eq!(provider, "clipdrop");
    assert_eq!(studio.models.asked().len(), 2);
}

#[tokio::test]
async fn a_picture_for_an_assistant_needs_edit_access() {
    let studio = Studio::open().await;
    let shared = studio.assistant(json!({"name": "a", "access_mode": "organization"})).await;
    let private = studio.assistant(named("b")).await;

    let refused = studio.create_for(&caller(6), &shared, of("x"), Apply::Nothing).await;
    assert!(matches!(refused, Err(Error::Forbidden(Denied::Level { .. }))), "{refused:?}");
    let refused = studio.create_for(&caller(6), &private, of("x"), Apply::Nothing).await;
    assert!(matches!(refused, Err(Error::NotFound("assistant"))));

    assert_eq!(studio.models.asked().len(), 0);
    let made = studio.create_for(&caller(4), &private, of("x"), Apply::Nothing).await.unwrap();
    assert_eq!(made.image.assistant.map(|id| id.to_string()), Some(private));
}

#[tokio::test]
async fn a_picture_becomes_the_icon_when_it_shall() {
    let studio = Studio::open().await;
    let id = studio.assistant(named("a")).await;
    let see = async || seen(&view_assistant(studio.stage.deps(), &caller(4), &id).await.unwrap());

    studio.create_for(&caller(4), &id, of("x"), Apply::Nothing).await.unwrap();
    assert_eq!(see().await["icon_type"], "default");
    let apply = Apply::Icon(Precondition::None);
    studio.create_for(&caller(4), &id, of("x"), apply).await.unwrap();

    let after = see().await;
    assert_eq!(after["icon_type"], "upload");
    assert!(after["icon_data"].as_str().unwrap().starts_with("data:image/png;base64,"));
}

#[tokio::test]
async fn an_icon_for_another_state_is_refused_before_anybody_is_paid() {
    let studio = Studio::open().await;
    let id = studio.assistant(named("a")).await;
    let apply = Apply::Icon(Precondition::OneOf(vec!["other".to_owned()]));

    let refused = studio.create_for(&caller(4), &id, of("x"), apply).await;

    assert!(matches!(refused, Err(Error::PreconditionFailed)));
    assert_eq!(studio.models.asked().len(), 0);
}

#[tokio::test]
async fn a_deleted_picture_is_gone_but_stays_counted() {
    let studio = Studio::open().await;
    let made = studio.create(&caller(4), of("x")).await.unwrap();
    let (id, key) = (made.image.id, made.image.key);
    let deps = studio.stage.deps();

    delete_image(deps, &caller(4), id).await.unwrap();

    assert!(matches!(open_image(deps, key.expose()).await, Err(Error::NotFound(_))));
    assert!(matches!(delete_image(deps, &caller(4), id).await, Err(Error::NotFound(_))));
    assert_eq!((studio.pictures_of(&caller(4)).await, studio.uses().await), (0, 1));
}

#[tokio::test]
async fn others_pictures_are_for_administrators() {
    let studio = Studio::open().await;
    let made = studio.create(&caller(4), of("x")).await.unwrap();
    let deps = studio.stage.deps();
    let of_four = ListImages { user: Some(caller(4).actor.user), before: None, limit: 10 };

    let refused = list_images(deps, &caller(6), of_four).await;
    assert!(matches!(refused, Err(Error::Forbidden(Denied::Role(_)))));
    let refused = delete_image(deps, &caller(6), made.image.id).await;
    assert!(matches!(refused, Err(Error::NotFound("picture"))));
    assert_eq!(studio.pictures_of(&caller(2)).await, 0);
    assert_eq!(list_images(deps, &caller(2), of_four).await.unwrap().rows.len(), 1);
    assert!(delete_image(deps, &caller(2), made.image.id).await.is_ok());
}

#[tokio::test]
async fn keys_that_can_be_nobodys_are_as_good_as_unknown() {
    let studio = Studio::open().await;
    let made = studio.create(&caller(4), of("x")).await.unwrap();
    let key = made.image.key.expose();

    for wrong in
        ["", "x", &key[1..], &format!("{key}x"), &"A".repeat(43), &format!("{}'", &key[1..])]
    {
        let missing = open_image(studio.stage.deps(), wrong).await;
        assert!(matches!(missing, Err(Error::NotFound("picture"))), "{wrong}");
    }
}

#[tokio::test]
async fn pictures_come_in_pages_newest_first() {
    let studio = Studio::open().await;
    let mut made = Vec::new();
    for n in 0..5 {
        made.push(studio.create(&caller(4), of(&n.to_string())).await.unwrap().image.id);
    }
    made.reverse();
    let deps = studio.stage.deps();
    let (mut found, mut before) = (Vec::new(), None);
    loop {
        let page = ListImages { user: None, before, limit: 2 };
        let page = list_images(deps, &caller(4), page).await.unwrap();
        found.extend(page.rows.iter().map(|image| image.id));
        before = found.last().copied();
        if !page.more {
            break;
        }
    }

    assert_eq!(found, made);
}

#[tokio::test]
async fn administrators_see_all_that_is_used_and_others_their_own() {
    let studio = Studio::open().await;
    for n in [4, 4, 6] {
        studio.create(&caller(n), of("x")).await.unwrap();
    }
    let deps = studio.stage.deps();
    let count = async |n: u32| -> u64 {
        let totals = list_usage(deps, &caller(n), ListUsage::default()).await.unwrap();
        totals.totals.iter().map(|total| total.amount.count).sum()
    };

    assert_eq!((count(2).await, count(4).await, count(6).await, count(5).await), (3, 2, 1, 0));
    let long_ago = ListUsage { until: Some("2020-01-01".to_owned()), ..ListUsage::default() };
    assert_eq!(list_usage(deps, &caller(2), long_ago).await.unwrap().rows, []);
    let (from, until) = (Some("soon".to_owned()), Some("2026-02-30".to_owned()));
    let wrong = ListUsage { from, until, ..ListUsage::default() };
    assert_eq!(pointers(list_usage(deps, &caller(2), wrong).await), ["from", "until"]);
}

#[tokio::test]
async fn several_pictures_are_drawn_one_by_one_and_those_before_a_failure_stay() {
    let studio = Studio::open().await;
    studio.models.tell_tokens();
    let many = async |count| {
        let order = (of("x"), count);
        create_images(studio.stage.deps(), studio.painter(), &caller(4), order).await
    };

    let made = many(2).await.unwrap();
    assert_eq!(made.iter().map(|one| one.tokens.output).sum::<u64>(), 200);
    assert_eq!(made[0].tokens, ImageTokens { input: 7, output: 100 });
    assert_ne!(made[0].image.id, made[1].image.id);
    assert_eq!(Digest::of(&made[0].png), made[0].image.blob.digest);
    for count in [0, 11] {
        assert_eq!(pointers(many(count).await), ["/n"]);
    }
    studio.models.fail_after(1, ProviderError::TimedOut);
    let failed = many(3).await.unwrap_err();

    assert!(matches!(failed, Error::Provider(ProviderError::TimedOut)), "{failed:?}");
    assert_eq!((studio.pictures_of(&caller(4)).await, studio.uses().await), (3, 3));
}

#[tokio::test]
async fn how_a_picture_shall_look_is_told_to_those_who_can_be_told() {
    let studio = Studio::open().await;
    let look = ImageLook { quality: Some(ImageQuality::High), background: None };
    let careful = || CreateImage { look, ..of("x") };

    assert_eq!(pointers(studio.create(&caller(4), careful()).await), ["/quality"]);
    assert_eq!(studio.models.asked().len(), 0);
    studio.provider(ProviderKind::Openai, 0).await;
    studio.create(&caller(4), careful()).await.unwrap();
    assert_eq!(studio.models.asked()[0].1.look, look);
}
