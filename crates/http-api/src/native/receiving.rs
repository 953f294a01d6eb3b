//! Taking in the file of a form.

use actix_web::dev::Payload;
use serde_json::Value;
use understudy_domain::usecases::intake::{Intake, Received};

use crate::{
    call::Call,
    input::Input,
    multipart::{self, Form, Sent},
    problem::Problem,
};

/// What a part with a file is called, and what else may stand beside it.
pub(super) const PARTS: (&[&str], &[&str]) = (&["file"], &["name"]);

/// Takes in the file of a form.
pub(super) async fn receive_form(
    call: &Call,
    payload: Payload,
    mut intake: Intake<'_>,
) -> Result<(Sent, Received), Problem> {
    let (file, texts) = PARTS;
    let form = Form { file, texts, max: call.state.options.max_file_bytes };
    let sent = multipart::one_file(&call.request, payload, form, &mut intake).await?;
    Ok((sent, intake.finish().await?))
}

/// What tells a request with a file from others, as idempotency keys need it.
pub(super) fn told(name: Option<&str>, received: &Received) -> Input {
    Input { text: format!("{name:?} {:?}", received.blob), value: Value::Null }
}
