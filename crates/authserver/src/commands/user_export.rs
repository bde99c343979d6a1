//! `gatelodge user export`: everything that is stored about one person, for whoever has to answer that question.

use clap::Args;
use gatelodge_store::users;

use super::{Setting, no_user, print_json, run, text};
use crate::cli::ConfigFile;
use crate::personal_data;

/// Of `export`.
#[derive(Args)]
pub struct ExportUser {
    /// Who.
    name: String,
    #[command(flatten)]
    config: ConfigFile,
}

/// Prints it as JSON.
pub fn export(export: ExportUser) -> Result<(), String> {
    run(async move {
        let setting = Setting::open(&export.config).await?;
        let (config, name, now) = (setting.config.clone(), export.name.to_lowercase(), setting.now);
        let data = setting.store.read(move |tx| match users::find_by_username(tx, &name)? {
            Some(user) => personal_data::export(tx, &config, &user, now).map(Some),
            None => Ok(None),
        });
        print_json(&data.await.map_err(text)?.ok_or_else(|| no_user(&export.name))?)
    })
}
