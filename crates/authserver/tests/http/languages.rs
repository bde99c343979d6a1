//! Which language the pages are in: `ui_locales` (OpenID Connect Core 1.0 §3.1.2.1), else `Accept-Language` (RFC 9110 §12.5.4),
//! else the operator's; and that a translation is one file.

use serde_json::json;

use crate::support::mcp_client::path_of;
use crate::support::{Browser, Database, Form, McpClient, Page, Server, Settings, on_any_database, on_both_databases};

on_both_databases! { what_the_client_asks_for_counts_until_the_end }

on_any_database! {
    every_page_is_in_the_language_that_the_browser_prefers,
    a_language_that_there_is_no_translation_of_is_no_error,
    a_pushed_request_says_the_language_too,
    a_device_is_connected_in_the_language_of_the_browser,
    a_translation_is_one_file_and_what_it_lacks_is_in_english,
    what_a_client_calls_itself_stays_text_in_every_language,
}

#[track_caller]
fn assert_language(page: &Page, tag: &str, words: &str) {
    let answer = &page.answer;
    assert_eq!(answer.header("content-language"), Some(tag), "{page:?}");
    assert_eq!(answer.header("vary"), Some("Accept-Language"), "{page:?}");
    assert!(answer.body.contains(&format!("<html lang=\"{tag}\" dir=\"ltr\">")), "{page:?}");
    assert!(answer.body.contains(words), "{words}: {page:?}");
}

async fn every_page_is_in_the_language_that_the_browser_prefers(database: &Database) {
    let server = Server::start(database).await;
    let client = McpClient::register(&server).await;
    for (languages, tag, login_words, wrong, consent_words, over) in [
        ("de-AT,de;q=0.9,en;q=0.5", "de", "Anmelden", "Die Angaben stimmen nicht", "höchstens 90 Tage", "ist vorbei"),
        ("fr,es;q=0.8", "es", "Contraseña", "Los datos no coinciden", "hasta 90 días", "ha terminado"),
        ("en-GB", "en", "Password", "That did not match", "up to 90 days", "This request is over"),
    ] {
        let mut browser = Browser::that_prefers(languages, &server);
        let login = browser.open(&client.authorize_path()).await;
        assert_language(&login, tag, login_words);
        assert_language(&browser.sign_in_with(&login, "ada", "wrong").await, tag, wrong);
        let consent = browser.sign_in(&login, "ada").await;
        assert_language(&consent, tag, consent_words);
        browser.allow(&consent).await.answered("code");
        assert_language(&browser.open(&consent.path).await, tag, over);
    }
}

/// Proves OpenID Connect Core 1.0 §3.1.2.1: ui_locales is preferred, in its order.
async fn what_the_client_asks_for_counts_until_the_end(database: &Database) {
    let server = Server::start(database).await;
    let client = McpClient::register(&server).await;
    let mut browser = Browser::that_prefers("es", &server);
    let login = browser.open(&path_of(&client.authorization_request().with("ui_locales", "xx de-CH en"))).await;
    assert_language(&login, "de", "Passwort");
    assert_language(&browser.sign_in_with(&login, "ada", "wrong").await, "de", "Die Angaben stimmen nicht");
    let consent = browser.sign_in(&login, "ada").await;
    assert_language(&consent, "de", "Erlauben");
    browser.allow(&consent).await.answered("code");
    // A page about a request that cannot be kept, too.
    let unknown = client.authorization_request().with("client_id", "nobody").with("ui_locales", "de");
    assert_language(&browser.open(&path_of(&unknown)).await, "de", "nicht registriert");
}

/// Proves OpenID Connect Core 1.0 §3.1.2.1: locales that are not supported are no error.
async fn a_language_that_there_is_no_translation_of_is_no_error(database: &Database) {
    let more = "[branding]\ndefault_locale = \"de\"";
    let server = Server::start_with(database, Settings { more, ..Settings::default() }).await;
    let client = McpClient::register(&server).await;
    for (ui_locales, languages) in
        [("xx", "yy"), ("", "*"), ("%00", "de;q=x"), ("../../en", "en;q=0"), (&"é".repeat(300), "")]
    {
        let mut browser = Browser::that_prefers(languages, &server);
        let request = client.authorization_request();
        let request = if ui_locales.is_empty() { request } else { request.with("ui_locales", ui_locales) };
        assert_language(&browser.open(&path_of(&request)).await, "de", "Anmelden");
    }
}

async fn a_pushed_request_says_the_language_too(database: &Database) {
    let server = Server::start(database).await;
    let client = McpClient::register(&server).await;
    let request = client.authorization_request().with("ui_locales", "es");
    let request_uri = server.post("/par", &request).await.member("request_uri");
    let mut browser = Browser::that_prefers("de", &server);
    let short = Form::new([("client_id", request.get("client_id")), ("request_uri", &request_uri)]);
    assert_language(&browser.open(&path_of(&short)).await, "es", "Contraseña");
}

async fn a_device_is_connected_in_the_language_of_the_browser(database: &Database) {
    let more = "[grants]\ndevice_code = true";
    let server = Server::start_with(database, Settings { more, ..Settings::default() }).await;
    let mut browser = Browser::that_prefers("de", &server);
    let device = browser.open("/device").await;
    assert_language(&device, "de", "Gerät verbinden");
    let wrong = browser.submit(&device.action("device"), &device.form("device").with("user_code", "BCDFGHJK")).await;
    assert_language(&wrong, "de", "Kein Gerät wartet mit diesem Code.");
}

async fn a_translation_is_one_file_and_what_it_lacks_is_in_english(database: &Database) {
    let directory = tempfile::tempdir().expect("a directory");
    std::fs::create_dir(directory.path().join("locales")).expect("a directory");
    let french = "login-title = Se connecter\nlogin-password = Mot de passe\n";
    std::fs::write(directory.path().join("locales/fr.ftl"), french).expect("written");
    std::fs::write(directory.path().join("locales/de.ftl"), "login-title = Hereinspaziert\n").expect("written");
    let more = format!("[branding]\ntemplates_dir = \"{}\"", directory.path().display()).leak();
    let server = Server::start_with(database, Settings { more, ..Settings::default() }).await;
    let client = McpClient::register(&server).await;
    let mut browser = Browser::that_prefers("fr-CA", &server);
    let login = browser.open(&client.authorize_path()).await;
    assert_language(&login, "fr", "Mot de passe");
    assert_language(&login, "fr", "<h1>Se connecter</h1>");
    assert_language(&login, "fr", "Username");
    // Of a language that there is, one text can be another.
    let mut german = Browser::that_prefers("de", &server);
    let login = german.open(&client.authorize_path()).await;
    assert_language(&login, "de", "<h1>Hereinspaziert</h1>");
    assert_language(&login, "de", "Benutzername");
    let metadata = server.get("/.well-known/oauth-authorization-server").await.json();
    assert_eq!(metadata["ui_locales_supported"], json!(["de", "en", "es", "fr"]));
}

async fn what_a_client_calls_itself_stays_text_in_every_language(database: &Database) {
    let server = Server::start(database).await;
    let hostile = "</strong>{ $resource } \u{e000}resource\u{e001} <em>x</em> { -term }";
    let client = McpClient::register_with(&server, json!({ "client_name": hostile })).await;
    for languages in ["de", "en", "es"] {
        let mut browser = Browser::that_prefers(languages, &server);
        let consent = browser.consent_page(&client).await;
        assert_eq!(consent.text_of("client-name"), hostile);
        assert!(!consent.answer.body.contains("<em>x"), "{consent:?}");
    }
}
