//! People at the real pages, in front of the real programs: whatever they do with buttons, tabs and the history, the client is
//! answered once, and what it was answered with works.

use std::fs;
use std::net::TcpStream;
use std::process::Command;

use gatelodge_e2e::browser::Browser;
use gatelodge_e2e::clients::{prepare_openid_provider, sources};
use gatelodge_e2e::mail_server::MailServer;
use gatelodge_e2e::process::Process;
use gatelodge_e2e::requirements::available_or_skip;
use gatelodge_e2e::scale::report;
use gatelodge_e2e::stack::{Settings, Stack, free_ports};
use serde_json::Value;

const PASSWORD: &str = "correct horse battery staple";
const PEOPLE: [&str; 2] = ["alice", "bob"];

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

/// Proves RFC 6749 §3.3: a person gives less than was asked for, and the client is told.
/// Proves OpenID Connect Core 1.0 §3.1.2.1: prompt=login asks for a new sign-in.
#[test]
fn what_is_unticked_is_not_given_and_who_must_sign_in_again_does() {
    let scopes = ["notes:read", "notes:write"].map(str::to_owned).into();
    play("untick prompt_login", &Settings { scopes, ..Settings::new("browser_untick_and_prompt_login") });
}

/// Proves draft-ietf-oauth-status-list §8.3: whoever disconnects an app shuts it out of the MCP server as soon as the list is read again.
#[test]
fn an_app_that_is_disconnected_is_shut_out_of_the_mcp_server() {
    let [lists] = free_ports();
    let relay = format!("status_list_url = \"http://127.0.0.1:{lists}/status-list\"");
    // It is not its end that shuts it out.
    let settings = Settings { relay, access_token_lifetime_s: 600, ..Settings::new("browser_revoke") };
    let variables = [("STATUS_LIST_PORT", lists.to_string())];
    let variables = variables.each_ref().map(|(name, value)| (*name, value.as_str()));
    let Some(found) = play_with("revoke", &settings, &variables) else { return };
    report(
        "an app disconnected in the browser",
        format_args!("refused by the sidecar after {:.1} s", found["revoke"]["seconds"].as_f64().expect("seconds")),
    );
}

/// Proves RFC 7009 §2: whatever acts for somebody ends when an administrator says so.
#[test]
fn an_administrator_ends_what_somebody_allowed_and_shuts_them_out() {
    let [port] = free_ports();
    let authserver = format!("[administration]\nlisten = \"127.0.0.1:{port}\"\n");
    let settings = Settings { authserver, ..Settings::new("browser_administration") };
    let Some(browser) = available_or_skip(&settings.name, Browser::prepare()) else { return };
    let stack = Stack::start(&settings);
    add_people(&stack);
    stack.gatelodge(&["user", "set-admin", "bob"]);
    let printed = stack.gatelodge(&["administration", "link", "--as", "bob"]);
    let link = printed.split_whitespace().find(|word| word.starts_with("http://")).expect("a link");
    play_at(&stack, &browser, "administration", &[("ADMINISTRATION_LINK", link)]);
    stack.stop();
}

/// Proves NIST SP 800-63B §5.1.1.2: who lost a password sets another one by what was sent to them, once.
/// Proves NIST SP 800-63B §5.1.3.2: a code that was sent is taken in the session that asked for it.
#[test]
fn letters_lead_to_another_password_and_to_a_sign_in_without_one() {
    let name = "browser_letters";
    let letters = tempfile::tempdir().expect("a directory");
    let mail = MailServer::that_writes_to(letters.path().to_owned());
    let authserver = mail.toml("[login]\nmethods = [\"password\", \"email_code\"]");
    let Some(browser) = available_or_skip(name, Browser::prepare()) else { return };
    let stack = Stack::start(&Settings { authserver, ..Settings::new(name) });
    add_people(&stack);
    for user in PEOPLE {
        stack.gatelodge(&["user", "email", user, &format!("{user}@example.org")]);
    }
    let letters = letters.path().to_str().expect("UTF-8");
    play_at(&stack, &browser, "forgot email_code", &[("LETTERS", letters)]);
    stack.stop();
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

fn play(scenarios: &str, settings: &Settings) {
    play_with(scenarios, settings, &[]);
}

/// What each of the scenarios found.
fn play_with(scenarios: &str, settings: &Settings, variables: &[(&str, &str)]) -> Option<Value> {
    let browser = available_or_skip(&settings.name, Browser::prepare())?;
    let stack = Stack::start(settings);
    add_people(&stack);
    let found = play_at(&stack, &browser, scenarios, variables);
    stack.stop();
    Some(found)
}

fn add_people(stack: &Stack) {
    for user in PEOPLE {
        stack.add_user(user, PASSWORD);
    }
}

fn play_at(stack: &Stack, browser: &Browser, scenarios: &str, variables: &[(&str, &str)]) -> Value {
    let variables = [variables, &[("SCENARIOS", scenarios), ("PASSWORD", PASSWORD)]].concat();
    let found = browser.run("flows.mjs", stack, &variables);
    for scenario in scenarios.split(' ') {
        assert!(!found[scenario].is_null(), "{scenario} was not played: {found}");
    }
    found
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
    add_people(&stack);
    play_at(&stack, &browser, scenario, &[("PROVIDER", &issuer)]);
    stack.stop();
}
