//! The binary itself at its most talkative: none of the secrets of this configuration is ever written into the log.

use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use gatelodge_oauth::access_token::Claims;
use gatelodge_oauth::resource::ResourceId;
use reqwest::{Method, StatusCode};

use crate::support::{Authority, Minter, PATIENCE, PING, Upstream, client, closed_port};

const SECRETS: [&str; 10] = [
    "hook-s3cret",
    "minted-s3cret",
    "client-s3cret",
    "exchanged-s3cret",
    "static-s3cret",
    "mapped-s3cret",
    "anonymous-s3cret",
    "acme_key_listed",
    "acme_key_unknown",
    "passed-s3cret",
];

/// One resource for each source of credentials, with keys beside each.
fn configuration(
    listen: &str,
    health: &str,
    authority: &Authority,
    upstream: &str,
    hook: &str,
    exchange: &str,
) -> String {
    let mut toml = format!(
        "public_url = \"http://{listen}\"\nlisten = \"{listen}\"\nhealth_listen = \"{health}\"\n[authorization_server]\n\
         issuer = \"https://mcp.example.com\"\njwks_url = \"{}\"\n[logs]\nlevel = \"trace\"\n",
        authority.jwks_url
    );
    for (path, source) in [
        ("hook", format!("webhook = {{ url = \"{hook}\", secret = \"hook-s3cret\" }}")),
        (
            "exchange",
            format!(
                "exchange = {{ token_endpoint = \"{exchange}\", client_id = \"c\", client_secret = \"client-s3cret\" }}"
            ),
        ),
        ("static", "value = \"static-s3cret\"\nanonymous = \"anonymous-s3cret\"".into()),
        ("map", "map = { entries = { user_1 = \"mapped-s3cret\" } }".into()),
        ("nobody", "map = { entries = { user_9 = \"mapped-s3cret\" } }".into()),
    ] {
        toml += &format!(
            "[[resource]]\npath = \"/{path}\"\nupstream = \"{upstream}\"\n[resource.identity]\nkind = \"credential\"\n\
             [resource.identity.credential]\n{source}\n[resource.api_keys]\nheader = \"X-Api-Key\"\n\
             prefixes = [\"acme_key_\"]\n[[resource.api_keys.key]]\nname = \"ci\"\nsubject = \"robot\"\nscopes = [\"mcp:use\"]\n\
             sha256 = \"{}\"\n",
            "d7f0b2c9a0f177eadd6ea1b8c7b95cc8365838059d65ef0b1fb923849e5d7cb6"
        );
    }
    toml + &format!(
        "[[resource]]\npath = \"/through\"\nupstream = \"{upstream}\"\n[resource.api_keys]\nheader = \"X-Api-Key\"\npass_through = true\n"
    )
}

fn sidecar(command: &str, config: &Path) -> Command {
    let mut process = Command::new(env!("CARGO_BIN_EXE_gatelodge-sidecar"));
    process.arg(command).arg("--config").arg(config);
    process
}

async fn until_ready(config: &Path) {
    let ready = async {
        loop {
            let mut ask = sidecar("health", config);
            let asked = actix_web::rt::task::spawn_blocking(move || ask.output());
            if asked.await.expect("joined").is_ok_and(|output| output.status.success()) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(PATIENCE, ready).await.expect("ready");
}

#[actix_web::test]
async fn no_secret_is_written_into_the_log_whatever_happens_to_it() {
    let (authority, upstream) = (Authority::start(), Upstream::start());
    let hook = Minter::start(200, "{\"credential\": \"minted-s3cret\", \"expires_in\": 0}");
    let exchange = Minter::start(200, "{\"access_token\": \"exchanged-s3cret\", \"expires_in\": 0}");
    let (listen, health) = (closed_port().to_string(), closed_port().to_string());
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("sidecar.toml");
    fs::write(&path, configuration(&listen, &health, &authority, &upstream.url, &hook.url, &exchange.url))
        .expect("a file");
    let process = sidecar("serve", &path).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it runs");
    until_ready(&path).await;

    let mut tokens = Vec::new();
    let mut ask = async |resource: &str, key: Option<&str>, plan: &str| {
        let aud = ResourceId::from_stored(format!("http://{listen}/{resource}"));
        let request = client().request(Method::POST, format!("http://{listen}/{resource}")).header("x-test", plan);
        let request = request.header("content-type", "application/json").body(PING);
        let request = match key {
            Some(key) => request.header("X-Api-Key", key),
            None => {
                tokens.push(authority.sign(&Claims { aud, ..authority.claims() }));
                request.bearer_auth(tokens.last().expect("one"))
            }
        };
        request.send().await.expect("an answer").status()
    };
    for resource in ["hook", "exchange", "static", "map"] {
        assert_eq!(ask(resource, None, "echo").await, StatusCode::OK, "{resource}");
        assert_eq!(ask(resource, None, "401").await, StatusCode::BAD_GATEWAY, "{resource}");
        assert_eq!(ask(resource, Some("acme_key_unknown"), "echo").await, StatusCode::UNAUTHORIZED, "{resource}");
    }
    assert_eq!(ask("nobody", None, "echo").await, StatusCode::FORBIDDEN);
    assert_eq!(ask("hook", Some("acme_key_listed"), "echo").await, StatusCode::OK);
    assert_eq!(ask("exchange", Some("acme_key_listed"), "echo").await, StatusCode::FORBIDDEN);
    assert_eq!(ask("through", Some("passed-s3cret"), "echo").await, StatusCode::OK);
    assert_eq!(ask("through", Some("passed-s3cret"), "401").await, StatusCode::UNAUTHORIZED);
    for (minter, resource) in [(&hook, "hook"), (&exchange, "exchange")] {
        minter.set_answer(200, "{\"credential\": \"minted-s3cret\\n\", \"access_token\": \"exchanged-s3cret\\n\"}");
        assert_eq!(ask(resource, None, "echo").await, StatusCode::SERVICE_UNAVAILABLE, "{resource}");
    }

    Command::new("kill").arg(process.id().to_string()).status().expect("kill runs");
    let output = actix_web::rt::task::spawn_blocking(move || process.wait_with_output());
    let output: Output =
        tokio::time::timeout(PATIENCE, output).await.expect("it stops").expect("joined").expect("output");
    let log = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    for secret in SECRETS.iter().copied().chain(tokens.iter().map(String::as_str)) {
        assert!(!log.contains(secret), "{secret} in {log}");
    }
    for named in [
        "no_entry_in_map",
        "no_token_to_exchange",
        "\"api_key\":\"ci\"",
        "the API key is not known",
        "\"subject\":\"key:",
    ] {
        assert!(log.contains(named), "{named} is not told in {log}");
    }
}
