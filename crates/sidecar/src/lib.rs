//! The Gatelodge sidecar: the OAuth protected resource in front of an MCP server (RFC 9728, RFC 6750).
//!
//! | file | what it decides |
//! |---|---|
//! | [`config`] | what the operator wrote, checked |
//! | [`app`] | every route on one screen; binds the listeners |
//! | `front_door` | is this a request for us, and plainly written? Host and request target |
//! | `cors` | which web pages may call (Origin), and what they may see |
//! | `api_keys` | is this a key from before, and whose? |
//! | `gate` | forward, challenge or refuse: pure |
//! | `jwks`, `status_list` | the keys of the authorization server, and which tokens it revoked |
//! | `endpoint` | one request to the MCP path, from the gate to the answer, with its line in the log |
//! | `forward` | to the MCP server and back, streaming both ways; needs a `gate::Permit` |
//! | `caller`, `identity` | who calls, and in which form the MCP server is told |
//! | `upload`, `event_stream`, `headers` | its parts: request body, server-sent events, header hygiene |
//! | `protected_resource` | the metadata document |
//! | `relay` | the authorization server's own paths |
//! | `respond` | the only file that writes error bodies |

mod api_keys;
pub mod app;
mod caller;
pub mod cli;
pub mod config;
mod cors;
mod endpoint;
mod event_stream;
mod forward;
mod front_door;
mod gate;
mod headers;
mod identity;
mod jwks;
mod protected_resource;
mod relay;
mod respond;
mod status_list;
mod upload;

pub use app::Application;
pub use config::Config;
