//! Why a request went nowhere, or came to nothing.

use std::error::Error as StdError;

use reqwest::header::HeaderName;

/// A request was not sent, or its answer did not come as it should.
///
/// The texts are for people, also for those who gave the address: they name the
/// host but no address behind it, and neither path, query nor headers.
#[derive(Debug, thiserror::Error)]
pub enum OutboundError {
    /// The request must not be sent. Nothing was sent to where it must not go.
    #[error("{why}")]
    NotAllowed {
        /// What stands against it.
        why: Why,
    },
    /// The host's name leads nowhere.
    #[error("{host} cannot be found")]
    Resolve {
        /// The host.
        host: String,
        /// What the resolver said.
        source: Cause,
    },
    /// There is no connection, so nothing was sent.
    #[error("no connection to {host} could be made")]
    Connect {
        /// The host.
        host: String,
        /// What went wrong.
        source: Cause,
    },
    /// The answer was not whole when the time was over.
    #[error("{host} did not answer in time")]
    TimedOut {
        /// The host.
        host: String,
    },
    /// The answer has more bytes than were wanted.
    #[error("the answer of {host} has more than {limit} bytes")]
    TooLarge {
        /// The host.
        host: String,
        /// How many were wanted at most.
        limit: u64,
    },
    /// The exchange broke off, or the answer is no HTTP.
    #[error("{host} did not answer as HTTP demands: {what}")]
    Protocol {
        /// The host.
        host: String,
        /// What is wrong, in a few words.
        what: &'static str,
        /// What went wrong underneath, if anything did.
        source: Option<Cause>,
    },
}

impl OutboundError {
    /// Whether it is sure that the other side has seen nothing of the request.
    #[must_use]
    pub const fn is_unsent(&self) -> bool {
        match self {
            Self::NotAllowed { .. } | Self::Resolve { .. } | Self::Connect { .. } => true,
            Self::TimedOut { .. } | Self::TooLarge { .. } | Self::Protocol { .. } => false,
        }
    }
}

impl From<Why> for OutboundError {
    fn from(why: Why) -> Self {
        Self::NotAllowed { why }
    }
}

/// What went wrong underneath.
pub type Cause = Box<dyn StdError + Send + Sync>;

/// Why a request must not be sent.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Why {
    /// The address is neither https nor http.
    #[error("an address must begin with https://")]
    Scheme,
    /// Without encryption requests go to excepted networks only.
    #[error(
        "an address must begin with https://, not http://, unless the operator allows its network"
    )]
    Unencrypted,
    /// The address holds a user's name or password.
    #[error("an address must hold no user name and no password")]
    Credentials,
    /// The address has no host, or one that cannot be a name.
    #[error("the address has no valid host name")]
    Host,
    /// The host is not, or not only, on the public internet.
    #[error("{host} is not on the public internet, and the operator does not allow its network")]
    Private {
        /// The host.
        host: String,
    },
    /// A header that the client writes itself or that would end another's request.
    #[error("the header {0} cannot be set")]
    Header(String),
    /// A header's value that cannot be sent.
    #[error("the value of the header {0} cannot be sent")]
    HeaderValue(HeaderName),
    /// A redirect led from https to http.
    #[error("{host} was redirected to where nothing is encrypted")]
    Downgrade {
        /// The host.
        host: String,
    },
    /// One redirect after the other.
    #[error("{host} redirects too often")]
    Redirects {
        /// The host.
        host: String,
    },
}
