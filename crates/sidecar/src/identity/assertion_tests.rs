//! Tests of the key file, and of what one assertion is used for. What it says is shown over HTTP.

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair};

use super::*;
use crate::caller::Caller;
use crate::identity::tests::caller;

fn config(path: PathBuf) -> AssertionConfig {
    let header = HeaderName::from_static("x-mcp-auth-assertion");
    AssertionConfig { key_file: path, audience: "http://mcp.internal/mcp".into(), header }
}

fn assertion(path: &Path, clock: &Clock) -> Result<Assertion, AssertionError> {
    Assertion::new(&config(path.into()), "https://h.example", clock.clone())
}

fn sent(assertion: &Assertion, caller: &Caller, context: Option<&str>) -> Vec<u8> {
    let principal = Principal::of(caller, context).expect("a principal");
    assertion.header(&principal).expect("a header").1.as_bytes().to_vec()
}

#[test]
fn processes_that_start_at_once_share_the_key_that_one_of_them_makes() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("key.pem");
    let kids: Vec<String> = std::thread::scope(|scope| {
        let start = || assertion(&path, &Clock::system()).expect("a key").key().kid().to_owned();
        let threads: Vec<_> = (0..8).map(|_| scope.spawn(start)).collect();
        threads.into_iter().map(|thread| thread.join().expect("joined")).collect()
    });
    assert!(kids.iter().all(|kid| *kid == kids[0]), "{kids:?}");
    let files: Vec<_> = std::fs::read_dir(&dir).expect("a directory").collect();
    assert_eq!(files.len(), 1, "{files:?}");
    #[cfg(unix)]
    {
        let mode = std::os::unix::fs::MetadataExt::mode(&fs::metadata(&path).expect("a file"));
        assert_eq!(mode & 0o777, 0o600);
    }
}

#[test]
fn a_key_that_cannot_be_used_is_told_with_its_place_and_what_to_do() {
    let dir = tempfile::tempdir().expect("a directory");
    let told = |path: &Path| assertion(path, &Clock::system()).err().expect("an error").to_string();
    let nowhere = dir.path().join("no").join("key.pem");
    let says = told(&nowhere);
    assert!(says.contains("no/key.pem") && says.contains("hint: make the directory"), "{says}");

    let path = dir.path().join("key.pem");
    let another_curve =
        EcdsaKeyPair::generate_pkcs8(&ECDSA_P384_SHA384_FIXED_SIGNING, &SystemRandom::new()).expect("a key");
    let another_kind = SigningKey::generate(SigningAlgorithm::EdDsa).expect("a key");
    for text in [
        "garbage".to_owned(),
        "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n".to_owned(),
        pem(another_curve.as_ref()),
        pem(&another_kind),
    ] {
        fs::write(&path, &text).expect("a file");
        set_mode(&path, 0o600);
        let says = told(&path);
        assert!(says.contains("key.pem: ") && says.contains("openssl genpkey") && !says.contains(&text), "{says}");
    }
    set_mode(&path, 0o644);
    assert!(told(&path).contains("can be read by other users"), "{}", told(&path));
}

fn set_mode(path: &Path, mode: u32) {
    let mode = std::os::unix::fs::PermissionsExt::from_mode(mode);
    fs::set_permissions(path, mode).expect("a mode");
}

#[test]
fn one_is_sent_again_for_a_few_seconds_and_for_nobody_else() {
    let dir = tempfile::tempdir().expect("a directory");
    let clock = Clock::manual(Timestamp::from_unix(1_800_000_000));
    let assertion = assertion(&dir.path().join("key.pem"), &clock).expect("a key");
    let alice = caller("https://h.example", "alice", "c1", "a");
    let first = sent(&assertion, &alice, None);
    clock.advance(REUSED_FOR - Duration::from_secs(1));
    assert_eq!(sent(&assertion, &alice, None), first);
    for (other, context) in [
        (caller("https://other.example", "alice", "c1", "a"), None),
        (caller("https://h.example", "alice", "c2", "a"), None),
        (caller("https://h.example", "alice", "c1", "a b"), None),
        (alice.clone(), Some("agent")),
    ] {
        assert_ne!(sent(&assertion, &other, context), first, "{other:?} {context:?}");
    }
    clock.advance(Duration::from_secs(1));
    assert_ne!(sent(&assertion, &alice, None), first);
}
