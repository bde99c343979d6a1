//! Signing in at an OpenID provider: `POST /login/oidc/{id}` sends the browser there, `GET /login/oidc/{id}/callback` takes it
//! back (OpenID Connect Core 1.0 §3.1.2). Step 4 of the flow. The provider only says who somebody is: what a client may do is
//! still asked on our own page, since the provider's own question names us and not the client.

use std::time::Duration;

use actix_web::web::{Bytes, Data, Path};
use actix_web::{Error, HttpRequest, HttpResponse};
use gatelodge_oauth::grant::UserId;
use gatelodge_oauth::parameters::Parameters;
use gatelodge_oauth::secret::{Kind, Secret};
use gatelodge_store::upstream_sign_ins::{self, UpstreamSignIn};
use gatelodge_store::{StoreError, Tx};
use url::Url;

use crate::app::App;
use crate::endpoints::login::{self, Place};
use crate::limits::Source;
use crate::login::sign_in::{self, Next, Proof};
use crate::login::upstream::accounts::{self, Account};
use crate::login::upstream::errand::Errand;
use crate::login::upstream::exchange::{self, ExchangeError};
use crate::login::upstream::person::Person;
use crate::login::upstream::provider::{Metadata, Provider};
use crate::pages::Failure;
use crate::security_events::{SecurityEvent, What};
use crate::session::{self, OpenSession};
use crate::{flight_recorder, own_page, problem, respond, transaction};

/// How long somebody may stay away.
const AWAY: Duration = Duration::from_secs(600);

/// The longest value of a parameter that is worth a look.
const MAX_PARAMETER: usize = 4096;

/// `POST /login/oidc/{id}`.
pub async fn begin(request: HttpRequest, id: Path<String>, body: Result<Bytes, Error>, app: Data<App>) -> HttpResponse {
    if let Err(wait) = app.limits.requests.count(Source::of(&request, &app.config)) {
        return problem::too_many_requests(&app, &request, wait);
    }
    let leaving = match leaving(&request, body, &app).await {
        Ok(leaving) => leaving,
        Err(page) => return page,
    };
    match app.providers.find(&id) {
        Some(provider) => send_away(&request, &app, provider, &leaving).await,
        None => problem::failure(&app, &request, Failure::FormRefused),
    }
}

/// Somebody who wants to sign in elsewhere.
struct Leaving {
    session: OpenSession,
    next: Next,
    /// Who has to be proven once more.
    again: Option<UserId>,
    /// The provider is to ask, whether or not somebody is signed in there.
    asked_again: bool,
}

/// From one of our two pages that show the button.
async fn leaving(request: &HttpRequest, body: Result<Bytes, Error>, app: &App) -> Result<Leaving, HttpResponse> {
    if body.as_ref().is_ok_and(|body| login::is_for_account(body)) {
        let (session, _) = own_page::form(request, body, app).await?;
        let again = session.user_id.clone();
        return Ok(Leaving { session, next: Next::Account, asked_again: again.is_some(), again });
    }
    let (open, form) = transaction::of_form(request, body, app).await?;
    if open.signed_in().is_some() {
        // Another tab was faster: nothing is left to do here.
        return Err(login::go_to(app, Place::Consent, &open.transaction, None));
    }
    if !open.has_token_of(&form) {
        return Err(problem::failure(app, request, Failure::FormRefused));
    }
    let asked_again = open.pending.request.sign_in.again || open.pending.request.sign_in.max_age.is_some();
    Ok(Leaving { session: open.session, next: Next::Consent(open.transaction), again: None, asked_again })
}

async fn send_away(request: &HttpRequest, app: &App, provider: &Provider, leaving: &Leaving) -> HttpResponse {
    let now = app.clock.now();
    let metadata = match provider.metadata(now).await {
        Ok(metadata) => metadata,
        Err(error) => return failed(request, app, provider, &leaving.next, &ExchangeError::Unusable(error)),
    };
    let Some(redirect_uri) = redirect_uri(app, provider) else {
        return problem::failure(app, request, Failure::ServerError);
    };
    let state = Secret::generate(Kind::UpstreamState);
    let errand = Errand::new(&leaving.next, leaving.again.clone(), leaving.asked_again, now);
    let Ok(sealed) = errand.seal(&state.hash(), app.keys.sealing()) else {
        return problem::failure(app, request, Failure::ServerError);
    };
    let away = UpstreamSignIn {
        hash: state.hash(),
        browser_session: leaving.session.secret.hash(),
        provider: provider.config.id.clone(),
        sealed,
        created_at: now,
        expires_at: now.plus(AWAY.min(app.config.tokens.consent)),
    };
    let kept = app.store.write(move |tx| upstream_sign_ins::insert(tx, &away)).await;
    if let Err(error) = kept {
        return problem::store(app, request, &error);
    }
    if let Next::Consent(transaction) = &leaving.next {
        flight_recorder::sent_to_provider(app, request, transaction, &provider.config.id);
    }
    let there = exchange::authorization_url(provider, &metadata, &redirect_uri, state.expose(), &errand);
    respond::see_other(there.as_str())
}

/// The one URL that a provider may send the browser back to, registered there by the operator.
fn redirect_uri(app: &App, provider: &Provider) -> Option<Url> {
    Url::parse(&format!("{}/login/oidc/{}/callback", app.config.public_url, provider.config.id)).ok()
}

/// Somebody who came back, in the browser in which they left.
struct Returned {
    errand: Errand,
    next: Next,
    session: OpenSession,
}

/// `GET /login/oidc/{id}/callback`.
pub async fn callback(request: HttpRequest, id: Path<String>, app: Data<App>) -> HttpResponse {
    let query = match Parameters::parse(request.query_string().as_bytes()) {
        Ok(query) => query,
        Err(error) => return problem::form(&app, &request, &error),
    };
    let Some(provider) = app.providers.find(&id) else {
        return problem::failure(&app, &request, Failure::SignInEnded);
    };
    let returned = match take_back(&request, &query, &app, provider).await {
        Ok(Ok(returned)) => returned,
        Ok(Err(failure)) => return problem::failure(&app, &request, failure),
        Err(error) => return problem::store(&app, &request, &error),
    };
    let next = &returned.next;
    match person(&query, &app, provider, &returned.errand).await {
        Ok(person) => admit(&request, &app, provider, &person, &returned).await,
        Err(NotKnown::Refused(failure, detail)) => refuse(&request, &app, provider, next, failure, detail),
        Err(NotKnown::Exchange(error)) => failed(&request, &app, provider, next, &error),
    }
}

/// Spends the `state`, for the browser that it was given to and no other one.
async fn take_back(
    request: &HttpRequest,
    query: &Parameters,
    app: &App,
    provider: &Provider,
) -> Result<Result<Returned, Failure>, StoreError> {
    let state = query.optional("state").ok().flatten().and_then(|state| Secret::parse(Kind::UpstreamState, state));
    let Some(state) = state else { return Ok(Err(Failure::SignInEnded)) };
    let (presented, hash) = (session::presented(request, &app.config), state.hash());
    let (state, now, id) = (app.clone(), app.clock.now(), provider.config.id.clone());
    let take = move |tx: &mut Tx| {
        let Some(away) = upstream_sign_ins::find(tx, &hash)?.filter(|away| away.provider == id) else {
            return Ok(Err(Failure::SignInEnded));
        };
        let session = session::resume(tx, presented.clone(), &state.config, now)?;
        let Some(session) = session.filter(|session| session.secret.hash() == away.browser_session) else {
            return Ok(Err(Failure::SignInElsewhere));
        };
        if !upstream_sign_ins::consume(tx, &hash, &away.browser_session)? || now >= away.expires_at {
            return Ok(Err(Failure::SignInEnded));
        }
        let errand = Errand::open(&away.sealed, &hash, state.keys.sealing());
        let next = errand.as_ref().and_then(Errand::next);
        let returned = errand.zip(next);
        Ok(returned.map(|(errand, next)| Returned { errand, next, session }).ok_or(Failure::SignInEnded))
    };
    app.store.write(take).await
}

/// Why nobody is known after a callback.
enum NotKnown {
    Refused(Failure, Option<String>),
    Exchange(ExchangeError),
}

async fn person(query: &Parameters, app: &App, provider: &Provider, errand: &Errand) -> Result<Person, NotKnown> {
    let now = app.clock.now();
    let parameter = |name| match query.optional(name) {
        Ok(value) if value.is_none_or(|value| value.len() <= MAX_PARAMETER) => Ok(value),
        _ => Err(NotKnown::Refused(Failure::SignInFailed, Some(format!("{name} is repeated or too long")))),
    };
    let (code, error, issuer) = (parameter("code")?, parameter("error")?, parameter("iss")?);
    let metadata = provider.metadata(now).await.map_err(|error| NotKnown::Exchange(error.into()))?;
    if !is_from(provider, &metadata, issuer) {
        // RFC 9207 §2.4: an answer of somebody else, whose code must go nowhere.
        return Err(NotKnown::Refused(Failure::SignInFailed, Some("the answer is from another issuer".into())));
    }
    match (code, error) {
        (_, Some("access_denied")) => Err(NotKnown::Refused(Failure::SignInCancelled, None)),
        (_, Some("temporarily_unavailable" | "server_error")) => {
            Err(NotKnown::Refused(Failure::ProviderUnreachable, None))
        }
        (_, Some(error)) => Err(NotKnown::Refused(Failure::SignInFailed, Some(error_code(error)))),
        (None, None) => Err(NotKnown::Refused(Failure::SignInFailed, Some("the answer holds no code".into()))),
        (Some(code), None) => {
            let redirect_uri = redirect_uri(app, provider).ok_or(NotKnown::Refused(Failure::ServerError, None))?;
            exchange::exchange(provider, &redirect_uri, code, errand, now).await.map_err(NotKnown::Exchange)
        }
    }
}

fn is_from(provider: &Provider, metadata: &Metadata, issuer: Option<&str>) -> bool {
    match issuer {
        Some(issuer) => issuer == provider.config.issuer,
        None => !metadata.additional_metadata().authorization_response_iss_parameter_supported,
    }
}

/// An error code as standards have them; anything else is not repeated.
fn error_code(error: &str) -> String {
    let known = error.len() <= 64 && error.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
    if known { error.to_owned() } else { "an error that no standard names".to_owned() }
}

async fn admit(
    request: &HttpRequest,
    app: &App,
    provider: &Provider,
    person: &Person,
    returned: &Returned,
) -> HttpResponse {
    let (config, id) = (&provider.config, provider.config.id.as_str());
    let refuse = |failure, detail| refuse(request, app, provider, &returned.next, failure, detail);
    if let Err(why) = config.allow.check(person) {
        tracing::info!(provider = id, sub = person.subject, ?why, "sign-in refused: not allowed");
        let detail = why.no_verified_address.then(|| format!("{} vouches for no e-mail address", config.name));
        return refuse(Failure::SignInNotAllowed, detail);
    }
    let (mut owned_config, owned_person, now) = (config.clone(), person.clone(), app.clock.now());
    // Whoever has to be proven again is somebody already.
    owned_config.create_users &= returned.errand.again.is_none();
    let added = SecurityEvent::of_server(app.config.public_url.as_str(), What::AccountAdded, now);
    let added = added.of_request(request, &app.config).because("oidc");
    let found = app.store.write(move |tx| accounts::of(tx, &owned_config, &owned_person, &added, now)).await;
    let user_id = match found {
        Ok(Account::User(user_id)) => user_id,
        Ok(Account::Disabled(user_id)) => {
            tracing::info!(provider = id, sub = %user_id, "sign-in refused: disabled");
            return refuse(Failure::SignInNotAllowed, None);
        }
        Ok(Account::NotLinked) if returned.errand.again.is_some() => {
            tracing::info!(provider = id, "sign-in refused: somebody else was to be proven again");
            return refuse(Failure::SignInOtherUser, None);
        }
        Ok(Account::NotLinked) => {
            tracing::info!(provider = id, upstream_sub = person.subject, "sign-in refused: not linked to a user");
            return refuse(Failure::SignInNotLinked, Some(format!("{}: {}", config.name, person.subject)));
        }
        Err(error) => return problem::store(app, request, &error),
    };
    if let Some(again) = &returned.errand.again
        && (user_id != *again || returned.session.user_id.as_ref() != Some(again))
    {
        tracing::info!(provider = id, "sign-in refused: somebody else was to be proven again");
        return refuse(Failure::SignInOtherUser, None);
    }
    tracing::info!(sub = %user_id, provider = id, "known by an OpenID provider");
    let proof = Proof::by_provider(user_id);
    sign_in::finish(app, request, &returned.session, proof, &returned.next).await
}

fn failed(request: &HttpRequest, app: &App, provider: &Provider, next: &Next, error: &ExchangeError) -> HttpResponse {
    let failure = if error.is_temporary() { Failure::ProviderUnreachable } else { Failure::SignInFailed };
    tracing::warn!(provider = provider.config.id, %error, "a sign-in at an OpenID provider failed");
    let why = format!("{}: {error}", provider.config.id);
    flight_recorder::provider_failed(app, request, next, &why);
    problem::sign_in(app, request, failure, next, provider, None)
}

/// The sign-in there led to nobody.
fn refuse(
    request: &HttpRequest,
    app: &App,
    provider: &Provider,
    next: &Next,
    failure: Failure,
    detail: Option<String>,
) -> HttpResponse {
    let why = format!("{}: {} {}", provider.config.id, failure.code(), detail.as_deref().unwrap_or_default());
    flight_recorder::provider_failed(app, request, next, why.trim_end());
    problem::sign_in(app, request, failure, next, provider, detail)
}
