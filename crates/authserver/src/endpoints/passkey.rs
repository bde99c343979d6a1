//! Passkeys at sign-in (Web Authentication §7.2): `POST /login/passkey` asks whoever it is, `POST /second-step/passkey` asks whoever
//! is half-way. Both answer with a page whose script asks the browser, and take its answer as the field `credential` of the same
//! form. Step 4 of the flow.

use actix_web::http::StatusCode;
use actix_web::web::{Bytes, Data};
use actix_web::{Error, HttpRequest, HttpResponse};
use gatelodge_oauth::grant::UserId;
use gatelodge_store::passkeys;
use gatelodge_store::{StoreError, Tx, users};
use serde_json::Value;
use webauthn_rs::prelude::{DiscoverableAuthentication, PublicKeyCredential};

use super::login::{self, Place};
use super::second_step::Here;
use crate::app::App;
use crate::limits::Source;
use crate::login::passkeys::{self as ceremonies, Ceremony, Passkeys, Refused, Used};
use crate::login::second_step::{self, Outcome, Typed};
use crate::login::sign_in::{self, Next, Proof};
use crate::pages::{Failure, PasskeyPage};
use crate::{flight_recorder, problem, respond};

/// `POST /login/passkey`.
pub async fn sign_in(request: HttpRequest, body: Result<Bytes, Error>, app: Data<App>) -> HttpResponse {
    let (here, form) = match Here::of_form(&request, body, &app).await {
        Ok(read) => read,
        Err(page) => return page,
    };
    let Some(passkeys) = &app.passkeys else { return problem::failure(&app, &request, Failure::FormRefused) };
    if let (Next::Consent(transaction), true) = (&here.next, here.is_signed_in) {
        // Another tab was faster: nothing is left to do here.
        return login::go_to(&app, Place::Consent, transaction, None);
    }
    let answer = match form.optional("credential") {
        Ok(Some(answer)) => answer,
        Ok(None) => return ask(&request, &app, &here, None, passkeys.ask_anybody()).await,
        Err(error) => return problem::form(&app, &request, &error),
    };
    let state = match ceremonies::take(&app, &here.session).await {
        Ok(Some(Ceremony::SignIn(state))) => state,
        Ok(_) => return problem::passkey(&app, &request, Failure::SignInEnded, "login", &here.next),
        Err(error) => return problem::store(&app, &request, &error),
    };
    match identify(&app, passkeys, answer, state).await {
        // Who has to prove it once more for the account page can be nobody else.
        Ok(Ok((user_id, _))) if here.again().is_some_and(|again| *again != user_id) => {
            problem::passkey(&app, &request, Failure::PasskeyRefused, "login", &here.next)
        }
        Ok(Ok((user_id, used))) => {
            let proof = Proof::by_passkey(user_id, used);
            sign_in::finish(&app, &request, &here.session, proof, &here.next).await
        }
        Ok(Err(refused)) => refuse(&request, &app, &here, "login", &refused),
        Err(error) => problem::store(&app, &request, &error),
    }
}

/// Whose passkey signed. Somebody without a password has none: they sign in elsewhere, where it is decided each time whether they
/// may.
async fn identify(
    app: &App,
    passkeys: &Passkeys,
    answer: &str,
    state: DiscoverableAuthentication,
) -> Result<Result<(UserId, Used), Refused>, StoreError> {
    let named = read(answer).and_then(|answer| passkeys.named(&answer).map(|named| (answer, named)));
    let (answer, (id, handle)) = match named {
        Ok(named) => named,
        Err(refused) => return Ok(Err(refused)),
    };
    let find = move |tx: &mut Tx| {
        let Some(passkey) = passkeys::find(tx, &id)? else { return Ok(None) };
        let owner = users::find_enabled(tx, &passkey.user_id)?;
        let owner = owner.filter(|owner| owner.password_hash.is_some() && ceremonies::handle(&owner.id) == handle);
        Ok(owner.map(|_| passkey))
    };
    let Some(passkey) = app.store.read(find).await? else { return Ok(Err(Refused::Unknown)) };
    let used = passkeys.check_anybody(&answer, state, &passkey);
    Ok(used.map(|used| (passkey.user_id, used)))
}

/// `POST /second-step/passkey`.
pub async fn second_step(request: HttpRequest, body: Result<Bytes, Error>, app: Data<App>) -> HttpResponse {
    let (here, half, form) = match Here::half_way(&request, body, &app).await {
        Ok(read) => read,
        Err(page) => return page,
    };
    let Some(passkeys) = app.passkeys.as_ref().filter(|_| !half.factors.passkeys.is_empty()) else {
        return here.start_over(&app);
    };
    let answer = match form.optional("credential") {
        Ok(Some(answer)) => answer,
        Ok(None) => {
            let account = Some(half.user.username);
            return ask(&request, &app, &here, account, passkeys.ask(&half.factors.passkeys)).await;
        }
        Err(error) => return problem::form(&app, &request, &error),
    };
    let state = match ceremonies::take(&app, &here.session).await {
        Ok(Some(Ceremony::SecondStep(state))) => state,
        Ok(_) => return problem::passkey(&app, &request, Failure::SignInEnded, "second-step", &here.next),
        Err(error) => return problem::store(&app, &request, &error),
    };
    let used = read(answer).and_then(|answer| passkeys.check(&answer, &state, &half.factors.passkeys));
    let used = match used {
        Ok(used) => used,
        Err(refused) => return refuse(&request, &app, &here, "second-step", &refused),
    };
    match second_step::take(&app, &request, &here.session, &half.user, Typed::Passkey(used)).await {
        Ok(Outcome::SignedIn(session)) => sign_in::go_on(&app, &request, &here.next, &session),
        Ok(Outcome::NotNow(wait)) => problem::too_many_requests(&app, &request, wait),
        Ok(Outcome::Wrong) => refuse(&request, &app, &here, "second-step", &Refused::Unknown),
        Ok(Outcome::Ended) => here.start_over(&app),
        Ok(Outcome::Unreadable) => problem::failure(&app, &request, Failure::ServerError),
        Err(error) => problem::store(&app, &request, &error),
    }
}

fn read(answer: &str) -> Result<PublicKeyCredential, Refused> {
    Ok(serde_json::from_str(answer)?)
}

fn refuse(request: &HttpRequest, app: &App, here: &Here, page: &str, refused: &Refused) -> HttpResponse {
    tracing::warn!(%refused, "passkey refused");
    match page {
        "second-step" => flight_recorder::second_step_failed(app, request, &here.next, "passkey"),
        _ => flight_recorder::sign_in_failed(app, request, &here.next, "passkey"),
    }
    problem::passkey(app, request, Failure::PasskeyRefused, page, &here.next)
}

/// Keeps the question and shows the page that asks it.
async fn ask(
    request: &HttpRequest,
    app: &App,
    here: &Here,
    account: Option<String>,
    question: Result<(Value, Ceremony), Refused>,
) -> HttpResponse {
    if let Err(wait) = app.limits.requests.count(Source::of(request, &app.config)) {
        return problem::too_many_requests(app, request, wait);
    }
    let (options, ceremony) = match question {
        Ok(question) => question,
        Err(error) => {
            tracing::error!(%error, "a passkey could not be asked for");
            return problem::failure(app, request, Failure::ServerError);
        }
    };
    if let Err(error) = ceremonies::keep(app, &here.session, &ceremony).await {
        return problem::store(app, request, &error);
    }
    let page = PasskeyPage {
        transaction: here.transaction(),
        csrf_token: here.csrf_token.clone(),
        account,
        options: options.to_string(),
    };
    let mut response = respond::page(app, &here.language, StatusCode::OK, &page);
    login::add_cookie(&mut response, app, &here.session);
    response
}
