//! Every sample of every page, as the server renders it, under the headers and with the files of the real server. With
//! `GATELODGE_SCREENSHOTS=1` each is also kept as four pictures, in `target/e2e-artifacts/every_page_is_for_everybody/screenshots`.

use gatelodge_e2e::browser::{Browser, render_sample_pages};
use gatelodge_e2e::requirements::available_or_skip;
use gatelodge_e2e::scale::scale;
use gatelodge_e2e::stack::{Settings, Stack};
use serde_json::Value;

const PASSWORD: &str = "correct horse battery staple";

/// Proves WCAG 2.2 AA: every page, on a wide screen and a phone, light and dark, from 320 px, with zoom, by the keyboard.
/// Nothing moves, no request leaves the origin, and none is forbidden by the content security policy. The long proofs look at every page
/// in each theme on each screen, and at every translation: longer words, the same room.
#[test]
fn every_page_is_for_everybody_on_every_screen_and_asks_nobody_else() {
    let name = "every_page_is_for_everybody";
    let (languages, every_look) = scale(("en", "0"), ("en,de,es", "1"));
    let Some(browser) = available_or_skip(name, Browser::prepare()) else { return };
    let stack = Stack::start(&Settings::new(name));
    let pages = stack.artifacts.join("pages");
    render_sample_pages(&pages, None);
    let screenshots = stack.artifacts.join("screenshots");
    let mut variables =
        vec![("PAGES", pages.to_str().expect("UTF-8")), ("LANGUAGES", languages), ("EVERY_LOOK", every_look)];
    if wants_screenshots() {
        variables.push(("SCREENSHOTS_DIR", screenshots.to_str().expect("UTF-8")));
    }
    let report = browser.run("samples.mjs", &stack, &variables);
    stack.stop();
    assert!(report["pages"].as_u64().is_some_and(|pages| pages > 50), "{}", report["pages"]);
    for blind in
        ["Content Security Policy", "of https://elsewhere.example", "too wide", "keyboard", "does not show", "label ("]
    {
        assert!(list(&report["broken"]).iter().any(|found| found.contains(blind)), "a check goes blind: {blind}");
    }
    assert_nothing_found(&report);
}

/// Proves WCAG 2.2 AA: the same, of the pages as a person comes by them.
#[test]
fn the_live_pages_are_for_everybody_on_every_screen() {
    let name = "live_pages_are_for_everybody";
    let Some(browser) = available_or_skip(name, Browser::prepare()) else { return };
    let stack = Stack::start(&Settings::new(name));
    stack.add_user("alice", PASSWORD);
    let report = browser.run("live.mjs", &stack, &[("PASSWORD", PASSWORD)]);
    stack.stop();
    assert_nothing_found(&report);
}

/// And prints in which order the keyboard goes through each page.
fn assert_nothing_found(report: &Value) {
    for (page, order) in report["focus_order"].as_object().expect("pages") {
        println!("{page}: {}", list(order).join(" → "));
    }
    let problems = list(&report["problems"]);
    assert!(problems.is_empty(), "{} problems:\n{}", problems.len(), problems.join("\n"));
}

#[expect(clippy::disallowed_methods, reason = "a wish of whoever runs the tests, and no setting of a program")]
fn wants_screenshots() -> bool {
    std::env::var_os("GATELODGE_SCREENSHOTS").is_some()
}

fn list(value: &Value) -> Vec<&str> {
    value.as_array().into_iter().flatten().filter_map(Value::as_str).collect()
}
