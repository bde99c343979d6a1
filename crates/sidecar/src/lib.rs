//! The Gatelodge sidecar: the OAuth protected resource in front of an MCP server (RFC 9728, RFC 6750).
//!
//! | file | what it decides |
//! |---|---|
//! | [`config`] | what the operator wrote, checked |
//! | [`app`] | every route on one screen; binds the listeners |
//! | `front_door` | is this a request for us, and plainly written? Host and request target |
//! | `cors` | which web pages may call (Origin), and what they may see |
//! | `gate` | forward, challenge or refuse: pure |
//! | `tokens` | is this access token good? Keys, introspection and revocation, of each issuer |
//! | `endpoint` | one request to the MCP path, from the gate to the answer, with its line in the log |
//! | `forward` | to the MCP server and back, streaming both ways; needs a `gate::Permit` |
//! | `upload`, `event_stream`, `headers` | its parts: request body, server-sent events, header hygiene |
//! | `protected_resource` | the metadata document |
//! | `relay` | the authorization server's own paths |
//! | `respond` | the only file that writes error bodies |

pub mod app;
pub mod cli;
pub mod config;
mod cors;
mod endpoint;
mod event_stream;
mod forward;
mod front_door;
mod gate;
mod headers;
mod protected_resource;
mod relay;
mod respond;
mod tokens;
mod upload;

pub use app::Application;
pub use config::Config;
