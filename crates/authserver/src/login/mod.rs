//! The ways a person proves who they are.

pub mod password;
