//! The ways a person proves who they are.

pub mod attempts;
pub mod by_mail;
pub mod config;
pub mod email_code;
pub mod one_time_links;
pub mod passkeys;
pub mod password;
pub mod recovery_codes;
pub mod second_factors;
pub mod second_step;
pub mod setup;
pub mod sign_in;
pub mod throttle;
pub mod totp;
pub mod upstream;
pub mod upstream_config;
