//! What is wrong with `[resource.identity]` and `[resource.api_keys]` is told with its key and what to write instead.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use gatelodge_service::config::load_checked;
use gatelodge_sidecar::config::{Config, RawConfig};

const GOOD: &str = "public_url = \"https://mcp.example.com\"\n[authorization_server]\nrelay = \"http://127.0.0.1:4000\"\n\
                    [[resource]]\npath = \"/mcp\"\nupstream = \"http://127.0.0.1:3000/mcp\"\n";

fn load(more: &str) -> Result<Config, String> {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("sidecar.toml");
    fs::write(&path, format!("{GOOD}{more}")).expect("a file");
    load_checked(&path, "GATELODGE_SIDECAR_TEST", RawConfig::check).map_err(|error| error.to_string())
}

fn assert_told(cases: &[(&str, &str, &str)]) {
    for (toml, key, hint) in cases {
        let says = load(toml).expect_err(toml);
        assert!(says.contains(&format!(": resource[0].{key}: ")), "{key} in {says}");
        assert!(says.contains("hint: ") && says.contains(hint), "{hint} in {says}");
        assert!(!says.contains("s3cret"), "{says}");
    }
}

#[test]
fn mistakes_in_identity_name_key_and_fix() {
    assert_told(&[
        ("[resource.identity]\nkind = \"header\"\n", "identity.kind", "did you mean headers?"),
        ("[resource.identity]\nkind = \"credential\"\n", "identity.credential", "add [resource.identity.credential]"),
        ("[resource.identity.credential]\nvalue = \"s3cret\"\n", "identity.credential", "write kind = \"credential\""),
        ("[resource.identity.assertion]\n", "identity.assertion", "write kind = \"assertion\""),
        (
            "[resource.identity]\nkind = \"assertion\"\n[resource.identity.assertion]\nheader = \"X-Mcp-Auth-Sub\"\n",
            "identity.assertion.header",
            "choose another",
        ),
        ("[[resource.identity.context]]\nvalue = \"a b\"\n", "identity.context[0].value", "for instance \"agent\""),
        (
            "[[resource.identity.context]]\nvalue = \"a\"\nanonymous = true\nsubject = \"x\"\n",
            "identity.context[0].anonymous",
            "a rule of its own",
        ),
        (
            "[[resource.identity.context]]\nvalue = \"a\"\napi_key = \"ci\"\n",
            "identity.context[0].api_key",
            "write the name of one [[resource.api_keys.key]]",
        ),
    ]);
}

#[test]
fn mistakes_in_the_source_of_credentials_name_key_and_fix() {
    const CREDENTIAL: &str = "[resource.identity]\nkind = \"credential\"\n[resource.identity.credential]\n";
    for (rest, key, hint) in [
        ("", "identity.credential", "give exactly one of"),
        ("value = \"s3cret\"\nmap = { entries = { a = \"s3cret\" } }\n", "identity.credential", "give exactly one of"),
        ("value = \"s3cret\\n\"\n", "identity.credential.value", "visible ASCII"),
        ("value = \"\"\n", "identity.credential.value", "put the secret there"),
        ("value = \"s3cret\"\nvalue_file = \"/x\"\n", "identity.credential.value", "remove one of the two"),
        ("value = \"s3cret\"\nformat = \"Bearer\"\n", "identity.credential.format", "write {credential} once"),
        ("value = \"s3cret\"\nheader = \"X Y\"\n", "identity.credential.header", "write it like \"X-Api-Key\""),
        ("map = { }\n", "identity.credential.map.entries", "write either entries, or entries_file"),
        ("map = { entries = { } }\n", "identity.credential.map.entries", "write one line for each"),
        ("map = { entries = { a = \"s3cret\\n\" } }\n", "identity.credential.map.entries", "write one line for each"),
        ("map = { entries_file = \"/nonexistent\" }\n", "identity.credential.map.entries_file", "check the path"),
        ("webhook = { url = \"hook\", secret = \"s3cret\" }\n", "identity.credential.webhook.url", "write a URL"),
        ("webhook = { url = \"http://h/\" }\n", "identity.credential.webhook.secret", "secret_file"),
        (
            "webhook = { url = \"http://h/\", secret = \"s3cret\", cache_for = \"2h\" }\n",
            "identity.credential.webhook.cache_for",
            "write \"5m\"",
        ),
        (
            "exchange = { token_endpoint = \"http://h/\", client_id = \"c\" }\n",
            "identity.credential.exchange.client_secret",
            "client_secret_file",
        ),
    ] {
        assert_told(&[(&format!("{CREDENTIAL}{rest}"), key, hint)]);
    }
}

#[test]
fn no_header_can_be_chosen_that_the_protocol_or_the_connection_needs() {
    for header in [
        "Host",
        "Content-Type",
        "Content",
        "Mcp-Session-Id",
        "mcp_name",
        "Accept",
        "Connection",
        "TE",
        "X",
        "x-m",
        "X-Forwarded-For",
        "X-Real-IP",
        "Forwarded",
        "Transfer-Encoding",
        "X-Mcp-Auth-Assertion",
        "Last-Event-ID",
        "Proxy-Authorization",
        "traceparent",
        "Origin",
        "Upgrade",
    ] {
        for table in [
            format!(
                "[resource.identity]\nkind = \"credential\"\n[resource.identity.credential]\nvalue = \"x\"\nheader = {header:?}\n"
            ),
            format!("[resource.api_keys]\npass_through = true\nprefixes = [\"acme_key_\"]\nheader = {header:?}\n"),
        ] {
            assert!(load(&table).is_err_and(|says| says.contains(".header: ")), "{header}");
        }
    }
}

/// An issuer whose tokens are opaque.
const ASKED: &str = "[[issuer]]\nissuer = \"https://b.example\"\n[issuer.introspection]\nurl = \"https://b.example/i\"\n\
                     client_id = \"me\"\nclient_secret = \"s3cret\"\ntoken_prefix = \"acme_at_\"\n";

#[test]
fn a_prefix_that_is_not_how_tokens_begin_is_good() {
    for prefix in ["ewallet_key_", "eyes_", "acme_key_", "acme_at_key_", "Eyj1"] {
        let table = format!("[resource.api_keys]\npass_through = true\nprefixes = [{prefix:?}]\n{ASKED}");
        assert!(load(&table).is_ok(), "{prefix}");
    }
}

#[test]
fn mistakes_in_api_keys_name_key_and_fix() {
    let hash = "a".repeat(64);
    let key = |name: &str, sha256: &str| {
        format!("[[resource.api_keys.key]]\nname = {name:?}\nsubject = \"s\"\nscopes = [\"a\"]\nsha256 = {sha256:?}\n")
    };
    let table = |rest: &str| format!("[resource.api_keys]\n{rest}");
    let cases = [
        (table("prefixes = [\"acme_key_\"]\n"), "api_keys.key", "pass_through = true"),
        (table("pass_through = true\n"), "api_keys.prefixes", "name how your keys begin"),
        (
            table("pass_through = true\nprefixes = [\"abc\"]\n"),
            "api_keys.prefixes[0]",
            "write all that your keys begin with",
        ),
        (table("pass_through = true\nprefixes = [\"ok_key_\", \"eyJhbG\"]\n"), "api_keys.prefixes[1]", "not tokens"),
        (table("pass_through = true\nprefixes = [\"gatelodge_rt_\"]\n"), "api_keys.prefixes[0]", "not tokens"),
        (table("pass_through = true\nprefixes = [\"ey\"]\n"), "api_keys.prefixes[0]", "write all"),
        (table("pass_through = true\nprefixes = [\"eyAi\"]\n"), "api_keys.prefixes[0]", "not tokens"),
        (table("pass_through = true\nprefixes = [\"ewogICJ\"]\n"), "api_keys.prefixes[0]", "not tokens"),
        (table(&format!("pass_through = true\nprefixes = [\"acme_\"]\n{ASKED}")), "api_keys.prefixes[0]", "write more"),
        (
            table(&format!("pass_through = true\nprefixes = [\"acme_at_\"]\n{ASKED}")),
            "api_keys.prefixes[0]",
            "write more",
        ),
        (table("pass_through = true\nprefixes = [\"gate\"]\n"), "api_keys.prefixes[0]", "not tokens"),
        (table("pass_through = true\nprefixes = [\"a b c d\"]\n"), "api_keys.prefixes[0]", "write all"),
        (
            table(&format!("prefixes = [\"acme_key_\"]\nscopes = [\"a\"]\n{}", key("a", &hash))),
            "api_keys.scopes",
            "remove it",
        ),
        (
            table(&format!("prefixes = [\"acme_key_\"]\n{}", key("a", "acme_key_s3cret"))),
            "api_keys.key[0].sha256",
            "sha256sum",
        ),
        (
            table(&format!("prefixes = [\"acme_key_\"]\n{}{}", key("a", &hash), key("b", &hash.to_uppercase()))),
            "api_keys.key[1].sha256",
            "there twice",
        ),
        (
            table(&format!("prefixes = [\"acme_key_\"]\n{}{}", key("a", &hash), key("a", &"b".repeat(64)))),
            "api_keys.key[1].name",
            "give each key a name",
        ),
    ];
    let cases: Vec<(&str, &str, &str)> = cases.iter().map(|(toml, key, hint)| (toml.as_str(), *key, *hint)).collect();
    assert_told(&cases);
}

#[test]
fn secrets_come_from_private_files_too_and_are_not_shown() {
    let dir = tempfile::tempdir().expect("a directory");
    let file = dir.path().join("secret");
    fs::write(&file, "s3cret\n").expect("a file");
    for name in ["value_file", "anonymous_file"] {
        let toml = format!(
            "[resource.identity]\nkind = \"credential\"\n[resource.identity.credential]\n{name} = {file:?}\n{}",
            if name == "value_file" { "" } else { "value = \"s3cret\"\n" }
        );
        fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).expect("a mode");
        assert!(load(&toml).is_err_and(|says| says.contains("can be read by other users")));
        fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).expect("a mode");
        let config = load(&toml).expect("a good configuration");
        assert!(!format!("{config:?}").contains("s3cret"));
    }
}
