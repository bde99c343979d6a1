//! The sidecar over real sockets: a signing key and a key server of its own in front, an MCP server that notes what it
//! sees behind. Only HTTP is asserted, and what the MCP server saw.

mod access;
mod api_keys;
mod audit_trail;
mod challenges;
mod command;
mod cors;
mod identity;
mod identity_assertion;
mod identity_config;
mod identity_context;
mod identity_credential;
mod identity_secrets;
mod introspection;
mod issuers;
mod keys;
mod legacy_sse;
mod lists;
mod metadata;
mod raw_framing;
mod raw_heads;
mod raw_identity;
mod raw_limits;
mod raw_pipelines;
mod raw_shutdown;
mod raw_upstreams;
mod relay;
mod room;
mod sessions;
mod status_list;
mod step_up;
mod streaming;
mod support;
mod targets;
mod token_cache;
mod upstream_faults;
