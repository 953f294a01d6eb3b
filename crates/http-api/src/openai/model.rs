//! The name of a model: which assistant it is, and which state of it.

use understudy_domain::{Fault, usecases::assistants};

use crate::{
    call::Call,
    problem::{Code, Problem},
};

/// What stands between an assistant and its state.
const AT: char = '@';

/// By what the domain finds the assistant that a name stands for: `support`,
/// `asst_…`, and with `@draft` its draft.
pub(super) async fn reference(call: &Call, model: &str) -> Result<String, Problem> {
    let Some((name, state)) = model.rsplit_once(AT) else {
        return Ok(model.to_owned());
    };
    if state != "draft" {
        let message = "names a state that cannot be asked; there are the assistant itself and, \
                       with `@draft`, its draft";
        return Err(Problem::invalid(vec![Fault::new("/model", "invalid", message)]));
    }
    let view = assistants::view_assistant(call.deps(), &call.caller, name).await?;
    match &view.record.draft {
        Some(draft) => Ok(draft.id.to_string()),
        None => Err(Problem::new(Code::NotFound).detail("the assistant has no draft")),
    }
}
