//! Every route on one screen, and the two listeners. Nothing is bound before the configuration is whole.

use std::io;
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;

use actix_web::dev::{Server, ServiceRequest};
use actix_web::http::Method;
use actix_web::middleware::{Next, from_fn};
use actix_web::web::{self, Bytes, Data, ServiceConfig};
use actix_web::{App, HttpRequest, HttpResponse, HttpServer};
use gatelodge_service::clock::Clock;
use gatelodge_service::http::{self, health};
use reqwest::header::HeaderValue;
use tokio::task::JoinHandle;

use crate::api_keys::ApiKeys;
use crate::body::Bodies;
use crate::config::Config;
use crate::cors::{self, Origins};
use crate::endpoint::{self, Endpoint};
use crate::forward::Upstream;
use crate::front_door::FrontDoor;
use crate::gate::Gate;
use crate::headers::Arrival;
use crate::identity::{self, Identity, IdentityError};
use crate::legacy_sse::{Addresses, Role};
use crate::limits::{self, Connections, OpenRequests, Rates, Room, descriptors};
use crate::listed_tools::ListedTools;
use crate::protected_resource;
use crate::relay::{self, Relay};
use crate::respond::{self, Fault};
use crate::sessions::Sessions;
use crate::shutdown;
use crate::tasks::Tasks;
use crate::tokens::{Audiences, Tokens};
use crate::trail::{Sending, Trail};
use crate::upstream::{Target, TlsError};
use crate::well_known::{self, Document};

/// The routes.
fn routes(worker: &Worker, services: &mut ServiceConfig) {
    // No path is two things. The framework asks each route in turn, so the one that is asked most comes first.
    for (path, endpoint) in &worker.endpoints {
        services.service(web::resource(path).app_data(Data::clone(endpoint)).to(endpoint::handle));
    }
    for document in &worker.documents {
        let data = Data::new(document.clone());
        services.service(web::resource(&document.path).app_data(data).to(well_known::serve));
    }
    if let Some((paths, relay)) = &worker.relay {
        for path in &paths.exact {
            services.service(web::resource(path).app_data(Data::clone(relay)).to(relay::handle));
        }
        for path in &paths.below {
            services.service(web::scope(path).app_data(Data::clone(relay)).default_service(web::to(relay::handle)));
        }
    }
    services.default_service(web::to(nothing_here));
}

/// Also for every unknown path under `/.well-known/`: pages may see that there is nothing, and look elsewhere.
async fn nothing_here(request: HttpRequest) -> HttpResponse {
    if !request.path().starts_with("/.well-known/") {
        return respond::fault(Fault::NotFound);
    }
    match *request.method() {
        Method::OPTIONS => cors::public_preflight(request.headers()),
        _ => cors::expose_to_all(respond::fault(Fault::NotFound)),
    }
}

/// What all workers share: what is known of tokens, and of each resource.
#[derive(Clone)]
struct Shared {
    tokens: Arc<Tokens>,
    open_requests: OpenRequests,
    rates: Arc<Rates>,
    bodies: Arc<Room>,
    lists: Arc<Room>,
    trail: Option<Trail>,
    resources: Vec<OfResource>,
}

/// What all workers share of one resource.
#[derive(Clone)]
struct OfResource {
    sessions: Arc<Sessions>,
    tasks: Arc<Tasks>,
    target: Target,
    identity: Arc<Identity>,
    api_keys: Option<Arc<ApiKeys>>,
    legacy: Option<(Target, Arc<Addresses>)>,
    listed_tools: Option<Arc<ListedTools>>,
}

impl Shared {
    fn new(config: &Config, clock: &Clock, trail: Option<Trail>) -> Result<Self, StartError> {
        let tokens = Arc::new(Tokens::new(&config.issuers, config.clock_leeway, clock.clone())?);
        let resources = config.resources.iter().map(|resource| {
            let (socket, ca_file) = (resource.upstream_socket.as_deref(), resource.upstream_ca_file.as_deref());
            let legacy = resource.legacy_sse.as_ref().map(|legacy| {
                Ok::<_, TlsError>((Target::new(&legacy.upstream, socket, ca_file)?, Arc::new(Addresses::new(legacy))))
            });
            Ok(OfResource {
                sessions: Arc::new(Sessions::new(resource.unknown_sessions)),
                tasks: Arc::new(Tasks::new(resource.unknown_sessions)),
                target: Target::new(&resource.upstream, socket, ca_file)?,
                identity: Arc::new(Identity::new(config, resource, clock)?),
                api_keys: resource.api_keys.clone().map(|keys| Arc::new(ApiKeys::new(keys))),
                legacy: legacy.transpose()?,
                listed_tools: ListedTools::of(resource),
            })
        });
        let open_requests = OpenRequests::new(&config.limits);
        let bodies = Room::in_shares(config.limits.body_memory, config.body_share());
        let lists = Room::new(config.limits.list_memory);
        let (bodies, lists, resources) =
            (Arc::new(bodies), Arc::new(lists), resources.collect::<Result<_, StartError>>()?);
        let rates = Arc::new(Rates::new(&config.limits, clock));
        Ok(Self { tokens, open_requests, rates, bodies, lists, trail, resources })
    }

    fn keep_fresh(&self) -> Vec<JoinHandle<()>> {
        let mut tasks = self.tokens.keep_fresh();
        tasks.extend(self.resources.iter().filter_map(|resource| resource.identity.keep_fresh()));
        tasks
    }

    /// Tells the authorization server which tools there are.
    fn keep_tools_told(&self, config: &Config) -> Result<Vec<JoinHandle<()>>, reqwest::Error> {
        let Some(audit) = &config.audit else { return Ok(Vec::new()) };
        let listed = self.resources.iter().filter_map(|resource| resource.listed_tools.as_ref());
        listed.map(|tools| tools.keep_told(audit)).collect()
    }

    /// The keys of the assertions, for the health listener.
    fn assertion_keys(&self) -> impl Fn(&mut ServiceConfig) + Clone + Send + 'static {
        let identities = self.resources.iter().map(|resource| &resource.identity);
        let document = identity::published_keys(identities).map(Bytes::from);
        move |services: &mut ServiceConfig| {
            if let Some(document) = document.clone() {
                let answer = move || std::future::ready(respond::jwks(document.clone()));
                services.route(identity::JWKS_PATH, web::get().to(answer));
            }
        }
    }
}

/// What one worker thread answers with. Connections to other servers are its own; what is known of tokens is shared by all.
struct Worker {
    documents: Vec<Document>,
    endpoints: Vec<(String, Data<Endpoint>)>,
    relay: Option<(relay::Paths, Data<Relay>)>,
}

impl Worker {
    fn new(config: &Config, shared: &Shared, clock: &Clock) -> Result<Self, StartError> {
        let host = HeaderValue::try_from(config.public_url.authority()).map_err(|_| StartError::Host)?;
        let scheme = if config.public_url.is_https() { "https" } else { "http" };
        let arrival = Arrival { trusted_proxies: config.trusted_proxies.clone(), scheme, host };
        let mut endpoints = Vec::new();
        for (resource, of_resource) in config.resources.iter().zip(&shared.resources) {
            let identity = Arc::clone(&of_resource.identity);
            let upstream = |url, target: &Target| {
                let (target, identity, lists) = (target.clone(), Arc::clone(&identity), Arc::clone(&shared.lists));
                Rc::new(Upstream::new(url, target, identity, resource.response_timeout, lists))
            };
            let streamable = upstream(&resource.upstream, &of_resource.target);
            let mut paths = vec![(resource.path.clone(), Rc::clone(&streamable), None)];
            if resource.path != "/" {
                paths.push((format!("{}/", resource.path), streamable, None));
            }
            if let (Some(legacy), Some((target, addresses))) = (&resource.legacy_sse, &of_resource.legacy) {
                let (upstream, role) =
                    (upstream(&legacy.upstream, target), |role: fn(_) -> _| role(Arc::clone(addresses)));
                paths.push((legacy.sse_path.clone(), Rc::clone(&upstream), Some(role(Role::Stream))));
                paths.push((legacy.message_path.clone(), upstream, Some(role(Role::Messages))));
            }
            for (path, upstream, legacy) in paths {
                // The metadata of the paths of HTTP+SSE is that of the resource.
                let named = if legacy.is_some() { &resource.path } else { &path };
                let endpoint = Endpoint {
                    resource: resource.id.clone(),
                    tokens: Arc::clone(&shared.tokens),
                    audiences: Audiences::of(&resource.id, &resource.audiences),
                    gate: Gate::new(Arc::clone(&resource.policy), protected_resource::url(config, named))
                        .map_err(|_| StartError::Host)?,
                    overlay: Arc::clone(&resource.overlay),
                    listed_tools: of_resource.listed_tools.clone(),
                    stream_grace: resource.stream_grace,
                    tool_challenges: resource.tool_challenges,
                    open_requests: shared.open_requests.clone(),
                    rates: Arc::clone(&shared.rates),
                    bodies: Bodies { limit: resource.body_limit, room: Arc::clone(&shared.bodies) },
                    api_keys: of_resource.api_keys.clone(),
                    sessions: Arc::clone(&of_resource.sessions),
                    tasks: Arc::clone(&of_resource.tasks),
                    origins: Origins::new(config, resource),
                    upstream,
                    legacy,
                    clock: clock.clone(),
                    trail: shared.trail.clone(),
                    arrival: arrival.clone(),
                };
                endpoints.push((path, Data::new(endpoint)));
            }
        }
        let relay = match &config.relay {
            Some(url) => {
                let paths = relay::paths(&config.issuer, &config.public_url);
                let own_path = relay::own_path(&config.issuer, &config.public_url);
                Some((paths, Data::new(Relay::new(url, own_path, arrival)?)))
            }
            None => None,
        };
        Ok(Self { documents: well_known::documents(config), endpoints, relay })
    }
}

/// Why the sidecar does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// An address cannot be bound.
    #[error(
        "cannot listen on {address}: {source}\n  hint: is another process using it? Change {key} in the configuration"
    )]
    Bind {
        /// Which.
        address: SocketAddr,
        /// What configures it.
        key: &'static str,
        /// Why.
        source: io::Error,
    },
    /// Every connection needs some.
    #[error(transparent)]
    Descriptors(#[from] descriptors::TooFew),
    /// Nobody could stop it.
    #[error("signals cannot be received: {0}")]
    Signals(io::Error),
    /// For https the machine needs certificates.
    #[error("no HTTP client can be made: {0}\n  hint: an https URL is configured; install the package ca-certificates")]
    HttpClient(#[from] reqwest::Error),
    /// Or certificates that cannot be used.
    #[error(
        "the MCP server cannot be checked: {0}\n  hint: install the package ca-certificates, or look at upstream_ca_file"
    )]
    Tls(#[from] TlsError),
    /// The MCP server cannot be told who calls.
    #[error(transparent)]
    Identity(#[from] IdentityError),
    /// Cannot happen with a checked configuration.
    #[error("the public host cannot be written in a header")]
    Host,
}

/// The whole sidecar, bound and ready to run.
pub struct Application {
    /// Where it listens.
    pub address: SocketAddr,
    /// Where its health is asked.
    pub health_address: SocketAddr,
    server: Server,
    health: Server,
    refreshers: Vec<JoinHandle<()>>,
    sending: Option<Sending>,
}

impl Application {
    /// Binds both listeners and begins to fetch keys.
    pub fn build(config: Config, clock: Clock) -> Result<Self, StartError> {
        descriptors::ensure(&config.limits)?;
        let trail = config.audit.clone().map(|audit| Trail::begin(audit, clock.clone())).transpose()?;
        let (trail, sending) = trail.unzip();
        let shared = Shared::new(&config, &clock, trail)?;
        // Made once here, where a failure can be told; then once by each worker.
        Worker::new(&config, &shared, &clock)?;

        let asked = Arc::clone(&shared.tokens);
        let ready = move || std::future::ready(asked.is_ready());
        let (health, health_address) = health::serve_with(config.health_listen, ready, shared.assertion_keys())
            .map_err(|source| StartError::Bind { address: config.health_listen, key: "health_listen", source })?;
        let mut refreshers = shared.keep_fresh();
        refreshers.extend(shared.keep_tools_told(&config)?);

        let listen = config.listen;
        let limits = config.limits.clone();
        let connections = Connections::new(&limits, config.trusted_proxies.clone());
        let (stopped, stop) = shutdown::signals().map_err(StartError::Signals)?;
        let front_door = Arc::new(FrontDoor::new(&config));
        let slow_body_timeout = limits.slow_body_timeout;
        let server = HttpServer::new(move || {
            let worker =
                Worker::new(&config, &shared, &clock).expect("the same was made before the listeners were bound");
            let front_door = Arc::clone(&front_door);
            let stop = stop.clone();
            App::new()
                .configure(|services| routes(&worker, services))
                .wrap(from_fn(move |request: ServiceRequest, next: Next<_>| {
                    let front_door = Arc::clone(&front_door);
                    async move { front_door.check(request, next).await }
                }))
                .wrap(from_fn(move |request: ServiceRequest, next: Next<_>| {
                    limits::guard(request, next, slow_body_timeout, stop.clone())
                }))
                .wrap(http::Requests)
        })
        .tcp_nodelay(true)
        // The client that leaves cancels: a closed connection is noticed while an answer is awaited or streamed.
        .h1_allow_half_closed(false)
        .keep_alive(http::KEEP_ALIVE)
        .client_request_timeout(limits.head_timeout)
        .max_connections(limits.connections)
        .on_connect(move |io, data| connections.arrive(io, data))
        .shutdown_signal(stopped)
        .shutdown_timeout(http::SHUTDOWN_SECONDS)
        .bind(listen)
        .map_err(|source| StartError::Bind { address: listen, key: "listen", source })?;
        let address = server.addrs().first().copied().unwrap_or(listen);
        Ok(Self { address, health_address, server: server.run(), health, refreshers, sending })
    }

    /// Runs until a signal asks to stop.
    pub async fn run(self) -> io::Result<()> {
        let health = self.health.handle();
        let health_server = actix_web::rt::spawn(self.health);
        let outcome = self.server.await;
        self.refreshers.iter().for_each(JoinHandle::abort);
        if let Some(sending) = self.sending {
            sending.finish().await;
        }
        health.stop(false).await;
        health_server.await.ok();
        outcome
    }
}
