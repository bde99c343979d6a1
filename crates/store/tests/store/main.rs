//! The store on both databases: every test body runs once on SQLite and once on PostgreSQL, from one text.

mod audit_trail;
mod clients;
mod connections;
mod devices;
mod documents;
mod one_time_links;
mod opening;
mod people;
mod races;
mod schema;
mod second_factors;
mod support;
mod tables;
mod transactions;
mod upstream;
