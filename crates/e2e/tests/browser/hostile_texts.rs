//! What strangers write stays text (RFC 6749 §10.14): more than two hundred hostile texts in every field that shows one.

use std::fs;

use gatelodge_e2e::browser::{Browser, render_sample_pages};
use gatelodge_e2e::clients::sources;
use gatelodge_e2e::requirements::available_or_skip;
use gatelodge_e2e::stack::{Settings, Stack};

/// How many texts are made of all of them.
const GROUPS: usize = 25;

/// Proves RFC 6749 §10.14: no text of a stranger becomes a part of a page.
#[test]
fn no_hostile_text_becomes_an_element_an_attribute_an_address_or_a_script_of_any_page() {
    let name = "hostile_texts";
    let Some(browser) = available_or_skip(name, Browser::prepare()) else { return };
    let stack = Stack::start(&Settings::new(name));
    let (pages, texts) = (stack.artifacts.join("pages"), stack.artifacts.join("texts.json"));
    // The first page is the one that the others are compared with.
    let hostile = fs::read_to_string(sources("browser").join("hostile-texts.json")).expect("the texts");
    let hostile: Vec<String> = serde_json::from_str(&hostile).expect("a list of texts");
    // Several in one page: whichever becomes a part of it, the page is another one.
    let group = |number: usize| hostile.iter().skip(number).step_by(GROUPS).cloned().collect::<Vec<_>>().join(" ");
    let all: Vec<String> = ["harmless".to_owned()].into_iter().chain((0..GROUPS).map(group)).collect();
    fs::write(&texts, serde_json::to_vec(&all).expect("JSON")).expect("written");
    render_sample_pages(&pages, Some(&texts));

    let variables = [("PAGES", pages.to_str().expect("UTF-8")), ("TEXTS", texts.to_str().expect("UTF-8"))];
    let report = browser.run("hostile.mjs", &stack, &variables);
    stack.stop();
    println!("{} hostile texts on each of {} pages", hostile.len(), report["pages"]);
    assert!(report["pages"].as_u64() >= Some(9) && hostile.len() > 200, "{report}");
    assert_eq!((&report["texts"], &report["caught"]), (&GROUPS.into(), &GROUPS.into()), "the script goes blind");
    let problems: Vec<&str> =
        report["problems"].as_array().into_iter().flatten().filter_map(|one| one.as_str()).collect();
    assert!(problems.is_empty(), "{} problems:\n{}", problems.len(), problems.join("\n"));
}
