//! One person: `GET /user` with `id`, and `POST /user`, which changes something about them. What cannot be undone asks for their name.

use actix_web::http::StatusCode;
use actix_web::web::{Bytes, Data};
use actix_web::{Error, HttpRequest, HttpResponse};
use gatelodge_oauth::error::OAuthError;
use gatelodge_oauth::grant::UserId;
use gatelodge_oauth::secret::Secret;
use gatelodge_oauth::time::Timestamp;
use gatelodge_store::browser_sessions::{self, Presence};
use gatelodge_store::grants::{self, Search};
use gatelodge_store::upstream_identities::{self, UpstreamIdentity};
use gatelodge_store::users::{self, User};
use gatelodge_store::{StoreError, Tx, email_addresses};

use super::grants::entries;
use super::paging::{self, LIMIT};
use crate::administration::operator::Operator;
use crate::administration::session::OpenAdministration;
use crate::administration::{Administration, visit};
use crate::app::App;
use crate::login::by_mail;
use crate::login::config::Method;
use crate::login::one_time_links::password_url;
use crate::login::second_factors::Factors;
use crate::login::upstream::accounts;
use crate::pages::administration::{GrantEntry, Obstacle, UserAction, UserPage, UserProblem};
use crate::pages::{FactorChange, SecondFactorLine};
use crate::respond;

/// What is stored.
struct Stored {
    user: User,
    address: Option<String>,
    identities: Vec<UpstreamIdentity>,
    factors: Factors,
    presence: Presence,
    grants: Vec<GrantEntry>,
    more: bool,
    /// Nobody else administers this server.
    is_last: bool,
}

/// What became of a form.
enum Outcome {
    Done,
    LinkMade(Secret),
    SecondFactorRemoved(User),
    Removed,
    Refused(UserProblem),
    NotFound,
}

/// `GET /user`.
pub async fn show(request: HttpRequest, app: Data<Administration>) -> HttpResponse {
    let (open, query) = match visit::page(&request, &app, &["id"]).await {
        Ok(asked) => asked,
        Err(page) => return page,
    };
    match query.required("id") {
        Ok(id) => page(&request, &app, &open, UserId::from_stored(id.to_owned()), None, None).await,
        Err(error) => visit::invalid(&request, &app, &error),
    }
}

/// `POST /user`.
pub async fn submit(request: HttpRequest, body: Result<Bytes, Error>, app: Data<Administration>) -> HttpResponse {
    let (open, form) = match visit::form(&request, body, &app).await {
        Ok(trusted) => trusted,
        Err(page) => return page,
    };
    let (id, action) = match visit::wanted(&form, UserAction::of) {
        Ok((id, action)) => (UserId::from_stored(id.to_owned()), action),
        Err(error) => return visit::invalid(&request, &app, &error),
    };
    if action == UserAction::PasswordLink && !app.config.login.offers(Method::Password) {
        return visit::invalid(&request, &app, &OAuthError::parameter_invalid("do"));
    }
    let typed = form.optional("name").ok().flatten().unwrap_or_default().trim().to_lowercase();
    let wanted = id.clone();
    let changed = visit::change(&request, &app, &open, move |tx, operator, administrators| {
        let Some(user) = users::lock(tx, &wanted)? else { return Ok(Outcome::NotFound) };
        if !action.leaves_administrator() && *administrators == [user.id.clone()] {
            return Ok(Outcome::Refused(UserProblem::LastAdministrator));
        }
        apply(tx, operator, &user, action, &typed)
    });
    let changed = changed.await;
    if !matches!(changed, Err(_) | Ok(Outcome::Refused(_) | Outcome::NotFound)) {
        tracing::info!(sub = %id, by = %open.administrator.id, what = action.as_str(), "an administrator did something");
    }
    match changed {
        // Shown this once: there is no page to go to that could show it.
        Ok(Outcome::LinkMade(link)) => page(&request, &app, &open, id, Some(link), None).await,
        Ok(Outcome::SecondFactorRemoved(user)) => {
            let language = app.pages.language(None, None).clone();
            by_mail::tell_of_second_factor(&app, &user, FactorChange::Reset, language);
            go_to(&id)
        }
        Ok(Outcome::Done) => go_to(&id),
        Ok(Outcome::Removed) => respond::see_other("/users"),
        Ok(Outcome::Refused(problem)) => page(&request, &app, &open, id, None, Some(problem)).await,
        Ok(Outcome::NotFound) => visit::refuse(&request, &app, Obstacle::NotFound, None),
        Err(page) => page,
    }
}

fn go_to(id: &UserId) -> HttpResponse {
    respond::see_other(&format!("/user?{}", paging::query(&[("id", id.as_str())])))
}

fn apply(
    tx: &mut Tx,
    operator: &Operator,
    user: &User,
    action: UserAction,
    typed: &str,
) -> Result<Outcome, StoreError> {
    match action {
        UserAction::RevokeAll => drop(operator.revoke_all(tx, user)?),
        UserAction::SignOut => drop(operator.sign_out(tx, user)?),
        UserAction::PasswordLink if user.disabled_at.is_some() => return Ok(Outcome::Refused(UserProblem::Disabled)),
        UserAction::PasswordLink => return operator.offer_password(tx, user).map(Outcome::LinkMade),
        UserAction::ResetSecondFactor if operator.reset_second_factor(tx, user)? => {
            return Ok(Outcome::SecondFactorRemoved(user.clone()));
        }
        UserAction::ResetSecondFactor => {}
        UserAction::MakeAdministrator => drop(operator.set_administrator(tx, user, true)?),
        UserAction::UnmakeAdministrator => drop(operator.set_administrator(tx, user, false)?),
        UserAction::Disable => drop(operator.disable(tx, user)?),
        UserAction::Enable => drop(operator.enable(tx, user)?),
        UserAction::Remove if typed != user.username => return Ok(Outcome::Refused(UserProblem::Name)),
        UserAction::Remove => return operator.remove(tx, user).map(|_| Outcome::Removed),
    }
    Ok(Outcome::Done)
}

async fn page(
    request: &HttpRequest,
    app: &Administration,
    open: &OpenAdministration,
    id: UserId,
    link: Option<Secret>,
    problem: Option<UserProblem>,
) -> HttpResponse {
    let (state, now) = (app.clone(), app.clock.now());
    match app.store.read(move |tx| load(tx, &state, &id, now)).await {
        Ok(Some(stored)) => {
            let link = link.map(|link| password_url(&app.config.public_url, &link));
            let shown = UserPage { link, problem, ..shown(app, open, stored) };
            visit::show(request, app, problem.map_or(StatusCode::OK, UserProblem::status), &shown)
        }
        Ok(None) => visit::refuse(request, app, Obstacle::NotFound, None),
        Err(error) => visit::store(request, app, &error),
    }
}

fn load(tx: &mut Tx, app: &App, id: &UserId, now: Timestamp) -> Result<Option<Stored>, StoreError> {
    let Some(user) = users::find(tx, id)? else { return Ok(None) };
    let theirs = Search { user_id: Some(id.clone()), held_at: Some(now), ..Search::default() };
    let (held, more) = paging::cut(grants::page(tx, &theirs, None, LIMIT)?, |_| ());
    Ok(Some(Stored {
        address: email_addresses::of_user(tx, id)?,
        identities: upstream_identities::of_user(tx, id)?,
        factors: Factors::of(tx, id)?,
        presence: browser_sessions::presence(tx, id, now)?,
        grants: entries(tx, app, held)?,
        more: more.is_some(),
        is_last: users::administrators(tx)?.iter().map(|user| &user.id).eq([id]),
        user,
    }))
}

fn shown(app: &App, open: &OpenAdministration, stored: Stored) -> UserPage {
    let actions = UserAction::ALL.into_iter().filter(|action| is_possible(*action, app, &stored)).collect();
    let Stored { user, address, identities, factors, presence, grants, more, .. } = stored;
    UserPage {
        frame: visit::frame(app, open, "users"),
        address,
        created: user.created_at.into(),
        disabled: user.disabled_at.map(Into::into),
        is_admin: user.is_admin,
        is_self: user.id == open.administrator.id,
        has_password: user.password_hash.is_some(),
        providers: identities.iter().map(|identity| accounts::shown(identity, &app.config)).collect(),
        second_factor: SecondFactorLine {
            app_since: factors.totp.map(|totp| totp.created_at.into()),
            codes_left: factors.recovery_codes,
            passkeys: Some(factors.passkeys.len()),
        },
        browsers: presence.browsers,
        signed_in: presence.signed_in_at.map(Into::into),
        last_seen: presence.last_seen_at.map(Into::into),
        grants,
        more,
        query: paging::query(&[("user", user.id.as_str())]),
        actions,
        link: None,
        problem: None,
        id: user.id.to_string(),
        name: user.username,
    }
}

/// What would change nothing, or is refused, is not offered.
fn is_possible(action: UserAction, app: &App, stored: &Stored) -> bool {
    let Stored { user, factors, presence, grants, is_last, .. } = stored;
    let is_in = user.disabled_at.is_none();
    (action.leaves_administrator() || !is_last)
        && match action {
            UserAction::RevokeAll => !grants.is_empty(),
            UserAction::SignOut => presence.browsers > 0 || user.is_admin,
            UserAction::PasswordLink => is_in && app.config.login.offers(Method::Password),
            UserAction::Disable => is_in,
            UserAction::ResetSecondFactor => factors.exist() || factors.recovery_codes > 0,
            UserAction::MakeAdministrator => !user.is_admin,
            UserAction::UnmakeAdministrator => user.is_admin,
            UserAction::Enable => !is_in,
            UserAction::Remove => true,
        }
}
