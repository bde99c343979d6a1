//! The only place that builds HTTP clients. Each follows no redirects, takes no proxy from the environment, keeps no
//! cookies, and bounds the time to connect.

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use reqwest::Certificate;
use reqwest::dns::Resolve;
use reqwest::redirect::Policy;

/// Whose certificates a client believes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tls {
    /// The certificates of the machine. Building fails where the machine has none.
    SystemRoots,
    /// For `http://` only: needs no certificate store, so it works in an empty container. `https://` fails.
    PlainHttpOnly,
}

impl Tls {
    /// What a client needs that will only ever be used for these URLs.
    pub fn for_urls<'a>(urls: impl IntoIterator<Item = &'a str>) -> Self {
        let plain = urls.into_iter().all(|url| url.starts_with("http://"));
        if plain { Tls::PlainHttpOnly } else { Tls::SystemRoots }
    }
}

/// How a client behaves.
#[derive(Debug, Clone)]
pub struct HttpClientOptions {
    /// For the TCP and TLS handshakes together.
    pub connect_timeout: Duration,
    /// From the request to the last byte of the answer. `None` where answers are streams without an end.
    pub response_timeout: Option<Duration>,
    /// Unused connections are closed after this time. Shorter than the keep-alive of the servers asked (often 5 s):
    /// a request sent on a connection that the server is just closing is lost.
    pub idle_timeout: Duration,
    /// Whose certificates are believed.
    pub tls: Tls,
}

impl Default for HttpClientOptions {
    fn default() -> Self {
        Self {
            connect_timeout: Duration::from_secs(5),
            response_timeout: Some(Duration::from_secs(5)),
            idle_timeout: Duration::from_secs(4),
            tls: Tls::SystemRoots,
        }
    }
}

/// Builds a client.
#[expect(clippy::disallowed_methods, reason = "this is the one place that builds HTTP clients")]
pub fn build(options: &HttpClientOptions) -> Result<reqwest::Client, reqwest::Error> {
    let mut builder = reqwest::Client::builder()
        .redirect(Policy::none())
        .referer(false)
        .no_proxy()
        .retry(reqwest::retry::never())
        .connect_timeout(options.connect_timeout)
        .pool_idle_timeout(options.idle_timeout);
    if let Some(limit) = options.response_timeout {
        builder = builder.timeout(limit);
    }
    if options.tls == Tls::PlainHttpOnly {
        builder = builder.tls_certs_only([]);
    }
    builder.build()
}

/// How a client for the URLs of strangers behaves. Who uses it bounds the time of the whole exchange.
pub struct GuardedClientOptions<'a> {
    /// For the TCP and TLS handshakes together.
    pub connect_timeout: Duration,
    /// Certificates (PEM) believed beside those of the machine.
    pub extra_ca_pem: Option<&'a [u8]>,
    /// The only one asked for addresses; never for hosts that are addresses themselves.
    pub resolver: Arc<dyn Resolve>,
}

/// Builds a client for the URLs of strangers. No connection is used twice: the next fetch asks for the address again.
#[expect(clippy::disallowed_methods, reason = "this is the one place that builds HTTP clients")]
pub fn build_guarded(options: GuardedClientOptions) -> Result<reqwest::Client, reqwest::Error> {
    let extra = options.extra_ca_pem.map(Certificate::from_pem_bundle).transpose()?.unwrap_or_default();
    reqwest::Client::builder()
        .redirect(Policy::none())
        .referer(false)
        .no_proxy()
        .https_only(true)
        .retry(reqwest::retry::never())
        .connect_timeout(options.connect_timeout)
        .pool_max_idle_per_host(0)
        .http1_max_headers(64)
        .tls_certs_merge(extra)
        .dns_resolver(options.resolver)
        .user_agent(concat!("gatelodge/", env!("CARGO_PKG_VERSION")))
        .build()
}

/// What happened, for the log: the innermost error ("connection refused") without the URL, whose query may hold secrets.
pub fn cause(error: &dyn Error) -> String {
    error.source().map_or_else(|| error.to_string(), cause)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_https_url_is_enough_to_need_certificates() {
        assert_eq!(Tls::for_urls(["http://a.example/", "http://b.example/"]), Tls::PlainHttpOnly);
        assert_eq!(Tls::for_urls(["http://a.example/", "https://b.example/"]), Tls::SystemRoots);
    }

    #[test]
    fn a_client_for_plain_http_is_built_without_looking_for_certificates() {
        let options =
            HttpClientOptions { tls: Tls::PlainHttpOnly, response_timeout: None, ..HttpClientOptions::default() };
        assert!(build(&options).is_ok());
    }

    #[actix_web::test]
    async fn a_cause_names_what_happened_and_no_url() {
        let closed =
            std::net::TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a port");
        let client =
            build(&HttpClientOptions { tls: Tls::PlainHttpOnly, ..HttpClientOptions::default() }).expect("a client");
        let error = client.get(format!("http://{closed}/?code=secret")).send().await.expect_err("nothing listens");
        assert!(cause(&error).contains("refused"), "{}", cause(&error));
        assert!(!cause(&error).contains("secret"));
    }
}
