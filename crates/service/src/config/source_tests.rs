//! Tests of `source.rs`: every mistake is told with its place, its key and its fix.

use serde::Deserialize;

use super::*;
use crate::config::HumanDuration;
use crate::logs::LogsConfig;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Raw {
    listen: String,
    lifetime: Option<HumanDuration>,
    #[serde(default)]
    resource: Vec<RawResource>,
    #[serde(default)]
    logs: LogsConfig,
    secret: Option<secrecy::SecretString>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawResource {
    path: String,
    #[serde(default)]
    scopes: Vec<String>,
}

const GOOD: &str = "listen = \"127.0.0.1:1\"\n\n[[resource]]\npath = \"/mcp\"\n";

fn source(text: &str, variables: &[(&str, &str)]) -> Result<Source, ConfigError> {
    let environment = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    Source::new(Path::new("side.toml"), text.to_owned(), "APP", environment)
}

fn parse(text: &str, variables: &[(&str, &str)]) -> Result<Raw, String> {
    source(text, variables).and_then(|source| source.parse()).map_err(|error| error.to_string())
}

#[test]
fn mistakes_name_file_line_column_key_and_fix() {
    for (text, expected) in [
        (
            "listem = \"x\"\n",
            "side.toml:1:1: listem: this key is unknown\n  hint: did you mean listen? (possible here: listen, lifetime, resource, logs, secret)",
        ),
        (
            "listen = \"x\"\n[[resource]]\npath = \"/a\"\n[[resource]]\npath = \"/b\"\nscope = []\n",
            "side.toml:6:1: resource[1].scope: this key is unknown\n  hint: did you mean scopes? (possible here: path, scopes)",
        ),
        (
            "listen = \"x\"\nzzz = 1\n",
            "side.toml:2:1: zzz: this key is unknown\n  hint: possible here: listen, lifetime, resource, logs, secret",
        ),
        (
            "listen = 5\n",
            "side.toml:1:1: listen: found integer, expected a string\n  hint: put the value in double quotes",
        ),
        (
            "listen = \"x\"\n[logs]\n  level = \"inof\"\n",
            "side.toml:3:3: logs.level: \"inof\" is not one of the possible values\n  hint: did you mean info? (possible here: error, warn, info, debug, trace)",
        ),
        (
            "listen = \"x\"\nlifetime = \"60\"\n",
            "side.toml:2:1: lifetime: \"60\" is not a duration\n  hint: write a number and a unit: \"60s\", \"15m\", \"1h\" or \"30d\"",
        ),
        (
            "listen = \"x\"\n[[resource]]\nscopes = []\n",
            "side.toml:2:1: resource[0]: the key path is missing\n  hint: add path = … there",
        ),
    ] {
        assert_eq!(parse(text, &[]).expect_err(text), expected);
    }
    assert!(parse("", &[]).expect_err("empty").starts_with("side.toml: "));
}

#[test]
fn broken_toml_is_located_and_never_quoted() {
    for text in [
        "listen = \"x\"\nsecret = hunter2\n",
        "listen = \"x\"\nsecret = \"hunter2\n",
        "listen = \"x\"\n[logs\nsecret=1",
    ] {
        let says = parse(text, &[]).expect_err(text);
        assert!(says.starts_with("side.toml:2:"), "{says}");
        assert!(says.contains("this is not TOML") && says.contains("hint: "), "{says}");
        assert!(!says.contains("hunter2"), "{says}");
    }
}

#[test]
fn values_of_the_wrong_type_are_not_shown_since_they_may_be_secrets() {
    let says = parse("listen = \"x\"\nsecret = 12345\n", &[]).expect_err("a number");
    assert!(says.contains("secret: found integer") && !says.contains("12345"), "{says}");
    let says = parse("listen = \"x\"\n", &[("APP__SECRET", "12345")]).expect_err("a number");
    assert!(says.starts_with("environment variable APP__SECRET: ") && !says.contains("12345"), "{says}");
    assert!(says.contains("double quotes inside the variable"), "{says}");
}

#[test]
fn the_environment_overrides_and_adds_keys() {
    let raw = parse(
        GOOD,
        &[
            ("APP__LISTEN", "0.0.0.0:80"),
            ("APP__LIFETIME", "5m"),
            ("APP__LOGS__FORMAT", "text"),
            ("APP__RESOURCE__0__SCOPES", "[\"a\", \"b\"]"),
            ("APP__RESOURCE__1__PATH", "/two"),
            ("APPX__LISTEN", "other"),
            ("APP_LISTEN", "other"),
        ],
    )
    .expect("good");
    assert_eq!(raw.listen, "0.0.0.0:80");
    assert_eq!(raw.lifetime.map(|lifetime| lifetime.to_string()), Some("5m".to_owned()));
    assert_eq!(raw.logs.format, crate::logs::LogsFormat::Text);
    assert_eq!(raw.resource.iter().map(|resource| resource.path.as_str()).collect::<Vec<_>>(), ["/mcp", "/two"]);
    assert_eq!(raw.resource[0].scopes, ["a", "b"]);
    assert!(raw.secret.is_none());
}

#[test]
fn a_wrong_variable_is_named() {
    for (name, expected) in [
        ("APP__LISTEM", "environment variable APP__LISTEM: listem: this key is unknown\n  hint: did you mean listen?"),
        (
            "APP__RESOURCE__7__PATH",
            "environment variable APP__RESOURCE__7__PATH: resource[7].path: there is no such place",
        ),
        ("APP__LISTEN__X", "environment variable APP__LISTEN__X: listen.x: there is no such place"),
        ("APP____LISTEN", "environment variable APP____LISTEN: "),
        ("APP__LIFETIME", "environment variable APP__LIFETIME: lifetime: \"x\" is not a duration"),
    ] {
        let says = parse(GOOD, &[(name, "x")]).expect_err(name);
        assert!(says.starts_with(expected), "{says}");
    }
}

#[test]
fn problems_found_later_are_located_too() {
    let mut problems = Problems::default();
    problems.add("resource[0].path", "\"mcp\" does not begin with a slash", "write \"/mcp\"");
    problems.add("listen", "\"x\" is not an address", "write \"127.0.0.1:8080\"");
    problems.add("resource[0].scopes", "is empty", "name one");
    problems.add("issuer", "is missing", "add it");
    let source = source(GOOD, &[("APP__LISTEN", "x")]).expect("TOML");
    assert_eq!(
        source.locate(problems).to_string(),
        "side.toml:4:1: resource[0].path: \"mcp\" does not begin with a slash\n  hint: write \"/mcp\"\n\
         environment variable APP__LISTEN: listen: \"x\" is not an address\n  hint: write \"127.0.0.1:8080\"\n\
         side.toml:3:1: resource[0].scopes: is empty\n  hint: name one\n\
         side.toml: issuer: is missing\n  hint: add it"
    );
}
