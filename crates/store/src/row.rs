//! Reading columns back: each helper names the row it could not read. Called by the `TryFrom<Row>` of every table.

use std::str::FromStr;

use gatelodge_oauth::secret::HashedSecret;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::StoreError;

/// The row being read, for the error.
pub(crate) struct RowName {
    table: &'static str,
    id: String,
}

impl RowName {
    pub(crate) fn of(table: &'static str, id: &str) -> Self {
        Self { table, id: id.to_owned() }
    }

    /// A row found by the hash of a secret: its first bytes find the row and give nothing away.
    pub(crate) fn of_hash(table: &'static str, hash: &[u8]) -> Self {
        Self { table, id: hash.iter().take(8).map(|byte| format!("{byte:02x}")).collect() }
    }

    pub(crate) fn hash(&self, column: &'static str, bytes: Vec<u8>) -> Result<HashedSecret, StoreError> {
        bytes.try_into().map(HashedSecret::from_bytes).map_err(|_| self.corrupt(column))
    }

    pub(crate) fn parse<T: FromStr>(&self, column: &'static str, text: &str) -> Result<T, StoreError> {
        text.parse().map_err(|_| self.corrupt(column))
    }

    pub(crate) fn json<T: DeserializeOwned>(&self, column: &'static str, text: &str) -> Result<T, StoreError> {
        serde_json::from_str(text).map_err(|_| self.corrupt(column))
    }

    pub(crate) fn corrupt(&self, column: &'static str) -> StoreError {
        StoreError::Corrupt { table: self.table, column, id: self.id.clone() }
    }
}

/// The text of a JSON column.
pub(crate) fn to_json(value: &impl Serialize) -> String {
    serde_json::to_string(value).expect("lists and structs of text always have a JSON form")
}

/// The pattern of what begins so, with `\\` before what stands for something else in patterns.
pub fn beginning(text: &str) -> String {
    let literally = text.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_");
    format!("{literally}%")
}
