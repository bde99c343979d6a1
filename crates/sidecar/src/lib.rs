//! The Gatelodge sidecar: the OAuth protected resource in front of an MCP server (RFC 9728, RFC 6750).
//!
//! | file | what it decides |
//! |---|---|
//! | [`config`] | what the operator wrote, checked |
//! | [`app`] | every route on one screen; binds the listeners |
//! | `front_door` | is this a request for us, and plainly written? Host and request target |
//! | `cors` | which web pages may call (Origin), and what they may see |
//! | [`mcp`] | what a request asks for: method and target, read in one way or refused |
//! | `presented`, `caller` | what a request presents, and who calls |
//! | `policy` | what an operation needs, by method, tool, prompt and resource: pure |
//! | `spelling` | what others read in a resource URI |
//! | `api_keys` | is this a key from before, and whose? |
//! | `gate` | forward, challenge or refuse: pure |
//! | `sessions`, `tasks`, `holders` | whose session, or task, is it |
//! | `right` | what an event stream lives by |
//! | `endpoint` | one request to the MCP path, from its arrival to its answer |
//! | `legacy_sse` | what is different in HTTP+SSE, the transport of 2024-11-05 |
//! | `audit`, `trail` | its line in the log, and the copy that is kept |
//! | `tokens` | is this access token good? Keys, introspection and revocation, of each issuer |
//! | `forward` | to the MCP server and back, streaming both ways; needs a `gate::Permit` |
//! | `upstream` | its HTTP/1.1 client |
//! | `body`, `headers`, `proxy_headers`, `event_stream` | its parts: request body, header hygiene, server-sent events |
//! | `view`, [`lists`] | what of `tools/list` and its like comes back, and how tools are described |
//! | `fingerprint` | by what tables know tokens and sessions |
//! | `listed_tools` | what the consent page shows of them, behind each scope |
//! | `caller`, `identity` | who calls, and in which form the MCP server is told |
//! | [`limits`], `shutdown` | what clients may hold and how slow they may be; how everything ends |
//! | `protected_resource`, `well_known` | the metadata document, and what else is public |
//! | `relay`, `upload` | the authorization server's own paths |
//! | `respond` | the only file that writes error bodies |

mod api_keys;
pub mod app;
mod audit;
mod body;
mod caller;
pub mod cli;
pub mod config;
mod cors;
mod endpoint;
mod event_stream;
mod fingerprint;
mod forward;
mod front_door;
mod gate;
mod headers;
mod holders;
mod identity;
mod legacy_sse;
pub mod limits;
mod listed_tools;
pub mod lists;
pub mod mcp;
mod policy;
mod presented;
mod protected_resource;
mod proxy_headers;
mod relay;
mod respond;
mod right;
mod sessions;
mod shutdown;
mod spelling;
mod tasks;
mod tokens;
mod trail;
mod upload;
mod upstream;
mod view;
mod well_known;

pub use app::Application;
pub use config::Config;
