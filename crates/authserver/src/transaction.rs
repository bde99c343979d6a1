//! A transaction: one pending authorization as the pages of sign-in and consent see it, begun by the authorization endpoint or
//! the page for devices, found by the name in the URL or the form, and bound to one browser session.

use actix_web::web::Bytes;
use actix_web::{Error, HttpRequest, HttpResponse};
use gatelodge_oauth::authorization_request::AuthorizationRequest;
use gatelodge_oauth::client::Client;
use gatelodge_oauth::grant::UserId;
use gatelodge_oauth::parameters::Parameters;
use gatelodge_oauth::secret::{Kind, Secret};
use gatelodge_store::pending_authorizations::{self, PendingAuthorization};
use gatelodge_store::{StoreError, Tx};

use crate::app::App;
use crate::endpoints::login::{self, MAX_BODY, Place};
use crate::pages::{Failure, Language};
use crate::session::{self, OpenSession};
use crate::{clients, csrf, flight_recorder, language, problem, respond};

/// A transaction that is still open, in its own browser session.
pub struct OpenTransaction {
    /// Its name, which only this browser knows.
    pub transaction: Secret,
    /// What is asked.
    pub pending: PendingAuthorization,
    /// Who asks.
    pub client: Client,
    /// Whose browser it is.
    pub session: OpenSession,
    /// What its pages are written in.
    pub language: Language,
}

impl OpenTransaction {
    /// See [`signed_in`].
    pub fn signed_in(&self) -> Option<&UserId> {
        signed_in(&self.pending, &self.session)
    }

    /// The token of its forms.
    pub fn csrf_token(&self) -> String {
        csrf::token(&self.session.secret, &self.transaction)
    }

    /// Whether a form carries that token.
    pub fn has_token_of(&self, form: &Parameters) -> bool {
        csrf::is_token(csrf::presented(form), &self.session.secret, &self.transaction)
    }
}

/// Who has signed in, in the way the request wants it: the only answer to whether somebody may see the question and decide.
/// Signing in always renews the session, and the request moves along; so when it is in another session than it began in,
/// somebody signed in since.
pub fn signed_in<'s>(pending: &PendingAuthorization, session: &'s OpenSession) -> Option<&'s UserId> {
    let user_id = session.user_id.as_ref()?;
    let since_request = pending.began_in != Some(pending.browser_session);
    let sign_in = &pending.request.sign_in;
    sign_in.is_satisfied(since_request, session.authenticated_at?, pending.created_at).then_some(user_id)
}

/// Keeps a request for this browser (the cookie's session, or a new anonymous one) and sends it on to our pages.
pub async fn begin(request: &HttpRequest, app: &App, asked: AuthorizationRequest) -> HttpResponse {
    let presented = session::presented(request, &app.config);
    let (state, now) = (app.clone(), app.clock.now());
    let keep = move |tx: &mut Tx| {
        let session = match session::resume(tx, presented.clone(), &state.config, now)? {
            Some(session) => session,
            None => session::open(tx, None, &state.config, now)?,
        };
        let transaction = Secret::generate(Kind::Transaction);
        let pending = PendingAuthorization {
            hash: transaction.hash(),
            browser_session: session.secret.hash(),
            began_in: Some(session.secret.hash()),
            request: asked.clone(),
            created_at: now,
            expires_at: now.plus(state.config.tokens.consent),
        };
        pending_authorizations::insert(tx, &pending)?;
        let place = if signed_in(&pending, &session).is_some() { Place::Consent } else { Place::Login };
        Ok((place, transaction, session, pending))
    };
    match app.store.write(keep).await {
        Ok((place, transaction, session, pending)) => {
            flight_recorder::asked(app, request, &pending);
            login::go_to(app, place, &transaction, Some(&session))
        }
        Err(error) => problem::store(app, request, &error),
    }
}

/// The transaction that a page's URL names, or the page to show instead.
pub async fn of_query(request: &HttpRequest, app: &App) -> Result<OpenTransaction, HttpResponse> {
    let query = Parameters::parse(request.query_string().as_bytes());
    let query = query.map_err(|error| problem::form(app, request, &error))?;
    find(request, &query, app).await
}

/// The transaction of a form that only a page of ours can have sent, or the page to show instead. The caller still checks
/// the form's token before it changes anything.
pub async fn of_form(
    request: &HttpRequest,
    body: Result<Bytes, Error>,
    app: &App,
) -> Result<(OpenTransaction, Parameters), HttpResponse> {
    let form = respond::form(request, body, MAX_BODY).map_err(|error| problem::form(app, request, &error))?;
    if !csrf::comes_from_our_page(request, &app.config) {
        return Err(problem::failure(app, request, Failure::FormRefused));
    }
    let open = find(request, &form, app).await?;
    Ok((open, form))
}

/// The same, with the form's token checked.
pub async fn of_trusted_form(
    request: &HttpRequest,
    body: Result<Bytes, Error>,
    app: &App,
) -> Result<(OpenTransaction, Parameters), HttpResponse> {
    let (open, form) = of_form(request, body, app).await?;
    if open.has_token_of(&form) { Ok((open, form)) } else { Err(problem::failure(app, request, Failure::FormRefused)) }
}

async fn find(request: &HttpRequest, form: &Parameters, app: &App) -> Result<OpenTransaction, HttpResponse> {
    match load(request, form, app).await {
        Ok(Ok(open)) => Ok(open),
        Ok(Err(failure)) => Err(problem::failure(app, request, failure)),
        Err(error) => Err(problem::store(app, request, &error)),
    }
}

async fn load(
    request: &HttpRequest,
    form: &Parameters,
    app: &App,
) -> Result<Result<OpenTransaction, Failure>, StoreError> {
    let named = form.optional("transaction").ok().flatten();
    let Some(transaction) = named.and_then(|named| Secret::parse(Kind::Transaction, named)) else {
        return Ok(Err(Failure::RequestInvalid));
    };
    let presented = session::presented(request, &app.config);
    let (state, now) = (app.clone(), app.clock.now());
    let open = move |tx: &mut Tx| {
        let Some(pending) = pending_authorizations::find(tx, &transaction.hash())? else {
            return Ok(Err(Failure::RequestEnded));
        };
        if now >= pending.expires_at {
            return Ok(Err(Failure::RequestEnded));
        }
        let session = session::resume(tx, presented.clone(), &state.config, now)?;
        let Some(session) = session.filter(|session| session.secret.hash() == pending.browser_session) else {
            return Ok(Err(Failure::BrowserChanged));
        };
        let Some(client) = clients::find(tx, &state, &pending.request.client_id)? else {
            return Ok(Err(Failure::ClientUnknown));
        };
        Ok(Ok((transaction.clone(), pending, client, session)))
    };
    let opened = app.store.write(open).await?;
    Ok(opened.map(|(transaction, pending, client, session)| {
        let language = language::of_pending(request, app, &pending);
        OpenTransaction { transaction, pending, client, session, language }
    }))
}
