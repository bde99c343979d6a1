//! The files that pages are made of: those compiled into the binary and, in their place, those of the operator's own directory
//! (`branding.templates_dir`). Read at start by `pages/mod.rs`.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use rust_embed::RustEmbed;

use super::{PagesError, locales};

/// The largest file of an operator, in bytes: what every page loads should be small.
const MAX_FILE: u64 = 1024 * 1024;

/// Templates at the top, translations in `locales/`, what browsers load in `assets/`.
#[derive(RustEmbed)]
#[folder = "../../templates"]
struct Embedded;

/// See the top of the file. Names are relative, with `/` between their parts.
pub(super) struct Files {
    directory: PathBuf,
    own: BTreeMap<String, Vec<u8>>,
}

impl Files {
    /// Reads the operator's directory, if there is one.
    pub fn read(directory: Option<&Path>) -> Result<Self, PagesError> {
        let mut files = Self { directory: directory.unwrap_or(Path::new("")).to_owned(), own: BTreeMap::new() };
        if directory.is_some() {
            for folder in ["", "locales/", "assets/"] {
                files.read_folder(folder)?;
            }
        }
        Ok(files)
    }

    fn read_folder(&mut self, folder: &str) -> Result<(), PagesError> {
        let path = self.directory.join(folder);
        if !folder.is_empty() && !path.exists() {
            return Ok(());
        }
        let unreadable = |source| PagesError::Unreadable { path: path.clone(), source };
        for entry in fs::read_dir(&path).map_err(unreadable)? {
            let name = entry.map_err(unreadable)?.file_name();
            let name = format!("{folder}{}", name.to_string_lossy());
            // Hidden names are those of editors, version control and mounted volumes.
            let is_hidden = name.rsplit('/').next().is_some_and(|last| last.starts_with('.'));
            let is_folder = folder.is_empty() && ["locales", "assets"].contains(&name.as_str());
            if !(is_hidden || is_folder) {
                let bytes = self.read_file(&name)?;
                self.own.insert(name, bytes);
            }
        }
        Ok(())
    }

    fn read_file(&self, name: &str) -> Result<Vec<u8>, PagesError> {
        let path = self.directory.join(name);
        if Embedded::get(name).is_none() && locales::tag_of(name).is_none() {
            return Err(PagesError::UnknownFile { path, hint: suggestion(name) });
        }
        let unreadable = |source| PagesError::Unreadable { path: path.clone(), source };
        let length = fs::metadata(&path).map_err(unreadable)?.len();
        if length > MAX_FILE {
            return Err(PagesError::TooLarge { path, length, most: MAX_FILE });
        }
        fs::read(&path).map_err(unreadable)
    }

    /// The names of all files.
    pub fn names(&self) -> BTreeSet<String> {
        Embedded::iter().map(Cow::into_owned).chain(self.own.keys().cloned()).collect()
    }

    /// A file: the operator's, or else ours.
    pub fn get(&self, name: &str) -> Option<Cow<'_, [u8]>> {
        self.own(name).map(Cow::Borrowed).or_else(|| self.embedded(name))
    }

    /// A file of the operator.
    pub fn own(&self, name: &str) -> Option<&[u8]> {
        self.own.get(name).map(Vec::as_slice)
    }

    /// A file that was compiled in.
    pub fn embedded(&self, name: &str) -> Option<Cow<'static, [u8]>> {
        Embedded::get(name).map(|file| file.data)
    }

    /// Where a file is, for messages.
    pub fn place_of(&self, name: &str) -> PathBuf {
        if self.own.contains_key(name) { self.directory.join(name) } else { Path::new("templates").join(name) }
    }

    /// The same as text.
    pub fn text(&self, name: &str) -> Result<Option<String>, PagesError> {
        let Some(bytes) = self.get(name) else { return Ok(None) };
        String::from_utf8(bytes.into_owned()).map(Some).map_err(|_| PagesError::NotText { path: self.place_of(name) })
    }
}

fn suggestion(name: &str) -> String {
    if name.starts_with("locales/") {
        return "name a translation by its language tag, for instance \"fr.ftl\" or \"pt-BR.ftl\"".to_owned();
    }
    let closeness = |known: &str| strsim::normalized_damerau_levenshtein(known, name);
    let nearest = Embedded::iter().max_by(|a, b| closeness(a).total_cmp(&closeness(b)));
    let nearest = nearest.filter(|nearest| closeness(nearest) > 0.5);
    match nearest {
        Some(nearest) => format!("perhaps \"{nearest}\" is meant; only files that Gatelodge has can be overridden"),
        None => {
            "only files that Gatelodge has can be overridden, and locales/TAG.ftl be added; remove this one".to_owned()
        }
    }
}
