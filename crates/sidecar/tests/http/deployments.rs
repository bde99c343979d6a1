//! What the operator puts around the sidecar: what keeps others away from the MCP server (no port, a private name, a Unix
//! socket), and what of its configuration would send clients to the wrong place.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use actix_web::{App, HttpResponse, HttpServer, web};
use reqwest::Method;

use crate::support::World;

const RELAY: &str = "relay = \"http://127.0.0.1:4000\"";
const PRIVATE: &str = "http://127.0.0.1:3000/mcp";

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// A configuration with more before its resource, and what `check` says of it.
fn checked(server: &str, more: &str, upstream: &str) -> Output {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("sidecar.toml");
    let toml = format!(
        "public_url = \"https://mcp.example.com\"\n[authorization_server]\n{server}\n{more}\n\
         [[resource]]\npath = \"/mcp\"\nupstream = \"{upstream}\"\n"
    );
    fs::write(&path, toml).expect("a file");
    let mut check = Command::new(env!("CARGO_BIN_EXE_gatelodge-sidecar"));
    check.arg("check").arg("--config").arg(path).output().expect("it runs")
}

/// The lines of each service of a compose file, below its name.
fn services(compose: &str) -> Vec<(&str, Vec<&str>)> {
    let lines = compose.lines().skip_while(|line| *line != "services:").skip(1);
    let mut services: Vec<(&str, Vec<&str>)> = Vec::new();
    for line in lines.take_while(|line| line.is_empty() || line.starts_with(' ')) {
        let name =
            line.strip_prefix("  ").filter(|rest| !rest.starts_with([' ', '#'])).and_then(|rest| rest.split_once(':'));
        match (name, services.last_mut()) {
            (Some((name, _)), _) => services.push((name, Vec::new())),
            (None, Some((_, inside))) => inside.push(line.trim()),
            (None, None) => {}
        }
    }
    services
}

#[test]
fn only_the_sidecar_has_a_port_where_containers_are_composed() {
    let compose = fs::read_to_string(repository().join("docker-compose.yml")).expect("the compose file");
    let services = services(&compose);
    let names: Vec<&str> = services.iter().map(|(name, _)| *name).collect();
    assert!(names.contains(&"upstream") && names.contains(&"gatelodge"), "{names:?}");
    let has_port = |lines: &[&str]| {
        let opens = ["ports:", "\"ports\":", "network_mode:", "expose:"];
        lines.iter().any(|line| opens.iter().any(|key| line.starts_with(key)))
    };
    let open: Vec<&str> = services.iter().filter(|(_, lines)| has_port(lines)).map(|(name, _)| *name).collect();
    assert_eq!(open, ["sidecar"]);
    let (_, upstream) = services.iter().find(|(name, _)| *name == "upstream").expect("the MCP server");
    assert!(upstream.contains(&"networks: [upstream]"), "a network that only the sidecar shares: {upstream:?}");
}

#[test]
fn every_example_has_its_mcp_server_where_nobody_else_reaches_it() {
    let mut examples = 0;
    for entry in fs::read_dir(repository().join("examples")).expect("the examples") {
        let path = entry.expect("an entry").path().join("sidecar.toml");
        if path.exists() {
            let text = fs::read_to_string(&path).expect("a configuration");
            let upstream = text.lines().find_map(|line| line.strip_prefix("upstream = \"")).expect("an upstream");
            assert!(upstream.starts_with("http://127.0.0.1:"), "{}: {upstream}", path.display());
            examples += 1;
        }
    }
    assert!(examples >= 3, "{examples}");
}

#[test]
fn check_warns_of_an_mcp_server_that_everybody_may_reach() {
    for (upstream, is_public) in [("https://mcp.internal.example.com/mcp", true), (PRIVATE, false)] {
        let output = checked(RELAY, "", upstream);
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        assert_eq!(said.contains("warning: the MCP server has a public name"), is_public, "{said}");
    }
}

#[test]
fn what_would_send_clients_to_the_wrong_place_does_not_start() {
    let relayed = |issuer: &str| format!("{RELAY}\nissuer = \"{issuer}\"");
    let text = |name: &str| format!("[well_known]\n{name:?} = \"x\"");
    let (reserved, segment) = ("names metadata of OAuth or OpenID", "is not one plain segment of a path");
    for (server, more, expected) in [
        (RELAY.to_owned(), text("oauth-protected-resource"), reserved),
        (RELAY.to_owned(), text("OAuth-Authorization-Server"), reserved),
        (RELAY.to_owned(), text("OpenID-configuration"), reserved),
        (RELAY.to_owned(), text("a/../oauth-protected-resource"), segment),
        (RELAY.to_owned(), text(".."), segment),
        (RELAY.to_owned(), text("%6fauth"), segment),
        (RELAY.to_owned(), "[well_known]\nx = \"\"".into(), "is empty, or longer than 64 KiB"),
        (
            relayed("https://as.example.com"),
            String::new(),
            "puts the sign-in pages of https://as.example.com on https://mcp",
        ),
        (relayed("https://mcp.example.com.evil.example"), String::new(), "puts the sign-in pages of"),
        (relayed("https://mcp.example.com:8443/o"), String::new(), "puts the sign-in pages of"),
    ] {
        let output = checked(&server, &more, PRIVATE);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(1), "{server} {more}");
        assert!(said.contains(expected) && said.contains("hint: "), "{expected} in {said}");
    }
    for issuer in ["https://mcp.example.com", "https://mcp.example.com/", "https://mcp.example.com/o"] {
        let output = checked(&relayed(issuer), &text("security.txt"), PRIVATE);
        assert!(output.status.success(), "{issuer}: {}", String::from_utf8_lossy(&output.stderr));
    }
}

#[actix_web::test]
async fn an_mcp_server_on_a_unix_socket_is_reached_as_the_configuration_says() {
    let dir = tempfile::tempdir().expect("a directory");
    let socket = dir.path().join("mcp.sock");
    let seen = |request: actix_web::HttpRequest| async move {
        let host = request.headers().get("host").and_then(|host| host.to_str().ok()).unwrap_or_default().to_owned();
        HttpResponse::Ok().content_type("application/json").body(format!("{host} {}", request.uri()))
    };
    let server = HttpServer::new(move || App::new().default_service(web::to(seen))).workers(1);
    actix_web::rt::spawn(server.bind_uds(&socket).expect("a socket").run());
    let world = World::with(|toml| {
        let lines = toml.lines().map(|line| match line.starts_with("upstream") {
            true => format!("upstream = \"http://localhost/inside\"\nupstream_socket = {socket:?}\n"),
            false => format!("{line}\n"),
        });
        lines.collect()
    })
    .await;
    let refused = world.request(Method::POST).send().await.expect("an answer");
    assert_eq!(refused.status(), 401);
    let answer = world.authorized(Method::POST).send().await.expect("an answer");
    assert_eq!(answer.status(), 200);
    assert_eq!(answer.text().await.expect("a body"), "localhost /inside");
}
