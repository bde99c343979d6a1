//! What happened to somebody's access, and what was done with it: `GET /account/activity`, a page of the audit trail in words. Only
//! what this server knows of the person, and what sidecars told of tokens of this issuer.

use std::collections::HashMap;

use actix_web::http::StatusCode;
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use gatelodge_oauth::audit_event::AuditEvent;
use gatelodge_oauth::client::{ClientId, PERSONAL_TOKEN};
use gatelodge_oauth::grant::UserId;
use gatelodge_oauth::parameters::Parameters;
use gatelodge_store::audit_events::{self, Order, Search};
use gatelodge_store::{StoreError, Tx};

use crate::app::App;
use crate::login::sign_in::SOMEBODY_ELSE;
use crate::pages::{ActivityPage, Happening};
use crate::security_events::What;
use crate::{clients, own_page, problem};

/// Events on one page.
const PAGE: usize = 50;

/// What is stored.
struct Stored {
    events: Vec<AuditEvent>,
    /// What clients call themselves.
    names: HashMap<String, String>,
}

/// `GET /account/activity`, with `before`: what is older than this event.
pub async fn show(request: HttpRequest, app: Data<App>) -> HttpResponse {
    let (session, user) = match own_page::account(&request, &app).await {
        Ok(signed_in) => signed_in,
        Err(page) => return page,
    };
    let query = Parameters::parse(request.query_string().as_bytes());
    let before = query.and_then(|query| query.optional("before").map(|before| before.map(str::to_owned)));
    let before = match before {
        Ok(before) => before,
        Err(error) => return problem::form(&app, &request, &error),
    };
    match load(&app, user.id.clone(), before).await {
        Ok(mut stored) => {
            let older = (stored.events.len() > PAGE).then(|| stored.events[PAGE - 1].id.clone());
            stored.events.truncate(PAGE);
            let happenings = stored.events.iter().map(|event| happening(&app, event, &stored.names)).collect();
            let page = ActivityPage { account: user.username, happenings, older };
            own_page::show(&request, &app, &session, StatusCode::OK, &page)
        }
        Err(error) => problem::store(&app, &request, &error),
    }
}

async fn load(app: &App, user_id: UserId, before: Option<String>) -> Result<Stored, StoreError> {
    let state = app.clone();
    let search = Search {
        issuer: Some(app.config.public_url.as_str().to_owned()),
        subject: Some(user_id.to_string()),
        ..Search::default()
    };
    let limit = u32::try_from(PAGE + 1).unwrap_or(u32::MAX);
    app.store
        .read(move |tx: &mut Tx| {
            let last = before.as_deref().map(|id| audit_events::find(tx, id)).transpose()?.flatten();
            // An event of somebody else leads nowhere, and says nothing.
            let last = last.filter(|last| last.subject == search.subject && last.issuer == search.issuer);
            let events = audit_events::page(tx, &search, Order::NewestFirst, last.as_ref(), limit)?;
            let mut names = HashMap::new();
            for id in events.iter().filter_map(|event| event.client_id.as_ref()) {
                if !names.contains_key(id)
                    && let Some(client) = clients::find(tx, &state, &ClientId::new(id.clone()))?
                    && let Some(name) = client.name
                {
                    names.insert(id.clone(), name);
                }
            }
            Ok(Stored { events, names })
        })
        .await
}

fn happening(app: &App, event: &AuditEvent, names: &HashMap<String, String>) -> Happening {
    let resource = event.resource.as_ref().map(|resource| {
        let known = app.config.resources.iter().find(|known| known.id.as_str() == resource);
        known.map_or_else(|| resource.clone(), |known| known.name.clone())
    });
    let is_token = event.client_id.as_deref() == Some(PERSONAL_TOKEN);
    let client = event.client_id.as_ref().filter(|_| !is_token).and_then(|id| names.get(id)).cloned();
    let what = match (What::of(&event.outcome), event.outcome.as_str()) {
        (Some(What::Granted), _) => "granted",
        (Some(What::Revoked), _) if is_token => "token_revoked",
        (Some(What::SignInFailed), _) if event.reason.as_deref() == Some("email_code") => "code_failed",
        (Some(What::SignInFailed), _) if event.reason.as_deref() == Some(SOMEBODY_ELSE) => "secret_known",
        (Some(What::SignedOut), _) => match event.reason.as_deref() {
            Some("here") => "signed_out_here",
            Some("everywhere") => "signed_out_everywhere",
            _ => "signed_out",
        },
        (Some(what), _) => what.as_str(),
        (None, "forwarded") if is_token => "token_called",
        (None, _) if is_token => "token_refused",
        (None, "forwarded") => "called",
        (None, _) => "refused",
    };
    Happening {
        what,
        client,
        name: event.mcp_name.clone().or_else(|| event.mcp_method.clone()),
        resource,
        how: how(event).filter(|_| what != "code_failed"),
        time: event.at.into(),
        source: event.source.clone(),
    }
}

/// How somebody signed in, or who ended a grant, as far as there are words for it.
fn how(event: &AuditEvent) -> Option<&'static str> {
    let known = [
        "password",
        "oidc",
        "email_code",
        "link",
        "totp",
        "passkey",
        "recovery_code",
        "owner",
        "client",
        "operator",
        "replayed",
    ];
    known.into_iter().find(|known| event.reason.as_deref() == Some(known))
}
