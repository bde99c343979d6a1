//! The binary itself: what it says to people, and what it writes into the log.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use gatelodge_oauth::access_token::Claims;
use gatelodge_oauth::resource::ResourceId;
use gatelodge_oauth::time::Timestamp;
use gatelodge_service::config::load;
use gatelodge_sidecar::config::RawConfig;
use reqwest::Method;

use crate::support::{Authority, PATIENCE, Upstream, client, closed_port, config};

fn sidecar(command: &str, config: &Path) -> Command {
    let mut process = Command::new(env!("CARGO_BIN_EXE_gatelodge-sidecar"));
    process.arg(command).arg("--config").arg(config);
    process
}

fn written(toml: &str) -> (tempfile::TempDir, PathBuf) {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("sidecar.toml");
    fs::write(&path, toml).expect("a file");
    (dir, path)
}

fn told(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

const GOOD: &str = "public_url = \"https://mcp.example.com\"\n[authorization_server]\nrelay = \"http://127.0.0.1:4000\"\n\
                    [[resource]]\npath = \"/mcp\"\nupstream = \"http://127.0.0.1:3000/mcp\"\n";

fn sample() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../config/sidecar.toml")
}

#[test]
fn the_sample_configuration_is_good_and_equals_the_defaults() {
    let output = sidecar("check", &sample()).output().expect("it runs");
    assert!(output.status.success(), "{}", told(&output));
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(said.contains("https://mcp.example.com/mcp -> http://my-mcp:3000/mcp"), "{said}");

    let text = fs::read_to_string(sample()).expect("the sample");
    let needed = ["public_url", "[authorization_server]", "relay", "[[resource]]", "path", "upstream", "name"];
    let minimal: Vec<&str> = text.lines().filter(|line| needed.iter().any(|key| line.starts_with(key))).collect();
    let (_dir, path) = written(&minimal.join("\n"));
    let read = |path: &Path| load::<RawConfig>(path, "GATELODGE_SIDECAR_TEST").expect("a configuration");
    assert_eq!(read(&sample()), read(&path), "what the sample writes out is what is assumed without it");
}

#[test]
fn mistakes_name_file_line_key_and_fix_all_at_once_and_nothing_is_opened() {
    let address = closed_port();
    let toml = format!(
        "public_url = \"http://mcp.example.com/\"\nlisten = \"{address}\"\nhealth_listen = \"8081\"\n[authorization_server]\n\
         relay = \"http://127.0.0.1:4000/auth\"\n[[resource]]\npath = \"mcp\"\nupstream = \"my-mcp\"\nscopes = []\n\
         allowed_origins = [\"https://a.example\", \"*\"]\nresponse_timeout = \"1s\"\n"
    );
    let (_dir, path) = written(&toml);
    for command in ["check", "serve", "health"] {
        let output = sidecar(command, &path).output().expect("it runs");
        assert_eq!(output.status.code(), Some(1), "{command}");
        let said = told(&output);
        for (line, key, hint) in [
            (1, "public_url", "write \"https://mcp.example.com"),
            (3, "health_listen", "write an IP address and a port"),
            (5, "authorization_server.relay", "write scheme, host and port only"),
            (7, "resource[0].path", "write it like \"/mcp\""),
            (8, "resource[0].upstream", "write a URL as this machine reaches it"),
            (9, "resource[0].scopes", "name at least one scope"),
            (10, "resource[0].allowed_origins[1]", "name each origin in full"),
            (11, "resource[0].response_timeout", "write \"5m\""),
        ] {
            let place = format!("{}:{line}:", path.display());
            let told = said.split("\n/").find(|part| part.contains(&format!(": {key}: ")));
            let told = told.unwrap_or_else(|| panic!("{key} in {said}"));
            assert!(format!("/{}", told.trim_start_matches('/')).starts_with(&place), "{place} in {told}");
            assert!(told.contains(&format!("hint: {hint}")), "{hint} in {told}");
        }
        assert!(!said.contains("panicked"), "{said}");
    }
    assert!(std::net::TcpStream::connect(address).is_err());
}

#[test]
fn each_mistake_has_its_own_words() {
    for (change, expected) in [
        (("relay", "relya"), ":3:1: authorization_server.relya: this key is unknown\n  hint: did you mean relay?"),
        (("relay = \"http://127.0.0.1:4000\"", ""), "authorization_server.jwks_url: is missing, and so is relay"),
        (("[[resource]]", "[[resource]"), "this is not TOML"),
        (("\"/mcp\"\nup", "\"/mcp/\"\nup"), "ends in a slash\n  hint: remove the last slash; both forms are served"),
        (("\"/mcp\"\nup", "\"/token\"\nup"), "is a path of the authorization server"),
        (("\"/mcp\"\nup", "\"/.well-known/x\"\nup"), "belongs to the metadata documents"),
        (("\"/mcp\"\nup", "\"/a/../b\"\nup"), "has characters or segments that a path may not have"),
        (("\"/mcp\"\nup", "\"/mcp*\"\nup"), "\"/mcp*\" has characters or segments that a path may not have"),
        (("public_url = \"https://mcp.example.com\"\n", ""), "the key public_url is missing"),
        (("mcp.example.com\"", "mcp.example.com/mcp\""), "has a path\n  hint: write \"https://mcp.example.com\" here"),
        (
            ("path =", "body_limit = \"65MiB\"\npath ="),
            "body_limit: \"65MiB\" is outside the safe range of 64KiB to 64MiB",
        ),
        (("path =", "body_limit = \"4194304\"\npath ="), "is not a size\n  hint: write a number and a unit"),
        (
            ("[[resource]]", "[limits]\nbody_memory = \"1MiB\"\n[[resource]]"),
            "limits.body_memory: is less than the largest",
        ),
        (
            ("[[resource]]", "[limits]\nlist_memory = \"1MiB\"\n[[resource]]"),
            "less than the 4MiB that one list may have",
        ),
        (("path =", "scopes = [\"offline_access\"]\npath ="), "offline_access is not a scope of a resource"),
        (("path =", "stream_grace = \"61m\"\npath ="), "stream_grace: \"61m\" is outside the safe range of 0s to 1h"),
        (("http://127.0.0.1:3000", "http://me:pw@127.0.0.1:3000"), "has a user name, a password or a fragment"),
        (
            ("[authorization_server]", "[authorization_server]\nissuer = \"https://mcp.example.com/o*\""),
            "authorization_server.issuer: has the path \"/o*\", which could be read in two ways",
        ),
        (
            ("[authorization_server]", "[authorization_server]\nissuer = \"http://as.example\""),
            "\"http://as.example\" is not https",
        ),
    ] {
        let (_dir, path) = written(&GOOD.replacen(change.0, change.1, 1));
        let output = sidecar("check", &path).output().expect("it runs");
        let said = told(&output);
        assert_eq!(output.status.code(), Some(1), "{expected}: {said}");
        assert!(said.contains(expected) && said.contains("hint: "), "{expected} in {said}");
        assert!(!said.contains("me:pw"), "{said}");
    }
    let output = sidecar("check", Path::new("/nonexistent.toml")).output().expect("it runs");
    assert!(told(&output).contains("/nonexistent.toml: cannot be read"), "{}", told(&output));
    let (_dir, path) = written(GOOD);
    let output = sidecar("check", &path).env("GATELODGE_SIDECAR__LISTEN", "x").output().expect("it runs");
    assert!(told(&output).contains("environment variable GATELODGE_SIDECAR__LISTEN: listen: \"x\" is not an address"));
}

#[test]
fn each_mistake_about_access_has_its_own_words() {
    let rule = |text: &str| format!("[[resource.access.rule]]\n{text}\n");
    for (more, expected) in [
        (rule("scopes = [\"a\"]"), "access.rule[0]: names nothing\n  hint: add tools, prompts, resources or methods"),
        (rule("tools = [\"a\"]"), "access.rule[0]: says nothing\n  hint: add scopes"),
        (rule("tools = [\"a\"]\nscopes = [\"a\"]\ndeny = true"), "access.rule[0]: denies, and names scopes that would"),
        (rule("tools = [\"\"]\ndeny = true"), "access.rule[0].tools[0]: has an empty name"),
        (rule("prompts = [\"a\", \"a\"]\ndeny = true"), "access.rule[0].prompts[1]: \"a\" is there twice"),
        (
            rule("tools = [\"a\"]\nscopes = [\"offline_access\"]"),
            "access.rule[0].scopes: offline_access is not a scope",
        ),
        (
            "[resource.access]\npublic_tools = [\"a\"]".into(),
            "access.public_tools: has no effect while login is \"eager\": then everything needs a token\n  hint: add login",
        ),
        (
            "[resource.access]\npublic_resources = [\"a\"]".into(),
            "access.public_resources: has no effect while login is",
        ),
        ("[resource.implies]\na = [\"b c\"]".into(), "implies.\"a\": \"b c\" is not a scope"),
    ] {
        let (_dir, path) = written(&format!("{GOOD}{more}"));
        let output = sidecar("check", &path).output().expect("it runs");
        let said = told(&output);
        assert_eq!(output.status.code(), Some(1), "{expected}: {said}");
        assert!(said.contains(&format!("resource[0].{expected}")), "{expected} in {said}");
    }
}

#[test]
fn each_mistake_about_issuers_has_its_own_words() {
    let other = "[[issuer]]\nissuer = \"https://b.example\"\n";
    let asked =
        "[issuer.introspection]\nurl = \"https://b.example/i\"\nclient_id = \"me\"\nclient_secret = \"s3cret\"\n";
    let ours = "[authorization_server.introspection]\nurl = \"https://a.example/i\"\nclient_id = \"me\"\nclient_secret = \"s3cret\"\n";
    let (keys, told) =
        ("jwks_url = \"https://b.example/keys\"\n", |table: &str, line: &str| format!("{other}{table}{line}\n"));
    for (more, expected) in [
        (
            other.to_owned(),
            "issuer[0].jwks_url: is missing, and so are discovery and introspection\n  hint: set discovery",
        ),
        (
            told(keys, "discovery = true"),
            "issuer[0].jwks_url: and discovery are both set\n  hint: remove one of the two",
        ),
        (told(keys, "jwks = 1"), "issuer[0].jwks: this key is unknown"),
        (told("jwks_url = \"b.example\"", ""), "issuer[0].jwks_url: \"b.example\" is not an http or https URL"),
        (told(keys, "require_status = true"), "issuer[0].require_status: is on, and nothing says which"),
        (told(keys, "status_list_interval = \"1m\""), "issuer[0].status_list_interval: \"1m\" is not between"),
        (told(asked, "").replace("[issuer.i", "status_list_url = \"https://b.example/l\"\n[issuer.i"), "without keys"),
        (told(keys, "[issuer.tokens]\ntypes = []"), "issuer[0].tokens.types: is not a list of token types"),
        (told(keys, "[issuer.tokens]\ntypes = [\"application/x\"]"), "without \"application/\""),
        (
            told(keys, "[issuer.tokens]\nclient_id_claim = \"aud\""),
            "issuer[0].tokens.client_id_claim: \"aud\" is not the",
        ),
        (told(keys, "[issuer.tokens]\nscope_claim = \"\""), "issuer[0].tokens.scope_claim: \"\" is not the name"),
        (
            told(&asked.replace("https://b", "http://b"), ""),
            "issuer[0].introspection.url: \"http://b.example/i\" is not https",
        ),
        (told(&asked.replace("s3cret", ""), ""), "issuer[0].introspection.client_secret: the secret is empty"),
        (
            told(&asked.replace("client_secret = \"s3cret\"\n", ""), ""),
            "issuer[0].introspection.client_secret: is missing",
        ),
        (told(&asked.replace("\"me\"", "\"\""), ""), "issuer[0].introspection.client_id: is empty"),
        (format!("{ours}{other}{asked}"), "issuer[0].introspection.token_prefix: leaves open which of two issuers"),
        (
            told(keys, "").replace("https://b.example\"", "http://b.example\""),
            "issuer[0].issuer: \"http://b.example\" is not",
        ),
        (
            told(keys, "").replace("https://b.example\"", "https://mcp.example.com\""),
            "is there twice\n  hint: give each issuer",
        ),
        (
            ours.replace("https://a", "http://a"),
            "authorization_server.introspection.url: \"http://a.example/i\" is not https",
        ),
    ] {
        let (_dir, path) = written(&format!("{GOOD}{more}"));
        let output = sidecar("check", &path).output().expect("it runs");
        let said = told_by(&output, &more);
        assert!(said.contains(expected) && said.contains("hint: "), "{expected} in {said}");
        assert!(!said.contains("s3cret"), "{said}");
    }
    let no_keys = "status_list_url = \"https://a.example/l\"";
    let (_dir, path) = written(&format!("{}{ours}", GOOD.replace("relay = \"http://127.0.0.1:4000\"", no_keys)));
    let said = told_by(&sidecar("check", &path).output().expect("it runs"), no_keys);
    assert!(said.contains("authorization_server.status_list_url: cannot be checked without keys"), "{said}");
}

#[test]
fn an_audit_trail_needs_an_address_and_a_secret() {
    for (table, expected) in [
        ("url = \"http://a:1/audit/events\"", "audit.secret: is missing\n  hint: add secret_file"),
        ("secret = \"s3cret\"", "audit.url: is missing: nothing would be sent\n  hint: write the health_listen"),
        ("public_calls = true", "audit.url: is missing: nothing would be sent\n  hint: write the health_listen"),
        ("url = \"a:1\"\nsecret = \"s3cret\"", "audit.url: \"a:1\" is not an http or https URL"),
        ("url = \"http://a:1/\"\nsecret = \"s3cret\\n\"", "audit.secret: has characters that a header cannot hold"),
        (
            "url = \"http://a:1/\"\nsecret = \"s3cret\"\nsecret_file = \"x\"",
            "audit.secret and audit.secret_file are both set",
        ),
    ] {
        let (_dir, path) = written(&format!("{GOOD}[audit]\n{table}\n"));
        let said = told_by(&sidecar("check", &path).output().expect("it runs"), table);
        assert!(said.contains(expected), "{expected} in {said}");
        assert!(!said.contains("s3cret"), "{said}");
    }
}

#[test]
fn tools_on_the_consent_page_go_the_way_of_the_audit_trail() {
    let (_dir, path) = written(&format!("{GOOD}tools_on_consent = true\n"));
    let said = told_by(&sidecar("check", &path).output().expect("it runs"), "no [audit]");
    assert!(said.contains("resource[0].tools_on_consent: needs [audit]\n  hint: write url and secret_file"), "{said}");
}

#[test]
fn an_audience_is_the_name_of_one_resource() {
    let second = "[[resource]]\npath = \"/b\"\nupstream = \"http://127.0.0.1:3000/b\"\n";
    for (first, then, expected) in [
        ("\"\"", "", "resource[0].audiences[0]: is empty\n  hint: write what tokens for this resource name"),
        ("\"https://mcp.example.com/b\"", "", "resource[0].audiences[0]: \"https://mcp.example.com/b\" is the name"),
        ("\"https://mcp.example.com/b/\"", "", "is the name of another resource too\n  hint: give each resource"),
        ("\"api://x\"", "audiences = [\"api://x\"]", "resource[1].audiences[0]: \"api://x\" is the name of another"),
    ] {
        let more = format!("audiences = [{first}]\n{second}{then}\n");
        let (_dir, path) = written(&format!("{GOOD}{more}"));
        let said = told_by(&sidecar("check", &path).output().expect("it runs"), &more);
        assert!(said.contains(expected), "{expected} in {said}");
    }
}

/// What a configuration that is no good is told.
fn told_by(output: &Output, configuration: &str) -> String {
    let said = told(output);
    assert_eq!(output.status.code(), Some(1), "{configuration}: {said}");
    said
}

#[test]
fn an_address_in_use_is_named_with_its_key() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = taken.local_addr().expect("an address");
    for key in ["listen", "health_listen"] {
        let (_dir, path) = written(GOOD);
        let mut process = sidecar("serve", &path);
        process.env("GATELODGE_SIDECAR__LISTEN", "127.0.0.1:0").env("GATELODGE_SIDECAR__HEALTH_LISTEN", "127.0.0.1:0");
        let variable = format!("GATELODGE_SIDECAR__{}", key.to_uppercase());
        let output = process.env(variable, address.to_string()).output().expect("it runs");
        assert_eq!(output.status.code(), Some(1));
        let said = told(&output);
        assert!(
            said.contains(&format!("cannot listen on {address}")) && said.contains(&format!("Change {key} in")),
            "{said}"
        );
    }
}

#[test]
fn an_authorization_server_of_others_needs_no_relay() {
    let table = "issuer = \"https://tenant.example/\"\n";
    let asked = "[authorization_server.introspection]\nurl = \"http://127.0.0.1:9/i\"\nclient_id = \"me\"\nclient_secret = \"x\"\n";
    for (keys, more, says) in [
        ("discovery = true", "", "tokens of https://tenant.example/ checked with the keys that its metadata names"),
        (
            "jwks_url = \"http://keys:1/k\"",
            "",
            "tokens of https://tenant.example/ checked with the keys at http://keys:1/k",
        ),
        ("", asked, "tokens of https://tenant.example/ asked about at http://127.0.0.1:9/i"),
        ("discovery = true", asked, "its metadata names, opaque ones asked about at http://127.0.0.1:9/i"),
    ] {
        let toml = GOOD.replace("relay = \"http://127.0.0.1:4000\"", &format!("{table}{keys}\n{more}"));
        let (_dir, path) = written(&toml);
        let output = sidecar("check", &path).output().expect("it runs");
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(said.contains(says), "{says} in {said}{}", told(&output));
    }
}

#[test]
fn an_issuer_of_others_may_end_in_a_slash() {
    let table = "issuer = \"https://tenant.example/\"\ndiscovery = true";
    let toml = GOOD.replace("relay = \"http://127.0.0.1:4000\"", table);
    assert_eq!(config(&toml).issuer, "https://tenant.example/");
}

#[test]
fn help_teaches() {
    for (arguments, words) in [
        (&["--help"][..], &["serve", "check", "health", "401", "upstream = "][..]),
        (&["serve", "--help"], &["503", "SIGTERM", "GATELODGE_SIDECAR__"]),
        (&["check", "--help"], &["what to write instead"]),
        (&["health", "--help"], &["health_listen"]),
    ] {
        let output = Command::new(env!("CARGO_BIN_EXE_gatelodge-sidecar")).args(arguments).output().expect("it runs");
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        for word in words {
            assert!(said.contains(word), "{word} in {said}");
        }
    }
}

#[actix_web::test]
async fn the_log_tells_each_decision_and_no_secret() {
    let (authority, upstream) = (Authority::start(), Upstream::start());
    let (listen, health) = (closed_port(), closed_port());
    let (_dir, path) = written(&format!(
        "public_url = \"http://{listen}\"\nlisten = \"{listen}\"\nhealth_listen = \"{health}\"\n[authorization_server]\n\
         issuer = \"https://mcp.example.com\"\njwks_url = \"{}\"\n[[resource]]\npath = \"/mcp\"\nupstream = \"{}\"\n\
         [logs]\nlevel = \"trace\"\n[development]\nallow_unsafe_values = true\n",
        authority.jwks_url, upstream.url
    ));
    let not_yet = sidecar("health", &path).output().expect("it runs");
    assert!(!not_yet.status.success() && told(&not_yet).contains("is it running?"), "{}", told(&not_yet));
    let mut process = sidecar("serve", &path).stdout(Stdio::piped()).spawn().expect("it runs");

    let ask = || sidecar("health", &path).output().is_ok_and(|output| output.status.success());
    let ready = async {
        while !actix_web::rt::task::spawn_blocking(ask_again(&path)).await.unwrap_or(false) {
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(PATIENCE, ready).await.expect("ready");
    assert!(ask());

    let aud = ResourceId::from_stored(format!("http://{listen}/mcp"));
    let good = Claims { aud, ..authority.claims() };
    let past = Timestamp::from_unix(1_700_000_000);
    let expired = authority.sign(&Claims { iat: past, exp: past, ..good.clone() });
    let good = authority.sign(&good);
    let send = |query: &str, token: Option<&str>| {
        let mut request = client().request(Method::POST, format!("http://{listen}/mcp{query}"));
        request =
            request.header("Cookie", "gatelodge_session=cookie-secret").header("Content-Type", "application/json");
        let call = r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"find","arguments":{"q":"body-secret"}}}"#;
        request = request.body(call);
        match token {
            Some(token) => request.bearer_auth(token),
            None => request,
        }
        .send()
    };
    let query = format!("?state=state-secret&code=code-secret&access_token={good}");
    assert_eq!(send(&query, Some(&good)).await.expect("an answer").status(), 200);
    assert_eq!(send(&query, Some(&expired)).await.expect("an answer").status(), 401);
    assert_eq!(send(&query, None).await.expect("an answer").status(), 401);

    let stopped = Command::new("kill").arg(process.id().to_string()).status().expect("kill runs");
    assert!(stopped.success());
    let output = actix_web::rt::task::spawn_blocking(move || {
        process.stdin.take();
        process.wait_with_output()
    });
    let output = tokio::time::timeout(PATIENCE, output).await.expect("it stops").expect("joined").expect("output");
    assert!(output.status.success(), "a signal is a clean end");

    let log = String::from_utf8_lossy(&output.stdout).into_owned();
    for secret in
        [good.as_str(), &expired, "cookie-secret", "state-secret", "code-secret", "body-secret", "access_token="]
    {
        assert!(!log.contains(secret), "{secret} in {log}");
    }
    let lines: Vec<serde_json::Value> = log.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    assert!(
        lines.iter().any(|line| line["message"].as_str().is_some_and(|says| says.contains("allow_unsafe_values"))),
        "{log}"
    );
    let decisions: Vec<&serde_json::Value> = lines.iter().filter(|line| line["message"] == "decision").collect();
    let outcomes: Vec<&str> = decisions.iter().filter_map(|line| line["outcome"].as_str()).collect();
    assert_eq!(outcomes, ["forwarded", "challenged", "challenged"], "{log}");
    assert_eq!((&decisions[0]["subject"], &decisions[0]["client_id"]), (&"user_1".into(), &"client_1".into()));
    assert_eq!((&decisions[0]["span"]["method"], &decisions[0]["span"]["path"]), (&"POST".into(), &"/mcp".into()));
    assert_eq!(decisions[0]["span"]["request_id"].as_str().map(str::len), Some(36));
    let asked =
        ["mcp_method", "mcp_name", "needed", "held"].map(|name| decisions[0][name].as_str().unwrap_or_default());
    assert_eq!(asked, ["tools/call", "find", "mcp:use", "mcp:use tickets:read"]);
    assert_eq!((decisions[0]["status"].as_u64(), decisions[0]["latency_us"].is_u64()), (Some(200), true));
    assert_eq!(decisions[1]["reason"], "the access token expired");
}

fn ask_again(path: &Path) -> impl FnOnce() -> bool + Send + 'static {
    let path = path.to_owned();
    move || sidecar("health", &path).output().is_ok_and(|output| output.status.success())
}

#[test]
fn mistakes_in_the_transport_of_before_name_key_and_fix() {
    let good = ["/mcp/sse", "/mcp/messages", "http://127.0.0.1:3000/sse"];
    let check = |[sse, messages, upstream]: [&str; 3], more: &str| {
        let table = format!(
            "{more}[resource.legacy_sse]\nsse_path = {sse:?}\nmessage_path = {messages:?}\nupstream = {upstream:?}\n"
        );
        let (_dir, path) = written(&format!("{}\n{table}", GOOD.trim_end()));
        told(&sidecar("check", &path).output().expect("it runs"))
    };
    assert_eq!(check(good, ""), "");
    let with = |at: usize, value: &'static str| {
        let mut values = good;
        values[at] = value;
        values
    };
    for (values, more, expected) in [
        (with(0, "/sse"), "", "legacy_sse.sse_path: \"/sse\" is not below \"/mcp\""),
        (with(0, "/mcp/"), "", "legacy_sse.sse_path: \"/mcp/\" ends in a slash"),
        (with(0, "/mcp/../sse"), "", "legacy_sse.sse_path: \"/mcp/../sse\" has characters or segments"),
        (with(1, "/mcp/sse"), "", "legacy_sse.message_path: \"/mcp/sse\" is used twice"),
        (with(1, "/mcp"), "", "legacy_sse.message_path: \"/mcp\" is used twice"),
        (with(1, "/token"), "", "legacy_sse.message_path: \"/token\" is a path of the authorization server"),
        (with(1, "messages"), "", "legacy_sse.message_path: \"messages\" does not begin with a slash"),
        (with(2, "http://h/sse?a=b"), "", "legacy_sse.upstream: \"http://h/sse?a=b\" has a query"),
        (with(2, "ftp://h/sse"), "", "legacy_sse.upstream: \"ftp://h/sse\" is not an http or https URL"),
        (with(2, "https://h/sse"), "upstream_socket = \"/run/x\"\n", "legacy_sse.upstream: is https"),
    ] {
        let said = check(values, more);
        assert!(said.contains(expected) && said.contains("hint: "), "{expected} in {said}");
    }
}
