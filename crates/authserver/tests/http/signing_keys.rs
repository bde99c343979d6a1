//! The keys that tokens are signed with: rotated so that nobody notices, withdrawn so that everybody does, and of no use to
//! whoever reads the database.

use std::time::Duration;

use futures_util::future::join_all;
use gatelodge_oauth::access_token::{Expectation, Refusal, SigningAlgorithm, SigningKey, VerifyingKeys, jwks, verify};
use gatelodge_oauth::resource::ResourceId;
use gatelodge_oauth::time::Timestamp;
use gatelodge_service::clock::Clock;
use serde_json::json;

use crate::support::binary::Workplace;
use crate::support::{
    Database, ISSUER, McpClient, RESOURCE, Server, Settings, Tokens, database, on_any_database, on_both_databases,
    segment,
};

on_both_databases! {
    each_algorithm_works_from_end_to_end,
    a_hundred_rotations_refuse_no_valid_token,
    another_algorithm_takes_over_without_refusing_a_token,
    a_revoked_key_is_gone_at_once_and_the_next_one_signs,
    a_key_rotated_by_command_signs_after_it_was_published,
    keys_that_an_earlier_version_left_in_the_clear_are_encrypted_and_replaced,
    the_database_holds_no_private_key,
    a_wrong_encryption_key_is_named_and_replaces_nothing,
}

on_any_database! {
    a_lost_encryption_key_file_is_named_and_never_made_anew,
}

fn keys_of(document: &str) -> VerifyingKeys {
    VerifyingKeys::from_jwks(document.as_bytes()).expect("a set")
}

fn check(token: &str, keys: &VerifyingKeys, now: Timestamp) -> Result<(), Refusal> {
    let expected = Expectation {
        issuer: ISSUER.into(),
        audience: ResourceId::from_config(RESOURCE).expect("a resource"),
        leeway: Duration::ZERO,
    };
    verify(token, keys, &expected, now).map(|_| ())
}

async fn published(server: &Server) -> Vec<String> {
    let set = server.get("/jwks").await.json();
    let kids = set["keys"].as_array().expect("keys").iter().map(|key| key["kid"].as_str().expect("a name").to_owned());
    kids.collect()
}

fn kid(token: &str) -> String {
    segment(token, 0)["kid"].as_str().expect("a name").to_owned()
}

/// Proves RFC 9068 §2.1: access tokens are signed with ES256, EdDSA or RS256, as configured.
async fn each_algorithm_works_from_end_to_end(database: &Database) {
    for (algorithm, kty, more) in [
        ("ES256", "EC", "[keys]\nalgorithm = \"ES256\""),
        ("EdDSA", "OKP", "[keys]\nalgorithm = \"EdDSA\""),
        ("RS256", "RSA", "[keys]\nalgorithm = \"RS256\""),
    ] {
        let server = Server::start_with(database, Settings { more, ..Settings::default() }).await;
        let token = McpClient::register(&server).await.connect().await.access_token;
        assert_eq!(segment(&token, 0)["alg"], algorithm);
        let answer = server.get("/jwks").await;
        assert_eq!(
            (&answer.json()["keys"][0]["kty"], &answer.json()["keys"][0]["alg"]),
            (&json!(kty), &json!(algorithm))
        );
        assert_eq!(check(&token, &keys_of(&answer.body), server.clock.now()), Ok(()), "{algorithm}");
        let openid = server.get("/.well-known/openid-configuration").await.json();
        assert_eq!(openid["id_token_signing_alg_values_supported"], json!([algorithm]));
        database.stop_servers().await;
        database.execute("DELETE FROM signing_keys");
    }
}

/// As a resource server sees it that fetches the keys every six minutes, and never because of a token.
async fn a_hundred_rotations_refuse_no_valid_token(database: &Database) {
    const PATIENCE: Duration = Duration::from_secs(360);
    let more =
        "[tokens]\nrefresh_token_lifetime = \"400d\"\n[keys]\nrotation_interval = \"2d\"\npublish_before = \"10m\"";
    let server = Server::start_with(database, Settings { more, ..Settings::default() }).await;
    let client = McpClient::register(&server).await;
    let mut tokens = client.connect().await;
    let mut seen = vec![kid(&tokens.access_token)];
    let mut alive: Vec<(String, Timestamp)> = Vec::new();
    let (mut keys, mut fetched_at) = (keys_of(&server.get("/jwks").await.body), server.clock.now());
    while seen.len() <= 100 {
        // Long pauses, and then closely around the rotation.
        for pause in [2 * 86_400 - 900, 240, 240, 240, 300, 1200, 2400] {
            server.advance(pause);
            let now = server.clock.now();
            if now.since(fetched_at) >= PATIENCE {
                (keys, fetched_at) = (keys_of(&server.get("/jwks").await.body), now);
            }
            tokens = client.refreshed(&tokens.refresh_token).await;
            alive.push((tokens.access_token.clone(), now.plus(Duration::from_secs(3600))));
            alive.retain(|(_, end)| now < *end);
            for (token, _) in &alive {
                assert_eq!(check(token, &keys, now), Ok(()), "after {} rotations", seen.len() - 1);
            }
            let kid = kid(&tokens.access_token);
            if !seen.contains(&kid) {
                seen.push(kid);
            }
        }
        assert!(published(&server).await.len() <= 3, "keys that nobody needs go");
    }
}

async fn another_algorithm_takes_over_without_refusing_a_token(database: &Database) {
    let first = Server::start(database).await;
    let client = McpClient::register(&first).await;
    let tokens = client.connect().await;
    database.stop_servers().await;
    let more = "[keys]\nalgorithm = \"EdDSA\"";
    let clock = first.clock.clone();
    let server = Server::start_at(database, Settings { more, ..Settings::default() }, clock).await;
    server.advance(5);
    let keys = keys_of(&server.get("/jwks").await.body);
    assert_eq!(published(&server).await.len(), 2);
    let refreshed =
        async |old: &Tokens| Tokens::of(&server.post("/token", &client.refresh_request(&old.refresh_token)).await);
    let still = refreshed(&tokens).await;
    assert_eq!(segment(&still.access_token, 0)["alg"], "ES256", "the new key was published a moment ago");
    server.advance(900);
    server.get("/jwks").await;
    let new = refreshed(&still).await;
    assert_eq!(segment(&new.access_token, 0)["alg"], "EdDSA");
    for token in [&tokens, &still, &new] {
        assert_eq!(check(&token.access_token, &keys, server.clock.now()), Ok(()));
    }
}

/// The command line on the same configuration.
fn workplace(database: &Database) -> Workplace {
    Workplace::new(&Settings::default().toml(&database.url))
}

fn said(workplace: &Workplace, arguments: &[&str]) -> String {
    let output = workplace.run(arguments, &[]);
    assert!(output.status.success(), "{arguments:?}: {output:?}");
    String::from_utf8(output.stdout).expect("text")
}

/// Proves RFC 7517 §5: a withdrawn key is published no more.
async fn a_revoked_key_is_gone_at_once_and_the_next_one_signs(database: &Database) {
    // The commands have the time of the machine; the server begins with it.
    let clock = Clock::manual(Clock::system().now());
    let server = Server::start_at(database, Settings::default(), clock).await;
    let workplace = workplace(database);
    let client = McpClient::register(&server).await;
    let tokens = client.connect().await;
    let old = kid(&tokens.access_token);
    said(&workplace, &["key", "revoke", &old]);
    server.advance(5);
    let keys = published(&server).await;
    assert!(keys.len() == 1 && keys[0] != old, "{keys:?}");
    let set = keys_of(&server.get("/jwks").await.body);
    let refused = Refusal::UnknownKey { kid: old.clone() };
    assert_eq!(check(&tokens.access_token, &set, server.clock.now()), Err(refused));
    let new = client.refreshed(&tokens.refresh_token).await;
    assert_eq!(check(&new.access_token, &set, server.clock.now()), Ok(()));

    let again = workplace.run(&["key", "revoke", &old], &[]);
    let says = String::from_utf8_lossy(&again.stderr).into_owned();
    assert!(
        !again.status.success() && says.contains("there is no key") && says.contains("gatelodge key list"),
        "{says}"
    );

    // With a next key at hand, that one takes over.
    let listed: serde_json::Value =
        serde_json::from_str(&said(&workplace, &["key", "rotate", "--json"])).expect("JSON");
    let next = listed["kid"].as_str().expect("a name").to_owned();
    said(&workplace, &["key", "revoke", &keys[0]]);
    server.advance(5);
    assert_eq!(published(&server).await, [next]);
}

async fn a_key_rotated_by_command_signs_after_it_was_published(database: &Database) {
    let server = Server::start_at(database, Settings::default(), Clock::system()).await;
    let client = McpClient::register(&server).await;
    let tokens = client.connect().await;
    let workplace = workplace(database);
    let rotated = said(&workplace, &["key", "rotate"]);
    assert!(rotated.contains("is published and signs from 20"), "{rotated}");
    assert_eq!(said(&workplace, &["key", "rotate"]), rotated, "there is one next key at most");
    let list: serde_json::Value = serde_json::from_str(&said(&workplace, &["key", "list", "--json"])).expect("JSON");
    let states: Vec<&str> = list.as_array().expect("keys").iter().filter_map(|key| key["state"].as_str()).collect();
    assert!(states.len() == 2 && states.contains(&"active") && states.contains(&"next"), "{list}");
    let text = said(&workplace, &["key", "list"]);
    assert!(
        text.contains(&kid(&tokens.access_token)) && text.contains("signs since") && text.contains("signs from"),
        "{text}"
    );
}

async fn keys_that_an_earlier_version_left_in_the_clear_are_encrypted_and_replaced(database: &Database) {
    let server = Server::start(database).await;
    let client = McpClient::register(&server).await;
    client.connect().await;
    database.stop_servers().await;
    let algorithm = SigningAlgorithm::Es256;
    let pkcs8 = SigningKey::generate(algorithm).expect("a key");
    let key = SigningKey::from_pkcs8(algorithm, &pkcs8).expect("a key");
    let hex: String = pkcs8.iter().map(|byte| format!("{byte:02x}")).collect();
    let bytes = if database.is_sqlite() { format!("X'{hex}'") } else { format!("'\\x{hex}'") };
    let clear = if database.is_sqlite() { "0" } else { "FALSE" };
    database.execute(&format!("UPDATE signing_keys SET kid = '{}', pkcs8 = {bytes}, sealed = {clear}", key.kid()));

    let server = Server::start_at(database, Settings::default(), server.clock.clone()).await;
    assert_eq!(database.count("signing_keys WHERE NOT sealed"), 0);
    let published = published(&server).await;
    assert!(published.len() == 2 && published.contains(&key.kid().to_owned()), "{published:?}");
    let tokens = McpClient::register(&server).await.connect().await;
    assert_eq!(kid(&tokens.access_token), key.kid());
    let old_set = serde_json::to_string(&jwks([&key])).expect("JSON");
    assert_eq!(check(&tokens.access_token, &keys_of(&old_set), server.clock.now()), Ok(()));
}

async fn the_database_holds_no_private_key(database: &Database) {
    let server = Server::start(database).await;
    McpClient::register(&server).await.connect().await;
    said(&workplace(database), &["key", "rotate"]);
    assert_eq!((database.count("signing_keys"), database.count("signing_keys WHERE sealed")), (2, 2));
    // The identifier of P-256 stands in every private key of ES256 (RFC 5480 §2.1.1).
    let curve = "2a8648ce3d030107";
    let hex = if database.is_sqlite() { "hex(pkcs8)" } else { "encode(pkcs8, 'hex')" };
    assert_eq!(database.count(&format!("signing_keys WHERE lower({hex}) LIKE '%{curve}%'")), 0);
    if let Some(path) = database.url.strip_prefix("sqlite://") {
        let curve = [0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07];
        for file in [path.to_owned(), format!("{path}-wal")] {
            let bytes = std::fs::read(file).unwrap_or_default();
            assert!(!bytes.windows(curve.len()).any(|window| window == curve));
        }
    }
}

async fn a_wrong_encryption_key_is_named_and_replaces_nothing(database: &Database) {
    let server = Server::start(database).await;
    let before = published(&server).await;
    database.stop_servers().await;
    let wrong = ("GATELODGE__KEYS__ENCRYPTION_KEY", "//////////////////////////////////////////8=");
    let output = workplace(database).run(&["serve"], &[wrong]);
    let says = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success(), "{says}");
    for part in [before[0].as_str(), "encrypted with another key", "hint: configure the key that was in use before"] {
        assert!(says.contains(part), "{part}: {says}");
    }
    assert_eq!(published(&Server::start(database).await).await, before);
}

async fn a_lost_encryption_key_file_is_named_and_never_made_anew(database: &Database) {
    let server = Server::start(database).await;
    let before = published(&server).await;
    database.stop_servers().await;
    let file = format!("{}.key", database.url.strip_prefix("sqlite://").expect("SQLite"));
    let kept = std::fs::read(&file).expect("made at the first start");
    std::fs::remove_file(&file).expect("removed");
    let output = workplace(database).run(&["serve"], &[]);
    let says = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success() && says.contains("gatelodge.db.key is missing"), "{says}");
    assert!(says.contains("hint: put the file back") && !std::path::Path::new(&file).exists(), "{says}");
    std::fs::write(&file, kept).expect("put back");
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).expect("private");
    assert_eq!(published(&Server::start(database).await).await, before);
}

/// SQLite has one server; several processes on it are tested in the store.
#[test]
fn ten_servers_that_start_together_make_one_key() {
    let name = "ten_servers_that_start_together_make_one_key";
    database::on_postgres(name, async |database: &Database| {
        let servers = join_all((0..10).map(|_| Server::start(database))).await;
        let sets = join_all(servers.iter().map(published)).await;
        assert_eq!(sets[0].len(), 1);
        assert!(sets.iter().all(|set| *set == sets[0]), "{sets:?}");
    });
}
