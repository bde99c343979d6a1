//! Why a document could not be fetched.

use std::net::IpAddr;
use std::time::Duration;

/// Why there is no document. The texts are for the log.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FetchError {
    /// Not a URL that is ever fetched.
    #[error("{0}")]
    Refused(&'static str),
    /// The host has an address that is not of the public internet.
    #[error(
        "the address {0} is not of the public internet and its host not among the private hosts of the configuration"
    )]
    BlockedAddress(IpAddr),
    /// No name, no connection, no TLS, or an answer that is not HTTP.
    #[error("unreachable: {0}")]
    Unreachable(String),
    /// It took too long.
    #[error("no complete answer within {0:?}")]
    Timeout(Duration),
    /// An answer other than 200.
    #[error("HTTP {status}{}", challenge(.cf_mitigated.as_deref()))]
    Status {
        /// The status.
        status: u16,
        /// What Cloudflare says when it answered in place of the host (`cf-mitigated: challenge`).
        cf_mitigated: Option<String>,
    },
    /// Not the media type that was asked for, or compressed.
    #[error("the answer is {0}")]
    WrongType(String),
    /// Longer than allowed.
    #[error("the answer is longer than {0} bytes")]
    TooLarge(usize),
    /// Too much is being fetched at this moment, from that host or in all.
    #[error("too many fetches are under way")]
    Overloaded,
    /// This machine has no certificates to check others with.
    #[error("no TLS client: {0}")]
    NoTls(String),
}

impl FetchError {
    /// Whether the host did not do its part, so that what it said before is still the best that is known. Otherwise it did
    /// answer, or must not be asked.
    pub fn is_outage(&self) -> bool {
        match self {
            Self::Unreachable(_) | Self::Timeout(_) | Self::Overloaded | Self::NoTls(_) => true,
            Self::Status { status, .. } => matches!(status, 403 | 408 | 429 | 500..),
            Self::Refused(_) | Self::BlockedAddress(_) | Self::WrongType(_) | Self::TooLarge(_) => false,
        }
    }

    /// See [`FetchError::Status`].
    pub fn cf_mitigated(&self) -> Option<&str> {
        match self {
            Self::Status { cf_mitigated, .. } => cf_mitigated.as_deref(),
            _ => None,
        }
    }
}

fn challenge(cf_mitigated: Option<&str>) -> String {
    cf_mitigated.map(|value| format!(" (cf-mitigated: {value})")).unwrap_or_default()
}
