//! People at the real pages, in front of the real programs: whatever they do with buttons, tabs and the history, the client is
//! answered once, and what it was answered with works.

use std::fs;
use std::net::TcpStream;
use std::process::Command;

use gatelodge_e2e::browser::Browser;
use gatelodge_e2e::clients::{prepare_openid_provider, sources};
use gatelodge_e2e::process::Process;
use gatelodge_e2e::requirements::available_or_skip;
use gatelodge_e2e::stack::{Settings, Stack, free_ports};

const PASSWORD: &str = "correct horse battery staple";

/// Proves RFC 9700 §4.2.4: no referrer tells the client where the browser comes from.
/// Proves RFC 9700 §4.12: the form is not posted on to the client.
#[test]
fn whoever_allows_comes_back_to_the_client_with_a_code_that_works() {
    play("allow", &Settings::new("browser_allow"));
}

#[test]
fn the_whole_flow_and_the_account_work_without_script() {
    play("without_script", &Settings::new("browser_without_script"));
}

/// Proves RFC 6749 §4.1.2.1: a denial reaches the client, once.
#[test]
fn whoever_denies_is_not_asked_again_by_the_back_button() {
    play("deny", &Settings::new("browser_deny"));
}

#[test]
fn a_button_that_is_pressed_twice_leads_where_the_first_press_led() {
    play("pressed_twice", &Settings::new("browser_pressed_twice"));
}

#[test]
fn two_tabs_ask_and_are_answered_each_for_itself() {
    play("two_tabs", &Settings::new("browser_two_tabs"));
}

#[test]
fn the_back_button_repeats_nothing() {
    play("back", &Settings::new("browser_back"));
}

#[test]
fn a_page_that_waited_too_long_says_so_and_a_new_request_works() {
    let tokens = "consent_lifetime = \"12s\"".to_owned();
    play("too_late", &Settings { tokens, ..Settings::new("browser_too_late") });
}

#[test]
fn an_account_that_was_switched_answers_and_the_one_before_does_not() {
    play("switch_account", &Settings::new("browser_switch_account"));
}

/// Proves RFC 9700 §4.16: no other site can put a page into a frame.
#[test]
fn another_site_cannot_show_a_page_in_a_frame() {
    play("framed", &Settings::new("browser_framed"));
}

#[test]
fn a_page_that_has_just_appeared_does_not_catch_a_press() {
    play("pressed_at_once", &Settings::new("browser_pressed_at_once"));
}

/// Proves RFC 8252 §7.1: the answer goes to a scheme of the client's own.
#[test]
fn the_answer_to_a_program_with_its_own_scheme_is_not_stopped_by_the_page() {
    play("to_a_program", &Settings::new("browser_to_a_program"));
}

/// Proves RFC 6749 §10.14: names of clients, names that somebody types, and texts of scopes stay text on the live pages.
#[test]
fn hostile_names_stay_text_on_the_live_pages() {
    let texts = sources("browser").join("hostile-texts.json");
    let all: Vec<String> = serde_json::from_str(&fs::read_to_string(&texts).expect("the texts")).expect("a list");
    let printable = all.iter().zip(0..).filter(|(text, _)| !text.contains(char::is_control));
    let (mut scopes, mut authserver) = (Vec::new(), String::new());
    for (text, number) in printable {
        let title = serde_json::to_string(text).expect("a text");
        authserver.push_str(&format!("[[resource.scope]]\nname = \"text-{number}\"\ntitle = {title}\n"));
        scopes.push(format!("text-{number}"));
    }
    let settings = Settings { authserver, ..Settings::new("browser_hostile_names") };
    let variables = [("TEXTS", texts.to_str().expect("UTF-8")), ("SCOPES", &scopes.join(" "))];
    play_with("hostile_names", &settings, &variables);
}

/// Proves OpenID Connect Core 1.0 §3.1.2: sign-in at a provider that is not ours (`oidc-provider`).
#[test]
fn people_sign_in_at_a_provider_that_is_not_ours() {
    play_with_provider("provider", "browser_provider");
}

#[test]
fn whoever_cancels_at_the_provider_can_sign_in_in_another_way() {
    play_with_provider("provider_cancelled", "browser_provider_cancelled");
}

/// Proves RFC 6238 §4: the picture and the key on the page make codes that are taken.
/// Proves Web Authentication §7.1, §7.2: a passkey of Chromium, which belongs to the host of the issuer and to a name.
#[test]
fn whoever_sets_up_an_app_and_a_passkey_signs_in_with_either() {
    let authserver = "[login]\nsecond_factor = \"required\"\n".to_owned();
    play("second_factors", &Settings { authserver, host: "localhost", ..Settings::new("browser_second_factors") });
}

fn play(scenario: &str, settings: &Settings) {
    play_with(scenario, settings, &[]);
}

fn play_with(scenario: &str, settings: &Settings, variables: &[(&str, &str)]) {
    let Some(browser) = available_or_skip(&settings.name, Browser::prepare()) else { return };
    let stack = Stack::start(settings);
    play_at(&stack, &browser, scenario, variables);
    stack.stop();
}

fn play_at(stack: &Stack, browser: &Browser, scenario: &str, variables: &[(&str, &str)]) {
    for user in ["alice", "bob"] {
        stack.add_user(user, PASSWORD);
    }
    let variables = [variables, &[("SCENARIO", scenario), ("PASSWORD", PASSWORD)]].concat();
    let report = browser.run("flows.mjs", stack, &variables);
    assert_eq!(report["scenario"], scenario);
}

fn play_with_provider(scenario: &str, name: &str) {
    let needed = Browser::prepare().and_then(|browser| Ok((browser, prepare_openid_provider()?)));
    let Some((browser, program)) = available_or_skip(name, needed) else { return };
    let [port] = free_ports();
    let issuer = format!("http://127.0.0.1:{port}");
    let authserver = format!(
        "[[login.oidc]]\nid = \"other\"\nname = \"Other\"\nissuer = \"{issuer}\"\nclient_id = \"gatelodge\"\n\
         client_secret = \"provider-secret\"\nallow.domains = [\"example.com\"]\n"
    );
    let stack = Stack::start(&Settings { authserver, ..Settings::new(name) });
    let mut command = Command::new("node");
    command
        .arg(program)
        .env("PORT", port.to_string())
        .env("REDIRECT_URI", format!("{}/login/oidc/other/callback", stack.public_url))
        .env("CLIENT_SECRET", "provider-secret");
    let mut provider = Process::start("openid-provider", &mut command, &stack.artifacts);
    provider.wait_until(|| TcpStream::connect(("127.0.0.1", port)).map(drop).map_err(|error| error.to_string()));
    play_at(&stack, &browser, scenario, &[("PROVIDER", &issuer)]);
    stack.stop();
}
