//! The official conformance suite of the Model Context Protocol, its authorization-server scenarios, against the real binary:
//! the metadata document and the authorization code grant, with a person in real Chromium.

use gatelodge_e2e::{
    clients::{Client, Person},
    requirements::available_or_skip,
    stack::{Settings, Stack, free_ports},
};

const USERNAME: &str = "alice";
const PASSWORD: &str = "correct horse battery staple";

/// Proves MCP conformance suite: the authorization-server scenarios pass.
#[test]
fn the_official_suite_finds_nothing_to_object_to() {
    let name = "official_conformance_suite";
    let Some(suite) = available_or_skip(name, Client::prepare_conformance_suite()) else { return };
    let stack = Stack::start(&Settings::new(name));
    stack.add_user(USERNAME, PASSWORD);
    let [callback] = free_ports();
    let callback_port = callback.to_string();

    let person = Person { username: USERNAME, password: PASSWORD, allows: true };
    // It fails when the suite does.
    let said = suite.run(&stack, person, &[("CALLBACK_PORT", callback_port.as_str())]);

    for scenario in ["authorization-server-metadata-endpoint", "authorization-code-grant"] {
        // How many checks a scenario makes depends on what the metadata announces.
        let result = said.lines().find_map(|line| line.strip_prefix(&format!("✓ {scenario}: ")));
        let in_full = result.is_some_and(|result| !result.starts_with("0 ") && result.ends_with(" passed, 0 failed"));
        assert!(in_full, "{scenario} was not run in full:\n{said}");
    }
    stack.stop();
}
