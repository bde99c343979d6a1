//! Everybody who may sign in: `GET /users`, with `search` (how the name begins, or an e-mail address) and `after` (the last name of the
//! page before).

use actix_web::http::StatusCode;
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use gatelodge_oauth::error::OAuthError;
use gatelodge_oauth::grant::UserId;
use gatelodge_oauth::parameters::Parameters;
use gatelodge_store::users::{self, User};
use gatelodge_store::{StoreError, Tx, email_addresses};

use super::paging::{self, LIMIT};
use crate::administration::{Administration, visit};
use crate::login::password::canonical_username;
use crate::mail::address;
use crate::pages::administration::{UserLine, UsersPage};

/// What is asked for.
#[derive(Debug, Clone, Default)]
struct Asked {
    search: String,
    after: Option<String>,
}

impl Asked {
    fn of(query: &Parameters) -> Result<Self, OAuthError> {
        let search = query.optional("search")?.unwrap_or_default().to_owned();
        let after = query.optional("after")?.map(str::to_owned);
        if after.as_ref().is_some_and(|after| canonical_username(after).as_ref() != Some(after)) {
            return Err(OAuthError::parameter_invalid("after"));
        }
        Ok(Self { search, after })
    }
}

/// `GET /users`.
pub async fn show(request: HttpRequest, app: Data<Administration>) -> HttpResponse {
    let (open, query) = match visit::page(&request, &app, &["search", "after"]).await {
        Ok(asked) => asked,
        Err(page) => return page,
    };
    let asked = match Asked::of(&query) {
        Ok(asked) => asked,
        Err(error) => return visit::invalid(&request, &app, &error),
    };
    let wanted = asked.clone();
    match app.store.read(move |tx| load(tx, &wanted)).await {
        Ok((users, addresses)) => {
            let (users, next) = paging::cut(users, |last: &User| {
                paging::query(&[("search", &asked.search), ("after", &last.username)])
            });
            let address = |id: &UserId| addresses.iter().find(|(of, _)| of == id).map(|(_, address)| address.clone());
            let line = |user: User| UserLine {
                query: paging::query(&[("id", user.id.as_str())]),
                address: address(&user.id),
                name: user.username,
                is_admin: user.is_admin,
                disabled: user.disabled_at.is_some(),
            };
            let users = users.into_iter().map(line).collect();
            let page = UsersPage { frame: visit::frame(&app, &open, "users"), search: asked.search, users, next };
            visit::show(&request, &app, StatusCode::OK, &page)
        }
        Err(error) => visit::store(&request, &app, &error),
    }
}

type Found = (Vec<User>, Vec<(UserId, String)>);

fn load(tx: &mut Tx, asked: &Asked) -> Result<Found, StoreError> {
    let by_address = match address::canonical(asked.search.trim()) {
        Some(address) => email_addresses::owner(tx, &address)?,
        None => None,
    };
    let users = match by_address {
        Some(user_id) => users::find(tx, &user_id)?.into_iter().collect(),
        None => users::page(tx, &asked.search.trim().to_lowercase(), asked.after.as_deref(), LIMIT)?,
    };
    let ids: Vec<UserId> = users.iter().map(|user| user.id.clone()).collect();
    let addresses = email_addresses::of_users(tx, &ids)?;
    Ok((users, addresses))
}
