//! Finding the addresses of a host, and handing only checked ones on.

use std::{
    fmt, io,
    net::{IpAddr, SocketAddr},
    sync::Arc,
};

use async_trait::async_trait;
use ipnet::IpNet;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use crate::{
    destination::{Encryption, check_answer},
    error::Cause,
};

/// Most addresses of one host that are looked at.
const MOST_ADDRESSES: usize = 64;

/// Tells the addresses of hosts.
#[async_trait]
pub trait Names: Send + Sync {
    /// All addresses of a host.
    ///
    /// # Errors
    ///
    /// When there are none, or nobody who knows can be asked.
    async fn lookup(&self, host: &str) -> io::Result<Vec<IpAddr>>;
}

/// The names that the system knows.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemNames;

#[async_trait]
impl Names for SystemNames {
    async fn lookup(&self, host: &str) -> io::Result<Vec<IpAddr>> {
        let addresses = tokio::net::lookup_host((host, 0)).await?;
        Ok(addresses.map(|address| address.ip()).collect())
    }
}

/// Asks once for each connection, and gives the connector the very addresses that
/// were checked.
#[derive(Clone)]
pub(crate) struct CheckedNames {
    pub(crate) names: Arc<dyn Names>,
    pub(crate) encryption: Encryption,
    pub(crate) excepted: Arc<[IpNet]>,
}

impl fmt::Debug for CheckedNames {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CheckedNames").field("encryption", &self.encryption).finish_non_exhaustive()
    }
}

/// The name of a host leads nowhere.
#[derive(Debug, thiserror::Error)]
#[error("the name cannot be resolved")]
pub(crate) struct NoAddress(#[source] pub(crate) io::Error);

impl CheckedNames {
    async fn addresses(self, host: &str) -> Result<Vec<SocketAddr>, Cause> {
        let addresses = self.names.lookup(host).await.map_err(NoAddress)?;
        if addresses.is_empty() {
            return Err(NoAddress(io::ErrorKind::NotFound.into()).into());
        }
        check_answer(host, &addresses, self.encryption, &self.excepted)?;
        let checked = addresses.into_iter().take(MOST_ADDRESSES);
        Ok(checked.map(|address| SocketAddr::new(address, 0)).collect())
    }
}

impl Resolve for CheckedNames {
    fn resolve(&self, name: Name) -> Resolving {
        let asked = self.clone();
        Box::pin(async move {
            let addresses = asked.addresses(name.as_str()).await?;
            let addresses: Addrs = Box::new(addresses.into_iter());
            Ok(addresses)
        })
    }
}
