//! Remembered consent: whoever allowed a client something a while ago is not asked for the same again. Off unless the operator wants it
//! (`[consent] remember`), and only where nobody else could have sent the browser here, or get what is answered: for a client that the
//! operator set up, at an https address (RFC 9700 §4.11, OAuth 2.1 §7.3). Everybody else is asked every time. Called by
//! `endpoints/authorize.rs` before a question is kept.

use std::time::Duration;

use actix_web::http::Method;
use actix_web::{HttpRequest, HttpResponse};
use gatelodge_oauth::authorization_request::{AnswerTo, AuthorizationRequest, ClientAnswer};
use gatelodge_oauth::authorization_response::AuthorizationResponse;
use gatelodge_oauth::client::{Client, Registration};
use gatelodge_oauth::grant::{Grant, GrantId, UserId};
use gatelodge_oauth::secret::{Kind, Secret};
use gatelodge_oauth::time::Timestamp;
use gatelodge_service::config::{HumanDuration, Problems};
use gatelodge_store::pending_authorizations::PendingAuthorization;
use gatelodge_store::{StoreError, Tx, authorization_codes, grants, pushed_authorization_requests};
use serde::Deserialize;

use crate::app::App;
use crate::security_events::{SecurityEvent, What};
use crate::{approval, clients, csrf, flight_recorder, respond, session, transaction};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// `[consent]` as written.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RawConsent {
    remember: Remember,
}

#[derive(Debug, Default, Deserialize)]
#[serde(try_from = "String")]
enum Remember {
    #[default]
    Off,
    For(HumanDuration),
}

impl TryFrom<String> for Remember {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        match text.as_str() {
            "off" => Ok(Self::Off),
            _ => text.parse().map(Self::For).map_err(|error| format!("{error}; or \"off\"")),
        }
    }
}

impl RawConsent {
    /// For how long, or notes what is wrong; `None`: people are asked every time.
    pub fn check(self, problems: &mut Problems) -> Option<Duration> {
        let Remember::For(time) = self.remember else { return None };
        if !(DAY..=90 * DAY).contains(&time.get()) {
            let says = format!("\"{time}\" is not between \"1d\" and \"90d\"");
            problems.add("consent.remember", says, "write \"30d\", or \"off\"");
        }
        Some(time.get())
    }
}

/// For how long a yes to this request would be remembered, if at all. Only such a yes is: what was allowed a program on somebody's
/// machine, or a device, says nothing about the website of the same client.
pub fn lasting(app: &App, client: &Client, request: &AuthorizationRequest) -> Option<Duration> {
    let AnswerTo::Client(answer) = &request.answer_to else { return None };
    let is_known = client.registration == Registration::Configured;
    app.config.remember_consent.filter(|_| is_known && answer.redirect_uri.is_of_website())
}

/// What is answered without a question.
struct Remembered {
    pending: PendingAuthorization,
    answer: ClientAnswer,
    grant: Grant,
    user_id: UserId,
}

/// The answer to a request that somebody allowed before; `None`: it is to be asked.
pub async fn answer(
    request: &HttpRequest,
    app: &App,
    asked: &AuthorizationRequest,
) -> Result<Option<HttpResponse>, StoreError> {
    // Another website that sends the browser here decides nothing for the person in front of it, nor does what fetches pages before
    // they are wanted.
    let may_answer =
        *request.method() == Method::GET && csrf::is_opened_by_the_person(request) && !asked.sign_in.asks();
    if app.config.remember_consent.is_none() || !may_answer {
        return Ok(None);
    }
    let presented = session::presented(request, &app.config);
    let (state, now, code, asked) =
        (app.clone(), app.clock.now(), Secret::generate(Kind::AuthorizationCode), asked.clone());
    let event = |user_id: &UserId| SecurityEvent::new(&app.config, What::Granted, user_id, now);
    let event = event(&UserId::from_stored(String::new())).because("remembered").of_request(request, &app.config);
    let (fresh, secret) = (Secret::generate(Kind::Transaction), code.clone());
    let written = app.store.write(move |tx| {
        let Some(session) = session::hold(tx, presented.clone(), &state.config, now)? else { return Ok(None) };
        let pending = PendingAuthorization {
            hash: fresh.hash(),
            browser_session: session.secret.hash(),
            began_in: Some(session.secret.hash()),
            request: asked.clone(),
            created_at: now,
            expires_at: now.plus(state.config.tokens.consent),
        };
        let Some(user_id) = transaction::signed_in(&pending, &session).cloned() else { return Ok(None) };
        let Some((answer, grant)) = grant(tx, &state, &asked, &user_id, now)? else { return Ok(None) };
        let grant = Grant { status_index: Some(grants::allocate_status_index(tx, now)?), ..grant };
        grants::insert(tx, &grant)?;
        event.clone().of(&user_id).about(&grant).keep(tx)?;
        authorization_codes::insert(tx, &approval::authorization_code(&state, &answer, &grant, &secret, now))?;
        Ok(Some(Remembered { pending, answer, grant, user_id }))
    });
    let Some(Remembered { pending, answer, grant, user_id }) = written.await? else { return Ok(None) };
    flight_recorder::asked(app, request, &pending);
    flight_recorder::decided(app, request, &pending, &user_id, Some(&grant));
    tracing::info!(client_id = %grant.client_id, sub = grant.subject(), grant_id = %grant.id, scope = %grant.scope, "consent remembered");
    let issuer = app.config.public_url.as_str();
    Ok(Some(respond::to_client(
        &AuthorizationResponse::Code(&code),
        &answer.redirect_uri,
        answer.state.as_deref(),
        issuer,
    )))
}

/// What somebody said yes to when last asked, for all that is asked now; it ends when they were told that it ends.
fn grant(
    tx: &mut Tx,
    app: &App,
    asked: &AuthorizationRequest,
    user_id: &UserId,
    now: Timestamp,
) -> Result<Option<(ClientAnswer, Grant)>, StoreError> {
    let Some(client) = clients::find(tx, app, &asked.client_id)? else { return Ok(None) };
    let Some(request) = asked.under_limits_of(&client) else { return Ok(None) };
    let (Some(lasting), AnswerTo::Client(answer)) = (lasting(app, &client, &request), &request.answer_to) else {
        return Ok(None);
    };
    let since = now.minus(lasting);
    let consent = grants::consented(tx, user_id, &request.client_id, &request.resource, since, now)?;
    let Some(consent) = consent.filter(|grant| request.scope.is_subset_of(&grant.scope)) else {
        return Ok(None);
    };
    if let Some(pushed) = &answer.pushed
        && !pushed_authorization_requests::consume(tx, pushed)?
    {
        return Ok(None);
    }
    let grant = Grant {
        id: GrantId::generate(),
        scope: request.scope.clone(),
        created_at: now,
        auth_method: None,
        status_index: None,
        remembered_from: Some(consent.id.clone()),
        ..consent
    };
    Ok(Some((answer.clone(), grant)))
}
