//! `gatelodge client`: clients that the operator adds while the server runs. The same rules as for `[[client]]`.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use gatelodge_oauth::client::{Client, ClientId};
use gatelodge_oauth::secret::{Kind, Secret};
use gatelodge_oauth::time::Timestamp;
use gatelodge_service::config::Problems;
use gatelodge_store::clients;
use secrecy::SecretString;
use serde_json::{Value, json};

use super::{Setting, print_json, text};
use crate::cli::ConfigFile;
use crate::clients::configured::{self, RawClient};
use crate::config::Config;

/// What can be done with clients.
#[derive(Subcommand)]
pub enum ClientCommand {
    /// Add a client that need not register itself. Prints its identifier, and its secret once when it has one.
    Add(AddClient),
    /// List every client: of the configuration, added by command, and registered by themselves.
    List(ListClients),
    /// Remove a client of the database and end everything that it was allowed.
    Remove(RemoveClient),
}

/// `gatelodge client add`
#[derive(Args)]
pub struct AddClient {
    /// What people read on the consent page.
    name: String,
    /// Its client_id. One is made when this is left out.
    #[arg(long)]
    id: Option<String>,
    /// Where it takes its answers; repeat it for more.
    #[arg(long = "redirect-uri", value_name = "URI")]
    redirect_uris: Vec<String>,
    /// What it may use at the token endpoint; repeat it for more. [default: authorization_code and refresh_token]
    #[arg(long = "grant-type", value_name = "TYPE")]
    grant_types: Vec<String>,
    /// none, client_secret_basic, client_secret_post or private_key_jwt. A secret is made for it.
    #[arg(long, value_name = "METHOD", default_value = "none")]
    auth_method: String,
    /// Its public keys as a JWK set, for private_key_jwt.
    #[arg(long, value_name = "FILE")]
    jwks_file: Option<PathBuf>,
    /// Where its JWK set is fetched, for private_key_jwt.
    #[arg(long, value_name = "URL")]
    jwks_uri: Option<String>,
    /// The most it may be granted; repeat it for more. [default: no limit]
    #[arg(long = "scope", value_name = "SCOPE")]
    scopes: Vec<String>,
    /// A resource it may ask for; repeat it for more. [default: all]
    #[arg(long = "resource", value_name = "URL")]
    resources: Vec<String>,
    /// It is a resource server that may ask about tokens (RFC 7662).
    #[arg(long)]
    introspection: bool,
    /// Print JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    config: ConfigFile,
}

/// `gatelodge client list`
#[derive(Args)]
pub struct ListClients {
    /// Print JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    config: ConfigFile,
}

/// `gatelodge client remove`
#[derive(Args)]
pub struct RemoveClient {
    /// Its client_id.
    id: String,
    #[command(flatten)]
    config: ConfigFile,
}

impl ClientCommand {
    /// Runs it.
    pub fn run(self) -> Result<(), String> {
        super::run(async {
            match self {
                ClientCommand::Add(command) => add(command).await,
                ClientCommand::List(command) => list(&command).await,
                ClientCommand::Remove(command) => remove(&command).await,
            }
        })
    }
}

async fn add(add: AddClient) -> Result<(), String> {
    let setting = Setting::open(&add.config).await?;
    let (as_json, operator) = (add.json, setting.operator());
    let secret = add.auth_method.starts_with("client_secret").then(|| Secret::generate(Kind::ClientSecret));
    let client = checked(add, secret.as_ref(), &setting.config, setting.now)?;
    let (id, stored) = (client.id.clone(), client.clone());
    if setting.config.clients.iter().any(|configured| configured.id == id) {
        return Err(format!("the configuration has a client {id} already\n  hint: choose another --id"));
    }
    if !setting.store.write(move |tx| operator.add_client(tx, &stored)).await.map_err(text)? {
        return Err(format!(
            "there is a client {id} already\n  hint: choose another --id, or gatelodge client remove {id}"
        ));
    }
    if as_json {
        let mut shown = described(&client);
        if let Some(secret) = &secret {
            shown["client_secret"] = json!(secret.expose());
        }
        return print_json(&shown);
    }
    println!("client_id      {id}");
    if let Some(secret) = &secret {
        println!("client_secret  {}   (shown this once, and stored as a hash)", secret.expose());
    }
    Ok(())
}

fn checked(add: AddClient, secret: Option<&Secret>, config: &Config, now: Timestamp) -> Result<Client, String> {
    let some = |list: Vec<String>| (!list.is_empty()).then_some(list);
    let id = add.id.unwrap_or_else(|| ClientId::generate().as_str().to_owned());
    let raw = RawClient {
        id,
        name: add.name,
        redirect_uris: add.redirect_uris,
        grant_types: some(add.grant_types).or_else(|| add.introspection.then(Vec::new)),
        token_endpoint_auth_method: Some(add.auth_method),
        secret: secret.map(|secret| SecretString::from(secret.expose())),
        jwks_file: add.jwks_file,
        jwks_uri: add.jwks_uri,
        scopes: some(add.scopes),
        resources: some(add.resources),
        introspection: add.introspection,
        ..RawClient::default()
    };
    let mut problems = Problems::default();
    let policy = &config.registration.redirects;
    let client = raw.check("client", policy, &config.resources, now, &mut problems);
    client.ok_or_else(|| problems.to_string().trim_end().to_owned())
}

async fn list(list: &ListClients) -> Result<(), String> {
    let Setting { config, store, .. } = Setting::open(&list.config).await?;
    let stored = store.read(clients::list).await.map_err(text)?;
    let all: Vec<&Client> = config.clients.iter().chain(&stored).collect();
    if list.json {
        let shown: Vec<Value> = all.into_iter().map(described).collect();
        return print_json(&shown);
    }
    for client in all {
        let name = client.name.as_deref().unwrap_or("(no name)").escape_debug();
        println!("{:<32} {:<18} {name}", client.id.as_str().escape_debug(), client.registration.as_str());
    }
    Ok(())
}

async fn remove(remove: &RemoveClient) -> Result<(), String> {
    let setting = Setting::open(&remove.config).await?;
    let id = ClientId::new(remove.id.clone());
    if configured::find(&setting.config, &id).is_some() {
        return Err(format!(
            "{id} is in the configuration\n  hint: remove its [[client]] there and restart the server"
        ));
    }
    let operator = setting.operator();
    match setting.store.write(move |tx| operator.remove_client(tx, &id)).await.map_err(text)? {
        Some(ended) => {
            println!("removed {}; {ended} grants ended", remove.id);
            Ok(())
        }
        None => Err(format!("there is no client {:?}\n  hint: gatelodge client list", remove.id)),
    }
}

/// A client without anything secret.
fn described(client: &Client) -> Value {
    json!({
        "client_id": client.id,
        "registration": client.registration.as_str(),
        "client_name": client.name,
        "redirect_uris": client.redirect_uris,
        "grant_types": client.grant_types,
        "token_endpoint_auth_method": client.auth_methods.first(),
        "scope": client.scope,
        "resources": client.resources,
        "introspection": client.may_introspect,
    })
}
