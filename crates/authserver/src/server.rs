//! Starts and stops the server: store, key, listeners, sweeper. Called by `gatelodge serve` and by tests.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use actix_web::dev::{Server, ServerHandle};
use actix_web::middleware::from_fn;
use actix_web::web::Data;
use actix_web::{App as ActixApp, HttpServer};
use gatelodge_service::bounded_client::NoAnswer;
use gatelodge_service::clock::Clock;
use gatelodge_service::guarded_fetch::GuardedFetch;
use gatelodge_service::http::{self, health};
use gatelodge_store::{PoolOptions, Store, StoreError, Tx, audit_events, clients, sweep};
use tokio::sync::mpsc;
use webauthn_rs::prelude::WebauthnError;

use crate::administration::config::AdministrationConfig;
use crate::administration::{Administration, visit};
use crate::app::{App, Documents, State, routes};
use crate::clients::keys::PublishedKeys;
use crate::clients::metadata_document::BackOff;
use crate::code_guesses::CodeGuesses;
use crate::config::Config;
use crate::endpoints::administration as administration_pages;
use crate::endpoints::from_sidecar;
use crate::flight_recorder::writing::{self, Writing};
use crate::flight_recorder::{FlightRecorder, Note};
use crate::keys::{self, KeyError, KeyRing};
use crate::limits::Limits;
use crate::login::passkeys::Passkeys;
use crate::login::password::{PasswordError, Passwords};
use crate::login::setup::{self, Offer};
use crate::login::upstream::Providers;
use crate::mail::{Mailer, NoPostman, Postman};
use crate::pages::{Pages, PagesError};
use crate::respond;
use crate::status_list::PublishedStatusList;

/// How often rows that have expired are removed.
const SWEEP_INTERVAL: Duration = Duration::from_secs(60);

/// How long messages that are on their way may keep the server from stopping.
const LAST_MESSAGES: Duration = Duration::from_secs(2);

/// Audit events that one sweep deletes at most.
const SWEPT_EVENTS: u32 = 1000;

/// Why the server did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// See [`StoreError`].
    #[error(transparent)]
    Store(#[from] StoreError),
    /// See [`KeyError`].
    #[error(transparent)]
    Key(#[from] KeyError),
    /// See [`PagesError`].
    #[error(transparent)]
    Pages(#[from] PagesError),
    /// See [`PasswordError`].
    #[error(transparent)]
    Passwords(#[from] PasswordError),
    /// Passkeys cannot be had for this host.
    #[error("passkeys cannot be used at this public_url: {0}")]
    Passkeys(#[from] WebauthnError),
    /// OpenID providers cannot be asked: there are no certificates to check theirs with.
    #[error(
        "OpenID providers cannot be asked: {0}\n  hint: install the certificates of the public authorities (ca-certificates)"
    )]
    Providers(#[from] NoAnswer),
    /// See [`NoPostman`].
    #[error(transparent)]
    Mail(#[from] NoPostman),
    /// A document could not be written.
    #[error("the metadata cannot be written: {0}")]
    Documents(#[from] serde_json::Error),
    /// Somebody else listens there.
    #[error("cannot listen on {address}: {source}\n  hint: stop whatever uses the port, or change \"{key}\"")]
    Listen {
        /// The key in the configuration.
        key: &'static str,
        /// Where.
        address: SocketAddr,
        /// Why.
        source: io::Error,
    },
}

/// The server with its listeners bound; nothing is answered before [`Application::run`].
pub struct Application {
    app: App,
    notes: mpsc::Receiver<Note>,
    server: Server,
    health: Server,
    administration: Option<Server>,
    /// Where it listens, also when the configuration says port 0.
    pub address: SocketAddr,
    /// Where the health listener is.
    pub health_address: SocketAddr,
    /// Where administrators are let in, if they are.
    pub administration_address: Option<SocketAddr>,
}

impl Application {
    /// Opens the store, finds or makes the key, and binds the listeners.
    pub async fn build(config: Config, clock: Clock) -> Result<Self, StartError> {
        let store = Store::open(&config.database, PoolOptions::server(config.max_connections)).await?;
        let keys = KeyRing::open(&store, &config, clock.now()).await?;
        let (pages, passwords) = (Pages::load(&config.branding)?, Passwords::new()?);
        let documents = Documents::new(&config, &pages)?;
        let status_list = PublishedStatusList::default();
        let passkeys = Passkeys::new(&config.public_url, &config.branding.name)?;
        let providers = Providers::new(&config.login.oidc)?;
        let postman = config.email.as_ref().map(|email| Postman::new(&config, email)).transpose()?;
        let limits = Limits::new(&config.limits, &clock);
        let guarded_fetch = GuardedFetch::new(config.client_documents.fetch_options());
        let (back_off, published_keys) = (BackOff::default(), PublishedKeys::default());
        let (recorder, notes) = FlightRecorder::new(config.connections.is_some());
        let app = App::new(State {
            config,
            store,
            clock,
            limits,
            keys,
            status_list,
            guarded_fetch,
            back_off,
            published_keys,
            recorder,
            pages,
            passwords,
            passkeys,
            providers,
            mail: postman.map(Mailer::new),
            code_guesses: CodeGuesses::default(),
            documents,
        });
        let (server, address) = listen(&app)?;
        let (health, health_address) = listen_health(&app)?;
        let (administration, administration_address) = listen_administration(&app)?.unzip();
        Ok(Self { app, notes, server, health, administration, address, health_address, administration_address })
    }

    /// While there is nobody who could sign in: shows how to create the first administrator. Of several servers one does.
    pub async fn offer_setup(&self) -> Result<(), StoreError> {
        let (config, now) = (&self.app.config, self.app.clock.now());
        match setup::offer(&self.app.store, config, now).await? {
            Offer::Link(secret) => setup::show(config, &secret),
            Offer::Shown => tracing::warn!(
                "nobody can sign in yet; the setup link was shown before, and `gatelodge user setup-link` makes another"
            ),
            Offer::Nothing => {}
        }
        Ok(())
    }

    /// Stops the server from elsewhere.
    pub fn handle(&self) -> ServerHandle {
        self.server.handle()
    }

    /// Serves until SIGTERM or SIGINT, then lets running requests finish.
    pub async fn run(self) -> io::Result<()> {
        let health_handle = self.health.handle();
        let health = actix_web::rt::spawn(self.health);
        let administration = self.administration.map(|server| (server.handle(), actix_web::rt::spawn(server)));
        let sweeper = actix_web::rt::spawn(sweep_regularly(self.app.clone()));
        let writing = Writing::begin(self.app.clone(), self.notes);
        let key_keeper = actix_web::rt::spawn(keep_keys_current(self.app.clone()));
        let ended = self.server.await;
        if let Some((handle, running)) = administration {
            handle.stop(true).await;
            running.abort();
        }
        if let Some(mail) = &self.app.mail {
            mail.finish(LAST_MESSAGES).await;
        }
        writing.finish().await;
        sweeper.abort();
        key_keeper.abort();
        health_handle.stop(false).await;
        health.abort();
        ended
    }
}

fn listen(app: &App) -> Result<(Server, SocketAddr), StartError> {
    let wanted = app.config.listen;
    let state = app.clone();
    let configure = routes(&app.config);
    let bound = HttpServer::new(move || {
        ActixApp::new()
            .app_data(Data::new(state.clone()))
            .configure(configure.clone())
            .wrap(from_fn(respond::default_headers))
            .wrap(http::Requests)
    })
    .keep_alive(http::KEEP_ALIVE)
    .client_request_timeout(http::CLIENT_REQUEST_TIMEOUT)
    .shutdown_timeout(http::SHUTDOWN_SECONDS)
    .tcp_nodelay(true)
    .bind(wanted)
    .map_err(|source| StartError::Listen { key: "listen", address: wanted, source })?;
    let address = bound.addrs().first().copied().unwrap_or(wanted);
    Ok((bound.run(), address))
}

/// Its own listener, so that no path of the public one leads to it. Few come, so one worker is enough.
fn listen_administration(app: &App) -> Result<Option<(Server, SocketAddr)>, StartError> {
    let Some(AdministrationConfig { listen, url }) = &app.config.administration else { return Ok(None) };
    let (address, state, administration) = (*listen, app.clone(), Administration::new(app, url));
    let bound = HttpServer::new(move || {
        ActixApp::new()
            .app_data(Data::new(state.clone()))
            .app_data(Data::new(administration.clone()))
            .configure(administration_pages::routes)
            .wrap(from_fn(visit::only_our_host))
            .wrap(from_fn(respond::headers_of_administration))
            .wrap(http::Requests)
    })
    .workers(1)
    .disable_signals()
    .keep_alive(http::KEEP_ALIVE)
    .client_request_timeout(http::CLIENT_REQUEST_TIMEOUT)
    .shutdown_timeout(http::SHUTDOWN_SECONDS)
    .tcp_nodelay(true)
    .bind(address)
    .map_err(|source| StartError::Listen { key: "administration.listen", address, source })?;
    let address = bound.addrs().first().copied().unwrap_or(address);
    Ok(Some((bound.run(), address)))
}

fn listen_health(app: &App) -> Result<(Server, SocketAddr), StartError> {
    let (address, store) = (app.config.health_listen, app.store.clone());
    let ready = move || {
        let store = store.clone();
        async move { store.read(gatelodge_store::signing_keys::active).await.is_ok_and(|key| key.is_some()) }
    };
    let sidecars = from_sidecar::routes(app);
    health::serve_with(address, ready, sidecars).map_err(|source| StartError::Listen {
        key: "health_listen",
        address,
        source,
    })
}

/// Keys are rotated by the clock, whether or not anybody asks for a token.
async fn keep_keys_current(app: App) {
    loop {
        tokio::time::sleep(keys::RELOAD_INTERVAL).await;
        app.keys.current(app.clock.now()).await;
    }
}

async fn sweep_regularly(app: App) {
    loop {
        let now = app.clock.now();
        app.limits.forget();
        let unused_until = now.minus(app.config.registration.unused_client_lifetime);
        let events_until = app.config.audit.retention.map(|time| now.minus(time));
        let kept_for = app.config.connections;
        let sweep = move |tx: &mut Tx| {
            clients::delete_unused(tx, unused_until, now)?;
            let events = events_until.map(|until| audit_events::delete_before(tx, until, SWEPT_EVENTS)).transpose()?;
            let mut report = sweep(tx, now)?;
            report.unfinished |= events.is_some_and(|events| events >= SWEPT_EVENTS as usize);
            report.unfinished |= writing::sweep(tx, kept_for, now)?;
            Ok(report)
        };
        let pause = match app.store.write(sweep).await {
            // The rest in portions, so that requests get their turn in between.
            Ok(report) if report.unfinished => Duration::from_millis(100),
            Ok(_) => SWEEP_INTERVAL,
            Err(error) => {
                tracing::warn!(%error, "expired rows could not be removed");
                SWEEP_INTERVAL
            }
        };
        tokio::time::sleep(pause).await;
    }
}
