//! Texts as vectors: who is asked, what is counted, and what a failure leaves.

use understudy_domain::{
    ProviderKind::{self, Ollama, Openai, OpenaiCompatible},
    Scope, TokenLimits,
    budget::{Budget, BudgetPeriod, BudgetSubject},
    ports::{EmbeddingInput, EmbeddingRequest, ProviderError},
    usecases::{
        Caller, Denied, Error, Result,
        budgets::list_spent,
        embeddings::{CreatedEmbeddings, Embedding, MAX_DIMENSIONS, MAX_TEXTS, create_embeddings},
        organization::{UpdateOrganization, update_organization},
        providers::{CreateProvider, create_provider},
        usage::{ListUsage, list_usage},
    },
};
use understudy_testkit::FakeEmbedder;

use crate::stage::{Stage, by_token, caller};

const SMALL: &str = "text-embedding-3-small";

struct Room {
    stage: Stage,
    models: FakeEmbedder,
}

impl Room {
    /// With an OpenAI, and behind it an Ollama that has the same model.
    async fn open() -> Self {
        let room = Self { stage: Stage::set().await, models: FakeEmbedder::default() };
        room.provider(Openai, &[], 0).await;
        room.provider(Ollama, &[SMALL, "nomic"], 1).await;
        room
    }

    async fn provider(&self, kind: ProviderKind, models: &[&str], priority: i32) {
        let command = CreateProvider {
            name: kind.as_str().to_owned(),
            kind,
            base_url: (kind != Openai).then(|| "http://localhost:11434".to_owned()),
            api_key: None,
            models: models.iter().map(|&model| model.to_owned()).collect(),
            priority,
            enabled: true,
        };
        let deps = self.stage.deps();
        create_provider(deps, &self.stage.vault, &caller(2), command).await.unwrap();
    }

    async fn embed(&self, who: &Caller, request: EmbeddingRequest) -> Result<CreatedEmbeddings> {
        let embedding = Embedding { vault: &self.stage.vault, models: &self.models };
        create_embeddings(self.stage.deps(), embedding, who, request).await
    }

    /// The kinds of those who were asked.
    fn asked(&self) -> Vec<ProviderKind> {
        self.models.asked().into_iter().map(|(access, _)| access.kind).collect()
    }

    async fn budget(&self, max_tokens: u64) {
        let budget = Budget {
            subject: BudgetSubject::User,
            id: None,
            period: BudgetPeriod::Day,
            max_tokens: Some(max_tokens),
            max_cost_micros: None,
        };
        let command =
            UpdateOrganization { budgets: Some(vec![budget]), ..UpdateOrganization::default() };
        update_organization(self.stage.deps(), &caller(1), command).await.unwrap();
    }

    /// What is spent of the budget, and set aside.
    async fn spent(&self) -> (u64, u64) {
        let spent = list_spent(self.stage.deps(), &caller(4)).await.unwrap()[0].spent;
        (spent.tokens, spent.reserved_tokens)
    }
}

fn request(model: &str, texts: &[&str]) -> EmbeddingRequest {
    let texts = texts.iter().map(|&text| text.to_owned()).collect();
    EmbeddingRequest {
        model: model.to_owned(),
        input: EmbeddingInput::Texts(texts),
        dimensions: None,
    }
}

#[tokio::test]
async fn texts_are_embedded_by_who_has_the_model_and_counted() {
    let room = Room::open().await;

    let made = room.embed(&caller(4), request(SMALL, &["one two", "three"])).await.unwrap();
    let local = room.embed(&caller(4), request("nomic", &["four"])).await.unwrap();

    assert_eq!((made.provider, made.input_tokens), (Openai, 3));
    assert_eq!((made.embedded.vectors.len(), local.provider), (2, Ollama));
    let used = list_usage(room.stage.deps(), &caller(4), ListUsage::default()).await.unwrap();
    let rows: Vec<_> = used
        .rows
        .iter()
        .map(|row| {
            let (provider, model) = row.model.clone().unwrap();
            let amount = row.amount;
            (row.kind.as_str(), provider, model, amount.input_tokens, amount.cost_micros)
        })
        .collect();
    assert_eq!(
        rows,
        [
            ("embedding", "ollama".to_owned(), "nomic".to_owned(), 1, 0),
            ("embedding", "openai".to_owned(), SMALL.to_owned(), 3, 1),
        ]
    );
}

#[tokio::test]
async fn the_next_provider_is_asked_when_one_does_not_answer() {
    let room = Room::open().await;
    room.models.fail_next(ProviderError::TimedOut);

    let made = room.embed(&caller(4), request(SMALL, &["x"])).await.unwrap();

    assert_eq!((made.provider, room.asked()), (Ollama, vec![Openai, Ollama]));
    // What is wrong with the request is wrong everywhere.
    let message = "too long".to_owned();
    room.models.fail_next(ProviderError::Refused { status: 400, message });
    let refused = room.embed(&caller(4), request(SMALL, &["x"])).await.unwrap_err();
    assert!(matches!(refused, Error::Provider(ProviderError::Refused { .. })), "{refused:?}");
    assert_eq!(room.asked().len(), 3);
    for _ in 0..2 {
        room.models.fail_next(ProviderError::TimedOut);
    }
    let failed = room.embed(&caller(4), request(SMALL, &["x"])).await.unwrap_err();
    assert!(matches!(failed, Error::Provider(ProviderError::TimedOut)), "{failed:?}");
}

#[tokio::test]
async fn a_budget_counts_what_was_read_and_gives_back_what_was_not() {
    let room = Room::open().await;
    room.budget(10).await;

    room.embed(&caller(4), request(SMALL, &["a b c d"])).await.unwrap();
    assert_eq!(room.spent().await, (4, 0));
    let message = "no".to_owned();
    room.models.fail_next(ProviderError::Refused { status: 400, message });
    room.embed(&caller(4), request(SMALL, &["a b c d"])).await.unwrap_err();
    assert_eq!(room.spent().await, (4, 0));
    let asked = room.asked().len();
    let long = "x".repeat(28);
    let refused = room.embed(&caller(4), request(SMALL, &[&long])).await.unwrap_err();
    assert!(matches!(refused, Error::BudgetExceeded { .. }), "{refused:?}");
    assert_eq!((room.spent().await, room.asked().len()), ((4, 0), asked));
    // Without a count of the provider's it is about a token for four characters.
    room.models.count_nothing();
    let made = room.embed(&caller(4), request(SMALL, &["12345678"])).await.unwrap();
    assert_eq!((made.input_tokens, room.spent().await), (2, (6, 0)));
}

#[tokio::test]
async fn faults_of_a_request_are_named_before_anybody_is_asked() {
    let room = Room::open().await;
    let pointers = async |request| match room.embed(&caller(4), request).await {
        Err(Error::Invalid(faults)) => {
            faults.into_iter().map(|fault| fault.pointer).collect::<Vec<_>>()
        }
        other => panic!("{other:?}"),
    };
    let many = vec!["x"; MAX_TEXTS + 1];
    let long = "x".repeat(1_000_001);
    assert_eq!(pointers(request(SMALL, &[])).await, ["/input"]);
    assert_eq!(pointers(request(SMALL, &many)).await, ["/input"]);
    assert_eq!(pointers(request(SMALL, &["x", ""])).await, ["/input/1"]);
    assert_eq!(pointers(request(SMALL, &[&long])).await, ["/input"]);
    assert_eq!(pointers(request("nothing", &["x"])).await, ["/model"]);
    for dimensions in [0, MAX_DIMENSIONS + 1] {
        let dimensions = Some(dimensions);
        let wrong = EmbeddingRequest { dimensions, ..request(SMALL, &["x"]) };
        assert_eq!(pointers(wrong).await, ["/dimensions"]);
    }
    let tokens = EmbeddingInput::Tokens(vec![vec![1], vec![]]);
    let wrong = EmbeddingRequest { input: tokens, ..request(SMALL, &[]) };
    assert_eq!(pointers(wrong).await, ["/input/1"]);
    assert_eq!(room.asked(), []);
}

#[tokio::test]
async fn tokens_are_passed_to_who_takes_them() {
    let room = Room::open().await;
    room.provider(OpenaiCompatible, &["nomic"], 2).await;
    let input = EmbeddingInput::Tokens(vec![vec![1, 2, 3]]);
    let asked = EmbeddingRequest { input: input.clone(), ..request("nomic", &[]) };

    let made = room.embed(&caller(4), asked).await.unwrap();

    assert_eq!((made.provider, made.input_tokens), (OpenaiCompatible, 3));
    assert_eq!(room.models.asked()[0].1.input, input);
}

#[tokio::test]
async fn embedding_needs_a_seat_and_a_credential_for_it() {
    let room = Room::open().await;
    let mut seatless = caller(4);
    seatless.actor.ai_seat = false;
    let refused = room.embed(&seatless, request(SMALL, &["x"])).await;
    assert!(matches!(refused, Err(Error::SeatRequired)), "{refused:?}");
    let limits = TokenLimits {
        scopes: [Scope::Read].into(),
        assistant: None,
        read_only: false,
        cidr: None,
        expires_at: None,
    };
    let reader = by_token(4, limits);
    let refused = room.embed(&reader, request(SMALL, &["x"])).await;
    assert!(matches!(refused, Err(Error::Forbidden(Denied::Scope(_)))), "{refused:?}");
    assert_eq!(room.asked(), []);
}
