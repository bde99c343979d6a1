//! The table `[administration]` of the configuration: where administrators are let in. Without it nowhere.

use std::net::SocketAddr;

use gatelodge_service::config::{Problems, PublicUrl, public_url};
use serde::Deserialize;

/// The table, checked.
#[derive(Debug, Clone)]
pub struct AdministrationConfig {
    /// Where its requests are taken.
    pub listen: SocketAddr,
    /// What administrators type. Every request names its host.
    pub url: PublicUrl,
}

/// As written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawAdministration {
    #[serde(default = "default_listen")]
    listen: String,
    url: Option<String>,
}

fn default_listen() -> String {
    "127.0.0.1:8092".to_owned()
}

impl RawAdministration {
    /// Converts, or notes what is wrong. `taken`: where the other listeners are.
    pub fn check(self, taken: Option<[SocketAddr; 2]>, problems: &mut Problems) -> Option<AdministrationConfig> {
        const LISTEN: &str = "administration.listen";
        const URL: &str = "administration.url";
        let Ok(listen) = self.listen.parse::<SocketAddr>() else {
            let says = format!("{:?} is not an address", self.listen);
            problems.add(LISTEN, says, "write an IP address and a port: \"127.0.0.1:8092\"");
            return None;
        };
        if listen.port() != 0 && taken.is_some_and(|taken| taken.contains(&listen)) {
            problems.add(LISTEN, "is the address of another listener", "give it a port of its own");
            return None;
        }
        let Some(url) = self.url else {
            if !listen.ip().is_loopback() {
                let says = format!("\"{listen}\" can be reached from other machines");
                let hint = "write \"127.0.0.1:8092\"; or, in a container whose port is published for this machine alone, also \
                            url = \"http://localhost:8092\"";
                problems.add(LISTEN, says, hint);
                return None;
            }
            if listen.port() == 0 {
                let says = "port 0 is another one at each start, and nobody knows what to open";
                problems.add(LISTEN, says, "write a port");
                return None;
            }
            // As browsers write it: without the port of the scheme.
            let text = format!("http://{listen}");
            let url = public_url(text.strip_suffix(":80").unwrap_or(&text), URL, problems)?;
            return Some(AdministrationConfig { listen, url });
        };
        let url = public_url(&url, URL, problems)?;
        if !url.path().is_empty() {
            let says = format!("\"{url}\" has a path");
            problems.add(URL, says, format!("write \"{}\"", url.origin()));
            return None;
        }
        Some(AdministrationConfig { listen, url })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(listen: &str, url: Option<&str>) -> Result<(String, String), String> {
        let mut problems = Problems::default();
        let raw = RawAdministration { listen: listen.to_owned(), url: url.map(str::to_owned) };
        let taken = ["127.0.0.1:4000", "127.0.0.1:4001"].map(|address| address.parse().expect("an address"));
        let config = raw.check(Some(taken), &mut problems);
        config.map(|config| (config.listen.to_string(), config.url.to_string())).ok_or_else(|| problems.to_string())
    }

    #[test]
    fn without_a_url_only_this_machine_gets_in() {
        for (listen, url) in [
            ("127.0.0.1:8092", "http://127.0.0.1:8092"),
            ("[::1]:9", "http://[::1]:9"),
            ("127.0.0.2:80", "http://127.0.0.2"),
        ] {
            assert_eq!(check(listen, None), Ok((listen.to_owned(), url.to_owned())), "{listen}");
        }
        for listen in
            ["0.0.0.0:8092", "[::]:8092", "192.0.2.1:8092", "127.0.0.1:0", "127.0.0.1:4000", "127.0.0.1:4001", "8092"]
        {
            assert!(check(listen, None).is_err_and(|says| says.starts_with("administration.listen: ")), "{listen}");
        }
    }

    #[test]
    fn with_a_url_it_is_https_or_on_this_machine() {
        for url in ["http://localhost:8092", "http://127.0.0.1:8092", "http://[::1]:8092", "https://admin.example.com"]
        {
            assert_eq!(check("0.0.0.0:8092", Some(url)), Ok(("0.0.0.0:8092".to_owned(), url.to_owned())));
        }
        for url in [
            "http://admin.example.com",
            "https://admin.example.com/gatelodge",
            "admin.example.com",
            "https://a.example/",
        ] {
            assert!(
                check("0.0.0.0:8092", Some(url)).is_err_and(|says| says.starts_with("administration.url: ")),
                "{url}"
            );
        }
    }
}
