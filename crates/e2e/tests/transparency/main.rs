//! Nobody notices the sidecar: the same script, played to the same MCP server once directly and once through the real
//! sidecar, gives the same answers, byte for byte. For every revision of the protocol, both forms of answers, and servers made
//! with the official SDKs. What may differ is in `compare.rs`, what a server does not do, and why it is not played, in `upstreams.rs`.

mod compare;
mod front;
mod legacy;
mod modern;
mod player;
mod upstreams;
mod wire;

use std::io::Write;

use gatelodge_e2e::{
    requirements::available_or_skip,
    stack::{artifacts_directory, build_binaries},
};

use crate::{
    front::Front,
    player::{Exchange, Player},
    upstreams::{Form, GAPS, LEGACY, MODERN, Sdk, Step, Upstream, gap_for},
    wire::Target,
};

#[test]
fn nobody_notices_the_sidecar_before_a_server_of_the_typescript_sdk_v1() {
    nobody_notices_the_sidecar_before(Sdk::TypeScriptV1);
}

#[test]
fn nobody_notices_the_sidecar_before_a_server_of_the_typescript_sdk_v2() {
    nobody_notices_the_sidecar_before(Sdk::TypeScriptV2);
}

#[test]
fn nobody_notices_the_sidecar_before_a_server_of_the_python_sdk_v1() {
    nobody_notices_the_sidecar_before(Sdk::PythonV1);
}

#[test]
fn nobody_notices_the_sidecar_before_a_server_of_the_python_sdk_v2() {
    nobody_notices_the_sidecar_before(Sdk::PythonV2);
}

#[test]
fn nobody_notices_the_sidecar_before_a_server_of_the_rust_sdk() {
    nobody_notices_the_sidecar_before(Sdk::Rust);
}

fn nobody_notices_the_sidecar_before(sdk: Sdk) {
    let name = format!("transparency-{}", sdk.name());
    let Some(program) = available_or_skip(&name, sdk.prepare()) else { return };
    build_binaries();
    let artifacts = artifacts_directory(&name);
    let upstreams = upstreams::start(&program, &artifacts);
    let front = Front::start(&upstreams, &artifacts);
    say_what_is_not_played(sdk);

    let mut differences = Vec::new();
    for upstream in &upstreams {
        for revision in LEGACY.into_iter().chain([MODERN]) {
            let form = upstream.form;
            let direct = Target { authority: upstream.authority.clone(), path: "/mcp".to_owned(), token: None };
            let direct = play(sdk, upstream, revision, "direct", direct);
            let through = play(sdk, upstream, revision, "sidecar", front.target(form));
            let found = compare::differences(&direct, &through);
            differences
                .extend(found.into_iter().map(|what| format!("{} {} {revision}, {what}", sdk.name(), form.name())));
        }
    }
    assert!(differences.is_empty(), "{} differences:\n{}", differences.len(), differences.join("\n"));
}

fn play(sdk: Sdk, upstream: &Upstream, revision: &'static str, run: &'static str, target: Target) -> Vec<Exchange> {
    let mut player = Player::new(run, revision, target, &upstream.log);
    let offered = |step| gap_for(sdk, upstream.form, revision, step).is_none();
    if !offered(Step::Revision) {
        modern::play_refused(&mut player);
    } else if revision == MODERN {
        modern::play(&mut player, &offered);
    } else {
        legacy::play(&mut player, &offered);
    }
    player.transcript
}

/// Not `println!`: the test runner would swallow the lines of a test that passes.
fn say_what_is_not_played(sdk: Sdk) {
    for gap in GAPS.iter().filter(|gap| gap.sdk == sdk) {
        let form = gap.form.map_or("json and sse", Form::name);
        let (name, revisions) = (sdk.name(), gap.revisions.join(", "));
        writeln!(std::io::stderr(), "NOT PLAYED: {name}, {form}, {revisions}: {:?}: {}", gap.step, gap.reason)
            .expect("standard error takes a line");
    }
}
