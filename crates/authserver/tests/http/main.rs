//! The authorization server over real sockets: only HTTP is asserted, and what is in the database afterwards. One file for
//! each RFC, and one for each kind of trouble. Every test that touches the store runs on SQLite and on PostgreSQL.

mod bad_config;
mod browser_forgery;
mod browser_pages;
mod browser_sign_in;
mod client_document_policy;
mod client_documents;
mod configured_clients;
mod cut_answers;
mod faults;
mod killed_server;
mod parallel_exchange;
mod parallel_requests;
mod personal_tokens;
mod restarted_database;
mod rfc6749_authorization;
mod rfc6749_client_authentication;
mod rfc6749_client_credentials;
mod rfc6749_redirect_uri;
mod rfc6749_refresh;
mod rfc6749_refresh_limits;
mod rfc6749_token;
mod rfc6749_token_input;
mod rfc7009_revocation;
mod rfc7523_client_assertion;
mod rfc7591_jwks_uri;
mod rfc7591_refusals;
mod rfc7591_registration;
mod rfc7662_introspection;
mod rfc8414_metadata;
mod rfc9068_access_token;
mod secrets_in_logs;
mod signing_keys;
mod status_list;
mod support;
