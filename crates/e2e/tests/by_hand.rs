//! `docs/curl.md`, the whole flow by hand, is played as it stands: its shell blocks, pasted one after the other into one shell,
//! against the real binaries. What the page shows of the answers must be what comes.

use std::{
    fs,
    io::{BufRead as _, BufReader, Write as _},
    path::Path,
    process::{ChildStdin, ChildStdout, Command, Stdio},
};

use gatelodge_e2e::{
    requirements::{Missing, available_or_skip},
    stack::{Settings, Stack},
};
use serde_json::Value;

/// What the page takes for the address, and the user of its step without a browser.
const SERVER: &str = "http://127.0.0.1:8080";
const USERNAME: &str = "demo";
const PASSWORD: &str = "the password of that user";

/// Of section 8 of the page.
const RULE: &str = "[[resource.access.rule]]\ntools = [\"add_note\"]\nscopes = [\"notes:write\"]\n";

const END: &str = "--- end of the block";

/// Where each block of the page stands: its section, and which it is of the shell blocks there.
type Place = (&'static str, usize);

const START: Place = ("", 0);
const CHALLENGE: Place = ("1. The challenge", 0);
const DOCUMENTS: Place = ("2. The two documents", 0);
const REGISTER: Place = ("3. Register a client", 0);
const ASK: Place = ("4. Ask a person", 0);
const PASTE: Place = ("4. Ask a person", 1);
const EXCHANGE: Place = ("5. Exchange the code", 0);
const CALL: Place = ("6. Call a tool", 0);
const REFRESH: Place = ("7. Refresh", 0);
const REFUSED: Place = ("8. A tool that needs another scope", 0);
const MORE: Place = ("8. A tool that needs another scope", 1);
const AGAIN: Place = ("8. A tool that needs another scope", 2);
const WITHOUT_A_BROWSER: Place = ("Step 4 without a browser", 0);

/// Once with the person played by the page's own step, and once with a browser, whose address is pasted.
const PLAYED: [Place; 15] = [
    START,
    CHALLENGE,
    DOCUMENTS,
    REGISTER,
    ASK,
    WITHOUT_A_BROWSER,
    EXCHANGE,
    CALL,
    REFRESH,
    REFUSED,
    MORE,
    ASK,
    PASTE,
    EXCHANGE,
    AGAIN,
];

#[test]
fn the_page_about_curl_does_what_it_says() {
    let name = "the_page_about_curl";
    if available_or_skip(name, installed()).is_none() {
        return;
    }
    let stack = Stack::start(&Settings {
        sidecar: RULE.to_owned(),
        scopes: vec!["notes:write".to_owned()],
        access_token_lifetime_s: 600,
        ..Settings::new(name)
    });
    stack.add_user(USERNAME, PASSWORD);
    let page = Page::read(&stack.public_url);
    for block in page.0.iter().filter(|block| block.language == "sh") {
        assert!(
            PLAYED.iter().any(|place| page.shell(*place) == block.text),
            "nobody plays this block:\n{}",
            block.text
        );
    }

    let said = play(&page);
    let of = |place: Place, time: usize| {
        let mut times = PLAYED.iter().zip(&said).filter(|(played, _)| **played == place);
        times.nth(time).map(|(_, said)| said.as_str()).expect("it was played")
    };
    assert_shown(page.shown(CHALLENGE.0), of(CHALLENGE, 0));
    assert_documents(&stack, of(DOCUMENTS, 0));
    let first = tokens(&stack, of(EXCHANGE, 0), "mcp:use");
    assert!(of(CALL, 0).contains(r#""add_note""#), "the tools: {}", of(CALL, 0));
    assert!(of(CALL, 0).contains(r#""notes":[]"#), "the notes: {}", of(CALL, 0));
    let next: Value = serde_json::from_str(of(REFRESH, 0)).expect("the tokens");
    assert!(next["refresh_token"].is_string() && next["refresh_token"] != first["refresh_token"], "{next}");
    assert_shown(page.shown(REFUSED.0), of(REFUSED, 0));
    tokens(&stack, of(EXCHANGE, 1), "mcp:use notes:write");
    assert!(of(AGAIN, 0).contains(r#""text":"by hand""#), "the note: {}", of(AGAIN, 0));
    stack.stop();
}

/// Plays the blocks in one shell; what each printed.
fn play(page: &Page) -> Vec<String> {
    let script: String = PLAYED.iter().map(|place| format!("{}\necho '{END}'\n", page.shell(*place))).collect();
    let mut shell =
        Command::new("sh").args(["-c", &script]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("sh runs");
    let mut input = shell.stdin.take().expect("standard input is piped");
    let mut output = BufReader::new(shell.stdout.take().expect("standard output is piped"));
    let mut said: Vec<String> = Vec::new();
    for place in PLAYED {
        if place == PASTE {
            paste(page, said.last().expect("the address comes before"), &mut input);
        }
        said.push(until_end(&mut output));
    }
    assert!(shell.wait().expect("sh ends").success());
    said
}

/// The person: takes the address that the shell printed to a browser, and pastes the one where that ends.
fn paste(page: &Page, authorize: &str, input: &mut ChildStdin) {
    let browser = format!("{}\nauthorize='{authorize}'\n{}\n", page.shell(START), page.shell(WITHOUT_A_BROWSER));
    let visit = Command::new("sh").args(["-c", &format!("{browser}\nprintf %s \"$callback\"")]).output();
    let callback = String::from_utf8(visit.expect("sh runs").stdout).expect("an address");
    writeln!(input, "{callback}").expect("the shell reads");
}

fn until_end(output: &mut BufReader<ChildStdout>) -> String {
    let mut said = String::new();
    while !said.ends_with(&format!("{END}\n")) {
        assert_ne!(output.read_line(&mut said).expect("text"), 0, "the shell ended early: {said}");
    }
    said.trim_end().trim_end_matches(END).trim().to_owned()
}

/// Each line that the page shows of an answer came.
fn assert_shown(shown: &str, said: &str) {
    for line in shown.lines() {
        assert!(said.lines().any(|came| came.trim_end() == line), "{line:?} is not in what came:\n{said}");
    }
}

fn assert_documents(stack: &Stack, said: &str) {
    let documents: Vec<Value> = said.lines().map(|line| serde_json::from_str(line).expect("a document")).collect();
    assert_eq!(documents.len(), 2, "{said}");
    assert_eq!(
        (&documents[0]["resource"], &documents[1]["issuer"]),
        (&stack.mcp_url.clone().into(), &stack.public_url.clone().into())
    );
}

/// What the exchange printed: that the answer is ours, and tokens.
fn tokens(stack: &Stack, said: &str, scope: &str) -> Value {
    let (state, tokens) = said.split_once('\n').unwrap_or_else(|| panic!("two lines: {said}"));
    assert_eq!(state.replace("%3A", ":").replace("%2F", "/"), format!("the state fits; from {}", stack.public_url));
    let tokens: Value = serde_json::from_str(tokens).expect("the tokens");
    assert!(tokens["access_token"].is_string() && tokens["refresh_token"].is_string(), "{tokens}");
    assert_eq!(tokens["scope"], scope);
    tokens
}

/// The blocks of the page, with the address of the stack.
struct Page(Vec<Block>);

struct Block {
    section: String,
    language: String,
    text: String,
}

impl Page {
    fn read(server: &str) -> Self {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/curl.md");
        let text = fs::read_to_string(path).expect("the page is in the repository").replace(SERVER, server);
        let (mut blocks, mut section, mut open): (_, _, Option<Block>) = (Vec::new(), String::new(), None);
        for line in text.lines() {
            match (open.take(), line.strip_prefix("```"), line.strip_prefix("## ")) {
                (Some(block), Some(_), _) => blocks.push(block),
                (Some(block), None, _) => open = Some(Block { text: format!("{}{line}\n", block.text), ..block }),
                (None, Some(language), _) => {
                    let (section, language) = (section.clone(), language.to_owned());
                    open = Some(Block { section, language, text: String::new() });
                }
                (None, None, Some(title)) => title.clone_into(&mut section),
                (None, None, None) => {}
            }
        }
        Self(blocks)
    }

    fn shell(&self, (section, at): Place) -> &str {
        let found = self.of(section, "sh").nth(at);
        &found.unwrap_or_else(|| panic!("section {section:?} has no shell block {at}")).text
    }

    /// What the section shows of an answer.
    fn shown(&self, section: &str) -> &str {
        let found = self.of(section, "").next();
        &found.unwrap_or_else(|| panic!("section {section:?} shows no answer")).text
    }

    fn of(&self, section: &str, language: &str) -> impl Iterator<Item = &Block> {
        self.0.iter().filter(move |block| block.section == section && block.language == language)
    }
}

fn installed() -> Result<(), Missing> {
    for (program, argument) in [("curl", "--version"), ("openssl", "version")] {
        if !Command::new(program).arg(argument).output().is_ok_and(|output| output.status.success()) {
            return Err(Missing(format!("{program} is needed (Debian: apt-get install {program})")));
        }
    }
    Ok(())
}
