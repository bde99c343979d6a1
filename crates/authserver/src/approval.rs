//! What an answer to the consent page writes: the pending request is spent, and a grant is written, for a signed-in person, in the
//! transaction that spends it (RFC 6749 §4.1.2, RFC 8628 §3.3). Without a question only `remembered_consent.rs` writes one. Called by
//! `endpoints/consent.rs`.

use actix_web::HttpRequest;
use gatelodge_oauth::authorization_request::{AnswerTo, ClientAnswer, DeviceAnswer};
use gatelodge_oauth::grant::authorization_code::AuthorizationCode;
use gatelodge_oauth::grant::{Grant, GrantId, UserId};
use gatelodge_oauth::scope::Scope;
use gatelodge_oauth::secret::{Kind, Secret};
use gatelodge_oauth::time::Timestamp;
use gatelodge_store::pending_authorizations::PendingAuthorization;
use gatelodge_store::{
    StoreError, Tx, authorization_codes, device_authorizations, grants, pending_authorizations,
    pushed_authorization_requests as pushed_requests,
};

use crate::app::App;
use crate::security_events::{Origin, SecurityEvent, What};
use crate::session::{self, OpenSession};
use crate::transaction::{self, OpenTransaction};
use crate::{clients, flight_recorder, remembered_consent};

/// What a person decided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// Yes, to these scopes of those that were asked for.
    Allow(Scope),
    /// No.
    Deny,
}

/// What a decision leads to.
pub enum Answer {
    /// RFC 6749 §4.1.2: the code, or `access_denied`.
    Client(ClientAnswer, Option<Secret>),
    /// The device learns it when it asks next.
    Device {
        /// Whether there is something to fetch for it.
        allowed: bool,
    },
}

/// Spends the request and, when it was allowed, writes the grant. `None`: another answer was faster, or what was asked cannot be
/// allowed any more.
pub async fn decide(
    request: &HttpRequest,
    app: &App,
    open: &OpenTransaction,
    decision: Decision,
) -> Result<Option<Answer>, StoreError> {
    let (state, now, code) = (app.clone(), app.clock.now(), Secret::generate(Kind::AuthorizationCode));
    let (transaction, session) = (open.transaction.clone(), open.session.clone());
    let origin = Origin::of(request, &app.config);
    let written = app.store.write(move |tx| {
        let Some(Spent { pending, user_id, is_remembered }) = spend(tx, &state, &transaction, &session, now)? else {
            return Ok(None);
        };
        // The last answer is the one that counts, a no as well.
        grants::forget_consents(tx, &user_id, &pending.request.client_id, &pending.request.resource)?;
        let event = |what| SecurityEvent::new(&state.config, what, &user_id, now).from(&origin);
        let grant = match &decision {
            Decision::Allow(ticked) => match new_grant(&state, &pending, user_id.clone(), ticked, now) {
                Some(grant) => Some(keep(tx, grant, is_remembered, now)?),
                None => return Ok(None),
            },
            Decision::Deny => None,
        };
        let event = match &grant {
            Some(grant) => event(What::Granted).about(grant),
            None => event(What::Denied).about_request(&pending.request),
        };
        event.keep(tx)?;
        answer(tx, &state, pending, grant.as_ref(), &code, now).map(|answer| Some((answer, grant)))
    });
    let Some((answer, grant)) = written.await? else { return Ok(None) };
    if let Some(user_id) = open.signed_in() {
        flight_recorder::decided(app, request, &open.pending, user_id, grant.as_ref());
    }
    match grant {
        Some(grant) => {
            tracing::info!(client_id = %grant.client_id, sub = grant.subject(), grant_id = %grant.id, scope = %grant.scope, "consent given")
        }
        None => {
            let (asked, sub) = (&open.pending.request, open.signed_in().map(tracing::field::display));
            tracing::info!(client_id = %asked.client_id, sub, scope = %asked.scope, "consent denied");
        }
    }
    Ok(Some(answer))
}

/// A request that nobody can answer again.
struct Spent {
    pending: PendingAuthorization,
    /// Who answers it.
    user_id: UserId,
    /// Whether they were told that they are not asked for the same again.
    is_remembered: bool,
}

/// Takes the request out. `None` when it may not be answered.
fn spend(
    tx: &mut Tx,
    app: &App,
    transaction: &Secret,
    session: &OpenSession,
    now: Timestamp,
) -> Result<Option<Spent>, StoreError> {
    // Whether somebody is signed in, and the sign-in is complete, is asked here again, by what is written.
    let session = session::hold(tx, Some(session.secret.clone()), &app.config, now)?;
    let Some(session) = session.filter(|session| session.user_id.is_some()) else { return Ok(None) };
    let Some(pending) = pending_authorizations::consume(tx, &transaction.hash(), &session.secret.hash())? else {
        return Ok(None);
    };
    let Some(user_id) = transaction::signed_in(&pending, &session).cloned() else { return Ok(None) };
    // The client may be gone, or hold to less, since the page was shown.
    let Some(client) = clients::find(tx, app, &pending.request.client_id)? else { return Ok(None) };
    let Some(request) = pending.request.under_limits_of(&client) else { return Ok(None) };
    let is_remembered = remembered_consent::lasting(app, &client, &request).is_some();
    let still_waits = match &request.answer_to {
        AnswerTo::Client(ClientAnswer { pushed: Some(pushed), .. }) => pushed_requests::consume(tx, pushed)?,
        AnswerTo::Client(ClientAnswer { pushed: None, .. }) => true,
        AnswerTo::Device(answer) => device_authorizations::hold_waiting(tx, &answer.device, now)?,
    };
    let pending = PendingAuthorization { request, ..pending };
    Ok(still_waits.then_some(Spent { pending, user_id, is_remembered }))
}

/// What the person allows; `None` when that is nothing.
fn new_grant(
    app: &App,
    pending: &PendingAuthorization,
    user_id: UserId,
    ticked: &Scope,
    now: Timestamp,
) -> Option<Grant> {
    let request = &pending.request;
    let scope = app.resource(&request.resource)?.allowed_scope(&request.scope, ticked);
    (!scope.is_empty()).then(|| Grant {
        id: GrantId::generate(),
        user_id: Some(user_id),
        client_id: request.client_id.clone(),
        resource: request.resource.clone(),
        scope,
        created_at: now,
        expires_at: now.plus(app.config.tokens.refresh_token),
        revoked_at: None,
        auth_method: None,
        status_index: None,
        remembered_from: None,
        name: None,
    })
}

fn keep(tx: &mut Tx, grant: Grant, is_remembered: bool, now: Timestamp) -> Result<Grant, StoreError> {
    let grant = Grant { status_index: Some(grants::allocate_status_index(tx, now)?), ..grant };
    if is_remembered {
        grants::insert_consent(tx, &grant)?
    } else {
        grants::insert(tx, &grant)?
    }
    Ok(grant)
}

fn answer(
    tx: &mut Tx,
    app: &App,
    pending: PendingAuthorization,
    grant: Option<&Grant>,
    code: &Secret,
    now: Timestamp,
) -> Result<Answer, StoreError> {
    match pending.request.answer_to {
        AnswerTo::Client(answer) => {
            if let Some(grant) = grant {
                authorization_codes::insert(tx, &authorization_code(app, &answer, grant, code, now))?;
            }
            Ok(Answer::Client(answer, grant.is_some().then(|| code.clone())))
        }
        AnswerTo::Device(DeviceAnswer { device, .. }) => {
            match grant {
                Some(grant) => device_authorizations::allow(tx, &device, &grant.id)?,
                None => device_authorizations::deny(tx, &device, now)?,
            }
            Ok(Answer::Device { allowed: grant.is_some() })
        }
    }
}

/// The code that stands for a grant until its client comes for it.
pub fn authorization_code(
    app: &App,
    answer: &ClientAnswer,
    grant: &Grant,
    code: &Secret,
    now: Timestamp,
) -> AuthorizationCode {
    AuthorizationCode {
        hash: code.hash(),
        grant_id: grant.id.clone(),
        client_id: grant.client_id.clone(),
        redirect_uri: answer.redirect_uri.as_str().to_owned(),
        code_challenge: answer.code_challenge.clone(),
        scope: grant.scope.clone(),
        resource: grant.resource.clone(),
        created_at: now,
        expires_at: now.plus(app.config.tokens.authorization_code),
        consumed_at: None,
        failures: 0,
    }
}
