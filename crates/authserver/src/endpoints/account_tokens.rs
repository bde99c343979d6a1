//! A personal token, made by its owner: `GET` and `POST /account/tokens`. Asks for a sign-in of a moment ago. The answer to the form
//! is the one page that shows the token; the same form sent again makes nothing and shows nothing.

use std::collections::BTreeSet;

use actix_web::http::StatusCode;
use actix_web::web::{Bytes, Data};
use actix_web::{Error, HttpRequest, HttpResponse};
use gatelodge_oauth::error::OAuthError;
use gatelodge_oauth::grant::{Grant, GrantId, UserId};
use gatelodge_oauth::parameters::Parameters;
use gatelodge_oauth::resource::Resource;
use gatelodge_oauth::scope::Scope;
use gatelodge_oauth::secret::random_base62;
use gatelodge_oauth::time::Timestamp;
use gatelodge_service::config::HumanDuration;
use gatelodge_store::users::User;
use gatelodge_store::{StoreError, Tx, grants};

use crate::app::App;
use crate::config::Config;
use crate::endpoints::account;
use crate::grants::personal_token::{self, NotPossible, Wanted};
use crate::pages::{AccountTokensPage, Failure, Lifetime, MadeToken, TokenProblem, TokenResource, TokenScope};
use crate::security_events::{SecurityEvent, What};
use crate::session::{self, OpenSession};
use crate::{csrf, own_page, problem};

/// Living tokens of one person: more than anybody needs, and few enough to be listed.
const MOST: usize = 100;

/// How long the name of a form is.
const FORM_LENGTH: usize = 22;

/// What there is to choose from, in days, besides the longest that is allowed.
const LIFETIMES: [u64; 5] = [1, 7, 30, 90, 365];

/// What is chosen when nobody chooses, in days.
const USUAL_LIFETIME: u64 = 30;

/// What was typed.
#[derive(Debug, Default)]
struct Typed {
    name: String,
    resource: Option<String>,
    scopes: Option<BTreeSet<String>>,
    lifetime: Option<String>,
}

/// What became of a form.
enum Outcome {
    Made(Box<Grant>),
    Refused(TokenProblem),
    SignedOut,
}

/// `GET /account/tokens`.
pub async fn show(request: HttpRequest, app: Data<App>) -> HttpResponse {
    match own_page::recent_account(&request, &app).await {
        Ok((session, user)) => page(&request, &app, &session, &user, &Typed::default(), None),
        Err(page) => page,
    }
}

/// `POST /account/tokens`.
pub async fn submit(request: HttpRequest, body: Result<Bytes, Error>, app: Data<App>) -> HttpResponse {
    let (session, user, form) = match own_page::recent_form(&request, body, &app).await {
        Ok(trusted) => trusted,
        Err(page) => return page,
    };
    let now = app.clock.now();
    let (id, typed) = match (id_of(&form, &session), Typed::of(&form)) {
        (Ok(id), Ok(typed)) => (id, typed),
        (Err(error), _) | (_, Err(error)) => return problem::form(&app, &request, &error),
    };
    let grant = match typed.grant(&app.config, id, user.id.clone(), now) {
        Ok(grant) => grant,
        Err(why) => return page(&request, &app, &session, &user, &typed, Some(why.into())),
    };
    let key = app.keys.current(now).await.active.clone();
    let (state, kid, secret, owner) = (app.clone(), key.kid().to_owned(), session.secret.clone(), user.id.clone());
    let event = SecurityEvent::new(&app.config, What::TokenMade, &user.id, now).about(&grant);
    let event = event.of_request(&request, &app.config);
    let made = app.store.write(move |tx| {
        if !session::is_still_recent(tx, &secret, &state.config, &owner, now)? {
            return Ok(Outcome::SignedOut);
        }
        let outcome = make(tx, &state.config, &kid, &grant, now)?;
        if let Outcome::Made(_) = outcome {
            event.keep(tx)?;
        }
        Ok(outcome)
    });
    match made.await {
        Ok(Outcome::Made(grant)) => match personal_token::sign(&app.config, &key, (*grant).clone()) {
            Ok(token) => made_page(&request, &app, &session, &user, *grant, token),
            Err(error) => {
                tracing::error!(%error, "a personal token could not be signed");
                problem::failure(&app, &request, Failure::ServerError)
            }
        },
        Ok(Outcome::Refused(why)) => page(&request, &app, &session, &user, &Typed::default(), Some(why)),
        Ok(Outcome::SignedOut) => problem::failure(&app, &request, Failure::FormRefused),
        Err(error) => problem::store(&app, &request, &error),
    }
}

fn make(tx: &mut Tx, config: &Config, kid: &str, grant: &Grant, now: Timestamp) -> Result<Outcome, StoreError> {
    if grants::find(tx, &grant.id)?.is_some() {
        return Ok(Outcome::Refused(TokenProblem::SentBefore));
    }
    let owner = grant.user_id.as_ref();
    let held = owner.map(|owner| grants::held_by(tx, owner, now)).transpose()?.unwrap_or_default();
    if held.iter().filter(|(grant, _)| personal_token::is_one(grant)).count() >= MOST {
        return Ok(Outcome::Refused(TokenProblem::TooMany));
    }
    personal_token::keep(tx, config, kid, grant).map(|grant| Outcome::Made(Box::new(grant)))
}

/// The name of the grant that this copy of the form makes.
fn id_of(form: &Parameters, session: &OpenSession) -> Result<GrantId, OAuthError> {
    let name = form.required("form")?;
    let is_ours = name.len() == FORM_LENGTH && name.bytes().all(|byte| byte.is_ascii_alphanumeric());
    let id = is_ours.then(|| GrantId::from_stored(format!("grant_{}", csrf::made_by(&session.secret, name))));
    id.ok_or_else(|| OAuthError::parameter_missing("form"))
}

impl Typed {
    fn of(form: &Parameters) -> Result<Self, OAuthError> {
        let text = |name| form.optional(name).map(|value| value.map(str::to_owned));
        Ok(Self {
            name: text("name")?.unwrap_or_default(),
            resource: text("resource")?,
            scopes: Some(form.every("scope").into_iter().collect()),
            lifetime: text("lifetime")?,
        })
    }

    fn grant(&self, config: &Config, id: GrantId, owner: UserId, now: Timestamp) -> Result<Grant, NotPossible> {
        // Each checkbox is one scope: a value with a space would be two.
        let scopes = self.scopes.iter().flatten().map(|scope| if scope.contains(' ') { "" } else { scope });
        let scope: Scope = scopes.map(str::to_owned).collect();
        let lifetime = self.lifetime.as_deref().and_then(|text| text.parse::<HumanDuration>().ok());
        let lifetime = lifetime.ok_or(NotPossible::Lifetime)?.get();
        // A form names its resource, also when there is only one.
        let resource = Some(self.resource.as_deref().unwrap_or_default());
        let wanted = Wanted { name: &self.name, resource, scope: Some(scope), lifetime };
        personal_token::grant(config, id, owner, &wanted, now)
    }
}

fn page(
    request: &HttpRequest,
    app: &App,
    session: &OpenSession,
    user: &User,
    typed: &Typed,
    problem: Option<TokenProblem>,
) -> HttpResponse {
    let page = AccountTokensPage {
        csrf_token: csrf::session_token(&session.secret),
        account: user.username.clone(),
        form: random_base62(FORM_LENGTH),
        name: typed.name.clone(),
        resources: resources(&app.config, typed),
        lifetimes: lifetimes(&app.config, typed),
        problem,
        made: None,
    };
    own_page::show(request, app, session, problem.map_or(StatusCode::OK, TokenProblem::status), &page)
}

fn resources(config: &Config, typed: &Typed) -> Vec<TokenResource> {
    let one = |resource: &Resource| {
        let chosen = typed.resource.as_deref() == Some(resource.id.as_str());
        let is_ticked = |name: &str| match typed.scopes.as_ref().filter(|_| chosen) {
            Some(ticked) => ticked.contains(name),
            None => resource.default_scope.contains(name),
        };
        let scopes = resource.scopes.iter().map(|scope| TokenScope {
            name: scope.name.clone(),
            title: scope.title.clone(),
            ticked: is_ticked(&scope.name),
        });
        TokenResource {
            id: resource.id.to_string(),
            name: resource.name.clone(),
            open: chosen,
            scopes: scopes.collect(),
        }
    };
    config.resources.iter().map(one).collect()
}

fn lifetimes(config: &Config, typed: &Typed) -> Vec<Lifetime> {
    const DAY: u64 = 86_400;
    let longest = config.tokens.refresh_token.as_secs();
    let mut all: Vec<u64> = LIFETIMES.iter().map(|days| days * DAY).filter(|seconds| *seconds < longest).collect();
    all.push(longest);
    let usual = all.iter().rev().find(|seconds| **seconds <= USUAL_LIFETIME * DAY).or(all.first()).copied();
    let value = |seconds: u64| HumanDuration::from_secs(seconds).to_string();
    let typed = typed.lifetime.clone().or_else(|| usual.map(value));
    all.iter().map(|seconds| Lifetime::new(*seconds, typed.as_deref() == Some(value(*seconds).as_str()))).collect()
}

fn made_page(
    request: &HttpRequest,
    app: &App,
    session: &OpenSession,
    user: &User,
    grant: Grant,
    token: String,
) -> HttpResponse {
    tracing::info!(sub = %user.id, grant = %grant.id, "personal token made on the account page");
    let page = AccountTokensPage {
        csrf_token: csrf::session_token(&session.secret),
        account: user.username.clone(),
        form: String::new(),
        name: String::new(),
        resources: Vec::new(),
        lifetimes: Vec::new(),
        problem: None,
        made: Some(MadeToken { token, entry: account::token_entry(app, grant, None) }),
    };
    own_page::show(request, app, session, StatusCode::OK, &page)
}
