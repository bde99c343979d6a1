//! `gatelodge token`: personal tokens made by the operator, for whomever. Their owners make them on the account page; what one is
//! stands in `grants/personal_token.rs`.

use std::time::Duration;

use clap::{Args, Subcommand};
use gatelodge_oauth::grant::{Grant, GrantId, UserId};
use gatelodge_oauth::scope::Scope;
use gatelodge_service::config::HumanDuration;
use gatelodge_store::{Tx, users};
use serde_json::json;

use super::{Setting, find_user, grants_of, no_user, print_grants, print_json, revoke, rfc3339, run, text};
use crate::cli::ConfigFile;
use crate::config::Config;
use crate::grants::personal_token::{self, NotPossible, Wanted};

/// Of a token of which nothing else is said.
const LIFETIME: Duration = Duration::from_secs(90 * 24 * 3600);

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
    /// How long it lives, at most tokens.refresh_token_lifetime. [default: 90d, or that where it is shorter]
    #[arg(long)]
    lifetime: Option<HumanDuration>,
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
                tokens.retain(|token| personal_token::is_one(&token.grant));
                print_grants(&tokens, setting.now, list.json)
            }),
            Self::Revoke(RevokeToken { id, config }) => {
                run(async move { revoke(&Setting::open(&config).await?, &id, personal_token::is_one).await })
            }
        }
    }
}

async fn create(token: CreateToken) -> Result<(), String> {
    let setting = Setting::open(&token.config).await?;
    let user_id = owner(&setting, &token.user).await?;
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
    let user = setting.store.read(move |tx| find_user(tx, &name)).await.map_err(text)?;
    match user {
        Some(user) if user.disabled_at.is_none() => Ok(user.id),
        Some(_) => Err(format!("{username} is disabled\n  hint: gatelodge user enable {username}")),
        None => Err(no_user(username)),
    }
}

fn new_grant(setting: &Setting, token: &CreateToken, user_id: UserId) -> Result<Grant, String> {
    let wanted = Wanted {
        name: &token.name,
        resource: token.resource.as_deref(),
        scope: token.scope.clone(),
        lifetime: token.lifetime.map_or(LIFETIME.min(setting.config.tokens.refresh_token), HumanDuration::get),
    };
    let made = personal_token::grant(&setting.config, GrantId::generate(), user_id, &wanted, setting.now);
    made.map_err(|error| hint(&setting.config, &wanted, error))
}

/// What to write instead.
fn hint(config: &Config, wanted: &Wanted<'_>, error: NotPossible) -> String {
    let known = personal_token::resource(&config.resources, wanted.resource);
    match (error, known) {
        (NotPossible::Name, _) => "give the token a --name that says what it is for, of up to 80 characters".into(),
        (NotPossible::Scope, Some(resource)) => {
            format!("the scopes of {} are: {}", resource.id, resource.known_scope())
        }
        (NotPossible::Resource | NotPossible::Scope, _) => {
            let ids: Vec<&str> = config.resources.iter().map(|resource| resource.id.as_str()).collect();
            format!("say for which resource with --resource: {}", ids.join(", "))
        }
        (NotPossible::Lifetime, _) => {
            let longest = HumanDuration::from_secs(config.tokens.refresh_token.as_secs());
            format!("a token may live for \"{longest}\" at most (tokens.refresh_token_lifetime)")
        }
    }
}

async fn issue(setting: &Setting, grant: &Grant) -> Result<String, String> {
    let key = setting.keys().await?.current(setting.now).await.active.clone();
    let (kid, config, new, operator) =
        (key.kid().to_owned(), setting.config.clone(), grant.clone(), setting.operator());
    let keep = move |tx: &mut Tx| {
        // Whoever is shut out or removed in this moment gets none.
        let owner = new.user_id.as_ref().map(|owner| users::lock_enabled(tx, owner)).transpose()?.flatten();
        if owner.is_none() {
            return Ok(None);
        }
        operator.note_token(tx, &new)?;
        personal_token::keep(tx, &config, &kid, &new).map(Some)
    };
    let kept = setting.store.write(keep).await.map_err(text)?;
    let kept = kept.ok_or("the user was shut out or removed in this moment")?;
    personal_token::sign(&setting.config, &key, kept).map_err(text)
}
