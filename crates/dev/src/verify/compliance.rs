//! `docs/compliance.md`: what the specifications ask for, and the tests that prove it. A test says what it proves in a line of
//! its documentation, `/// Proves RFC 7636 §4.6: a wrong verifier is refused.`, and is believed only when it passed in this run.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use super::summary::Outcome;
use crate::workspace::root;

const MARK: &str = "/// Proves ";
const DOCUMENT: &str = "docs/compliance.md";

const HEAD: &str = "\
# What is proven, and by which test

Made by `cargo verify --only compliance --write` from a run of the tests: a line stands here only because its tests passed.
Where Gatelodge differs from a specification on purpose, see [divergences.md](divergences.md).

| Specification | What it asks for | Proven by |
| --- | --- | --- |
";

/// What a test says that it proves.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Claim {
    /// `RFC 7636 §4.6`
    section: String,
    requirement: String,
    /// The module of the test: the name of its file.
    module: String,
    test: String,
}

/// Compares the document with what this run has proven, or writes it. `tests` are the tests that passed.
pub fn check(tests: &Outcome, write: bool) -> Outcome {
    if !tests.failures.is_empty() || !tests.skipped.is_empty() {
        return Outcome::skipped("compliance", "not every test ran and passed, so not everything is proven");
    }
    let document = match claims().and_then(|claims| render(claims, &tests.names)) {
        Ok(document) => document,
        Err(why) => return Outcome::failed(format!("compliance: {why}")),
    };
    let path = root().join(DOCUMENT);
    if write {
        return match fs::write(&path, document) {
            Ok(()) => Outcome::passed(),
            Err(error) => Outcome::failed(format!("compliance: {}: {error}", path.display())),
        };
    }
    match fs::read_to_string(&path) {
        Ok(committed) if committed == document => Outcome::passed(),
        _ => Outcome::failed(format!(
            "compliance: {DOCUMENT} is not what this run proves; write it with: cargo verify --only compliance --write"
        )),
    }
}

/// Every claim in the sources of this workspace.
fn claims() -> Result<Vec<Claim>, String> {
    let mut files = Vec::new();
    find_sources(&root().join("crates"), &mut files).map_err(|error| format!("the sources cannot be read: {error}"))?;
    files.sort();
    let mut claims = Vec::new();
    for file in files {
        let text = fs::read_to_string(&file).map_err(|error| format!("{}: {error}", file.display()))?;
        claims.extend(claims_in(&text, &module_of(&file)).map_err(|why| format!("{}: {why}", file.display()))?);
    }
    Ok(claims)
}

fn find_sources(directory: &Path, files: &mut Vec<PathBuf>) -> std::io::Result<()> {
    for entry in fs::read_dir(directory)? {
        let path = entry?.path();
        if path.is_dir() {
            find_sources(&path, files)?;
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    Ok(())
}

/// The part of a test's name that tells its file: `pkce` for `pkce.rs` and for `pkce/tests.rs`.
fn module_of(file: &Path) -> String {
    let name = |path: &Path| path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let own = name(file);
    let own = if own == "mod" || own == "tests" { file.parent().map(name).unwrap_or_default() } else { own };
    own.strip_suffix("_tests").map_or(own.clone(), str::to_owned)
}

/// A claim belongs to the next function.
fn claims_in(text: &str, module: &str) -> Result<Vec<Claim>, String> {
    let (mut claims, mut waiting) = (Vec::new(), Vec::new());
    for line in text.lines().map(str::trim_start) {
        if let Some(claim) = line.strip_prefix(MARK) {
            let parts = claim.strip_suffix('.').and_then(|claim| claim.split_once(": "));
            waiting.push(parts.ok_or_else(|| format!("{line:?} is not `{MARK}<section>: <requirement>.`"))?);
        } else if let Some((_, rest)) =
            line.split_once("fn ").filter(|_| !waiting.is_empty() && !line.starts_with("//"))
        {
            let test = rest.split(['(', '<']).next().unwrap_or_default();
            claims.extend(waiting.drain(..).map(|(section, requirement)| Claim {
                section: section.to_owned(),
                requirement: requirement.to_owned(),
                module: module.to_owned(),
                test: test.to_owned(),
            }));
        }
    }
    if waiting.is_empty() { Ok(claims) } else { Err("a claim stands before no test".to_owned()) }
}

/// The table, sorted by section; an error when a claim has no test that passed. `passed` are names with their executable first.
fn render(claims: Vec<Claim>, passed: &[String]) -> Result<String, String> {
    let mut rows: BTreeMap<(Vec<SortKey>, String), Vec<String>> = BTreeMap::new();
    for Claim { section, requirement, module, test } in claims {
        let is_it = |name: &&String| {
            let Some((place, own)) = name.rsplit_once("::") else { return false };
            own == test && place.split("::").any(|part| part == module)
        };
        if !passed.iter().any(|name| is_it(&name)) {
            return Err(format!("{section}: no test {test} in {module} passed in this run"));
        }
        let row = format!("| {section} | {requirement} |");
        rows.entry((sort_key(&section), row)).or_default().push(format!("`{module}::{test}`"));
    }
    let lines = rows.into_iter().map(|((_, row), tests)| format!("{row} {} |\n", tests.join(", ")));
    Ok(HEAD.to_owned() + &lines.collect::<String>())
}

/// Words and numbers, so that §10 comes after §9.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
enum SortKey {
    Number(u64),
    Word(String),
}

fn sort_key(section: &str) -> Vec<SortKey> {
    let words = section.split([' ', '.', '§']).filter(|word| !word.is_empty());
    words.map(|word| word.parse().map_or_else(|_| SortKey::Word(word.to_owned()), SortKey::Number)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    // Written so that this file makes no claims of its own.
    fn source() -> String {
        let claim = |text: &str| format!("    {MARK}{text}\n");
        [
            &claim("RFC 6749 §10.4: a token is bound to its client."),
            "    #[test]\n    fn bound() {}\n",
            &claim("RFC 6749 §6: a refresh rotates."),
            &claim("RFC 9700 §4: so does another."),
            "/// More.\nasync fn rotates(database: &Database) {}\n",
        ]
        .concat()
    }

    #[test]
    fn a_claim_belongs_to_the_next_function_and_sections_are_sorted_by_number() {
        let claims = claims_in(&source(), "refresh").expect("claims");
        let passed = ["http::refresh::bound", "http::refresh::sqlite::rotates", "http::refresh::postgres::rotates"];
        let table = render(claims, &passed.map(str::to_owned)).expect("all are proven");
        let rows: Vec<&str> = table.lines().filter(|line| line.starts_with("| RFC")).collect();
        assert_eq!(
            rows,
            [
                "| RFC 6749 §6 | a refresh rotates | `refresh::rotates` |",
                "| RFC 6749 §10.4 | a token is bound to its client | `refresh::bound` |",
                "| RFC 9700 §4 | so does another | `refresh::rotates` |",
            ]
        );
    }

    #[test]
    fn a_claim_whose_test_did_not_pass_is_no_proof() {
        let claims = claims_in(&source(), "refresh").expect("claims");
        for passed in [vec![], vec!["http::refresh::bound"], vec!["http::refresh::bound", "http::other::rotates"]] {
            let passed: Vec<String> = passed.into_iter().map(str::to_owned).collect();
            assert!(render(claims.clone(), &passed).is_err(), "{passed:?}");
        }
    }

    #[test]
    fn a_claim_that_cannot_be_read_is_noticed() {
        assert!(claims_in(&format!("{MARK}nothing\nfn a() {{}}"), "m").is_err());
        assert!(claims_in(&format!("{MARK}RFC 1 §1: something.\n"), "m").is_err());
    }

    #[test]
    fn a_file_of_tests_is_named_as_the_module_that_it_tests() {
        for (file, module) in
            [("src/pkce.rs", "pkce"), ("src/token/tests.rs", "token"), ("src/gate_tests.rs", "gate"), ("a/mod.rs", "a")]
        {
            assert_eq!(module_of(Path::new(file)), module);
        }
    }
}
