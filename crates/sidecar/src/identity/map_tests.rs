//! Tests of `map.rs`: whose entry counts, and how a file is read.

use super::*;
use crate::identity::tests::caller;

const OWN: &str = "https://h.example";

fn entries(pairs: &[(&str, &str)]) -> Entries {
    let format = Format::new("{credential}").expect("a format");
    Entries::new(pairs.iter().copied(), &format).expect("entries")
}

#[test]
fn the_narrowest_entry_counts_and_names_mean_one_issuers_callers() {
    let all = entries(&[
        ("alice", "hers"),
        ("client:c1", "the client's"),
        ("context:agent", "the agents'"),
        ("*", "default"),
    ]);
    let without_default =
        entries(&[("alice", "hers"), ("client:c1", "the client's"), ("context:agent", "the agents'")]);
    let other = "https://other.example";
    for (issuer, subject, client_id, context, with, without) in [
        (OWN, "alice", "c1", Some("agent"), Some("hers"), Some("hers")),
        (OWN, "bob", "c1", Some("agent"), Some("the client's"), Some("the client's")),
        (OWN, "bob", "c2", Some("agent"), Some("the agents'"), Some("the agents'")),
        (OWN, "bob", "c2", None, Some("default"), None),
        // Names of another issuer's.
        (other, "alice", "c1", None, None, None),
        (other, "alice", "c1", Some("agent"), Some("the agents'"), Some("the agents'")),
        // Subjects that call themselves what they are not.
        (OWN, "client:c1", "c2", None, Some("default"), None),
        (OWN, "context:agent", "c2", None, Some("default"), None),
        (OWN, "*", "c2", None, Some("default"), None),
        (OWN, "Alice", "C1", Some("Agent"), Some("default"), None),
    ] {
        let caller = caller(issuer, subject, client_id, "mcp:use");
        let principal = Principal::of(&caller, context).expect("a principal");
        let found = |entries: &Entries| {
            entries.of(&principal, OWN).map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned())
        };
        assert_eq!(found(&all).as_deref(), with, "{issuer} {subject} {client_id} {context:?}");
        assert_eq!(found(&without_default).as_deref(), without, "{issuer} {subject} {client_id} {context:?}");
    }
}

#[test]
fn a_file_is_read_in_one_way_or_not_at_all_and_its_secrets_are_not_repeated() {
    let format = Format::new("Bearer {credential}").expect("a format");
    let read = |name: &str, text: &str| Entries::parse(Path::new(name), &SecretString::from(text), &format);
    let good = read("m.toml", "user_1 = \"s3cret\"\n\"client:c\" = \"other\"\n");
    assert_eq!(good, read("m.json", "{\"user_1\": \"s3cret\", \"client:c\": \"other\"}"));
    assert!(!format!("{good:?}").contains("s3cret"));
    for (name, text) in [
        ("m.toml", ""),
        ("m.json", "{}"),
        ("m.toml", "user_1 = \"s3cret\"\nuser_1 = \"s3cret2\"\n"),
        ("m.json", "{\"user_1\": \"s3cret\", \"user_1\": \"s3cret2\"}"),
        ("m.json", "{\"user_1\": \"s3cret\", \"us\\u0065r_1\": \"s3cret2\"}"),
        ("m.toml", "user_1 = s3cret"),
        ("m.toml", "user_1 = { a = \"s3cret\" }"),
        ("m.json", "[\"s3cret\"]"),
        ("m.json", "user_1 = \"s3cret\""),
        ("m.toml", "user_1 = \"s3cret\\nX-Admin: 1\""),
        ("m.toml", "user_1 = \"\""),
    ] {
        let says = read(name, text).expect_err(text);
        assert!(!says.contains("s3cret"), "{says}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_file_that_cannot_be_read_any_more_takes_nothing_away() {
    let dir = tempfile::tempdir().expect("a directory");
    let file = dir.path().join("map.toml");
    let written = |text: &str, mode: u32| {
        std::fs::write(&file, text).expect("a file");
        let mode = std::os::unix::fs::PermissionsExt::from_mode(mode);
        std::fs::set_permissions(&file, mode).expect("a mode");
    };
    written("alice = \"first\"\n", 0o600);
    let format = Format::new("{credential}").expect("a format");
    let entries = Entries::read(&file, &format, "entries", &mut Problems::default()).expect("entries");
    let config = MapConfig { entries, file: Some(file.clone()) };
    let map = Arc::new(Map::new(&config, OWN.into(), format));
    let task = map.keep_fresh().expect("a task");
    let alice = caller(OWN, "alice", "c1", "mcp:use");
    let now = || map.credential(&Principal::of(&alice, None).expect("a principal"));
    for (text, mode, expected) in [
        ("alice = ", 0o600, "first"),
        ("alice = \"second\"\n", 0o644, "first"),
        ("", 0o600, "first"),
        ("alice = \"third\"\n", 0o600, "third"),
    ] {
        written(text, mode);
        tokio::time::sleep(3 * LOOKED_AT_EVERY).await;
        assert_eq!(now().expect("a credential"), expected, "{text}");
    }
    written("bob = \"his\"\n", 0o600);
    tokio::time::sleep(3 * LOOKED_AT_EVERY).await;
    assert_eq!(now(), Err(Fault::NoCredential));
    task.abort();
}
