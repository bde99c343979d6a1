//! The clients that are known here: `GET /clients`, with `kind`, `search` (an identifier, or how the name begins) and `after` (the last
//! identifier of the page before). Those of the configuration come first.

use std::collections::BTreeSet;

use actix_web::http::StatusCode;
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use gatelodge_oauth::client::{Client, ClientId, Registration};
use gatelodge_oauth::error::OAuthError;
use gatelodge_oauth::parameters::Parameters;
use gatelodge_oauth::time::Timestamp;
use gatelodge_store::clients::{self, Search};
use gatelodge_store::{StoreError, Tx, grants};
use url::Url;

use super::paging::{self, LIMIT};
use crate::administration::{Administration, visit};
use crate::app::App;
use crate::pages::administration::{ClientLine, ClientUse, ClientsPage};

/// Of how many grants it is looked at whether they are used.
const LOOKED_AT: i64 = 100;

/// What is asked for.
#[derive(Debug, Clone)]
struct Asked {
    kind: Option<Registration>,
    search: String,
    after: Option<ClientId>,
}

impl Asked {
    fn of(query: &Parameters) -> Result<Self, OAuthError> {
        let kind = query.optional("kind")?.map(|kind| kind.parse().map_err(|_| OAuthError::parameter_invalid("kind")));
        let search = query.optional("search")?.unwrap_or_default().trim().to_owned();
        let after = match query.optional("after")? {
            // RFC 6749 appendix A.1: what cannot be an identifier is no place in the list.
            Some(after) if !after.bytes().all(|byte| (0x20..=0x7e).contains(&byte)) => {
                return Err(OAuthError::parameter_invalid("after"));
            }
            after => after.map(|after| ClientId::new(after.to_owned())),
        };
        Ok(Self { kind: kind.transpose()?, search, after })
    }

    /// Those of the configuration, on the first page.
    fn configured<'a>(&'a self, app: &'a App) -> impl Iterator<Item = &'a Client> {
        let is_first = self.after.is_none() && self.kind.is_none_or(|kind| kind == Registration::Configured);
        let is_called = |client: &&Client| {
            let name = client.name.as_deref().unwrap_or_default().to_lowercase();
            client.id.as_str() == self.search || name.starts_with(&self.search.to_lowercase())
        };
        app.config.clients.iter().filter(move |_| is_first).filter(is_called)
    }
}

/// `GET /clients`.
pub async fn show(request: HttpRequest, app: Data<Administration>) -> HttpResponse {
    let (open, query) = match visit::page(&request, &app, &["kind", "search", "after"]).await {
        Ok(asked) => asked,
        Err(page) => return page,
    };
    let asked = match Asked::of(&query) {
        Ok(asked) => asked,
        Err(error) => return visit::invalid(&request, &app, &error),
    };
    let (state, wanted, now) = (app.clone(), asked.clone(), app.clock.now());
    match app.store.read(move |tx| load(tx, &state, &wanted, now)).await {
        Ok((clients, next)) => {
            let page = ClientsPage {
                frame: visit::frame(&app, &open, "clients"),
                kinds: Registration::ALL.map(Registration::as_str).into(),
                kind: asked.kind.map(Registration::as_str),
                search: asked.search,
                clients,
                next,
            };
            visit::show(&request, &app, StatusCode::OK, &page)
        }
        Err(error) => visit::store(&request, &app, &error),
    }
}

/// What is on a page, and the query of the next one.
type Shown = (Vec<ClientLine>, Option<String>);

fn load(tx: &mut Tx, app: &App, asked: &Asked, now: Timestamp) -> Result<Shown, StoreError> {
    let called = Some(asked.search.clone()).filter(|search| !search.is_empty());
    let search = Search { registration: asked.kind, called };
    let found = clients::page(tx, &search, asked.after.as_ref(), LIMIT)?;
    let (found, next) = paging::cut(found, |(last, _)| {
        let kind = asked.kind.map(Registration::as_str).unwrap_or_default();
        paging::query(&[("kind", kind), ("search", &asked.search), ("after", last.id.as_str())])
    });
    let mut lines = Vec::new();
    for client in asked.configured(app) {
        lines.push(line(client, true, false, use_of(tx, &client.id, now)?));
    }
    for (client, is_unused) in &found {
        lines.push(line(client, false, *is_unused, use_of(tx, &client.id, now)?));
    }
    Ok((lines, next))
}

/// What the newest of its grants say.
pub fn use_of(tx: &mut Tx, id: &ClientId, now: Timestamp) -> Result<ClientUse, StoreError> {
    let uses = grants::newest_uses(tx, id, now, LOOKED_AT)?;
    Ok(ClientUse {
        grants: uses.len(),
        or_more: i64::try_from(uses.len()).is_ok_and(|number| number >= LOOKED_AT),
        last_used: uses.into_iter().flatten().max().map(Into::into),
    })
}

fn line(client: &Client, in_configuration: bool, is_unused: bool, usage: ClientUse) -> ClientLine {
    ClientLine {
        query: paging::query(&[("id", client.id.as_str())]),
        id: client.id.to_string(),
        name: client.name.clone(),
        kind: client.registration.as_str(),
        in_configuration,
        places: places(&client.redirect_uris),
        created: (!in_configuration).then(|| client.issued_at.into()),
        is_unused,
        usage,
    }
}

/// Where its answers go, in short: hosts, and schemes of programs.
fn places(redirect_uris: &[String]) -> Vec<String> {
    let place = |uri: &String| {
        let url = Url::parse(uri).ok()?;
        Some(match url.host_str() {
            Some(host) if matches!(url.scheme(), "http" | "https") => host.to_owned(),
            _ => format!("{}:", url.scheme()),
        })
    };
    redirect_uris.iter().filter_map(place).collect::<BTreeSet<_>>().into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_a_host_or_a_scheme_and_is_named_once() {
        let uris =
            ["https://b.example/x", "https://b.example/y", "http://127.0.0.1/cb", "cursor://anysphere/cb", "a.b:/cb"];
        assert_eq!(places(&uris.map(str::to_owned)), ["127.0.0.1", "a.b:", "b.example", "cursor:"]);
    }
}
