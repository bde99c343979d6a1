//! What both Gatelodge binaries need at their edges, so that neither copies it from the other.
//!
//! | module | what |
//! |---|---|
//! | [`config`] | TOML file and environment to a typed configuration; all problems at once, each with its line and its fix |
//! | [`clock`] | the only place that reads the time; tests move it by hand |
//! | [`logs`] | JSON lines (or text) on standard output |
//! | [`http_client`] | the only place that builds HTTP clients |
//! | [`bounded_client`] | asks servers that the operator named, bounded in time and size |
//! | [`guarded_fetch`] | fetches what strangers name: public addresses only, bounded in time, size and number |
//! | [`rate`] | how many requests follow each other |
//! | [`http`] | the id of a request, its answer after a panic, and the health listener |

pub mod bounded_client;
pub mod clock;
pub mod config;
pub mod guarded_fetch;
pub mod http;
pub mod http_client;
pub mod logs;
pub mod rate;
