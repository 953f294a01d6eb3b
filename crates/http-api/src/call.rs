//! A request of somebody who is known: what handlers are given.

use std::{future::Future, pin::Pin, str::FromStr};

use actix_web::{FromRequest, HttpRequest, dev::Payload, web};
use percent_encoding::percent_decode_str;
use serde_json::Value;
use understudy_domain::{
    assistant::edit::WriteMode,
    usecases::{Caller, Deps, Error, Precondition, assistants, assistants::UpdateAssistant},
};

use crate::{
    caller, etag,
    fields::Fields,
    input::{self, Input},
    negotiation::{require_json_accepted, require_stream_accepted},
    problem::Problem,
    query::Query,
    server::State,
};

/// A request whose caller is known. It is made in this order: who asks, which
/// answers they take; the body is read after that, when the handler asks for it.
pub(crate) struct Call {
    pub(crate) state: web::Data<State>,
    pub(crate) caller: Caller,
    pub(crate) request: HttpRequest,
    payload: Payload,
}

impl FromRequest for Call {
    type Error = actix_web::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Self::Error>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (request, payload) = (request.clone(), payload.take());
        Box::pin(async move { Ok(Self::plain(request, payload).await?) })
    }
}

/// A call with parameters in its query. To a plain [`Call`] every parameter is
/// unknown.
pub(crate) struct Asked {
    pub(crate) call: Call,
    pub(crate) query: Query,
}

impl FromRequest for Asked {
    type Error = actix_web::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Self::Error>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (request, payload) = (request.clone(), payload.take());
        Box::pin(async move {
            let call = Call::of(request, payload).await?;
            let query = Query::of(&call.request);
            Ok(Self { call, query })
        })
    }
}

/// A call whose answer is a stream when its query says `follow=true`, and JSON else.
pub(crate) struct Following {
    pub(crate) call: Call,
    pub(crate) query: Query,
    pub(crate) follow: bool,
}

impl FromRequest for Following {
    type Error = actix_web::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Self::Error>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (request, payload) = (request.clone(), payload.take());
        Box::pin(async move {
            let call = Call::of_any_kind(request, payload).await?;
            let mut query = Query::of(&call.request);
            let follow = query.flag("follow").unwrap_or(false);
            if follow {
                require_stream_accepted(call.request.headers())?;
            } else {
                require_json_accepted(call.request.headers())?;
            }
            Ok(Self { call, query, follow })
        })
    }
}

/// A call whatever kind of answer it takes, for answers that are not JSON: browsers
/// ask for pictures and files in many ways.
pub(crate) struct AnyKind(pub(crate) Call);

impl FromRequest for AnyKind {
    type Error = actix_web::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Self::Error>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (request, payload) = (request.clone(), payload.take());
        Box::pin(async move {
            let call = Call::of_any_kind(request, payload).await?;
            Query::of(&call.request).finish()?;
            Ok(Self(call))
        })
    }
}

/// A call whatever kind of answer it takes, with parameters in its query.
pub(crate) struct AnyQuery {
    pub(crate) call: Call,
    pub(crate) query: Query,
}

impl FromRequest for AnyQuery {
    type Error = actix_web::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Self::Error>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (request, payload) = (request.clone(), payload.take());
        Box::pin(async move {
            let call = Call::of_any_kind(request, payload).await?;
            let query = Query::of(&call.request);
            Ok(Self { call, query })
        })
    }
}

/// The state of the server, which every request carries.
pub(crate) fn state_of(request: &HttpRequest) -> Result<web::Data<State>, Problem> {
    let state = request.app_data::<web::Data<State>>().cloned();
    state.ok_or_else(|| Problem::internal(&std::io::Error::other("the server has no state")))
}

impl Call {
    /// A call without parameters in its query.
    pub(crate) async fn plain(request: HttpRequest, payload: Payload) -> Result<Self, Problem> {
        let call = Self::of(request, payload).await?;
        Query::of(&call.request).finish()?;
        Ok(call)
    }

    async fn of(request: HttpRequest, payload: Payload) -> Result<Self, Problem> {
        let call = Self::of_any_kind(request, payload).await?;
        require_json_accepted(call.request.headers())?;
        Ok(call)
    }

    async fn of_any_kind(request: HttpRequest, payload: Payload) -> Result<Self, Problem> {
        let state = state_of(&request)?;
        let caller = caller::authenticate(&request, &state).await?;
        Ok(Self { state, caller, request, payload })
    }

    /// A segment of the path, decoded: it may hold slashes. One that is no text
    /// cannot name any `what`.
    pub(crate) fn segment(&self, name: &str, what: &'static str) -> Result<String, Problem> {
        let decoded = percent_decode_str(self.path(name)).decode_utf8();
        let text = decoded.or(Err(Error::NotFound(what)))?;
        Ok(text.into_owned())
    }

    /// The call once more, without its body.
    pub(crate) fn again(&self) -> Self {
        Self {
            state: self.state.clone(),
            caller: self.caller.clone(),
            request: self.request.clone(),
            payload: Payload::None,
        }
    }

    /// The body, for those who read it piece by piece.
    pub(crate) fn take_payload(&mut self) -> Payload {
        self.payload.take()
    }

    pub(crate) fn deps(&self) -> Deps<'_> {
        self.state.deps()
    }

    /// A segment of the path.
    pub(crate) fn path(&self, name: &str) -> &str {
        self.request.match_info().get(name).unwrap_or_default()
    }

    /// A segment of the path that names a `what`; one that cannot name any is
    /// as good as unknown.
    pub(crate) fn id<T: FromStr>(&self, name: &str, what: &'static str) -> Result<T, Problem> {
        self.path(name).parse().or(Err(Error::NotFound(what).into()))
    }

    /// What `If-Match` demands.
    pub(crate) fn precondition(&self) -> Result<Precondition, Problem> {
        etag::precondition(self.request.headers())
    }

    /// Refuses an action on an assistant in another state than `If-Match` names.
    pub(crate) async fn require_match(&self, reference: &str) -> Result<(), Problem> {
        let precondition = self.precondition()?;
        if precondition != Precondition::None {
            let view = assistants::view_assistant(self.deps(), &self.caller, reference).await?;
            precondition.check(&view.etag())?;
        }
        Ok(())
    }

    /// The body, which must be JSON and at most `limit` bytes.
    pub(crate) async fn input(&mut self, limit: usize) -> Result<Input, Problem> {
        let input = input::read(&self.request, &mut self.payload, limit, input::JSON).await?;
        input.ok_or_else(input::missing)
    }

    /// The body, or an empty object when there is none.
    pub(crate) async fn optional_input(&mut self) -> Result<Input, Problem> {
        let read = input::read(&self.request, &mut self.payload, input::SMALL, input::JSON);
        Ok(read.await?.unwrap_or_else(Input::empty))
    }

    /// The fields of a small body.
    pub(crate) async fn fields(&mut self) -> Result<Fields, Problem> {
        Fields::of(self.input(input::SMALL).await?.value)
    }

    /// The fields of a small merge patch.
    pub(crate) async fn patch(&mut self) -> Result<Fields, Problem> {
        Fields::of(self.value_of(input::MERGE_PATCH).await?)
    }

    /// A small body of one of the `taken` media types.
    pub(crate) async fn value_of(&mut self, taken: &[&str]) -> Result<Value, Problem> {
        let input = input::read(&self.request, &mut self.payload, input::SMALL, taken).await?;
        Ok(input.ok_or_else(input::missing)?.value)
    }

    /// A write to an assistant: by `PUT` of fields or `PATCH` into them.
    pub(crate) async fn update(&mut self, mode: WriteMode) -> Result<UpdateAssistant, Problem> {
        let precondition = self.precondition()?;
        let taken = match mode {
            WriteMode::Replace => input::JSON,
            WriteMode::Merge => input::MERGE_PATCH,
        };
        let input = input::read(&self.request, &mut self.payload, input::ASSISTANT, taken).await?;
        let input = input.ok_or_else(input::missing)?.value;
        Ok(UpdateAssistant { input, mode, precondition })
    }
}
