//! The state of the server, and every route on one screen.

use std::ops::Deref;
use std::sync::Arc;

use actix_web::web::{self, Bytes, PayloadConfig, ServiceConfig};
use gatelodge_oauth::authorization_server_metadata::{AuthorizationServerMetadata, Features, well_known_paths};
use gatelodge_oauth::resource::{Resource, ResourceId};
use gatelodge_service::clock::Clock;
use gatelodge_service::guarded_fetch::GuardedFetch;
use gatelodge_store::Store;
use serde::Serialize;

use crate::clients::keys::PublishedKeys;
use crate::clients::metadata_document::BackOff;
use crate::code_guesses::CodeGuesses;
use crate::config::Config;
use crate::endpoints::{
    account, account_activity, account_data, account_passkeys, account_second_factor, account_tokens, authorize,
    consent, device, device_authorization, email_code, forgot, introspection, legal, login, metadata, passkey,
    password, pushed_authorization, registration, registration_management, reset, revocation, second_step, setup,
    status_list, token, upstream_sign_in,
};
use crate::flight_recorder::FlightRecorder;
use crate::keys::KeyRing;
use crate::limits::Limits;
use crate::login::config::Method;
use crate::login::passkeys::Passkeys;
use crate::login::password::Passwords;
use crate::login::upstream::Providers;
use crate::mail::Mailer;
use crate::pages::{Language, Pages};
use crate::routing::{allow, button, cors, form, not_found, page, postable, readable};
use crate::status_list::{self as published, PublishedStatusList};

/// Everything a request may need. Clones are cheap and share it.
#[derive(Clone)]
pub struct App(Arc<State>);

/// See [`App`].
pub struct State {
    /// The configuration.
    pub config: Config,
    /// The database.
    pub store: Store,
    /// The time.
    pub clock: Clock,
    /// What access tokens are signed with.
    pub keys: KeyRing,
    /// Which tokens were revoked.
    pub status_list: PublishedStatusList,
    /// Fetches what clients name.
    pub guarded_fetch: GuardedFetch,
    /// Which documents of clients are not asked for right now.
    pub back_off: BackOff,
    /// The keys that clients publish.
    pub published_keys: PublishedKeys,
    /// How often those who are not known yet may ask.
    pub limits: Limits,
    /// How far each connection comes.
    pub recorder: FlightRecorder,
    /// The pages for people.
    pub pages: Pages,
    /// Password checks.
    pub passwords: Passwords,
    /// Asks for passkeys; none where the host is an address.
    pub passkeys: Option<Passkeys>,
    /// Where else people may sign in.
    pub providers: Providers,
    /// Messages to people, where they can be sent.
    pub mail: Option<Mailer>,
    /// Wrong codes of devices.
    pub code_guesses: CodeGuesses,
    /// What is published unchanged for the life of the process.
    pub documents: Documents,
}

/// Documents made once, at start.
pub struct Documents {
    /// RFC 8414 §3.2.
    pub oauth: Bytes,
    /// OpenID Connect Discovery 1.0 §4.2.
    pub openid: Bytes,
}

impl App {
    /// Puts the parts together.
    pub fn new(state: State) -> Self {
        Self(Arc::new(state))
    }

    /// A configured resource; `None` when it was taken out of the configuration since.
    pub fn resource(&self, id: &ResourceId) -> Option<&Resource> {
        self.config.resources.iter().find(|resource| resource.id == *id)
    }

    /// The name of a resource for people.
    pub fn resource_name(&self, id: &ResourceId) -> String {
        self.resource(id).map_or_else(|| id.to_string(), |resource| resource.name.clone())
    }
}

impl Deref for App {
    type Target = State;

    fn deref(&self) -> &State {
        &self.0
    }
}

impl Documents {
    /// The documents of this configuration.
    pub fn new(config: &Config, pages: &Pages) -> Result<Self, serde_json::Error> {
        let issuer = config.public_url.as_str();
        let features = Features {
            dynamic_registration: config.registration.dynamic.is_on(),
            device_grant: config.device_grant,
            client_id_metadata_documents: config.client_documents.enabled,
        };
        let languages = pages.languages().iter().map(Language::tag).collect();
        let oauth = AuthorizationServerMetadata::new(issuer, &config.resources, features).with_ui_locales(languages);
        Ok(Self { openid: json(&oauth.clone().with_openid_members(config.keys.algorithm))?, oauth: json(&oauth)? })
    }
}

fn json(document: &impl Serialize) -> Result<Bytes, serde_json::Error> {
    serde_json::to_vec(document).map(Bytes::from)
}

/// Every route. Endpoints live under the path of the issuer; the well-known documents where RFC 8414 §3.1 puts them.
pub fn routes(config: &Config) -> impl Fn(&mut ServiceConfig) + Clone + use<> {
    let base = config.public_url.path().to_owned();
    let dynamic_registration = config.registration.dynamic.is_on();
    let device_grant = config.device_grant;
    let sends_mail = config.email.is_some();
    let [passwords, passkeys, codes] =
        [Method::Password, Method::Passkey, Method::EmailCode].map(|method| config.login.offers(method));
    let (personal_tokens, deletion) = (config.account.personal_tokens, config.account.deletion);
    move |service| {
        let at = |path: &str| web::resource(format!("{base}{path}"));
        let (oauth, openid) = well_known_paths(&base);
        service.service(readable(web::resource(oauth), metadata::oauth));
        service.service(readable(web::resource(openid), metadata::openid));
        service.service(readable(at("/jwks"), metadata::jwks));
        service.service(readable(at(published::PATH), status_list::status_list));
        service.service(postable(at("/token"), token::MAX_BODY, token::token));
        service.service(postable(at("/revoke"), revocation::MAX_BODY, revocation::revoke));
        service.service(
            at("/introspect")
                .app_data(PayloadConfig::new(introspection::MAX_BODY))
                .route(web::post().to(introspection::introspect))
                .default_service(allow("POST")),
        );
        if dynamic_registration {
            service.service(postable(at("/register"), registration::MAX_BODY, registration::register));
        }
        service.service(manageable(at("/register/{client_id}")));
        service.service(postable(at("/par"), pushed_authorization::MAX_BODY, pushed_authorization::push));
        if device_grant {
            let (path, limit) = (at("/device_authorization"), device_authorization::MAX_BODY);
            service.service(postable(path, limit, device_authorization::begin));
            service.service(form(at("/device"), device::show, device::submit));
        }
        service.service(page(at("/authorize"), authorize::authorize));
        service.service(if passwords {
            form(at("/login"), login::show, login::submit)
        } else {
            page(at("/login"), login::show)
        });
        service.service(form(at("/second-step"), second_step::show, second_step::submit));
        service.service(button(at("/second-step/passkey"), passkey::second_step));
        if passkeys {
            service.service(button(at("/login/passkey"), passkey::sign_in));
        }
        service.service(button(at("/login/oidc/{id}"), upstream_sign_in::begin));
        service.service(
            at("/login/oidc/{id}/callback")
                .route(web::get().to(upstream_sign_in::callback))
                .default_service(allow("GET")),
        );
        service.service(button(at("/logout"), login::switch_account));
        service.service(form(at("/consent"), consent::show, consent::submit));
        service.service(form(at("/account"), account::show, account::submit));
        service.service(page(at("/account/activity"), account_activity::show));
        service.service(form(at("/account/second-factor"), account_second_factor::show, account_second_factor::submit));
        service.service(form(at("/account/passkeys"), account_passkeys::show, account_passkeys::submit));
        service.service(button(at("/account/export"), account_data::export));
        if deletion {
            service.service(form(at("/account/delete"), account_data::ask, account_data::delete));
        }
        if personal_tokens {
            service.service(form(at("/account/tokens"), account_tokens::show, account_tokens::submit));
        }
        if passwords {
            service.service(form(at("/password"), password::show, password::submit));
            service.service(form(at("/setup"), setup::show, setup::submit));
            service.service(form(at("/reset"), reset::show, reset::submit));
        }
        if passwords && sends_mail {
            service.service(form(at("/forgot"), forgot::show, forgot::submit));
        }
        if codes {
            service.service(form(at("/login/code"), email_code::show, email_code::submit));
        }
        service.service(page(at("/assets/{name}"), login::asset));
        service.service(page(at("/privacy"), legal::privacy_policy));
        service.service(page(at("/terms"), legal::terms));
        service.default_service(web::to(not_found));
    }
}

/// A registration that its client manages (RFC 7592 §2), browser-based ones included.
fn manageable(resource: actix_web::Resource) -> impl actix_web::dev::HttpServiceFactory {
    resource
        .app_data(PayloadConfig::new(registration::MAX_BODY))
        .route(web::get().to(registration_management::read))
        .route(web::put().to(registration_management::update))
        .route(web::delete().to(registration_management::delete))
        .default_service(allow("GET, PUT, DELETE"))
        .wrap(cors(&["GET", "PUT", "DELETE"]))
}
