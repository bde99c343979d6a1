//! `[[login.oidc]]` as operators write it, and `gatelodge user link` and `unlink`, by the real program.

use std::process::Output;

use crate::support::binary::Workplace;

const PROVIDER: &str = r#"
[[login.oidc]]
id = "idp"
name = "Example IdP"
issuer = "https://idp.example.com"
client_id = "gatelodge"
client_secret = "very-secret"
allow.domains = ["example.com"]
"#;

fn workplace(providers: &str) -> Workplace {
    Workplace::new(&format!(
        "public_url = \"https://mcp.example.com\"\n[database]\nurl = \"sqlite://DIRECTORY/gatelodge.db\"\n{}{providers}",
        crate::support::ONE_RESOURCE
    ))
}

/// What it says to standard output, or else to standard error.
fn said(output: &Output) -> Result<String, String> {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    if output.status.success() { Ok(text(&output.stdout)) } else { Err(text(&output.stderr)) }
}

fn checked(providers: &str) -> Result<String, String> {
    said(&workplace(providers).run(&["check"], &[]))
}

#[test]
fn a_provider_that_would_let_the_wrong_people_in_is_refused_with_the_reason() {
    checked(PROVIDER).expect("the provider is configured well");
    let rule = "allow.domains = [\"example.com\"]";
    checked(&PROVIDER.replace(rule, "allow_everybody = true")).expect("said on purpose");
    for (from, to, says) in [
        (rule, "", &["login.oidc[0].allow", "nobody is allowed", "allow_everybody = true"][..]),
        (rule, "allow.domains = []", &["login.oidc[0].allow", "nobody is allowed"]),
        (rule, "allow_everybody = true\nallow.groups = [\"a\"]", &["login.oidc[0].allow_everybody", "worthless"]),
        (rule, "allow.domains = [\"@example.com\"]", &["allow.domains[0]", "whole"]),
        (rule, "allow.domains = [\".example.com\"]", &["allow.domains[0]", "another domain"]),
        (rule, "allow.domains = [\"*.example.com\"]", &["allow.domains[0]"]),
        (rule, "allow.domains = [\"\"]", &["allow.domains[0]"]),
        (rule, "allow.addresses = [\"example.com\"]", &["allow.addresses[0]", "ada@example.com"]),
        (rule, "allow.groups = [\" \"]", &["allow.groups", "empty"]),
        (rule, "allow.domain = [\"example.com\"]", &["domain", "domains"]),
        ("id = \"idp\"", "id = \"../idp\"", &["login.oidc[0].id", "URL"]),
        ("id = \"idp\"", "id = \"IdP\"", &["login.oidc[0].id", "small letters"]),
        ("name = \"Example IdP\"", "name = \" \"", &["login.oidc[0].name", "button"]),
        ("https://idp", "http://idp", &["login.oidc[0].issuer", "not https", "byte for byte"]),
        ("https://idp.example.com", "https://idp.example.com/?a=b", &["issuer", "query"]),
        ("https://idp.example.com", "idp.example.com", &["issuer", "not a URL"]),
        ("https://idp", "https://user:password@idp", &["issuer", "password"]),
        ("client_id = \"gatelodge\"", "client_id = \"\"", &["login.oidc[0].client_id", "empty"]),
        ("\"very-secret\"", "\"\"", &["login.oidc[0].client_secret", "empty"]),
        ("client_id =", "scopes = [\"email\"]\nclient_id =", &["login.oidc[0].scopes", "openid"]),
        ("client_id =", "scopes = [\"openid email\"]\nclient_id =", &["login.oidc[0].scopes", "one word"]),
        ("client_id =", "prompt = \"none\"\nclient_id =", &["prompt", "select_account"]),
        ("client_id =", "redirect_uri = \"x\"\nclient_id =", &["redirect_uri"]),
    ] {
        let error = checked(&PROVIDER.replace(from, to)).expect_err(to);
        for word in says {
            assert!(error.contains(word), "{to}: {word} in {error}");
        }
        assert!(error.contains("gatelodge.toml:") && !error.contains("very-secret"), "{to}: {error}");
    }
    let twice = checked(&format!("{PROVIDER}{PROVIDER}")).expect_err("one id for two");
    assert!(twice.contains("login.oidc[1].id") && twice.contains("configured twice"), "{twice}");
    checked(&PROVIDER.replace("https://idp.example.com", "http://127.0.0.1:4444")).expect("on this machine");
}

#[test]
fn the_operator_links_a_user_to_a_person_once_and_takes_it_back() {
    let workplace = workplace(PROVIDER);
    workplace.add_ada();
    let run = |command: &str, name: &str, provider: &str| {
        let arguments = ["user", command, name, "--provider", provider, "--subject", "2481"];
        said(&workplace.run(&arguments, &[]))
    };
    let list = || said(&workplace.run(&["user", "list"], &[])).expect("a list");
    assert!(!list().contains("idp:"));
    assert!(run("link", "ada", "other").expect_err("no such provider").contains("[[login.oidc]]: idp"));
    assert!(run("link", "eve", "idp").expect_err("no such user").contains("no user eve"));
    assert!(run("unlink", "ada", "idp").expect_err("not yet").contains("not linked"));
    assert!(run("link", "Ada", "idp").expect("linked").contains("linked Ada: 2481 at idp"));
    assert!(list().contains("  idp:2481"), "{}", list());
    assert!(run("link", "ada", "idp").expect_err("taken").contains("linked already"));
    run("unlink", "ada", "idp").expect("unlinked");
    assert!(!list().contains("idp:"));
    let trail = said(&workplace.run(&["audit", "export"], &[])).expect("a trail");
    for outcome in ["account_added", "identity_linked", "identity_unlinked"] {
        assert_eq!(trail.matches(&format!("\"{outcome}\"")).count(), 1, "{outcome}: {trail}");
    }
}
