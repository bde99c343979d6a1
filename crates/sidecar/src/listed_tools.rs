//! Tells the authorization server which tools lie behind each scope, for its consent page: those of the lists that go through here, as
//! clients see them, by the rules of the resource. Only where the operator wants it (`tools_on_consent`), since an MCP server that
//! lists other tools to other callers would have them shown to everybody. Noted by `lists/rewrite.rs`; sent behind the back of the
//! calls, to where the audit trail goes.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use gatelodge_oauth::resource::ResourceId;
use gatelodge_oauth::resource_tools::{ListedTool, MAX_BODY, MAX_TOOLS, MEDIA_TYPE, ResourceTools};
use gatelodge_oauth::scope::Scope;
use gatelodge_service::http_client::{self, HttpClientOptions, Tls};
use reqwest::header::CONTENT_TYPE;
use reqwest::{Client, StatusCode, Url};
use secrecy::ExposeSecret as _;
use serde::Deserialize;
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio::time::sleep;

use crate::config::{AuditConfig, Resource};
use crate::lists::{List, Overlay};
use crate::policy::{Need, Policy};

/// The pages of one list come shortly after each other.
const INTERVAL: Duration = Duration::from_secs(1);

/// The pause after a failure.
const PAUSE: Duration = Duration::from_secs(30);

/// The answer: longer than the authorization server waits for its database.
const RESPONSE_TIMEOUT: Duration = Duration::from_secs(15);

/// The tools of one resource, as far as they were listed since the start.
#[derive(Debug)]
pub struct ListedTools {
    resource: ResourceId,
    policy: Arc<Policy>,
    overlay: Arc<Overlay>,
    tools: Mutex<BTreeMap<String, ListedTool>>,
    changed: Notify,
}

/// What the MCP server says of a tool.
#[derive(Default, Deserialize)]
struct Described {
    title: Option<String>,
    annotations: Option<Annotations>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Annotations {
    title: Option<String>,
    read_only_hint: Option<bool>,
    destructive_hint: Option<bool>,
}

impl ListedTools {
    /// Of a resource whose operator wants them shown.
    pub fn of(resource: &Resource) -> Option<Arc<Self>> {
        resource.tools_on_consent.then(|| {
            Arc::new(Self {
                resource: resource.id.clone(),
                policy: Arc::clone(&resource.policy),
                overlay: Arc::clone(&resource.overlay),
                tools: Mutex::default(),
                changed: Notify::new(),
            })
        })
    }

    /// A tool is listed, and shown to somebody; `described` is its JSON, as the MCP server wrote it.
    pub fn note(&self, name: &str, described: &str) {
        let Some(tool) = self.listed(name, described) else { return };
        let mut tools = self.tools.lock().unwrap_or_else(PoisonError::into_inner);
        let has_room = tools.len() < MAX_TOOLS || tools.contains_key(name);
        if has_room && tools.get(name) != Some(&tool) {
            tools.insert(name.to_owned(), tool);
            self.changed.notify_one();
        }
    }

    /// As the consent page shows it. `None`: no consent opens it.
    fn listed(&self, name: &str, described: &str) -> Option<ListedTool> {
        let Need::Scope(needed) = self.policy.need_for(List::Tools, name) else { return None };
        if self.overlay.hides(name) {
            return None;
        }
        // What everything needs says nothing, unless it is all that this needs.
        let own: Scope = needed.iter().filter(|scope| !self.policy.scope.contains(scope)).map(str::to_owned).collect();
        let scope = if own.is_empty() { needed.into_owned() } else { own };
        let said: Described = serde_json::from_str(described).unwrap_or_default();
        let annotations = said.annotations.unwrap_or_default();
        let ours = self.overlay.described(name);
        let tool = ListedTool {
            name: name.to_owned(),
            title: ours.and_then(|ours| ours.title.clone()).or(said.title).or(annotations.title),
            // What the operator calls destructive, the MCP server does not call harmless.
            read_only: ours
                .and_then(|ours| ours.read_only.or((ours.destructive == Some(true)).then_some(false)))
                .or(annotations.read_only_hint)
                .unwrap_or_default(),
            destructive: ours.and_then(|ours| ours.destructive).or(annotations.destructive_hint).unwrap_or_default(),
            scope,
        };
        tool.showable()
    }

    fn all(&self) -> ResourceTools {
        let tools = self.tools.lock().unwrap_or_else(PoisonError::into_inner);
        ResourceTools { resource: self.resource.as_str().to_owned(), tools: tools.values().cloned().collect() }
    }

    /// Tells them, and again whenever they change. At first there are none: what was true before the start may be so no longer.
    pub fn keep_told(self: &Arc<Self>, config: &AuditConfig) -> Result<JoinHandle<()>, reqwest::Error> {
        let url = config.url.join("tools").unwrap_or_else(|_| config.url.clone());
        let options = HttpClientOptions {
            tls: Tls::for_urls([url.as_str()]),
            response_timeout: Some(RESPONSE_TIMEOUT),
            ..HttpClientOptions::default()
        };
        let (client, config, tools) = (http_client::build(&options)?, config.clone(), Arc::clone(self));
        Ok(tokio::spawn(async move {
            loop {
                while let Err(error) = tools.tell(&client, &url, &config).await {
                    tracing::warn!(%url, resource = %tools.resource, error, "the tools for the consent page are not taken");
                    sleep(PAUSE).await;
                }
                tools.changed.notified().await;
                sleep(INTERVAL).await;
            }
        }))
    }

    async fn tell(&self, client: &Client, url: &Url, config: &AuditConfig) -> Result<(), String> {
        let mut all = self.all();
        let mut body = serde_json::to_vec(&all).map_err(|error| error.to_string())?;
        while body.len() > MAX_BODY && all.tools.pop().is_some() {
            body = serde_json::to_vec(&all).map_err(|error| error.to_string())?;
        }
        let request = client.put(url.clone()).header(CONTENT_TYPE, MEDIA_TYPE).body(body);
        let sent = request.bearer_auth(config.secret.expose_secret()).send().await;
        match sent.map_err(|error| http_client::cause(&error))?.status() {
            StatusCode::NO_CONTENT => Ok(()),
            status => Err(format!("it answers {status}")),
        }
    }
}
