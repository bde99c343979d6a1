//! The account: what a person allowed and where they are signed in, and how to end it. `GET` and `POST /account`. Whoever is not
//! signed in is sent to `/login` and comes back here.

use std::collections::{HashMap, HashSet};

use actix_web::http::StatusCode;
use actix_web::web::{Bytes, Data};
use actix_web::{Error, HttpRequest, HttpResponse};
use gatelodge_oauth::client::{Client, Registration};
use gatelodge_oauth::error::OAuthError;
use gatelodge_oauth::grant::{Grant, GrantId, UserId};
use gatelodge_oauth::resource::ResourceId;
use gatelodge_oauth::resource_tools::ListedTool;
use gatelodge_oauth::secret::HashedSecret;
use gatelodge_oauth::time::Timestamp;
use gatelodge_store::browser_sessions::{self, BrowserSession};
use gatelodge_store::grants::{self, LastUse};
use gatelodge_store::users::User;
use gatelodge_store::{StoreError, Tx, email_addresses, resource_tools};

use crate::app::App;
use crate::endpoints::account_passkeys;
use crate::endpoints::consent::described_by;
use crate::grants::personal_token;
use crate::login::config::Method;
use crate::login::second_factors::Factors;
use crate::pages::{
    AccountPage, ConnectedApp, Failure, PersonalToken, ScopeLine, SecondFactorLine, ShownTool, ShownTools,
    SignedInBrowser,
};
use crate::security_events::{SecurityEvent, What};
use crate::session::{self, OpenSession};
use crate::{clients, csrf, own_page, people, problem, respond};

/// What a person wants to end.
#[derive(Debug, Clone)]
enum Ending {
    Grant(GrantId),
    Apps,
    Session(String),
    OtherSessions,
    Everything,
}

/// What is written down of it.
struct Events {
    revoked: SecurityEvent,
    signed_out: SecurityEvent,
    everything: SecurityEvent,
}

/// A grant with its last use and its client.
type Held = (Grant, Option<LastUse>, Option<Client>);

/// What there is to see, as it is stored.
struct Stored {
    grants: Vec<Held>,
    tools: HashMap<ResourceId, Vec<ListedTool>>,
    sessions: Vec<BrowserSession>,
    factors: Factors,
    /// Where messages to them go.
    address: Option<String>,
}

/// `GET /account`.
pub async fn show(request: HttpRequest, app: Data<App>) -> HttpResponse {
    let (session, user) = match own_page::account(&request, &app).await {
        Ok(signed_in) => signed_in,
        Err(page) => return page,
    };
    match load(&app, user.id.clone()).await {
        Ok(stored) => own_page::show(&request, &app, &session, StatusCode::OK, &page(&app, &session, user, stored)),
        Err(error) => problem::store(&app, &request, &error),
    }
}

/// Sends the browser to that page.
pub fn go_to(app: &App) -> HttpResponse {
    respond::see_other(&format!("{}/account", app.config.public_url.path()))
}

async fn load(app: &App, user_id: UserId) -> Result<Stored, StoreError> {
    let (state, now) = (app.clone(), app.clock.now());
    app.store
        .read(move |tx| {
            let held = grants::held_by(tx, &user_id, now)?;
            let sessions = browser_sessions::of_user(tx, &user_id, now)?;
            let resources: HashSet<ResourceId> = held.iter().map(|(grant, _)| grant.resource.clone()).collect();
            let with_tools = |id: ResourceId| Ok((id.clone(), resource_tools::find(tx, id.as_str())?));
            let tools = resources.into_iter().map(with_tools).collect::<Result<_, StoreError>>()?;
            let with_client = |(grant, last_use): (Grant, Option<LastUse>)| {
                let client = clients::find(tx, &state, &grant.client_id)?;
                Ok((grant, last_use, client))
            };
            let grants = held.into_iter().map(with_client).collect::<Result<_, StoreError>>()?;
            let factors = Factors::of(tx, &user_id)?;
            let address = email_addresses::of_user(tx, &user_id)?;
            Ok(Stored { grants, tools, sessions, factors, address })
        })
        .await
}

fn page(app: &App, session: &OpenSession, user: User, stored: Stored) -> AccountPage {
    let own = session.secret.hash();
    let may_have_passkeys = account_passkeys::may_have_any(app, &user);
    let (tokens, apps): (Vec<_>, Vec<_>) =
        stored.grants.into_iter().partition(|(grant, ..)| personal_token::is_one(grant));
    AccountPage {
        csrf_token: csrf::session_token(&session.secret),
        has_password: user.password_hash.is_some(),
        may_change_password: user.password_hash.is_some() && app.config.login.offers(Method::Password),
        account: user.username,
        email: stored.address,
        is_written_to: app.mail.is_some(),
        second_factor: SecondFactorLine {
            app_since: stored.factors.totp.map(|totp| totp.created_at.into()),
            codes_left: stored.factors.recovery_codes,
            passkeys: may_have_passkeys.then_some(stored.factors.passkeys.len()),
        },
        apps: connected_apps(app, &stored.tools, apps),
        tokens: tokens.into_iter().map(|(grant, used, _)| token_entry(app, grant, used)).collect(),
        may_make_tokens: app.config.account.personal_tokens,
        may_delete: app.config.account.deletion,
        sessions: stored
            .sessions
            .into_iter()
            .map(|stored| SignedInBrowser {
                id: name_of(&stored.hash),
                begun: stored.authenticated_at.unwrap_or(stored.created_at).into(),
                last_seen: stored.last_seen_at.into(),
                this: stored.hash == own,
            })
            .collect(),
    }
}

fn connected_apps(app: &App, tools: &HashMap<ResourceId, Vec<ListedTool>>, grants: Vec<Held>) -> Vec<ConnectedApp> {
    let consent = |grant: &Grant| grant.remembered_from.as_ref().unwrap_or(&grant.id).clone();
    let consents: Vec<GrantId> = grants.iter().map(|(grant, ..)| consent(grant)).collect();
    let with_others = |held: Held| {
        let of_this = consent(&held.0);
        let others = consents.iter().filter(|id| **id == of_this).count() - 1;
        ConnectedApp { others, ..connected_app(app, tools, held) }
    };
    grants.into_iter().map(with_others).collect()
}

fn connected_app(
    app: &App,
    tools: &HashMap<ResourceId, Vec<ListedTool>>,
    (grant, last_use, client): Held,
) -> ConnectedApp {
    ConnectedApp {
        remembered: grant.remembered_from.is_some(),
        others: 0,
        unverified: client.as_ref().is_none_or(|client| client.registration == Registration::Dynamic),
        host: client.as_ref().and_then(described_by),
        name: client.and_then(|client| client.name),
        resource_name: app.resource_name(&grant.resource),
        scopes: scopes(app, &grant),
        tools: reached(app, &grant, tools.get(&grant.resource).map(Vec::as_slice).unwrap_or_default()),
        created: grant.created_at.into(),
        last_used: last_use.map(Into::into),
        expires: grant.expires_at.into(),
        grant: grant.id.to_string(),
    }
}

/// What is listed of a personal token.
pub fn token_entry(app: &App, grant: Grant, last_use: Option<LastUse>) -> PersonalToken {
    PersonalToken {
        resource_name: app.resource_name(&grant.resource),
        scopes: scopes(app, &grant),
        created: grant.created_at.into(),
        last_used: last_use.map(Into::into),
        expires: grant.expires_at.into(),
        grant: grant.id.to_string(),
        name: grant.name.unwrap_or_default(),
    }
}

/// What a grant allows, in words.
pub fn scopes(app: &App, grant: &Grant) -> Vec<ScopeLine> {
    let known = app.resource(&grant.resource).map(|resource| resource.scopes.as_slice()).unwrap_or_default();
    let title = |name: &str| known.iter().find(|scope| scope.name == name).map(|scope| scope.title.clone());
    let line = |name: &str| ScopeLine { name: name.to_owned(), title: title(name).unwrap_or_else(|| name.to_owned()) };
    grant.scope.iter().map(line).collect()
}

/// The tools that a grant is enough for, as far as the sidecar tells which there are.
fn reached(app: &App, grant: &Grant, tools: &[ListedTool]) -> ShownTools {
    let held = app.resource(&grant.resource).map(|resource| resource.with_included(&grant.scope)).unwrap_or_default();
    ShownTool::first_of(tools.iter().filter(|tool| tool.scope.is_subset_of(&held)))
}

/// What a page calls a session: enough to find it among those of one person, and worth nothing by itself.
fn name_of(session: &HashedSecret) -> String {
    session.as_bytes().iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}

/// `POST /account`.
pub async fn submit(request: HttpRequest, body: Result<Bytes, Error>, app: Data<App>) -> HttpResponse {
    let (session, user, form) = match own_page::account_form(&request, body, &app).await {
        Ok(trusted) => trusted,
        Err(page) => return page,
    };
    let ending = match (form.optional("end"), form.optional("id")) {
        (Ok(Some("grant")), Ok(Some(id))) => Ending::Grant(GrantId::from_stored(id.to_owned())),
        (Ok(Some("apps")), Ok(None)) => Ending::Apps,
        (Ok(Some("session")), Ok(Some(id))) => Ending::Session(id.to_owned()),
        (Ok(Some("other_sessions")), Ok(None)) => Ending::OtherSessions,
        (Ok(Some("everything")), Ok(None)) => Ending::Everything,
        _ => return problem::form(&app, &request, &OAuthError::parameter_missing("end")),
    };
    let (now, to_end, user_id) = (app.clock.now(), ending.clone(), user.id.clone());
    let event = |what| SecurityEvent::new(&app.config, what, &user.id, now).of_request(&request, &app.config);
    let signed_out = match &ending {
        Ending::OtherSessions => event(What::SignedOut).because("everywhere"),
        _ => event(What::SignedOut),
    };
    let events = Events {
        revoked: event(What::Revoked).because("owner"),
        signed_out,
        everything: event(What::EverythingEnded).because("owner"),
    };
    let (state, secret) = (app.clone(), session.secret.clone());
    let written = app.store.write(move |tx| match session::hold(tx, Some(secret.clone()), &state.config, now)? {
        Some(session) if session.user_id.as_ref() == Some(&user_id) => {
            end(tx, &to_end, &user_id, &secret.hash(), &events, now).map(Some)
        }
        _ => Ok(None),
    });
    match written.await {
        Ok(Some(number)) => {
            tracing::info!(sub = %user.id, what = ?ending, number, "ended on the account page");
            go_to(&app)
        }
        Ok(None) => problem::failure(&app, &request, Failure::FormRefused),
        Err(error) => problem::store(&app, &request, &error),
    }
}

/// Ends what is this person's, and nothing else; how much it was.
fn end(
    tx: &mut Tx,
    ending: &Ending,
    user_id: &UserId,
    own: &HashedSecret,
    events: &Events,
    now: Timestamp,
) -> Result<usize, StoreError> {
    let end_grants = |tx: &mut Tx, wanted: &dyn Fn(&Grant) -> bool| {
        let held = grants::held_by(tx, user_id, now)?;
        held.iter().filter(|(grant, _)| wanted(grant)).try_fold(0, |number, (grant, _)| {
            let ended = grants::take_back(tx, &grant.id, now)?;
            ended.iter().try_for_each(|grant| events.revoked.clone().about(grant).another().keep(tx))?;
            Ok::<_, StoreError>(number + ended.len())
        })
    };
    let end_sessions = |tx: &mut Tx, wanted: &dyn Fn(&BrowserSession) -> bool| {
        let theirs = browser_sessions::of_user(tx, user_id, now)?;
        theirs.iter().filter(|session| wanted(session)).try_fold(0, |number, session| {
            let ended = browser_sessions::delete(tx, &session.hash)?;
            if ended {
                events.signed_out.clone().another().keep(tx)?;
            }
            Ok::<_, StoreError>(number + usize::from(ended))
        })
    };
    match ending {
        Ending::Grant(id) => end_grants(tx, &|grant| grant.id == *id),
        Ending::Apps => end_grants(tx, &|grant| !personal_token::is_one(grant)),
        Ending::Session(name) => end_sessions(tx, &|session| name_of(&session.hash) == *name),
        Ending::OtherSessions => {
            Ok(end_sessions(tx, &|session| session.hash != *own)? + people::end_administration(tx, user_id)?)
        }
        Ending::Everything => {
            events.everything.keep(tx)?;
            people::end_everything(tx, user_id, now).map(|ended| ended.sessions + ended.grants)
        }
    }
}
