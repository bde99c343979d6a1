//! The ways a person proves who they are.

pub mod attempts;
pub mod password;
pub mod sign_in;
pub mod throttle;
