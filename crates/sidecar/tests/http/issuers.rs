//! RFC 9068 §4 with several issuers, ours and others: whose token is whose, and how others word theirs.

use gatelodge_oauth::access_token::{Claims, SigningKey, jwks};
use gatelodge_oauth::resource::ResourceId;
use gatelodge_service::clock::Clock;
use serde_json::{Value, json};

use crate::support::authority::new_key;
use crate::support::{Site, World, soon};

/// Without a path; the one that the sidecar trusts besides.
const OTHER: &str = "https://other.example";

fn published(key: &SigningKey) -> String {
    serde_json::to_string(&jwks([key])).expect("JSON")
}

/// A world that trusts a second issuer too, whose table ends in these lines.
async fn with_other(issuer: &str, lines: &str) -> World {
    World::with(|toml| format!("{toml}[[issuer]]\nissuer = \"{issuer}\"\n{lines}\n")).await
}

async fn until_status(world: &World, token: &str, wanted: u16) {
    soon("the sidecar hears of it", async {
        while world.status(token).await != wanted {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    })
    .await;
}

fn of(world: &World, issuer: &str) -> Claims {
    Claims { iss: issuer.into(), ..world.authority.claims() }
}

/// Proves RFC 9068 §4: the keys of one issuer never vouch for the tokens of another.
#[actix_web::test]
async fn the_keys_of_one_issuer_verify_no_token_that_names_another() {
    let (site, key) = (Site::start(), new_key());
    site.publish("/keys", published(&key));
    let world = with_other(OTHER, &format!("jwks_url = \"{}/keys\"", site.url)).await;
    let ours = "https://mcp.example.com";
    let by = |key: &SigningKey, issuer| key.sign(&of(&world, issuer)).expect("a token");
    for _ in 0..2 {
        for (token, expected) in [
            (by(&world.authority.key, ours), 200),
            (by(&key, OTHER), 200),
            (by(&world.authority.key, OTHER), 401),
            (by(&key, ours), 401),
            (by(&key, "https://other.example/"), 401),
            (by(&key, "https://third.example"), 401),
            (by(&world.authority.key, "https://third.example"), 401),
            (by(&new_key(), OTHER), 401),
        ] {
            assert_eq!(world.status(&token).await, expected, "{token}");
        }
    }
    // What vouches for a token is what it was signed with, and not what a second reader may see: `iss` given twice.
    let twice = json!({"iss": OTHER}).to_string().replacen('}', &format!(",\"iss\":\"{ours}\"}}"), 1);
    let encode = |text: &str| base64::Engine::encode(&base64::prelude::BASE64_URL_SAFE_NO_PAD, text);
    let header = encode(&json!({"alg": "ES256", "typ": "at+jwt", "kid": key.kid()}).to_string());
    assert_eq!(world.status(&format!("{header}.{}.AAAA", encode(&twice))).await, 401);
}

#[actix_web::test]
async fn an_issuer_that_is_away_disturbs_no_other() {
    let (site, key) = (Site::start(), new_key());
    let world = with_other(OTHER, &format!("jwks_url = \"{}/keys\"", site.url)).await;
    let token = key.sign(&of(&world, OTHER)).expect("a token");
    assert_eq!(world.status(&token).await, 503, "never 401: the client would throw a good token away");
    assert_eq!(world.status(&world.authority.token()).await, 200);
    site.publish("/keys", published(&key));
    until_status(&world, &token, 200).await;
}

/// Proves RFC 8414 §3.3: metadata of another issuer is not used.
#[actix_web::test]
async fn keys_are_found_where_the_metadata_of_the_very_issuer_says() {
    for place in [
        "/.well-known/oauth-authorization-server/tenant",
        "/.well-known/openid-configuration/tenant",
        "/tenant/.well-known/openid-configuration",
    ] {
        let (site, key) = (Site::start(), new_key());
        let issuer = format!("{}/tenant", site.url);
        site.publish("/keys", published(&key));
        let metadata = |issuer: &str| json!({"issuer": issuer, "jwks_uri": format!("{}/keys", site.url), "other": [1]});
        site.publish(place, metadata(&site.url));
        let world = with_other(&issuer, "discovery = true").await;
        let token = key.sign(&of(&world, &issuer)).expect("a token");
        assert_eq!(world.status(&token).await, 503, "{place}: the metadata is of another issuer");
        site.publish(place, metadata(&issuer));
        until_status(&world, &token, 200).await;
    }
}

/// As products write them that know nothing of RFC 9068.
fn worded(issuer: &str) -> Value {
    let now = Clock::system().now().as_unix();
    json!({"iss": issuer, "sub": "user_1", "aud": ["api://tickets", "x"], "azp": "client_1", "scp": ["mcp:use"],
        "iat": now, "exp": now + 3600})
}

const WORDING: &str = "[issuer.tokens]\ntypes = [\"JWT\"]\nclient_id_claim = \"azp\"\nscope_claim = \"scp\"";

#[actix_web::test]
async fn tokens_that_are_worded_otherwise_pass_where_the_operator_says_how_and_only_there() {
    let (site, key) = (Site::start(), new_key());
    site.publish("/keys", published(&key));
    let aliased =
        |toml: String| toml.replace("name = \"Test MCP\"", "name = \"Test MCP\"\naudiences = [\"api://tickets\"]");
    let table = format!("[[issuer]]\nissuer = \"{OTHER}\"\njwks_url = \"{}/keys\"\n", site.url);
    let strict = World::with(|toml| format!("{}{table}", aliased(toml))).await;
    let told = World::with(|toml| format!("{}{table}{WORDING}\n", aliased(toml))).await;
    let without_alias = World::with(|toml| format!("{toml}{table}{WORDING}\n")).await;
    let sign = |typ: &str, claims: &Value| key.sign_as(typ, claims).expect("a token");
    let good = sign("JWT", &worded(OTHER));
    assert_eq!(
        (strict.status(&good).await, told.status(&good).await, without_alias.status(&good).await),
        (401, 200, 401)
    );
    let seen = told.upstream.seen();
    assert_eq!(seen.len(), 1);

    let with = |name: &str, value: Value| {
        let mut claims = worded(OTHER);
        claims[name] = value;
        sign("JWT", &claims)
    };
    for (token, expected) in [
        (sign("at+jwt", &worded(OTHER)), 401),
        (with("scp", json!("a mcp:use")), 200),
        (with("scp", json!(["a mcp:use"])), 401),
        (with("scp", json!([])), 403),
        (with("scp", json!(null)), 401),
        (with("azp", json!("")), 401),
        (with("aud", json!("api://tickets/")), 401),
        (with("aud", json!(["api://tickets", 1])), 401),
        (with("cnf", json!({"jkt": "x"})), 401),
    ] {
        assert_eq!(told.status(&token).await, expected, "{token}");
    }
    assert_eq!(told.status(&told.authority.token()).await, 200, "the wording is of that issuer only");
    let ours = told.authority.key.sign_as("JWT", &worded("https://mcp.example.com")).expect("a token");
    assert_eq!(told.status(&ours).await, 401);
}

/// Proves RFC 9449 §7.2: a token that is bound to a key does not pass as a bearer token.
#[actix_web::test]
async fn a_token_that_is_bound_to_a_key_is_no_bearer_token() {
    let world = World::start().await;
    let mut claims = serde_json::to_value(world.authority.claims()).expect("JSON");
    assert_eq!(world.status(&world.authority.key.sign_as("at+jwt", &claims).expect("a token")).await, 200);
    claims["cnf"] = json!({"jkt": "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"});
    assert_eq!(world.status(&world.authority.key.sign_as("at+jwt", &claims).expect("a token")).await, 401);
}

#[actix_web::test]
async fn the_resource_with_a_slash_at_its_end_is_the_same_resource() {
    let world = World::start().await;
    let aud = ResourceId::from_stored("https://mcp.example.com/mcp/".into());
    let token = world.authority.sign(&Claims { aud, ..world.authority.claims() });
    assert_eq!(world.status(&token).await, 200);
    let other = world.client.get(world.url("/mcp/")).bearer_auth(world.authority.token());
    assert_eq!(other.send().await.expect("an answer").status(), 200);
}
