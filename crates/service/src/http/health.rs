//! The health listener: its own port, so that no path of the public one is open for it.
//!
//! `GET /health/live` is 200 while the process runs. `GET /health/ready` is 200 while it can do its work, else 503.
//! The commands `gatelodge health` and `gatelodge-sidecar health` ask it, for containers without a shell.

use std::future::Future;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use actix_web::dev::Server;
use actix_web::web::{self, ServiceConfig};
use actix_web::{App, HttpResponse, HttpServer};

use crate::http_client::{self, HttpClientOptions, Tls};

/// Binds the listener. The caller runs the server beside its own and stops it last; signals are the caller's too.
pub fn serve<F, R>(listen: SocketAddr, readiness: F) -> io::Result<(Server, SocketAddr)>
where
    F: Fn() -> R + Clone + Send + 'static,
    R: Future<Output = bool> + 'static,
{
    serve_with(listen, readiness, |_| {})
}

/// The same, with more that only the private network is told.
pub fn serve_with<F, R, C>(listen: SocketAddr, readiness: F, more: C) -> io::Result<(Server, SocketAddr)>
where
    F: Fn() -> R + Clone + Send + 'static,
    R: Future<Output = bool> + 'static,
    C: Fn(&mut ServiceConfig) + Clone + Send + 'static,
{
    let server = HttpServer::new(move || {
        let readiness = readiness.clone();
        App::new().configure(more.clone()).route("/health/live", web::get().to(|| async { answer(true) })).route(
            "/health/ready",
            web::get().to(move || {
                let ready = readiness();
                async move { answer(ready.await) }
            }),
        )
    })
    .workers(1)
    .disable_signals()
    .shutdown_timeout(1)
    .bind(listen)?;
    let address = server.addrs().first().copied().unwrap_or(listen);
    Ok((server.run(), address))
}

/// Asks the health listener of a running process whether it is ready; the error says what is wrong.
pub async fn ask(listen: SocketAddr) -> Result<(), String> {
    let url = format!("http://{}/health/ready", reachable(listen));
    let options = HttpClientOptions { tls: Tls::PlainHttpOnly, ..HttpClientOptions::default() };
    let client = http_client::build(&options).map_err(|error| error.to_string())?;
    let response = client.get(&url).send().await.map_err(|_| format!("nothing answers at {url}: is it running?"))?;
    if response.status().is_success() {
        Ok(())
    } else {
        Err(format!("not ready: {url} answered {}", response.status()))
    }
}

/// Where to reach a listener from the same machine: "any address" is not an address to connect to.
fn reachable(listen: SocketAddr) -> SocketAddr {
    let ip = match listen.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(ip) if ip.is_unspecified() => IpAddr::V6(Ipv6Addr::LOCALHOST),
        ip => ip,
    };
    SocketAddr::new(ip, listen.port())
}

fn answer(good: bool) -> HttpResponse {
    let (mut response, text) =
        if good { (HttpResponse::Ok(), "ok\n") } else { (HttpResponse::ServiceUnavailable(), "not ready\n") };
    response.insert_header(("Cache-Control", "no-store")).content_type("text/plain; charset=utf-8").body(text)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering};

    use super::*;

    fn loopback() -> SocketAddr {
        SocketAddr::from(([127, 0, 0, 1], 0))
    }

    #[actix_web::test]
    async fn readiness_follows_the_process_and_nothing_else_is_served() {
        let ready = Arc::new(AtomicBool::new(false));
        let asked = Arc::clone(&ready);
        let (server, address) = serve(loopback(), move || {
            let asked = Arc::clone(&asked);
            async move { asked.load(Ordering::SeqCst) }
        })
        .expect("a free port");
        actix_web::rt::spawn(server);

        assert!(ask(address).await.is_err_and(|says| says.contains("503")));
        ready.store(true, Ordering::SeqCst);
        assert_eq!(ask(address).await, Ok(()));

        let options = HttpClientOptions { tls: Tls::PlainHttpOnly, ..HttpClientOptions::default() };
        let client = http_client::build(&options).expect("a client");
        for (path, status) in [("/health/live", 200), ("/", 404), ("/mcp", 404)] {
            let response = client.get(format!("http://{address}{path}")).send().await.expect("an answer");
            assert_eq!(response.status().as_u16(), status, "{path}");
        }
    }

    #[actix_web::test]
    async fn asking_where_nothing_listens_says_so() {
        let (server, address) = serve(loopback(), || async { true }).expect("a free port");
        drop(server);
        assert!(ask(address).await.is_err_and(|says| says.contains("is it running?")));
    }

    #[test]
    fn an_unspecified_address_is_asked_at_loopback() {
        for (listen, asked) in [("0.0.0.0:1", "127.0.0.1:1"), ("[::]:2", "[::1]:2"), ("10.0.0.5:3", "10.0.0.5:3")] {
            let listen: SocketAddr = listen.parse().expect("an address");
            assert_eq!(reachable(listen).to_string(), asked);
        }
    }
}
