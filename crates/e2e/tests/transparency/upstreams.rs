//! The MCP servers: the official SDKs, each in both forms of its answers, and what they do not do.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use gatelodge_e2e::{
    clients, process::Process, requirements::Missing, requirements::profile_directory, stack::listening_address,
};

pub const LEGACY: [&str; 3] = ["2025-03-26", "2025-06-18", "2025-11-25"];
pub const MODERN: &str = "2026-07-28";

/// An SDK at the version that its lock file names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sdk {
    /// `@modelcontextprotocol/sdk` 1.x
    TypeScriptV1,
    /// `@modelcontextprotocol/server` 2.x
    TypeScriptV2,
    /// `mcp` 1.x
    PythonV1,
    /// `mcp` 2.x
    PythonV2,
    /// `rmcp` 3.x
    Rust,
}

/// How a server answers requests when it may choose.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    Json,
    Sse,
}

/// What a script shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// The revision as a whole.
    Revision,
    Session,
    Progress,
    /// The server asks the client in the middle of a call.
    ServerRequest,
    GetStream,
    CancelByNotification,
    /// The client closes the connection.
    CancelByLeaving,
    /// The connection is lost, and another one takes the call up before anything more has happened.
    ResumeLive,
    /// The same, after everything has happened.
    ResumeByReplay,
    Batch,
    /// `subscriptions/listen`
    Listen,
}

/// What a server does not do, so that there is nothing to compare. Found by trying.
pub struct Gap {
    pub sdk: Sdk,
    pub form: Option<Form>,
    pub revisions: &'static [&'static str],
    pub step: Step,
    pub reason: &'static str,
}

const fn gap(
    sdk: Sdk,
    form: Option<Form>,
    revisions: &'static [&'static str],
    step: Step,
    reason: &'static str,
) -> Gap {
    Gap { sdk, form, revisions, step, reason }
}

const JSON: Option<Form> = Some(Form::Json);
const SSE: Option<Form> = Some(Form::Sse);
const NO_MODERN: &str = "version 1 of the SDK ends with 2025-11-25: its refusal is compared";
const ONE_MESSAGE: &str = "an answer in JSON is one message, and this server sends no other beside it";
const NO_EVENTS: &str = "an answer in JSON has no events, so none to go on from";
const RACE: &str =
    "this SDK gives an empty stream until it has noticed that the first connection is gone: a matter of time";
const NOT_KEPT: &str =
    "without an event store of one's own, this SDK gives an empty stream to who is back after the end of the call";
const DOES_NOT_LOOK: &str = "this SDK does not look whether the client is still there before its answer is ready";
const NO_SESSION: &str = "this SDK answers in JSON only without sessions";
const NO_BATCH: &str = "this SDK takes no arrays: its refusal is compared";

/// Printed by each run. Everything that is not named here is played.
pub const GAPS: &[Gap] = &[
    gap(Sdk::TypeScriptV1, None, &[MODERN], Step::Revision, NO_MODERN),
    gap(Sdk::TypeScriptV1, JSON, &LEGACY, Step::Progress, ONE_MESSAGE),
    gap(Sdk::TypeScriptV1, JSON, &LEGACY, Step::ServerRequest, ONE_MESSAGE),
    gap(Sdk::TypeScriptV1, JSON, &LEGACY, Step::ResumeLive, NO_EVENTS),
    gap(Sdk::TypeScriptV1, JSON, &LEGACY, Step::ResumeByReplay, NO_EVENTS),
    gap(Sdk::TypeScriptV2, JSON, &LEGACY, Step::Progress, ONE_MESSAGE),
    gap(Sdk::TypeScriptV2, JSON, &[MODERN], Step::Progress, ONE_MESSAGE),
    gap(Sdk::TypeScriptV2, JSON, &LEGACY, Step::ServerRequest, ONE_MESSAGE),
    gap(Sdk::TypeScriptV2, JSON, &LEGACY, Step::ResumeLive, NO_EVENTS),
    gap(Sdk::TypeScriptV2, JSON, &LEGACY, Step::ResumeByReplay, NO_EVENTS),
    gap(Sdk::PythonV1, None, &[MODERN], Step::Revision, NO_MODERN),
    gap(Sdk::PythonV1, None, &["2025-03-26"], Step::Batch, NO_BATCH),
    gap(Sdk::PythonV1, JSON, &LEGACY, Step::Progress, ONE_MESSAGE),
    gap(Sdk::PythonV1, JSON, &LEGACY, Step::ServerRequest, ONE_MESSAGE),
    gap(Sdk::PythonV1, JSON, &LEGACY, Step::ResumeLive, NO_EVENTS),
    gap(Sdk::PythonV1, JSON, &LEGACY, Step::ResumeByReplay, NO_EVENTS),
    gap(Sdk::PythonV2, None, &["2025-03-26"], Step::Batch, NO_BATCH),
    gap(Sdk::PythonV2, JSON, &LEGACY, Step::Progress, ONE_MESSAGE),
    gap(Sdk::PythonV2, JSON, &[MODERN], Step::Progress, ONE_MESSAGE),
    gap(Sdk::PythonV2, JSON, &LEGACY, Step::ServerRequest, ONE_MESSAGE),
    gap(Sdk::PythonV2, JSON, &LEGACY, Step::ResumeLive, NO_EVENTS),
    gap(Sdk::PythonV2, JSON, &LEGACY, Step::ResumeByReplay, NO_EVENTS),
    gap(Sdk::PythonV1, SSE, &LEGACY, Step::ResumeLive, RACE),
    gap(Sdk::PythonV2, SSE, &LEGACY, Step::ResumeLive, RACE),
    gap(Sdk::PythonV2, JSON, &[MODERN], Step::CancelByLeaving, DOES_NOT_LOOK),
    gap(Sdk::Rust, SSE, &LEGACY, Step::ResumeByReplay, NOT_KEPT),
    gap(Sdk::Rust, JSON, &LEGACY, Step::Session, NO_SESSION),
    gap(Sdk::Rust, JSON, &LEGACY, Step::ServerRequest, NO_SESSION),
    gap(Sdk::Rust, JSON, &LEGACY, Step::GetStream, NO_SESSION),
    gap(Sdk::Rust, JSON, &LEGACY, Step::CancelByNotification, NO_SESSION),
    gap(Sdk::Rust, JSON, &LEGACY, Step::ResumeLive, NO_SESSION),
    gap(Sdk::Rust, JSON, &LEGACY, Step::ResumeByReplay, NO_SESSION),
    gap(Sdk::Rust, None, &["2025-03-26"], Step::Batch, NO_BATCH),
];

impl Sdk {
    pub fn name(self) -> &'static str {
        match self {
            Sdk::TypeScriptV1 => "typescript-v1",
            Sdk::TypeScriptV2 => "typescript-v2",
            Sdk::PythonV1 => "python-v1",
            Sdk::PythonV2 => "python-v2",
            Sdk::Rust => "rmcp",
        }
    }

    /// The program and its first arguments.
    pub fn prepare(self) -> Result<(PathBuf, Vec<PathBuf>), Missing> {
        let python = |requirements, script| {
            clients::python(requirements).map(|python| (python, vec![clients::sources("servers").join(script)]))
        };
        let node =
            |script| clients::install_from_npm("servers").map(|servers| ("node".into(), vec![servers.join(script)]));
        match self {
            Sdk::TypeScriptV1 => node("typescript-v1.mjs"),
            Sdk::TypeScriptV2 => node("typescript-v2.mjs"),
            Sdk::PythonV1 => python("requirements-v1.txt", "python_v1.py"),
            Sdk::PythonV2 => python("requirements-v2.txt", "python_v2.py"),
            Sdk::Rust => Ok((profile_directory().join("examples/rmcp_server"), Vec::new())),
        }
    }
}

impl Form {
    pub const BOTH: [Form; 2] = [Form::Json, Form::Sse];

    pub fn name(self) -> &'static str {
        match self {
            Form::Json => "json",
            Form::Sse => "sse",
        }
    }
}

/// Why this is not played, if it is not.
pub fn gap_for(sdk: Sdk, form: Form, revision: &str, step: Step) -> Option<&'static Gap> {
    GAPS.iter().find(|gap| {
        gap.sdk == sdk
            && gap.form.is_none_or(|only| only == form)
            && gap.revisions.contains(&revision)
            && gap.step == step
    })
}

/// A running server.
pub struct Upstream {
    pub form: Form,
    /// `127.0.0.1:4000`
    pub authority: String,
    pub log: PathBuf,
    _process: Process,
}

/// Starts a server of this SDK in each form.
pub fn start((program, arguments): &(PathBuf, Vec<PathBuf>), artifacts: &Path) -> Vec<Upstream> {
    let processes = Form::BOTH.map(|form| {
        let mut command = Command::new(program);
        command.args(arguments).arg(form.name()).env("PYTHONDONTWRITEBYTECODE", "1");
        (form, Process::start(form.name(), &mut command, artifacts))
    });
    let ready = processes.into_iter().map(|(form, mut process)| {
        let log = artifacts.join(format!("{}.log", form.name()));
        let url = process.wait_until(|| listening_address(&fs::read_to_string(&log).unwrap_or_default()));
        let authority = url.trim_start_matches("http://").trim_end_matches("/mcp").to_owned();
        Upstream { form, authority, log, _process: process }
    });
    ready.collect()
}
