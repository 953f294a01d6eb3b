//! `Idempotency-Key`: the same request has its effect once.

use actix_web::{
    HttpResponse, body,
    http::{
        StatusCode,
        header::{self, HeaderName, HeaderValue},
    },
};
use time::Duration;
use understudy_domain::{
    Fault, TokenHash,
    ports::{IdempotencyScope, Reservation, StoredAnswer},
};

use crate::{
    answer::Answer,
    call::Call,
    input::Input,
    problem::{Code, Problem, chain},
    request_id::RequestId,
};

/// How long answers are kept.
const KEEP: Duration = Duration::hours(24);
/// Most characters of a key.
const MAX_CHARS: usize = 255;

const KEY: &str = "idempotency-key";
const REPLAYED: HeaderName = HeaderName::from_static("idempotent-replayed");

/// The headers that belong to an answer itself.
const KEPT_HEADERS: [HeaderName; 3] = [header::CONTENT_TYPE, header::ETAG, header::LOCATION];

/// Marks an answer that shows a secret: this problem is kept in its place.
pub(crate) struct ShownOnce(pub(crate) Problem);

/// Carries out a `POST`; with an idempotency key once, however often it comes.
///
/// With a key the act goes on when its caller hangs up: they will come again and
/// ask what became of it.
pub(crate) async fn once<A>(call: Call, input: Input, act: A) -> Answer
where
    A: AsyncFnOnce(Call, Input) -> Answer + 'static,
{
    match key_of(&call)? {
        None => act(call, input).await,
        Some(key) => match actix_web::rt::spawn(keyed(call, input, key, act)).await {
            Ok(answer) => answer,
            Err(error) => Err(Problem::internal(&error)),
        },
    }
}

async fn keyed<A>(call: Call, input: Input, key: String, act: A) -> Answer
where
    A: AsyncFnOnce(Call, Input) -> Answer + 'static,
{
    let state = call.state.clone();
    let store = state.services.store.idempotency();
    let scope = scope(&call, key);
    let now = state.services.clock.now();
    match store.reserve(&scope, TokenHash::of(&input.text), now, KEEP).await? {
        Reservation::Fresh => {}
        Reservation::UnderWay => return Err(Problem::new(Code::IdempotencyUnderWay)),
        Reservation::OtherBody => return Err(Problem::new(Code::IdempotencyKeyReused)),
        Reservation::Answered(answer) => return replay(answer),
    }
    let place = (call.request.path().to_owned(), RequestId::of(&call.request));
    let mut answer = match act(call, input).await {
        Ok(answer) => answer,
        Err(problem) => render(&problem, &place),
    };
    let in_its_place = answer.extensions_mut().remove::<ShownOnce>();
    let (answer, whole) = tee(answer).await?;
    let kept = match in_its_place {
        Some(ShownOnce(problem)) => tee(render(&problem, &place)).await?.1,
        None => whole,
    };
    let noted = if is_final(answer.status()) {
        store.complete(&scope, &kept).await
    } else {
        store.release(&scope).await
    };
    if let Err(error) = noted {
        // The act is done and its answer is right; only repeating it is not safe.
        tracing::warn!(error = %chain(&error), "an idempotency key could not be settled");
    }
    Ok(answer)
}

fn key_of(call: &Call) -> Result<Option<String>, Problem> {
    let Some(value) = call.request.headers().get(KEY) else { return Ok(None) };
    let text = value.to_str().unwrap_or_default();
    let fits = (1..=MAX_CHARS).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic());
    if fits {
        return Ok(Some(text.to_owned()));
    }
    let message = format!("must be 1 to {MAX_CHARS} visible ASCII characters");
    Err(Problem::invalid(vec![Fault::new(KEY, "invalid", message)]))
}

fn scope(call: &Call, key: String) -> IdempotencyScope {
    let actor = &call.caller.actor;
    let route = format!("{} {}", call.request.method(), call.request.path());
    IdempotencyScope { organization: actor.organization, user: actor.user, route, key }
}

/// Whether the same request would be answered like this again.
fn is_final(status: StatusCode) -> bool {
    let passing = [StatusCode::UNAUTHORIZED, StatusCode::FORBIDDEN, StatusCode::TOO_MANY_REQUESTS];
    !status.is_server_error() && !passing.contains(&status)
}

fn render(problem: &Problem, (path, id): &(String, Option<RequestId>)) -> HttpResponse {
    problem.render(path, id.as_ref().map_or("", RequestId::as_str))
}

/// An answer, and what is kept of it.
async fn tee(answer: HttpResponse) -> Result<(HttpResponse, StoredAnswer), Problem> {
    let (head, content) = answer.into_parts();
    let content = match body::to_bytes(content).await {
        Ok(bytes) => bytes,
        Err(error) => {
            let error = std::io::Error::other(error.to_string());
            return Err(Problem::internal(&error));
        }
    };
    let header = |name: &HeaderName| {
        let value = head.headers().get(name)?.to_str().ok()?;
        Some((name.as_str().to_owned(), value.to_owned()))
    };
    let stored = StoredAnswer {
        status: head.status().as_u16(),
        headers: KEPT_HEADERS.iter().filter_map(header).collect(),
        body: content.to_vec(),
    };
    Ok((head.set_body(content).map_into_boxed_body(), stored))
}

fn replay(answer: StoredAnswer) -> Answer {
    let StoredAnswer { status, headers, body } = answer;
    let status = StatusCode::from_u16(status).map_err(|error| Problem::internal(&error))?;
    let mut response = HttpResponse::build(status);
    for (name, value) in headers {
        if let (Ok(name), Ok(value)) =
            (HeaderName::try_from(name.as_str()), HeaderValue::try_from(value.as_str()))
        {
            response.insert_header((name, value));
        }
    }
    Ok(response.insert_header((REPLAYED, "true")).body(body))
}
