//! Clients, grants, tokens and codes, as the server stores them, with secrets that the load knows.

use std::time::Duration;

use gatelodge_oauth::client::{Client, ClientId, Registration};
use gatelodge_oauth::grant::authorization_code::AuthorizationCode;
use gatelodge_oauth::grant::refresh_token::RefreshToken;
use gatelodge_oauth::grant::{Grant, GrantId, UserId};
use gatelodge_oauth::pkce::CodeChallenge;
use gatelodge_oauth::resource::ResourceId;
use gatelodge_oauth::secret::{Kind, Secret};
use gatelodge_oauth::time::Timestamp;
use gatelodge_service::clock::Clock;
use gatelodge_store::users::User;
use gatelodge_store::{PoolOptions, Store, authorization_codes, clients, grants, refresh_tokens, users};

use crate::load::Rate;

pub const RESOURCE: &str = "https://mcp.example.com/mcp";
pub const REDIRECT_URI: &str = "https://client.example/callback";
/// RFC 7636 Appendix B.
pub const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
const DAY: Duration = Duration::from_secs(24 * 3_600);

pub async fn open(url: &str) -> Store {
    Store::open(&url.parse().expect("a URL"), PoolOptions::command()).await.expect("the database opens")
}

/// One client, and for each of so many grants the head of its chain.
#[derive(Debug)]
pub struct Chains {
    pub client_id: String,
    pub heads: Vec<String>,
}

/// One client, and codes that it may exchange.
#[derive(Debug)]
pub struct Codes {
    pub client_id: String,
    pub codes: Vec<String>,
}

struct Owner {
    client: Client,
    user: User,
    now: Timestamp,
}

async fn owner(store: &Store) -> Owner {
    let now = Clock::system().now();
    let client = Client {
        redirect_uris: vec![REDIRECT_URI.to_owned()],
        ..Client::new(ClientId::generate(), Registration::Dynamic, now)
    };
    let id = UserId::generate();
    let user = User {
        username: id.as_str().to_owned(),
        id,
        password_hash: None,
        created_at: now,
        disabled_at: None,
        is_admin: false,
    };
    let (stored_client, stored_user) = (client.clone(), user.clone());
    store
        .write(move |tx| {
            clients::insert(tx, &stored_client)?;
            users::insert(tx, &stored_user)
        })
        .await
        .expect("a client and a user");
    Owner { client, user, now }
}

impl Owner {
    fn grant(&self) -> Grant {
        Grant {
            id: GrantId::generate(),
            user_id: Some(self.user.id.clone()),
            client_id: self.client.id.clone(),
            resource: ResourceId::from_config(RESOURCE).expect("a resource"),
            scope: "mcp:use".parse().expect("a scope"),
            created_at: self.now,
            expires_at: self.now.plus(90 * DAY),
            revoked_at: None,
            auth_method: None,
            status_index: None,
            remembered_from: None,
            name: None,
        }
    }
}

impl Chains {
    pub async fn add(store: &Store, number: usize) -> Self {
        let owner = owner(store).await;
        let client_id = owner.client.id.as_str().to_owned();
        let heads: Vec<Secret> = (0..number).map(|_| Secret::generate(Kind::RefreshToken)).collect();
        let stored = heads.clone();
        let insert = move |tx: &mut gatelodge_store::Tx| {
            stored.iter().try_for_each(|head| {
                let grant = owner.grant();
                grants::insert(tx, &grant)?;
                refresh_tokens::insert(tx, &RefreshToken::unspent(head, &grant, 30 * DAY, owner.now))
            })
        };
        store.write(insert).await.expect("grants");
        Self { client_id, heads: heads.iter().map(|head| head.expose().to_owned()).collect() }
    }
}

/// Somewhat more than can be exchanged in the time, at the rate of refreshes.
pub async fn codes(store: &Store, refreshes: &Rate, time: Duration) -> Codes {
    let batches = (2.0 * refreshes.per_second * time.as_secs_f64() / 500.0).ceil() as usize;
    let owner = std::sync::Arc::new(owner(store).await);
    let mut all = Vec::new();
    for _ in 0..batches {
        let codes: Vec<Secret> = (0..500).map(|_| Secret::generate(Kind::AuthorizationCode)).collect();
        all.extend(codes.iter().map(|code| code.expose().to_owned()));
        let owner = owner.clone();
        let insert = move |tx: &mut gatelodge_store::Tx| {
            codes.iter().try_for_each(|code| {
                let grant = owner.grant();
                grants::insert(tx, &grant)?;
                let code = AuthorizationCode {
                    hash: code.hash(),
                    grant_id: grant.id,
                    client_id: grant.client_id,
                    redirect_uri: REDIRECT_URI.to_owned(),
                    code_challenge: CodeChallenge::try_from(CHALLENGE.to_owned()).expect("a challenge"),
                    scope: grant.scope,
                    resource: grant.resource,
                    created_at: owner.now,
                    expires_at: owner.now.plus(DAY),
                    consumed_at: None,
                    failures: 0,
                };
                authorization_codes::insert(tx, &code)
            })
        };
        store.write(insert).await.expect("codes");
    }
    Codes { client_id: owner.client.id.as_str().to_owned(), codes: all }
}

/// SQL that adds grants `from..to`, each with a chain of one token that nobody knows, all over the indexes.
pub fn filling(from: usize, to: usize) -> String {
    format!(
        "INSERT INTO users (id, username, created_at) VALUES ('user_filling', 'filling', 0) ON CONFLICT DO NOTHING; \
         INSERT INTO grants (id, user_id, client_id, resource, scope, created_at, expires_at) \
         SELECT 'grant_' || md5(i::text), 'user_filling', 'filling', '{RESOURCE}', 'mcp:use', 0, 4000000000 \
         FROM generate_series({from}, {to} - 1) i; \
         INSERT INTO refresh_tokens (hash, grant_id, created_at, expires_at) \
         SELECT sha256(i::text::bytea), 'grant_' || md5(i::text), 0, 4000000000 FROM generate_series({from}, {to} - 1) i"
    )
}
