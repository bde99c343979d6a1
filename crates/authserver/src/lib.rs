//! The Gatelodge authorization server. The tree follows the protocol: [`endpoints`] has one file for each endpoint, and
//! [`app`] shows every route on one screen. The rules themselves are in `gatelodge-oauth`.

pub mod account;
pub mod administration;
pub mod app;
pub mod approval;
pub mod audit;
pub mod branding;
pub mod cli;
pub mod clients;
pub mod code_guesses;
mod commands;
pub mod config;
pub mod csrf;
pub mod endpoints;
pub mod flight_recorder;
pub mod grants;
pub mod keys;
pub mod language;
pub mod limits;
pub mod login;
pub mod mail;
pub mod own_page;
pub mod pages;
pub mod people;
pub mod personal_data;
pub mod problem;
pub mod remembered_consent;
pub mod resources;
pub mod respond;
pub mod routing;
pub mod sealing;
pub mod security_events;
pub mod server;
pub mod session;
pub mod status_list;
pub mod transaction;
