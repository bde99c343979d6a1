//! From names to addresses that may be connected to. The HTTP client asks nobody else, so what was checked is what is used.

use std::net::{IpAddr, SocketAddr, ToSocketAddrs};
use std::sync::Arc;
use std::time::Duration;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use tokio::sync::Semaphore;

use super::addresses::is_global_unicast;

/// How long a lookup waits for its turn: less than the time to connect, so that waiting here is never taken for a slow host.
const WAIT_FOR_LOOKUP: Duration = Duration::from_secs(1);

/// Too many names are being looked up. See [`super::FetchError::Overloaded`].
#[derive(Debug, thiserror::Error)]
#[error("too many names are being looked up")]
pub struct Busy;

/// Looks names up with the machine's resolver.
#[derive(Debug, Clone)]
pub struct SystemResolver(Arc<Semaphore>);

impl SystemResolver {
    /// At most so many lookups at a time. One that nobody waits for any more still counts until the machine gives it up, so
    /// that a dead name server cannot use up the threads that the database needs.
    pub fn new(lookups: usize) -> Self {
        Self(Arc::new(Semaphore::new(lookups)))
    }
}

impl Resolve for SystemResolver {
    fn resolve(&self, name: Name) -> Resolving {
        let lookups = self.0.clone();
        Box::pin(async move {
            let permit = tokio::time::timeout(WAIT_FOR_LOOKUP, lookups.acquire_owned()).await.map_err(|_| Busy)??;
            let looked_up = tokio::task::spawn_blocking(move || {
                let _permit = permit;
                (name.as_str(), 0).to_socket_addrs().map(Iterator::collect::<Vec<_>>)
            });
            Ok(Box::new(looked_up.await??.into_iter()) as Addrs)
        })
    }
}

/// Lets a name through only when every address it has is of the public internet.
pub struct PublicOnly(pub Arc<dyn Resolve>);

/// See [`super::FetchError::BlockedAddress`].
#[derive(Debug, thiserror::Error)]
#[error("{0} is not an address of the public internet")]
pub struct Blocked(pub IpAddr);

impl Resolve for PublicOnly {
    fn resolve(&self, name: Name) -> Resolving {
        let answer = self.0.resolve(name);
        Box::pin(async move {
            let addresses: Vec<SocketAddr> = answer.await?.collect();
            match addresses.iter().find(|address| !is_global_unicast(address.ip())) {
                Some(address) => Err(Blocked(address.ip()).into()),
                None => Ok(Box::new(addresses.into_iter()) as Addrs),
            }
        })
    }
}
