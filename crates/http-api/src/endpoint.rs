//! The routes: each with its handler and its description, so that neither is
//! there without the other.

use actix_web::{
    FromRequest, Handler, Resource, Responder, Route, guard,
    http::{Method, header},
    web::{self, ServiceConfig},
};

use crate::{
    native, okchat, openai,
    openapi::Doc,
    operations,
    problem::{Code, Problem},
};

/// One operation on one path.
pub(crate) struct Endpoint {
    pub(crate) method: Method,
    /// The path, with names in braces.
    pub(crate) pattern: &'static str,
    /// What the OpenAPI document says of it.
    pub(crate) describe: fn(Doc) -> Doc,
    route: Route,
}

impl Endpoint {
    /// The operation that `handler` carries out.
    pub(crate) fn new<H, Args>(
        method: Method,
        pattern: &'static str,
        handler: H,
        describe: fn(Doc) -> Doc,
    ) -> Self
    where
        H: Handler<Args>,
        Args: FromRequest + 'static,
        H::Output: Responder + 'static,
    {
        let route = match method {
            Method::GET => web::route().guard(guard::Any(guard::Get()).or(guard::Head())),
            ref other => web::method(other.clone()),
        };
        Self { method, pattern, describe, route: route.to(handler) }
    }
}

/// All operations; those on one path stand together.
pub(crate) fn all() -> Vec<Endpoint> {
    let mut all = native::endpoints();
    all.extend(okchat::endpoints());
    all.extend(openai::endpoints());
    all.extend(operations::endpoints());
    all
}

/// Registers all operations, and on each path an answer to other methods.
pub(crate) fn register(config: &mut ServiceConfig) {
    let mut rest = all();
    while let Some(first) = rest.first() {
        let pattern = first.pattern;
        let (here, others): (Vec<_>, Vec<_>) =
            rest.into_iter().partition(|endpoint| endpoint.pattern == pattern);
        rest = others;
        config.service(resource(pattern, here));
    }
}

fn resource(pattern: &str, endpoints: Vec<Endpoint>) -> Resource {
    let mut allow: Vec<&str> = Vec::new();
    for endpoint in &endpoints {
        match endpoint.method {
            Method::GET => allow.extend(["GET", "HEAD"]),
            Method::POST => allow.push("POST"),
            Method::PUT => allow.push("PUT"),
            Method::PATCH => allow.push("PATCH"),
            Method::OPTIONS => allow.push("OPTIONS"),
            _ => allow.push("DELETE"),
        }
    }
    let allow = allow.join(", ");
    let other = move || {
        let detail = format!("this path takes {allow}");
        let problem = Problem::new(Code::MethodNotAllowed).detail(detail);
        std::future::ready(problem.header(header::ALLOW, &allow).into_answer())
    };
    let resource = web::resource(pattern).default_service(web::route().to(other));
    endpoints.into_iter().fold(resource, |resource, endpoint| resource.route(endpoint.route))
}
