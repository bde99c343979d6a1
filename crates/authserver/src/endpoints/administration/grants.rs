//! What people allowed, all of them or one: `GET /grants`, with `user`, `client` and `after` (the last grant of the page before), and
//! `POST /grants`, which ends one.

use std::collections::HashMap;

use actix_web::http::StatusCode;
use actix_web::web::{Bytes, Data};
use actix_web::{Error, HttpRequest, HttpResponse};
use gatelodge_oauth::client::{Client, ClientId, Registration};
use gatelodge_oauth::error::OAuthError;
use gatelodge_oauth::grant::{Grant, GrantId, UserId};
use gatelodge_oauth::parameters::Parameters;
use gatelodge_oauth::time::Timestamp;
use gatelodge_store::grants::{self, LastUse, Place, Search};
use gatelodge_store::{StoreError, Tx, users};

use super::paging::{self, LIMIT};
use super::whose;
use crate::administration::{Administration, visit};
use crate::app::App;
use crate::endpoints::account::scopes;
use crate::endpoints::consent::described_by;
use crate::grants::personal_token;
use crate::pages::administration::{GrantEntry, GrantFilter, GrantsPage, Obstacle, Whose};
use crate::{clients, respond};

/// What is asked for.
#[derive(Debug, Clone)]
struct Asked {
    user: Option<String>,
    client: Option<String>,
    after: Option<Place>,
}

impl Asked {
    fn of(query: &Parameters) -> Result<Self, OAuthError> {
        let text = |name| Ok::<_, OAuthError>(query.optional(name)?.map(|text| text.trim().to_owned()));
        let after = match query.optional("after")? {
            Some(after) => Some(place(after).ok_or_else(|| OAuthError::parameter_invalid("after"))?),
            None => None,
        };
        Ok(Self { user: text("user")?, client: text("client")?, after })
    }
}

/// `1800000000.grant_…`.
fn place(text: &str) -> Option<Place> {
    let (seconds, id) = text.split_once('.')?;
    let is_id =
        |id: &str| id.strip_prefix("grant_").is_some_and(|rest| rest.bytes().all(|b| b.is_ascii_alphanumeric()));
    let seconds: i64 = seconds.parse().ok().filter(|seconds| *seconds >= 0)?;
    is_id(id).then(|| Place { created_at: Timestamp::from_unix(seconds), id: GrantId::from_stored(id.to_owned()) })
}

/// `GET /grants`.
pub async fn show(request: HttpRequest, app: Data<Administration>) -> HttpResponse {
    let (open, query) = match visit::page(&request, &app, &["user", "client", "after"]).await {
        Ok(asked) => asked,
        Err(page) => return page,
    };
    let asked = match Asked::of(&query) {
        Ok(asked) => asked,
        Err(error) => return visit::invalid(&request, &app, &error),
    };
    let (state, wanted, now) = (app.clone(), asked.clone(), app.clock.now());
    match app.store.read(move |tx| load(tx, &state, &wanted, now)).await {
        Ok(found) => {
            let is_unknown = found.is_none();
            let (grants, next) = found.unwrap_or_default();
            let filter = GrantFilter { user: asked.user, client: asked.client, is_unknown };
            let page = GrantsPage { frame: visit::frame(&app, &open, "grants"), filter, grants, next };
            visit::show(&request, &app, StatusCode::OK, &page)
        }
        Err(error) => visit::store(&request, &app, &error),
    }
}

/// What is on a page, and the query of the next one.
type Shown = (Vec<GrantEntry>, Option<String>);

/// The page, with the query of the next one; `None` when nobody is called so.
fn load(tx: &mut Tx, app: &App, asked: &Asked, now: Timestamp) -> Result<Option<Shown>, StoreError> {
    let user_id = match &asked.user {
        Some(typed) => match whose::id_of(tx, typed)? {
            None => return Ok(None),
            id => id,
        },
        None => None,
    };
    let client_id = asked.client.clone().map(ClientId::new);
    let search = Search { user_id, client_id, held_at: Some(now) };
    let found = grants::page(tx, &search, asked.after.as_ref(), LIMIT)?;
    let (found, next) = paging::cut(found, |(last, _)| {
        let after = format!("{}.{}", last.created_at.as_unix(), last.id);
        let or_nothing = |text: &Option<String>| text.clone().unwrap_or_default();
        let (user, client) = (or_nothing(&asked.user), or_nothing(&asked.client));
        paging::query(&[("user", &user), ("client", &client), ("after", &after)])
    });
    Ok(Some((entries(tx, app, found)?, next)))
}

/// What pages show of these grants.
pub fn entries(tx: &mut Tx, app: &App, found: Vec<(Grant, Option<LastUse>)>) -> Result<Vec<GrantEntry>, StoreError> {
    let owners: Vec<UserId> = found.iter().filter_map(|(grant, _)| grant.user_id.clone()).collect();
    let owners: HashMap<UserId, String> =
        users::find_all(tx, &owners)?.into_iter().map(|user| (user.id, user.username)).collect();
    let mut known: HashMap<ClientId, Option<Client>> = HashMap::new();
    for (grant, _) in &found {
        if !known.contains_key(&grant.client_id) {
            known.insert(grant.client_id.clone(), clients::find(tx, app, &grant.client_id)?);
        }
    }
    let one = |(grant, last_use): (Grant, Option<LastUse>)| {
        let client = known.get(&grant.client_id).and_then(Option::as_ref);
        let owner = grant.user_id.as_ref().and_then(|id| Some((id, owners.get(id)?)));
        GrantEntry {
            user: owner.map(|(id, name)| Whose { query: paging::query(&[("id", id.as_str())]), name: name.clone() }),
            client_name: client.and_then(|client| client.name.clone()),
            host: client.and_then(described_by),
            unverified: client.is_none_or(|client| client.registration == Registration::Dynamic),
            token: personal_token::is_one(&grant).then(|| grant.name.clone().unwrap_or_default()),
            resource_name: app.resource_name(&grant.resource),
            scopes: scopes(app, &grant),
            created: grant.created_at.into(),
            last_used: last_use.map(Into::into),
            expires: grant.expires_at.into(),
            id: grant.id.to_string(),
            client_query: paging::query(&[("id", grant.client_id.as_str())]),
            client_id: grant.client_id.to_string(),
        }
    };
    Ok(found.into_iter().map(one).collect())
}

/// `POST /grants`, with `grant`, and with `back`: which page it was sent from.
pub async fn submit(request: HttpRequest, body: Result<Bytes, Error>, app: Data<Administration>) -> HttpResponse {
    let (open, form) = match visit::form(&request, body, &app).await {
        Ok(trusted) => trusted,
        Err(page) => return page,
    };
    let (id, back) = match (form.required("grant"), form.required("back")) {
        (Ok(id), Ok(back)) => (GrantId::from_stored(id.to_owned()), back.to_owned()),
        (Err(error), _) | (_, Err(error)) => return visit::invalid(&request, &app, &error),
    };
    let revoked = visit::change(&request, &app, &open, move |tx, operator, _| match grants::find(tx, &id)? {
        Some(grant) => operator.revoke(tx, &grant).map(|_| Some(grant)),
        None => Ok(None),
    });
    match revoked.await {
        Ok(Some(grant)) => {
            tracing::info!(grant = %grant.id, by = %open.administrator.id, "ended by an administrator");
            respond::see_other(&way_back(&grant, &back))
        }
        Ok(None) => visit::refuse(&request, &app, Obstacle::NotFound, None),
        Err(page) => page,
    }
}

fn way_back(grant: &Grant, back: &str) -> String {
    match (back, &grant.user_id) {
        ("users", Some(user_id)) => format!("/user?{}", paging::query(&[("id", user_id.as_str())])),
        _ => "/grants".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_a_time_and_a_grant_and_nothing_else_is_one() {
        let id = GrantId::generate();
        let expected = Place { created_at: Timestamp::from_unix(1_800_000_000), id: id.clone() };
        assert_eq!(place(&format!("1800000000.{id}")), Some(expected));
        for bad in
            ["", "1800000000", "1800000000.", "x.grant_1", "-1.grant_1", "1.user_1", "1.grant_1'--", "1.grant_1.2"]
        {
            assert_eq!(place(bad), None, "{bad}");
        }
    }
}
