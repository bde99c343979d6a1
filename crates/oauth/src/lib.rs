//! The rules of the RFCs that Gatelodge speaks, as pure functions over plain values: no I/O, no async, no clock.
//! Randomness is used in [`secret`] and, for nonces and keys, in [`grant::refresh_token`] and [`access_token`].
//!
//! | With this section in hand | open |
//! |---|---|
//! | RFC 6749 §2 (clients), RFC 7591 §2 | [`client`], [`client_metadata`] |
//! | draft-ietf-oauth-client-id-metadata-document | [`client_id_metadata_document`], [`host_policy`], [`strict_json`] |
//! | RFC 7591 §3.2.1 (its answer), RFC 7592 §2.2 and §3 | [`client_information`] |
//! | RFC 6749 §2.3 (client authentication) | [`client_authentication`] |
//! | RFC 7521 §4.2, RFC 7523 (client assertions) | [`client_assertion`], [`client_keys`] |
//! | RFC 6749 §3.1.2, RFC 8252 §7 and §8.3 (redirect URIs) | [`redirect_uri`] |
//! | RFC 6749 §3.3 (scope) | [`scope`] |
//! | RFC 6749 §4.1.1 (authorization request), appendix B | [`authorization_request`], [`parameters`] |
//! | OpenID Connect Core 1.0 §3.1.2.1 (`prompt`, `max_age`, `login_hint`) | [`prompt`] |
//! | RFC 6749 §4.1.2, RFC 9207 (authorization response) | [`authorization_response`] |
//! | RFC 6749 §4.1.3 (code exchange) | [`grant::authorization_code`] |
//! | RFC 6749 §5.1 (token response) | [`token_response`] |
//! | RFC 6749 §4.4 (client credentials grant) | [`grant::client_credentials`] |
//! | RFC 6749 §6, RFC 9700 §4.14 (refresh) | [`grant::refresh_token`] |
//! | RFC 6749 §4.1.2.1, §5.2 and the other error lists | [`error`] |
//! | RFC 6750 §3, RFC 9728 §5.1 (challenge) | [`challenge`] |
//! | RFC 7636 (PKCE) | [`pkce`] |
//! | RFC 7662 (introspection) | [`introspection`] |
//! | RFC 8414 (authorization server metadata) | [`authorization_server_metadata`] |
//! | RFC 8628 (device grant) | [`grant::device_code`] |
//! | RFC 8707 (resource indicators) | [`resource`] |
//! | RFC 9068, RFC 8725 (access token) | [`access_token`] |
//! | RFC 9126 (pushed authorization request) | [`authorization_request`] |
//! | RFC 9728 (protected resource metadata) | [`protected_resource_metadata`] |
//! | draft-ietf-oauth-status-list | [`status_list`] |
//! | none: what both programs keep of one call | [`audit_event`] |
//! | none: what both programs say of the tools behind a scope | [`resource_tools`] |
#![warn(missing_docs)]

pub mod access_token;
pub mod audit_event;
pub mod authorization_request;
pub mod authorization_response;
pub mod authorization_server_metadata;
pub mod challenge;
pub mod client;
pub mod client_assertion;
pub mod client_authentication;
pub mod client_id_metadata_document;
pub mod client_information;
pub mod client_keys;
pub mod client_metadata;
pub mod error;
pub mod grant;
pub mod host_policy;
pub mod introspection;
pub mod known_clients;
pub mod parameters;
pub mod pkce;
pub mod prompt;
pub mod protected_resource_metadata;
pub mod redirect_uri;
pub mod resource;
pub mod resource_tools;
pub mod scope;
pub mod secret;
pub mod status_list;
pub mod strict_json;
pub mod time;
pub mod token_response;
