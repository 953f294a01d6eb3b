//! Log-ins by a provider that speaks `OpenID` Connect: the authorization code flow
//! with PKCE.
//!
//! - What the provider says of itself and its keys is asked once an hour, and anew
//!   when a token names a key that is not among them.
//! - A token counts if one of the provider's asymmetric keys signed it, for us, for
//!   this very log-in, and if it has not expired. `none` and shared secrets sign
//!   nothing.
//! - All requests go out through [`Outbound`]: a provider within the operator's own
//!   network needs the operator's exception as everything there does.

use std::{collections::BTreeSet, error::Error, fmt, sync::Arc};

use async_trait::async_trait;
use chrono::DateTime;
use openidconnect::{
    AccessToken, AdditionalClaims, AuthType, AuthorizationCode, ClaimsVerificationError, ClientId,
    ClientSecret, CsrfToken, EndpointMaybeSet, EndpointNotSet, EndpointSet, IssuerUrl, Nonce,
    OAuth2TokenResponse, PkceCodeChallenge, PkceCodeVerifier, RedirectUrl, RequestTokenError,
    Scope, SignatureVerificationError, SubjectIdentifier, TokenResponse, UserInfoClaims,
    UserInfoError,
    core::{
        CoreAuthenticationFlow, CoreClient, CoreClientAuthMethod, CoreGenderClaim, CoreIdToken,
        CoreJwsSigningAlgorithm as Algorithm, CoreProviderMetadata, CoreTokenResponse,
    },
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use tokio::sync::Mutex;
use understudy_domain::{
    Secret, Timestamp,
    ports::{Clock, ExternalIdentity, IdentityError, IdentityProvider, LoginStart, PendingLogin},
};
use understudy_outbound::{Outbound, Url};

use crate::wire::Wire;

mod claims;
mod wire;

/// How long what the provider says of itself is believed, in minutes.
const BELIEVED: i64 = 60;
/// What may sign a token.
const ALGORITHMS: [Algorithm; 9] = [
    Algorithm::RsaSsaPkcs1V15Sha256,
    Algorithm::RsaSsaPkcs1V15Sha384,
    Algorithm::RsaSsaPkcs1V15Sha512,
    Algorithm::RsaSsaPssSha256,
    Algorithm::RsaSsaPssSha384,
    Algorithm::RsaSsaPssSha512,
    Algorithm::EcdsaP256Sha256,
    Algorithm::EcdsaP384Sha384,
    Algorithm::EdDsa,
];
/// Asked for by the library itself.
const OPENID: &str = "openid";

/// Who the provider is, and who we are to it.
#[derive(Clone, Debug)]
pub struct OidcOptions {
    /// The provider's issuer, letter by letter as it writes it.
    pub issuer: String,
    /// What it calls us.
    pub client_id: String,
    /// What we prove it with, unless we are a public client.
    pub client_secret: Option<Secret<String>>,
    /// What it is asked for.
    pub scopes: Vec<String>,
    /// Claims that decide something: where the token lacks one, the provider is asked.
    pub claims: BTreeSet<String>,
}

/// A provider of identities.
pub struct Oidc {
    options: OidcOptions,
    outbound: Arc<Outbound>,
    clock: Arc<dyn Clock>,
    known: Mutex<Option<Known>>,
}

/// What the provider says of itself, and when it said so.
#[derive(Clone)]
struct Known {
    metadata: Arc<CoreProviderMetadata>,
    at: Timestamp,
}

type Client = CoreClient<
    EndpointSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointMaybeSet,
    EndpointMaybeSet,
>;

/// All claims that have no type of their own.
#[derive(Debug, Serialize, Deserialize)]
struct Rest {
    #[serde(flatten)]
    claims: Map<String, Value>,
}

impl AdditionalClaims for Rest {}

impl fmt::Debug for Oidc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Oidc").field("issuer", &self.options.issuer).finish_non_exhaustive()
    }
}

impl Oidc {
    /// Reaches the provider through `outbound`, when it is first needed.
    #[must_use]
    pub fn new(options: OidcOptions, outbound: Arc<Outbound>, clock: Arc<dyn Clock>) -> Self {
        Self { options, outbound, clock, known: Mutex::default() }
    }

    fn wire(&self) -> Wire<'_> {
        Wire(&self.outbound)
    }

    async fn discover(&self) -> Result<Known, IdentityError> {
        let issuer = IssuerUrl::new(self.options.issuer.clone()).map_err(unavailable)?;
        let found = CoreProviderMetadata::discover_async(issuer, &self.wire()).await;
        let metadata = Arc::new(found.map_err(unavailable)?);
        Ok(Known { metadata, at: self.clock.now() })
    }

    /// What is known of the provider; asks it when that is too old. One that does not
    /// answer then is believed on.
    async fn known(&self) -> Result<Known, IdentityError> {
        let mut known = self.known.lock().await;
        let age = |known: &Known| self.clock.now().since(known.at).whole_minutes();
        match &mut *known {
            Some(recent) if age(recent) < BELIEVED => Ok(recent.clone()),
            Some(old) => {
                match self.discover().await {
                    Ok(newer) => *old = newer,
                    Err(error) => {
                        let error: &dyn Error = &error;
                        tracing::warn!(error, "the identity provider does not say what is new");
                    }
                }
                Ok(old.clone())
            }
            None => Ok(known.insert(self.discover().await?).clone()),
        }
    }

    /// What is known of the provider and is newer than `seen`.
    async fn newer(&self, seen: &Known) -> Result<Known, IdentityError> {
        let mut known = self.known.lock().await;
        if let Some(newer) =
            known.as_ref().filter(|known| !Arc::ptr_eq(&known.metadata, &seen.metadata))
        {
            return Ok(newer.clone());
        }
        Ok(known.insert(self.discover().await?).clone())
    }

    fn client(&self, known: &Known, redirect_url: &str) -> Result<Client, IdentityError> {
        let OidcOptions { client_id, client_secret, .. } = &self.options;
        let secret = client_secret.as_ref().map(|text| ClientSecret::new(text.expose().clone()));
        let metadata = CoreProviderMetadata::clone(&known.metadata);
        let redirect_url = RedirectUrl::new(redirect_url.to_owned()).map_err(invalid)?;
        let auth_type = auth_type(&metadata);
        Ok(CoreClient::from_provider_metadata(metadata, ClientId::new(client_id.clone()), secret)
            .set_auth_type(auth_type)
            .set_redirect_uri(redirect_url))
    }

    /// The claims of the token, if it is to be believed.
    fn verify(
        &self,
        client: &Client,
        token: &CoreIdToken,
        nonce: &Nonce,
    ) -> Result<(), ClaimsVerificationError> {
        let now = self.clock.now().unix_micros();
        let verifier =
            client.id_token_verifier().set_allowed_algs(ALGORITHMS).set_time_fn(move || {
                DateTime::from_timestamp_micros(now).unwrap_or(DateTime::UNIX_EPOCH)
            });
        let claims = token.claims(&verifier, nonce)?;
        let ours = |party: &ClientId| party.as_str() == self.options.client_id;
        if claims.authorized_party().is_some_and(|party| !ours(party)) {
            let text = "the token was made for another client".to_owned();
            return Err(ClaimsVerificationError::InvalidAudience(text));
        }
        Ok(())
    }

    /// What the provider says of the one whom the access token is of.
    async fn user_info(
        &self,
        client: &Client,
        token: &AccessToken,
        subject: &str,
    ) -> Result<Map<String, Value>, IdentityError> {
        // The library would panic over one that cannot stand in a header.
        if !token.secret().bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(invalid("the access token cannot be sent"));
        }
        let subject = SubjectIdentifier::new(subject.to_owned());
        let Ok(request) = client.user_info(token.clone(), Some(subject)) else {
            return Ok(Map::new());
        };
        let wire = self.wire();
        let answer = request.request_async(&wire).await;
        let told: UserInfoClaims<Rest, CoreGenderClaim> = answer.map_err(|error| match error {
            UserInfoError::Request(error) => unavailable(error),
            UserInfoError::ClaimsVerification(error) => invalid(error),
            // What it says may hold what it tells of people.
            _ => invalid("what the provider tells of the user cannot be read"),
        })?;
        match serde_json::to_value(&told) {
            Ok(Value::Object(claims)) => Ok(claims),
            _ => Err(invalid("what the provider tells of the user is no object")),
        }
    }

    async fn exchange(
        &self,
        client: &Client,
        code: &Secret<String>,
        verifier: &Secret<String>,
    ) -> Result<CoreTokenResponse, IdentityError> {
        let request = client.exchange_code(AuthorizationCode::new(code.expose().clone()));
        let request = request.map_err(invalid)?;
        let request = request.set_pkce_verifier(PkceCodeVerifier::new(verifier.expose().clone()));
        let wire = self.wire();
        request.request_async(&wire).await.map_err(|error| match error {
            RequestTokenError::ServerResponse(answer) => {
                IdentityError::Refused(answer.to_string().into())
            }
            RequestTokenError::Request(error) => unavailable(error),
            // What it says may hold tokens.
            RequestTokenError::Parse(..) | RequestTokenError::Other(_) => {
                invalid("the answer with the tokens cannot be read")
            }
        })
    }
}

#[async_trait]
impl IdentityProvider for Oidc {
    fn name(&self) -> String {
        let host = Url::parse(&self.options.issuer).ok();
        let host = host.as_ref().and_then(Url::host_str);
        host.unwrap_or(&self.options.issuer).to_owned()
    }

    async fn test(&self) -> Result<(), IdentityError> {
        self.discover().await.map(drop)
    }

    async fn begin(&self, redirect_url: &str) -> Result<LoginStart, IdentityError> {
        let client = self.client(&self.known().await?, redirect_url)?;
        let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
        let scopes = self.options.scopes.iter().filter(|scope| *scope != OPENID);
        let (url, state, nonce) = client
            .authorize_url(
                CoreAuthenticationFlow::AuthorizationCode,
                CsrfToken::new_random,
                Nonce::new_random,
            )
            .add_scopes(scopes.map(|scope| Scope::new(scope.clone())))
            .set_pkce_challenge(challenge)
            .url();
        let pending = PendingLogin {
            state: Secret::new(state.into_secret()),
            nonce: Secret::new(nonce.secret().clone()),
            verifier: Secret::new(verifier.into_secret()),
        };
        Ok(LoginStart { url: url.into(), pending })
    }

    async fn finish(
        &self,
        pending: &PendingLogin,
        code: Secret<String>,
        redirect_url: &str,
    ) -> Result<ExternalIdentity, IdentityError> {
        let known = self.known().await?;
        let mut client = self.client(&known, redirect_url)?;
        let tokens = self.exchange(&client, &code, &pending.verifier).await?;
        let token = tokens.id_token().ok_or_else(|| invalid("there is no token of the user"))?;
        let nonce = Nonce::new(pending.nonce.expose().clone());
        let mut verified = self.verify(&client, token, &nonce);
        if is_unknown_key(&verified) {
            client = self.client(&self.newer(&known).await?, redirect_url)?;
            verified = self.verify(&client, token, &nonce);
        }
        verified.map_err(invalid)?;
        let told = claims::payload(&token.to_string());
        let mut told = told.ok_or_else(|| invalid("the token holds no claims"))?;
        let subject = told.get("sub").and_then(Value::as_str).unwrap_or_default().to_owned();
        if claims::lacks(&told, &self.options.claims) {
            let answer = self.user_info(&client, tokens.access_token(), &subject).await?;
            told = claims::merged(told, answer);
        }
        Ok(claims::identity(subject, told))
    }
}

/// How the provider wants the secret: in a header, unless it takes it in the body only.
fn auth_type(metadata: &CoreProviderMetadata) -> AuthType {
    let taken = metadata.token_endpoint_auth_methods_supported();
    let fits = |method| taken.is_none_or(|taken| taken.contains(&method));
    if fits(CoreClientAuthMethod::ClientSecretBasic) {
        AuthType::BasicAuth
    } else {
        AuthType::RequestBody
    }
}

fn is_unknown_key(verified: &Result<(), ClaimsVerificationError>) -> bool {
    let unknown = SignatureVerificationError::NoMatchingKey;
    *verified == Err(ClaimsVerificationError::SignatureVerification(unknown))
}

fn unavailable(error: impl Into<Box<dyn Error + Send + Sync>>) -> IdentityError {
    IdentityError::Unavailable(error.into())
}

fn invalid(error: impl Into<Box<dyn Error + Send + Sync>>) -> IdentityError {
    IdentityError::Invalid(error.into())
}
