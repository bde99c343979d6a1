//! Which tools lie behind each scope of a resource: one row for each, as its sidecar said last. Shown by the consent page.

use diesel::prelude::*;
use gatelodge_oauth::resource_tools::{ListedTool, ResourceTools};
use gatelodge_oauth::time::Timestamp;

use crate::insertion::unless_exists;
use crate::row::{RowName, to_json};
use crate::schema::resource_tools as t;
use crate::{Insertion, StoreError, Tx};

/// Keeps what is said now in place of what was said before.
pub fn put(tx: &mut Tx, said: &ResourceTools, now: Timestamp) -> Result<(), StoreError> {
    let values =
        (t::resource.eq(said.resource.clone()), t::tools.eq(to_json(&said.tools)), t::updated_at.eq(now.as_unix()));
    let row = values.clone();
    match unless_exists(tx, |connection| diesel::insert_into(t::table).values(row).execute(connection))? {
        Insertion::Inserted => {}
        Insertion::AlreadyExists => {
            let this = t::table.filter(t::resource.eq(said.resource.clone()));
            diesel::update(this).set(values).execute(&mut tx.0)?;
        }
    }
    Ok(())
}

/// What is known of a resource; nothing, when nobody said anything.
pub fn find(tx: &mut Tx, resource: &str) -> Result<Vec<ListedTool>, StoreError> {
    let of_resource = t::table.filter(t::resource.eq(resource)).select(t::tools);
    let tools = of_resource.first::<String>(&mut tx.0).optional()?;
    tools.map_or_else(|| Ok(Vec::new()), |tools| RowName::of("resource_tools", resource).json("tools", &tools))
}
