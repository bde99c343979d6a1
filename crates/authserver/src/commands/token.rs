//! `gatelodge token`: personal tokens, for clients that speak no OAuth. Each is an access token (RFC 9068) with a grant of its
//! own, so that it can be revoked.

use clap::{Args, Subcommand};
use gatelodge_oauth::access_token::Claims;
use gatelodge_oauth::client::{ClientId, PERSONAL_TOKEN};
use gatelodge_oauth::grant::{Grant, GrantId, UserId};
use gatelodge_oauth::resource::Resource;
use gatelodge_oauth::scope::Scope;
use gatelodge_oauth::secret::random_base62;
use gatelodge_service::config::HumanDuration;
use gatelodge_store::{StoreError, grants, signing_keys, users};
use serde_json::json;

use super::{Setting, grants_of, no_user, print_grants, print_json, revoke, rfc3339, run, text};
use crate::cli::ConfigFile;
use crate::config::Config;
use crate::status_list;

/// See `gatelodge token --help`.
#[derive(Subcommand)]
pub enum TokenCommand {
    /// Make an access token for a script, or for a client that speaks no OAuth, and print it once. It lives long and cannot be
    /// refreshed: treat it like a password.
    Create(CreateToken),
    /// List the personal tokens, the newest first. None is shown itself: only its owner has it.
    List(ListTokens),
    /// End a personal token. The sidecar refuses it within seconds.
    Revoke(RevokeToken),
}

/// Of `create`.
#[derive(Args)]
pub struct CreateToken {
    /// Whose token it is.
    #[arg(long, value_name = "NAME")]
    user: String,
    /// What its owner calls it, for instance the machine it is for.
    #[arg(long)]
    name: String,
    /// For which [[resource]]; needed when there are several.
    #[arg(long, value_name = "URL")]
    resource: Option<String>,
    /// What it allows, separated by spaces. [default: default_scopes of the resource]
    #[arg(long)]
    scope: Option<Scope>,
    /// How long it lives, at most tokens.refresh_token_lifetime.
    #[arg(long, default_value = "90d")]
    lifetime: HumanDuration,
    /// Print JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    config: ConfigFile,
}

/// Of `list`.
#[derive(Args)]
pub struct ListTokens {
    /// Of this user only.
    #[arg(long, value_name = "NAME")]
    user: Option<String>,
    /// Print JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    config: ConfigFile,
}

/// Of `revoke`.
#[derive(Args)]
pub struct RevokeToken {
    /// The identifier, as `list` shows it.
    id: String,
    #[command(flatten)]
    config: ConfigFile,
}

impl TokenCommand {
    /// Does it.
    pub fn run(self) -> Result<(), String> {
        match self {
            Self::Create(token) => run(create(token)),
            Self::List(list) => run(async move {
                let setting = Setting::open(&list.config).await?;
                let mut tokens = grants_of(&setting, list.user.as_deref()).await?;
                tokens.retain(|token| is_personal(&token.grant));
                print_grants(&tokens, setting.now, list.json)
            }),
            Self::Revoke(RevokeToken { id, config }) => {
                run(async move { revoke(&Setting::open(&config).await?, &id, is_personal).await })
            }
        }
    }
}

fn is_personal(grant: &Grant) -> bool {
    grant.client_id.as_str() == PERSONAL_TOKEN
}

async fn create(token: CreateToken) -> Result<(), String> {
    let setting = Setting::open(&token.config).await?;
    let username = token.user.to_lowercase();
    let user_id = owner(&setting, &username).await?;
    let grant = new_grant(&setting, &token, user_id)?;
    let signed = issue(&setting, &grant).await?;
    let Grant { id, expires_at, .. } = grant;
    if token.json {
        return print_json(&json!({ "id": id, "expires_at": rfc3339(expires_at), "access_token": signed }));
    }
    eprintln!("{id}, until {}. It is shown this once:", rfc3339(expires_at));
    println!("{signed}");
    Ok(())
}

async fn owner(setting: &Setting, username: &str) -> Result<UserId, String> {
    let name = username.to_owned();
    let user = setting.store.read(move |tx| users::find_by_username(tx, &name)).await.map_err(text)?;
    match user {
        Some(user) if user.disabled_at.is_none() => Ok(user.id),
        Some(_) => Err(format!("the user {username} is disabled")),
        None => Err(no_user(username)),
    }
}

fn new_grant(setting: &Setting, token: &CreateToken, user_id: UserId) -> Result<Grant, String> {
    let (resource, scope) = allowed(&setting.config.resources, token.resource.as_deref(), token.scope.as_ref())?;
    let longest = setting.config.tokens.refresh_token;
    if token.lifetime.get().is_zero() || token.lifetime.get() > longest {
        let longest = HumanDuration::from_secs(longest.as_secs());
        return Err(format!("a token may live for \"{longest}\" at most (tokens.refresh_token_lifetime)"));
    }
    if token.name.trim().is_empty() || token.name.chars().any(char::is_control) {
        return Err("give the token a --name that says what it is for".into());
    }
    Ok(Grant {
        id: GrantId::generate(),
        user_id: Some(user_id),
        client_id: ClientId::new(PERSONAL_TOKEN),
        resource: resource.id.clone(),
        scope,
        created_at: setting.now,
        expires_at: setting.now.plus(token.lifetime.get()),
        revoked_at: None,
        auth_method: None,
        status_index: None,
        name: Some(token.name.clone()),
    })
}

/// For which resource, and how far.
fn allowed<'a>(
    resources: &'a [Resource],
    wanted: Option<&str>,
    scope: Option<&Scope>,
) -> Result<(&'a Resource, Scope), String> {
    let resource = match (wanted, resources) {
        (Some(wanted), _) => resources.iter().find(|resource| resource.id.as_str() == wanted),
        (None, [only]) => Some(only),
        (None, _) => None,
    };
    let resource = resource.ok_or_else(|| {
        let ids: Vec<&str> = resources.iter().map(|resource| resource.id.as_str()).collect();
        format!("say for which resource with --resource: {}", ids.join(", "))
    })?;
    let scope = scope.unwrap_or(&resource.default_scope);
    if scope.is_empty() || !scope.is_subset_of(&resource.known_scope()) {
        return Err(format!("the scopes of {} are: {}", resource.id, resource.known_scope()));
    }
    Ok((resource, scope.clone()))
}

/// Keeps the grant, and the key for as long as the token lives; then signs.
async fn issue(setting: &Setting, grant: &Grant) -> Result<String, String> {
    let key = setting.keys().await?.current(setting.now).await.active.clone();
    let (kid, now, new) = (key.kid().to_owned(), setting.now, grant.clone());
    let Config { keys, tokens, .. } = &setting.config;
    let needed_until = keys.rotation_policy(tokens.access_token).needed_until(grant.expires_at);
    let kept = setting.store.write(move |tx| {
        if !signing_keys::need_until(tx, &kid, needed_until)? {
            return Err(StoreError::Unavailable("the signing key was just revoked; try again".into()));
        }
        let kept = Grant { status_index: Some(grants::allocate_status_index(tx, now)?), ..new.clone() };
        grants::insert(tx, &kept)?;
        Ok(kept)
    });
    let kept = kept.await.map_err(text)?;
    let issuer = &setting.config.public_url;
    let claims = Claims {
        iss: issuer.as_str().to_owned(),
        status: status_list::reference(issuer, &kept),
        sub: kept.subject().to_owned(),
        aud: kept.resource,
        client_id: kept.client_id,
        scope: kept.scope,
        iat: now,
        exp: kept.expires_at,
        jti: random_base62(22),
    };
    key.sign(&claims).map_err(text)
}
