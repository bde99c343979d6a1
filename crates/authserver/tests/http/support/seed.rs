//! Grants written straight into the database, as consent writes them: a thousand walks through the pages would prove nothing
//! more. And the look back: is what is stored of a grant one chain?

use gatelodge_oauth::client::{Client, ClientId, Registration};
use gatelodge_oauth::grant::authorization_code::AuthorizationCode;
use gatelodge_oauth::grant::refresh_token::RefreshToken;
use gatelodge_oauth::grant::{Grant, GrantId, UserId};
use gatelodge_oauth::pkce::CodeChallenge;
use gatelodge_oauth::resource::ResourceId;
use gatelodge_oauth::secret::{Kind, Secret, random_base62};
use gatelodge_oauth::time::Timestamp;
use gatelodge_service::clock::Clock;
use gatelodge_store::users::{self, User};
use gatelodge_store::{PoolOptions, Store, Tx, authorization_codes, clients, grants, refresh_tokens};

use super::database::password_hash;
use super::mcp_client::{REDIRECT_URI, challenge};
use super::{Database, Form, RESOURCE};

/// One client of one person, with as many grants as a test wants. The time is the machine's.
pub struct Seeder {
    store: Store,
    user: UserId,
    client: ClientId,
    verifier: String,
    now: Timestamp,
}

impl Seeder {
    pub async fn new(database: &Database) -> Self {
        let url = database.url.parse().expect("a URL");
        let store = Store::open(&url, PoolOptions::command()).await.expect("the database opens");
        let now = Clock::system().now();
        let (user, client) = (UserId::generate(), ClientId::generate());
        let person = User {
            id: user.clone(),
            username: format!("seeded-{}", random_base62(8)).to_lowercase(),
            password_hash: None,
            created_at: now,
            disabled_at: None,
            is_admin: false,
        };
        let registered = Client {
            name: Some("Seeded Client".into()),
            redirect_uris: vec![REDIRECT_URI.into()],
            ..Client::new(client.clone(), Registration::Dynamic, now)
        };
        let insert = move |tx: &mut Tx| {
            users::insert(tx, &person)?;
            clients::insert(tx, &registered)
        };
        store.write(insert).await.expect("the client is added");
        Self { store, user, client, verifier: random_base62(64), now }
    }

    /// People who may sign in: their names.
    pub async fn people(&self, number: usize) -> Vec<String> {
        let names: Vec<String> = (0..number).map(|number| format!("person-{number}")).collect();
        let (added, password_hash, created_at) = (names.clone(), password_hash(), self.now);
        let insert = move |tx: &mut Tx| {
            added.iter().try_for_each(|username| {
                let (id, username) = (UserId::generate(), username.clone());
                let password_hash = Some(password_hash.clone());
                let person = User { id, username, password_hash, created_at, disabled_at: None, is_admin: false };
                users::insert(tx, &person).map(drop)
            })
        };
        self.store.write(insert).await.expect("the people are added");
        names
    }

    /// Grants with an authorization code each: the codes.
    pub async fn codes(&self, number: usize) -> Vec<Secret> {
        let challenge = challenge(&self.verifier);
        self.insert(number, Kind::AuthorizationCode, move |tx, grant, secret| {
            let code = AuthorizationCode {
                hash: secret.hash(),
                grant_id: grant.id.clone(),
                client_id: grant.client_id.clone(),
                redirect_uri: REDIRECT_URI.into(),
                code_challenge: CodeChallenge::from_request(Some(&challenge), Some("S256")).expect("a challenge"),
                scope: grant.scope.clone(),
                resource: grant.resource.clone(),
                created_at: grant.created_at,
                expires_at: grant.expires_at,
                consumed_at: None,
                failures: 0,
            };
            authorization_codes::insert(tx, &code)
        })
        .await
    }

    /// Grants with a refresh token each: the tokens.
    pub async fn refresh_tokens(&self, number: usize) -> Vec<Secret> {
        self.insert(number, Kind::RefreshToken, |tx, grant, secret| {
            let token = RefreshToken {
                hash: secret.hash(),
                grant_id: grant.id.clone(),
                created_at: grant.created_at,
                expires_at: grant.expires_at,
                spent_at: None,
                successor: None,
            };
            refresh_tokens::insert(tx, &token)
        })
        .await
    }

    async fn insert(
        &self,
        number: usize,
        kind: Kind,
        descend: impl Fn(&mut Tx, &Grant, &Secret) -> Result<(), gatelodge_store::StoreError> + Send + Sync + 'static,
    ) -> Vec<Secret> {
        let day = std::time::Duration::from_secs(86_400);
        let new = || {
            let grant = Grant {
                id: GrantId::generate(),
                user_id: Some(self.user.clone()),
                client_id: self.client.clone(),
                resource: ResourceId::from_stored(RESOURCE.into()),
                scope: "mcp:use".parse().expect("a scope"),
                created_at: self.now,
                expires_at: self.now.plus(day),
                revoked_at: None,
                auth_method: None,
                status_index: None,
                remembered_from: None,
                name: None,
            };
            (grant, Secret::generate(kind))
        };
        let all: Vec<(Grant, Secret)> = std::iter::repeat_with(new).take(number).collect();
        let secrets = all.iter().map(|(_, secret)| secret.clone()).collect();
        let insert = move |tx: &mut Tx| {
            all.iter().try_for_each(|(grant, secret)| {
                grants::insert(tx, grant)?;
                descend(tx, grant, secret)
            })
        };
        self.store.write(insert).await.expect("the grants are added");
        secrets
    }

    /// RFC 6749 §4.1.3.
    pub fn code_request(&self, code: &Secret) -> Form {
        Form::new([
            ("grant_type", "authorization_code"),
            ("client_id", self.client.as_str()),
            ("code", code.expose()),
            ("redirect_uri", REDIRECT_URI),
            ("code_verifier", &self.verifier),
        ])
    }

    /// RFC 6749 §6.
    pub fn refresh_request(&self, token: &str) -> Form {
        Form::new([("grant_type", "refresh_token"), ("client_id", self.client.as_str()), ("refresh_token", token)])
    }

    /// Walks from a grant's first token to its last, as whoever holds the first one could: how many there are.
    async fn chain_length(&self, first: &Secret) -> i64 {
        let first = first.clone();
        let walk = move |tx: &mut Tx| {
            let (mut length, mut current) = (1, first.clone());
            while let Some(row) = refresh_tokens::find(tx, &current.hash())? {
                let Some(sealed) = row.successor else { return Ok(length) };
                current = sealed.open(&current).expect("a successor is sealed for the token before it");
                length += 1;
            }
            panic!("a chain leads to a token that is not stored")
        };
        self.store.read(walk).await.expect("the chain can be read")
    }

    /// Whatever happened since `grants` began with these tokens: every grant lives, has one unspent token, and no token beside its one chain.
    pub async fn assert_nothing_lost_or_forked(&self, database: &Database, grants: &[Secret]) {
        let client = self.client.as_str();
        let number = i64::try_from(grants.len()).expect("few");
        let of_client = format!("grant_id IN (SELECT id FROM grants WHERE client_id = '{client}')");
        assert_eq!(database.count(&format!("grants WHERE client_id = '{client}' AND revoked_at IS NULL")), number);
        assert_eq!(database.count(&format!("refresh_tokens WHERE spent_at IS NULL AND {of_client}")), number);
        let mut in_chains = 0;
        for first in grants {
            in_chains += self.chain_length(first).await;
        }
        assert_eq!(database.count(&format!("refresh_tokens WHERE {of_client}")), in_chains, "a chain has a branch");
    }
}
