//! What the tests of several crates share, and the whole-system tests stand on: real databases, the real binaries, real
//! clients. Nothing here is part of what is shipped.

pub mod browser;
pub mod clients;
pub mod documents;
pub mod examples;
pub mod mail_server;
pub mod postgres;
pub mod process;
pub mod requirements;
pub mod scale;
pub mod stack;
pub mod usage;
