//! `[branding]`: name, logo, colour, legal texts and templates of the operator, and how a bad one is refused at start.

use std::fs;
use std::path::Path;

use crate::support::binary::Workplace;
use crate::support::{Answer, Browser, Database, McpClient, Page, Server, Settings, on_any_database};

on_any_database! {
    name_and_colour_are_the_operators_on_every_page,
    a_logo_is_answered_as_what_it_is_and_runs_no_script,
    legal_texts_are_linked_from_every_page_and_served_where_they_are_files,
    legal_texts_elsewhere_are_links,
    without_legal_texts_there_is_nothing_to_find,
    templates_of_the_operator_take_the_place_of_ours,
}

async fn start(database: &Database, branding: String) -> Server {
    let more = format!("[branding]\n{branding}").leak();
    Server::start_with(database, Settings { more, ..Settings::default() }).await
}

async fn login_page(server: &Server) -> Page {
    let client = McpClient::register(server).await;
    let page = Browser::new(server).open(&client.authorize_path()).await;
    page.assert_login();
    page
}

/// What a page loads.
async fn asset(server: &Server, page: &Page, name: &str) -> Answer {
    let prefix = format!("assets/{name}?v=");
    let url = page.answer.body.split('"').find(|text| text.starts_with(&prefix)).unwrap_or_else(|| panic!("{page:?}"));
    server.get(&page.resolved(url)).await
}

async fn name_and_colour_are_the_operators_on_every_page(database: &Database) {
    let server = start(database, "name = \"Acme & <b>Sons</b>\"\naccent_color = \"#0057B8\"".into()).await;
    let login = login_page(&server).await;
    let error = Browser::new(&server).open("/authorize").await;
    for page in [&login, &error] {
        assert!(page.answer.body.contains("Acme &amp; &lt;b&gt;Sons&lt;/b&gt;</span>"), "{page:?}");
        assert!(!page.answer.body.contains("Gatelodge"), "{page:?}");
        let style = asset(&server, page, "accent.css").await;
        assert_eq!((style.status, style.header("content-type")), (200, Some("text/css; charset=utf-8")));
        assert!(style.body.contains("--action: #0057b8") && style.body.contains("prefers-color-scheme: dark"));
        // Ours first, so that it is replaced.
        let place = |name: &str| page.answer.body.find(name).expect(name);
        assert!(place("assets/style.css") < place("assets/accent.css"));
    }
}

async fn a_logo_is_answered_as_what_it_is_and_runs_no_script(database: &Database) {
    let directory = tempfile::tempdir().expect("a directory");
    let svg = "<svg xmlns=\"http://www.w3.org/2000/svg\"><script>alert(1)</script></svg>";
    // Its name says nothing.
    let path = directory.path().join("logo.html");
    fs::write(&path, svg).expect("written");
    let server = start(database, format!("logo_file = \"{}\"", path.display())).await;
    let logo = asset(&server, &login_page(&server).await, "logo.svg").await;
    assert_eq!((logo.status, logo.header("content-type")), (200, Some("image/svg+xml")));
    assert_eq!(logo.header("x-content-type-options"), Some("nosniff"));
    let policy = logo.header("content-security-policy").expect("a policy");
    assert!(policy.contains("default-src 'none'") && policy.ends_with("sandbox"), "{policy}");
}

async fn legal_texts_are_linked_from_every_page_and_served_where_they_are_files(database: &Database) {
    let directory = tempfile::tempdir().expect("a directory");
    let write = |name: &str, text: &str| {
        let path = directory.path().join(name);
        fs::write(&path, text).expect("written");
        path.display().to_string()
    };
    let (privacy, terms) =
        (write("p.txt", "Wir speichern <nichts>.\n\nFast.\n"), write("t.txt", "Seien Sie freundlich."));
    let branding = format!("privacy_policy_file = \"{privacy}\"\nterms_file = \"{terms}\"\ndefault_locale = \"de\"");
    let server = start(database, branding).await;
    let mut browser = Browser::that_prefers("en", &server);
    for page in [login_page(&server).await, browser.open("/authorize").await, browser.open("/terms").await] {
        for href in ["privacy", "terms"] {
            assert!(page.answer.body.contains(&format!("<a href=\"{href}\">")), "{page:?}");
        }
    }
    let privacy = browser.open("/privacy").await;
    assert_eq!(privacy.answer.status, 200);
    let body = &privacy.answer.body;
    assert!(body.contains("<h1>Privacy policy</h1>"), "{body}");
    assert!(
        body.contains("<div lang=\"de\" dir=\"auto\">\n  <p>Wir speichern &lt;nichts&gt;.</p>\n  <p>Fast.</p>"),
        "{body}"
    );
}

async fn legal_texts_elsewhere_are_links(database: &Database) {
    let server = start(database, "terms_url = \"https://acme.example/terms?a=b&c=d\"".into()).await;
    let login = login_page(&server).await;
    assert!(login.answer.body.contains("<a href=\"https://acme.example/terms?a=b&amp;c=d\">Terms of service</a>"));
    assert!(!login.answer.body.contains("Privacy policy"));
    assert_eq!(server.get("/terms").await.status, 404);
}

async fn without_legal_texts_there_is_nothing_to_find(database: &Database) {
    let server = start(database, String::new()).await;
    assert!(!login_page(&server).await.answer.body.contains("<footer"));
    for path in ["/privacy", "/terms"] {
        assert_eq!(server.get(path).await.status, 404, "{path}");
    }
}

async fn templates_of_the_operator_take_the_place_of_ours(database: &Database) {
    let directory = tempfile::tempdir().expect("a directory");
    let write = |name: &str, text: &str| {
        let path = directory.path().join(name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        fs::write(path, text).expect("written");
    };
    let login = ours("login.html").replace("<h1>", "<p>Acme: {{ resource_name }}</p>\n<h1>");
    write("login.html", &login);
    write("assets/style.css", "body { color: red; }");
    write(".gitignore", "*");
    let server = start(database, format!("templates_dir = \"{}\"", directory.path().display())).await;
    let page = login_page(&server).await;
    assert!(page.answer.body.contains("<p>Acme: Acme MCP</p>"), "{page:?}");
    assert_eq!(asset(&server, &page, "style.css").await.body, "body { color: red; }");
    assert_eq!(asset(&server, &page, "logo.svg").await.status, 200, "what is not there stays ours");
}

fn ours(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../templates").join(name);
    fs::read_to_string(path).expect("a template")
}

const CONFIG: &str = r#"public_url = "https://mcp.example.com"
[database]
url = "sqlite://DIRECTORY/gatelodge.db"
[[resource]]
id = "https://mcp.example.com/mcp"
name = "Acme MCP"
default_scopes = ["mcp:use"]
[[resource.scope]]
name = "mcp:use"
title = "Use the tools of this server"
[branding]
"#;

/// What `check` and `serve` say about a bad branding.
fn refusal(branding: &str, files: &[(&str, &[u8])]) -> String {
    let workplace = Workplace::new(&format!("{CONFIG}{branding}\n"));
    let own = workplace.path().join("own");
    for (name, bytes) in files {
        let path = own.join(name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        fs::write(path, bytes).expect("written");
    }
    let said = ["check", "serve"].map(|command| {
        let output = workplace.run(&[command], &[]);
        assert!(!output.status.success(), "{command}: {branding} {files:?} {output:?}");
        String::from_utf8_lossy(&output.stderr).into_owned()
    });
    let error = |text: &str| text[text.find("error: ").expect("an error")..].to_owned();
    assert_eq!(error(&said[0]), error(&said[1]));
    error(&said[0])
}

#[track_caller]
fn assert_says(said: &str, words: &[&str]) {
    for word in words {
        assert!(said.contains(word), "{word:?} is not in: {said}");
    }
    assert!(said.contains("hint: "), "{said}");
}

#[test]
fn a_bad_key_is_refused_with_what_to_write_instead() {
    for (branding, words) in [
        (
            "accent_color = \"#ffcc00\"",
            &["gatelodge.toml:12:", "branding.accent_color", "below 4.5 : 1", "take a darker shade: \"#"][..],
        ),
        ("accent_color = \"blue\"", &["branding.accent_color", "six hexadecimal digits"]),
        ("logo_file = \"nothing.png\"", &["branding.logo_file", "nothing.png", "No such file"]),
        ("logo_file = \"gatelodge.toml\"", &["branding.logo_file", "neither a PNG, a WebP nor an SVG"]),
        ("name = \" \"", &["branding.name"]),
        ("terms_url = \"javascript:alert(1)\"", &["branding.terms_url", "the whole URL"]),
        ("privacy_policy_file = \"nothing.txt\"", &["branding.privacy_policy_file", "No such file"]),
        ("default_locale = \"xx\"", &["branding.default_locale", "no translation \"xx\"", "\"de\", \"en\", \"es\""]),
        ("templates_dir = \"nothing\"", &["nothing", "cannot be read"]),
        ("colour = \"red\"", &["gatelodge.toml:12:", "this key is unknown", "accent_color"]),
    ] {
        assert_says(&refusal(branding, &[]), words);
    }
}

#[test]
fn a_bad_template_or_translation_is_refused_with_its_file_and_line() {
    let own = "templates_dir = \"own\"";
    let without = |name: &str, text: &str| ours(name).replace(text, "").into_bytes();
    for (name, bytes, words) in [
        ("longin.html", b"x".to_vec(), &["own/longin.html", "overrides nothing", "perhaps \"login.html\""][..]),
        ("assets/styles.css", b"x".to_vec(), &["own/assets/styles.css", "perhaps \"assets/style.css\""]),
        ("locales/francais.txt", b"x".to_vec(), &["own/locales/francais.txt", "by its language tag"]),
        (
            "login.html",
            b"{% extends \"base.html\" %}\n{% block main %}\n{% if %}".to_vec(),
            &["login.html:3:", "templates_dir"],
        ),
        ("login.html", b"a\n{{ nothing }}".to_vec(), &["own/login.html", "login.html:2:", "nothing"]),
        ("login.html", b"a\n{{ client_name | safe }}".to_vec(), &["login.html:2:", "\"safe\" is not allowed"]),
        ("login.html", b"{{ t(key=\"nothing\") }}".to_vec(), &["login.html:1:", "there is no text nothing"]),
        (
            "login.html",
            without("login.html", "{% include \"sign_in_methods.html\" %}"),
            &["own/login.html", "no field \"transaction\""],
        ),
        ("consent.html", without("consent.html", "name=\"decision\""), &["own/consent.html", "no field \"decision\""]),
        ("login.html", vec![0xff], &["own/login.html", "not UTF-8"]),
        (
            "locales/fr.ftl",
            b"login-title = Entrer\nlogin-titel = x\n".to_vec(),
            &["own/locales/fr.ftl:2:", "perhaps \"login-title\""],
        ),
        (
            "locales/fr.ftl",
            b"\nlogin-request = Bonjour { $client }\n".to_vec(),
            &["own/locales/fr.ftl:2:", "{ $resource }", "<strong>"],
        ),
        ("locales/fr.ftl", b"login-title = a\n\n!!\n".to_vec(), &["own/locales/fr.ftl:3:"]),
        ("locales/fr.ftl", b"login-credentials-wrong = <strong>a\n".to_vec(), &["\"fr\"", "does not end"]),
        ("assets/style.css", vec![b' '; 2 << 20], &["own/assets/style.css", "2097152 bytes"]),
    ] {
        assert_says(&refusal(own, &[(name, &bytes)]), words);
    }
}
