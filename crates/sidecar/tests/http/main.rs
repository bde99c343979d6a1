//! The sidecar over real sockets: a signing key and a key server of its own in front, an MCP server that notes what it
//! sees behind. Only HTTP is asserted, and what the MCP server saw.

mod access;
mod challenges;
mod command;
mod cors;
mod identity;
mod keys;
mod lists;
mod metadata;
mod relay;
mod sessions;
mod status_list;
mod streaming;
mod support;
mod targets;
mod upstream_faults;
