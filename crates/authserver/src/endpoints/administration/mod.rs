//! The administration in the browser, on a listener of its own: every route on one screen. What the pages have in common stands in
//! `administration/visit.rs`, what they do in `administration/operator.rs`.
//!
//! All paths are of one segment, so that every page reaches every other and what it loads by a relative URL.

use actix_web::web::{self, ServiceConfig};

use crate::endpoints::login;
use crate::routing::{button, form, not_found, page};

mod audit;
mod client;
mod clients;
mod connections;
mod enter;
mod grants;
mod keys;
mod overview;
mod paging;
mod user;
mod users;
mod whose;

/// Every route.
pub fn routes(service: &mut ServiceConfig) {
    let at = |path: &str| web::resource(path);
    service.service(page(at("/"), overview::redirect));
    service.service(form(at("/enter"), enter::show, enter::submit));
    service.service(button(at("/sign-out"), enter::sign_out));
    service.service(page(at("/overview"), overview::show));
    service.service(page(at("/users"), users::show));
    service.service(form(at("/user"), user::show, user::submit));
    service.service(form(at("/grants"), grants::show, grants::submit));
    service.service(page(at("/clients"), clients::show));
    service.service(form(at("/client"), client::show, client::submit));
    service.service(form(at("/keys"), keys::show, keys::submit));
    service.service(page(at("/audit"), audit::show));
    service.service(page(at("/connections"), connections::show));
    service.service(page(at("/connection"), connections::one));
    service.service(page(at("/assets/{name}"), login::asset));
    service.default_service(web::to(not_found));
}
