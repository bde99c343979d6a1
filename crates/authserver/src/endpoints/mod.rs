//! One file for each endpoint: parse, authenticate, decide, store in one transaction, answer.

pub mod account;
pub mod account_activity;
pub mod account_data;
pub mod account_second_factor;
pub mod account_tokens;
pub mod audit_events;
pub mod authorize;
pub mod consent;
pub mod device;
pub mod device_authorization;
pub mod introspection;
pub mod legal;
pub mod login;
pub mod metadata;
pub mod password;
pub mod pushed_authorization;
pub mod registration;
pub mod registration_management;
pub mod reset;
pub mod revocation;
pub mod second_step;
pub mod setup;
pub mod sign_in;
pub mod status_list;
pub mod token;
pub mod upstream_sign_in;
