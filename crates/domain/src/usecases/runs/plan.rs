//! By which settings and by whom a request is answered: what can be told before
//! anybody is asked.

use crate::{
    Content, Organization, Provider, ProviderKind,
    run::{
        RunRequest,
        fit::{Fitted, fit},
        route::{self, Candidate, Route, Unroutable},
        settings::{self, Settings},
    },
    usecases::{Caller, Conflict, Deps, Error, Result},
};

/// Settings and provider of one run.
pub(super) struct Plan {
    /// The organization that pays.
    pub(super) organization: Organization,
    /// How it is to be answered.
    pub(super) settings: Settings,
    /// By whom.
    pub(super) route: Route,
    /// All providers, for helpers such as moderation.
    pub(super) providers: Vec<Provider>,
    /// The model that the assistant names, whose tokens `logit_bias` speaks of.
    default_model: String,
    /// The vendors that the assistant allows.
    allowed: Option<Vec<String>>,
}

impl Plan {
    /// Decides, or says everything that is wrong with the request.
    pub(super) async fn make(
        deps: &Deps<'_>,
        caller: &Caller,
        content: &Content,
        request: &RunRequest,
    ) -> Result<Self> {
        let organization = deps.store.directory().organization(caller.tenant()).await?;
        let organization = organization.ok_or(Error::NotFound("organization"))?;
        let providers = deps.store.content().providers(caller.tenant()).await?;
        Self::with(organization, providers, content, request)
    }

    /// Decides with what was looked up before.
    pub(super) fn with(
        organization: Organization,
        providers: Vec<Provider>,
        content: &Content,
        request: &RunRequest,
    ) -> Result<Self> {
        let settings = settings::effective(content, request).map_err(Error::Invalid)?;
        let named = request.overrides.model.is_some();
        let pointer = if named { "/model" } else { "/default_model_key" };
        let allowed = content.allowed_model_providers.as_deref();
        let key = settings.model.clone();
        let route = route::route(&key, pointer, &providers, allowed, &organization.settings);
        let route = route.map_err(refusal)?;
        let plan = Self {
            organization,
            settings,
            route,
            providers,
            default_model: content.default_model_key.clone(),
            allowed: content.allowed_model_providers.clone(),
        };
        // What a request asks explicitly must be possible with the model that answers.
        plan.fitted(plan.candidate()?, false)?;
        Ok(plan)
    }

    /// Whoever is to be asked first.
    pub(super) fn candidate(&self) -> Result<&Candidate> {
        self.route.candidates.first().ok_or(Error::NotFound("provider"))
    }

    /// Whether the answer is put together here, without a model.
    pub(super) fn is_builtin(&self) -> bool {
        let first = self.route.candidates.first();
        first.is_some_and(|candidate| candidate.kind == ProviderKind::Builtin)
    }

    /// The settings as this provider takes them.
    pub(super) fn fitted(&self, candidate: &Candidate, has_tools: bool) -> Result<Fitted> {
        let Self { settings, route, default_model, .. } = self;
        fit(settings, &route.model, candidate.kind, has_tools, default_model)
            .map_err(Error::Invalid)
    }

    /// Whether models of this vendor may be asked, for helpers as for answers.
    pub(super) fn allows(&self, vendor: &str) -> bool {
        let by_assistant = self.allowed.as_ref();
        by_assistant.is_none_or(|allowed| allowed.iter().any(|known| known == vendor))
            && self.organization.settings.allows_provider(vendor)
    }
}

fn refusal(why: Unroutable) -> Error {
    match why {
        Unroutable::Unknown(faults) => Error::Invalid(faults),
        Unroutable::NotAllowed { provider } => {
            Conflict::VendorNotAllowed { provider: provider.to_owned() }.into()
        }
        Unroutable::NoProvider { model } => Conflict::NoModelProvider { model }.into(),
    }
}
