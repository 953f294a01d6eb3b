//! The name of a model: which assistant it is, and which state of it.

use understudy_domain::{Fault, usecases::assistants};

use crate::{
    call::Call,
    problem::{Code, Problem},
};

/// What stands between an assistant and its state.
const AT: char = '@';

/// Which assistant a name stands for.
pub(super) struct Named {
    /// By what the domain finds it.
    pub(super) reference: String,
    /// The version that is asked for.
    pub(super) version: Option<u32>,
}

/// What a name stands for: `support` or `asst_…`, with `@draft` its draft, with `@v3`
/// its third version.
pub(super) async fn named(call: &Call, model: &str) -> Result<Named, Problem> {
    let Some((name, state)) = model.rsplit_once(AT) else {
        return Ok(Named { reference: model.to_owned(), version: None });
    };
    if state == "draft" {
        let view = assistants::view_assistant(call.deps(), &call.caller, name).await?;
        let draft = view.record.draft.as_ref();
        let draft = draft
            .ok_or_else(|| Problem::new(Code::NotFound).detail("the assistant has no draft"))?;
        return Ok(Named { reference: draft.id.to_string(), version: None });
    }
    let number = state.strip_prefix('v').and_then(|number| number.parse().ok());
    if number.is_none() {
        let message =
            "names a state that there is not; there are `@draft`, and `@v3` for a version";
        return Err(Problem::invalid(vec![Fault::new("/model", "invalid", message)]));
    }
    Ok(Named { reference: name.to_owned(), version: number })
}
