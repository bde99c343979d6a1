//! What the sidecar decides on is what the MCP server does: of hostile bodies, those that the sidecar reads are given to
//! parsers of other languages, and none of them sees another method or another target (RFC 8259 §4, §9).

mod bodies;

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use gatelodge_e2e::requirements::{Missing, available_or_skip};
use gatelodge_e2e::scale::{report, scale, seed};
use gatelodge_sidecar::mcp::{self, Message};
use serde_json::{Value, json};

use bodies::Bodies;

/// So many at a time are in memory.
const ROUND: usize = 100_000;

/// The programs, and the readers that each one has.
const PROGRAMS: [(&str, &str, &[&str]); 2] = [
    ("node", "readers.mjs", &["node", "node_assigned"]),
    ("python3", "readers.py", &["python", "fold_last", "fold_first", "by_name", "c_strings"]),
];

#[test]
fn no_parser_sees_another_method_or_target_than_the_sidecar_decided_on() {
    let test = "parser_agreement";
    if available_or_skip(test, programs_run()).is_none() {
        return;
    }
    let seed = seed(1);
    println!("GATELODGE_SEED={seed}");
    let (mut bodies, rounds) = (Bodies::new(seed), scale(1, 20));
    let (mut accepted, mut read_by) = (0, BTreeMap::<&str, usize>::new());
    for _ in 0..rounds {
        let read: Vec<(Vec<u8>, Value)> = bodies
            .by_ref()
            .take(ROUND)
            .filter_map(|body| mcp::read(&body).ok().map(|message| decided_on(&message)).map(|decided| (body, decided)))
            .collect();
        accepted += read.len();
        for (program, script, readers) in PROGRAMS {
            let views = ask(program, script, &read);
            assert_eq!(views.len(), read.len(), "{program} answers for each body");
            for ((body, decided), views) in read.iter().zip(&views) {
                for reader in readers {
                    *read_by.entry(reader).or_default() += usize::from(agrees(body, decided, views, reader));
                }
            }
        }
    }
    let tries = rounds * ROUND;
    assert!(accepted * 10 >= tries, "only {accepted} of {tries} bodies were read: nothing would be proven");
    assert!(accepted * 10 <= tries * 9, "{accepted} of {tries} bodies were read: they are not hostile enough");
    for (reader, count) in &read_by {
        assert!(count * 10 >= accepted * 9, "{reader} read only {count} of {accepted}");
    }
    report(
        test,
        format!("seed {seed}: {tries} hostile bodies, {accepted} read, {} other readers agree", read_by.len()),
    );
}

/// Whether the reader could read it; whoever cannot does nothing.
fn agrees(body: &[u8], decided: &Value, views: &str, reader: &str) -> bool {
    let shown = String::from_utf8_lossy(body);
    let views: Value = serde_json::from_str(views)
        .unwrap_or_else(|error| panic!("a reader saw what is no text ({error}): {views} in {shown}"));
    let Some(view) = views.get(reader).map(sorted) else { panic!("{reader} was not asked: {views}") };
    assert!(view.is_null() || view == *decided, "{reader} sees {view}, and decided on was {decided}: {shown}");
    !view.is_null()
}

/// For each operation its method and what it names.
fn decided_on(message: &Message<'_>) -> Value {
    let operation = |operation: &mcp::Operation<'_>| {
        let named: Vec<&str> = operation.targets.as_slice().iter().map(|target| target.as_str()).collect();
        json!([operation.method, named])
    };
    sorted(&message.operations().iter().map(operation).collect())
}

/// The order in which a subscription names things means nothing.
fn sorted(view: &Value) -> Value {
    let mut view = view.clone();
    for operation in view.as_array_mut().into_iter().flatten() {
        if let Some(named) = operation.get_mut(1).and_then(Value::as_array_mut) {
            named.sort_by_key(ToString::to_string);
        }
    }
    view
}

/// All bodies through one process; its answers, a line for each.
fn ask(program: &str, script: &str, bodies: &[(Vec<u8>, Value)]) -> Vec<String> {
    let directory = tempfile::tempdir().expect("a directory");
    let answers = directory.path().join("answers");
    let mut process = Command::new(program)
        .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("clients/parsers").join(script))
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .stdin(Stdio::piped())
        .stdout(File::create(&answers).expect("a file"))
        .spawn()
        .expect("the program ran a moment ago");
    let mut lines = String::new();
    for (body, _) in bodies {
        BASE64_STANDARD.encode_string(body, &mut lines);
        lines.push('\n');
    }
    // A program that stops early says why on standard error, and its status tells.
    let written = process.stdin.take().expect("a pipe").write_all(lines.as_bytes());
    assert!(process.wait().expect("its status").success() && written.is_ok(), "{script} failed");
    let answers = std::fs::read_to_string(answers).expect("the answers are text");
    answers.lines().map(str::to_owned).collect()
}

fn programs_run() -> Result<(), Missing> {
    for (program, package) in [("node", "nodejs"), ("python3", "python3")] {
        let status = Command::new(program).arg("--version").stdin(Stdio::null()).stdout(Stdio::null()).status();
        if !status.is_ok_and(|status| status.success()) {
            return Err(Missing(format!("{program} does not run (Debian: apt-get install {package})")));
        }
    }
    Ok(())
}
