//! For operators and developers: health, metrics, and the documentation.

use std::sync::{Arc, LazyLock};

use actix_web::{
    HttpRequest, HttpResponse,
    http::{
        Method,
        header::{self, ContentEncoding, HeaderValue},
    },
    web::{self, Bytes},
};
use serde_json::json;
use utoipa_swagger_ui::Config;

use crate::{
    answer::{self, Answer},
    call::state_of,
    endpoint::Endpoint,
    openapi::{Doc, openapi_json},
    problem::{Code, Problem, chain, problems_page},
    server::State,
};

/// Seconds after which it is worth asking again.
const RETRY_AFTER: &str = "2";

/// The documentation page loads only what this server has. The page styles
/// itself from its script, hence the inline styles.
const DOCS_POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; \
     img-src 'self' data:; connect-src 'self'; font-src 'self'; base-uri 'none'; \
     form-action 'none'; frame-ancestors 'none'",
);

static OPENAPI: LazyLock<Bytes> = LazyLock::new(|| openapi_json().into());

pub(crate) fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::new(Method::GET, "/healthz", healthz, |doc: Doc| {
            doc.open("operations", "getHealth", "Whether the process lives")
                .about("Needs nothing but the process itself.")
                .json(200, "It lives.", "Health")
        }),
        Endpoint::new(Method::GET, "/readyz", readyz, |doc: Doc| {
            doc.open("operations", "getReadiness", "Whether the service can serve")
                .about(
                    "Asks the database and whether its schema is the one that this version needs, and writes to the blob store.",
                )
                .json(200, "It can serve.", "Health")
                .codes(&[Code::Unavailable])
        }),
        Endpoint::new(Method::GET, "/metrics", metrics, |doc: Doc| {
            doc.open("operations", "getMetrics", "Metrics for Prometheus")
                .text(200, "The metrics, in the text format of Prometheus.", "text/plain")
                .codes(&[Code::NotFound])
        }),
        Endpoint::new(Method::GET, "/openapi.json", openapi, |doc: Doc| {
            doc.open("operations", "getOpenApi", "This document").json(
                200,
                "An OpenAPI 3.1 document.",
                "OpenApiDocument",
            )
        }),
        Endpoint::new(Method::GET, "/problems", problems, |doc: Doc| {
            doc.open("operations", "getProblems", "All kinds of problems")
                .about("What the `type` of a problem document refers to.")
                .text(200, "A page with an anchor for each `code`.", "text/html")
        }),
        Endpoint::new(Method::GET, "/docs", docs_root, |doc: Doc| {
            doc.open("operations", "getDocs", "The documentation page")
                .about("Leads to `/docs/`.")
                .empty(308, "The page is at `/docs/`.")
        }),
        Endpoint::new(Method::GET, "/docs/{file:.*}", docs, |doc: Doc| {
            doc.open("operations", "getDocsFile", "The documentation page and its parts")
                .text(200, "A file of the page; without a name, the page.", "text/html")
                .or_kinds(&["text/css", "text/javascript", "image/png"])
                .codes(&[Code::NoSuchRoute])
        }),
    ]
}

/// The answer for paths that nobody serves.
pub(crate) async fn no_such_route() -> Answer {
    Err(Problem::new(Code::NoSuchRoute))
}

async fn healthz() -> Answer {
    answer::ok(&json!({"status": "ok"}))
}

async fn readyz(state: web::Data<State>) -> Answer {
    let unready = |why: String| {
        let problem = Problem::new(Code::Unavailable).detail(why);
        problem.header(header::RETRY_AFTER, RETRY_AFTER)
    };
    if let Err(error) = state.services.store.ping().await {
        tracing::warn!(error = %chain(&error), "the database is not ready");
        return Err(unready("the database cannot be used".to_owned()));
    }
    if let Err(error) = state.services.blobs.inventory().ping().await {
        tracing::warn!(error = %chain(&error), "the blob store is not ready");
        return Err(unready("the blob store cannot be written".to_owned()));
    }
    if let Some(ready) = &state.options.ready {
        ready().map_err(unready)?;
    }
    answer::ok(&json!({"status": "ok"}))
}

async fn metrics(state: web::Data<State>) -> Answer {
    let Some(write) = &state.options.metrics else {
        return Err(Problem::new(Code::NotFound).detail("metrics are turned off"));
    };
    Ok(HttpResponse::Ok().content_type("text/plain; version=0.0.4; charset=utf-8").body(write()))
}

async fn openapi() -> Answer {
    Ok(HttpResponse::Ok().content_type("application/json").body(OPENAPI.clone()))
}

async fn problems() -> Answer {
    Ok(HttpResponse::Ok().content_type("text/html; charset=utf-8").body(problems_page()))
}

async fn docs_root() -> Answer {
    // Relative, so that it also leads there behind a proxy that adds a prefix.
    Ok(HttpResponse::PermanentRedirect().insert_header((header::LOCATION, "docs/")).finish())
}

async fn docs(request: HttpRequest) -> Answer {
    state_of(&request)?;
    let file = request.match_info().get("file").unwrap_or_default();
    let config = Config::new(["../openapi.json"])
        .doc_expansion("list")
        // Else the page would ask a server elsewhere whether the document is valid.
        .validator_url("none");
    let Ok(Some(found)) = utoipa_swagger_ui::serve(file, Arc::new(config)) else {
        return Err(Problem::new(Code::NoSuchRoute));
    };
    let mut response = HttpResponse::Ok();
    if found.gzpipped {
        response.insert_header((header::CONTENT_ENCODING, ContentEncoding::Gzip));
    }
    Ok(response
        .insert_header((header::CONTENT_SECURITY_POLICY, DOCS_POLICY))
        .content_type(found.content_type)
        .body(found.bytes.into_owned()))
}
