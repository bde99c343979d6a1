//! What the command line says to operators: whose a subject is, what to do about a refusal, and where it made a database.

use serde_json::Value;

use crate::support::binary::Workplace;
use crate::support::{Database, Settings, claims, on_any_database, on_both_databases};

on_both_databases! {
    whose_a_subject_is_the_list_of_users_says,
    a_name_counts_in_any_case,
}

on_any_database! {
    a_token_lives_as_long_as_it_may_when_nothing_is_said,
    a_misspelt_outcome_is_refused_with_those_that_there_are,
    a_refusal_says_what_to_do,
}

const PROVIDER: &str = r#"
[[login.oidc]]
id = "idp"
name = "Identity Provider"
issuer = "https://idp.example.com"
client_id = "c"
allow_everybody = true
"#;

struct Operator(Workplace);

impl Operator {
    fn of(database: &Database, more: &'static str) -> Self {
        Self(Workplace::new(&Settings { more, ..Settings::default() }.toml(&database.url)))
    }

    /// What is said on standard output, or why it failed.
    fn says(&self, arguments: &[&str]) -> Result<String, String> {
        let output = self.0.run(arguments, &[]);
        let text = |bytes| String::from_utf8(bytes).expect("text");
        if output.status.success() { Ok(text(output.stdout)) } else { Err(text(output.stderr)) }
    }

    fn json(&self, arguments: &[&str]) -> Value {
        let said = self.says(&[arguments, &["--json"]].concat()).unwrap_or_else(|error| panic!("{error}"));
        serde_json::from_str(&said).expect("JSON")
    }
}

/// Proves RFC 9068 §5: a subject is no name, and the operator finds out whose it is.
async fn whose_a_subject_is_the_list_of_users_says(database: &Database) {
    let operator = Operator::of(database, PROVIDER);
    operator.0.add_ada();
    for arguments in [
        &["user", "add", "bob", "--invite"][..],
        &["user", "disable", "bob"],
        &["user", "set-admin", "ada"],
        &["user", "email", "ada", "ada@example.org"],
        &["user", "link", "ada", "--provider", "idp", "--subject", "2481"],
    ] {
        operator.says(arguments).unwrap_or_else(|error| panic!("{arguments:?}: {error}"));
    }
    let made = operator.json(&["token", "create", "--user", "ada", "--name", "laptop"]);
    let subject = claims(made["access_token"].as_str().expect("a token"))["sub"].clone();
    let name = subject.as_str().and_then(|subject| subject.strip_prefix("user_")).expect("an identifier");
    assert!(name.len() == 22 && name.bytes().all(|byte| byte.is_ascii_alphanumeric()), "{subject}");

    let listed = operator.json(&["user", "list"]);
    let [ada, bob] = listed.as_array().expect("a list").as_slice() else { panic!("{listed}") };
    assert_eq!((&ada["id"], &ada["username"]), (&subject, &"ada".into()));
    assert_eq!((&ada["state"], &ada["administrator"]), (&"enabled".into(), &true.into()));
    assert_eq!((&ada["email"], &ada["second_step"]), (&"ada@example.org".into(), &false.into()));
    assert_eq!(ada["identities"][0]["issuer"], "https://idp.example.com");
    assert_eq!(ada["identities"][0]["subject"], "2481");
    assert!(ada["created_at"].as_str().is_some_and(|time| time.ends_with('Z')), "{ada}");
    assert_eq!((&bob["username"], &bob["state"], &bob["email"]), (&"bob".into(), &"disabled".into(), &Value::Null));
    assert_eq!(bob["identities"], Value::Array(Vec::new()));

    let lines = operator.says(&["user", "list"]).expect("lines");
    let line = lines.lines().find(|line| line.starts_with("ada ")).expect("a line of ada");
    for part in [subject.as_str().expect("text"), "enabled", "administrator", "ada@example.org", "idp:2481"] {
        assert!(line.contains(part), "{part}: {line}");
    }
}

/// Whoever names somebody may write the name as people do.
async fn a_name_counts_in_any_case(database: &Database) {
    let operator = Operator::of(database, "");
    operator.0.add_ada();
    let made = operator.json(&["token", "create", "--user", "ADA", "--name", "laptop"]);
    for list in ["grant", "token"] {
        let listed = operator.json(&[list, "list", "--user", "Ada"]);
        assert_eq!((listed.as_array().map(Vec::len), &listed[0]["id"]), (Some(1), &made["id"]), "{list}: {listed}");
    }
    assert_eq!(operator.json(&["connections", "--user", "Ada"]), Value::Array(Vec::new()));
    for arguments in [&["grant", "list"][..], &["token", "list"], &["connections"]] {
        for name in ["eve", "not a name"] {
            let said = operator.says(&[arguments, &["--user", name]].concat()).expect_err("there is nobody");
            assert!(said.contains(&format!("no user {name}")), "{arguments:?}: {said}");
        }
    }
}

/// A server that gives nothing out for 90 days still makes personal tokens.
async fn a_token_lives_as_long_as_it_may_when_nothing_is_said(database: &Database) {
    let operator = Operator::of(database, "[tokens]\nrefresh_token_lifetime = \"30d\"\n");
    operator.0.add_ada();
    let create = ["token", "create", "--user", "ada", "--name", "laptop"];
    let made = operator.json(&create);
    let claims = claims(made["access_token"].as_str().expect("a token"));
    assert_eq!(claims["exp"].as_i64(), claims["iat"].as_i64().map(|made| made + 30 * 86_400));
    let said = operator.says(&[&create[..], &["--lifetime", "31d"]].concat()).expect_err("longer than it may");
    assert!(said.contains("refresh_token_lifetime"), "{said}");
}

/// Proves NIST SP 800-92 §4.2: whoever misspells what they look for does not take it for nothing.
async fn a_misspelt_outcome_is_refused_with_those_that_there_are(database: &Database) {
    let operator = Operator::of(database, "");
    for command in ["list", "export", "tail"] {
        let said = operator.says(&["audit", command, "--outcome", "refusd"]).expect_err("there is no such outcome");
        for known in ["refusd", "refused", "forwarded", "events_lost", "sign_in_failed", "key_revoked"] {
            assert!(said.contains(known), "{command}: {known} in {said}");
        }
    }
    for known in ["refused", "events_lost", "sign_in_failed"] {
        operator.says(&["audit", "export", "--outcome", known]).expect("it is known");
    }
}

/// No refusal leaves the operator without the next step.
async fn a_refusal_says_what_to_do(database: &Database) {
    let operator = Operator::of(database, "");
    operator.0.add_ada();
    let add = ["client", "add", "Wiki", "--id", "wiki", "--redirect-uri", "https://wiki.example.com/cb"];
    operator.says(&add).expect("added");
    operator.says(&["user", "add", "bob", "--invite"]).expect("added");
    operator.says(&["user", "disable", "bob"]).expect("disabled");
    for (arguments, next) in [
        (&["user", "add", "ADA", "--invite"][..], "gatelodge user reset-password ada"),
        (&["token", "create", "--user", "bob", "--name", "x"], "gatelodge user enable bob"),
        (&add, "gatelodge client remove wiki"),
        (&["client", "remove", "nobody"], "gatelodge client list"),
    ] {
        let said = operator.says(arguments).expect_err("it is refused");
        assert!(said.contains(next), "{arguments:?}: {said}");
    }
    let written = "audit_events WHERE outcome = 'client_added' AND client_id = 'wiki' AND actor = 'command'";
    assert_eq!(database.count(written), 1, "what is refused is not written down");
}

/// A relative path begins where a command is started, and may lead to a database of nobody.
#[test]
fn a_command_that_finds_no_database_says_where_it_made_one() {
    let workplace = Workplace::new(&Settings::default().toml("sqlite://data/gatelodge.db"));
    let says = || {
        let output = workplace.run(&["user", "list"], &[]);
        assert!(output.status.success() && output.stdout.is_empty(), "{output:?}");
        String::from_utf8(output.stderr).expect("text")
    };
    let made = workplace.path().canonicalize().expect("a directory").join("data/gatelodge.db");
    assert!(!made.exists());
    let first = says();
    assert!(first.contains("made a new database") && first.contains(&*made.to_string_lossy()), "{first}");
    assert!(made.exists());
    assert_eq!(says(), "", "the second one finds it");
}
