//! Documents of known clients as they were last seen, for when their host does not give them out: some keep servers in data
//! centers away as if they were robots. draft-ietf-oauth-client-id-metadata-document §6.4 lets a server know clients in advance.

use std::path::Path;

use gatelodge_oauth::client::{Client, ClientId};
use gatelodge_oauth::client_id_metadata_document::{DocumentUrl, MAX_BYTES};
use gatelodge_oauth::error::OAuthError;
use gatelodge_oauth::strict_json;
use gatelodge_oauth::time::Timestamp;
use rust_embed::RustEmbed;

/// One directory for each date at which documents were seen.
#[derive(RustEmbed)]
#[folder = "src/clients/pinned"]
struct Files;

/// A document, and where it comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pinned {
    /// The client it is about.
    pub id: ClientId,
    /// For the log: the file, which for built-in ones begins with the date.
    pub source: String,
    document: Vec<u8>,
}

impl Pinned {
    /// A document must be one that would be taken from its URL.
    fn parse(source: String, document: Vec<u8>) -> Result<Self, String> {
        let unusable = |reason: String| format!("{source} cannot be used: {reason}");
        if document.len() > MAX_BYTES {
            return Err(unusable(format!("longer than {MAX_BYTES} bytes")));
        }
        let json = strict_json::parse(&document).map_err(|error| unusable(error.to_string()))?;
        let id = ClientId::new(json.get("client_id").and_then(|id| id.as_str()).unwrap_or_default());
        let pinned = Self { id, source: source.clone(), document };
        pinned.client(Timestamp::from_unix(0)).map_err(|error| unusable(error.description))?;
        Ok(pinned)
    }

    /// The client it describes.
    pub fn client(&self, now: Timestamp) -> Result<Client, OAuthError> {
        DocumentUrl::parse(&self.id)?.client(&self.document, now)
    }
}

/// Those that this release knows.
pub fn built_in() -> Vec<Pinned> {
    let mut names: Vec<_> = Files::iter().collect();
    // The newest first.
    names.sort_by(|one, other| other.cmp(one));
    let read = |name: &str| Pinned::parse(name.to_owned(), Files::get(name)?.data.into_owned()).ok();
    names.iter().filter_map(|name| read(name)).collect()
}

/// Those of the operator.
pub fn read_directory(directory: &Path) -> Result<Vec<Pinned>, String> {
    let unreadable = |error: std::io::Error| format!("{} cannot be read: {error}", directory.display());
    let mut documents = Vec::new();
    for entry in std::fs::read_dir(directory).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        if path.extension().is_some_and(|extension| extension == "json") {
            documents.push(Pinned::parse(path.display().to_string(), std::fs::read(&path).map_err(unreadable)?)?);
        }
    }
    documents.sort_by(|one, other| one.source.cmp(&other.source));
    Ok(documents)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_built_in_document_is_usable_and_says_when_it_was_seen() {
        let documents = built_in();
        assert_eq!(documents.len(), Files::iter().count());
        for pinned in documents {
            let client = pinned.client(Timestamp::from_unix(0)).expect("usable");
            assert!(client.name.is_some() && !client.redirect_uris.is_empty());
            let date = pinned.source.split('/').next().unwrap_or_default();
            assert!(date.len() == 10 && date.starts_with("20"), "{}", pinned.source);
        }
    }

    #[test]
    fn the_operators_files_must_be_usable_too() {
        let directory = tempfile::tempdir().expect("a directory");
        let write = |name: &str, text: &str| std::fs::write(directory.path().join(name), text).expect("written");
        write(
            "a.json",
            r#"{"client_id":"https://a.example/c","client_name":"A","redirect_uris":["https://a.example/cb"]}"#,
        );
        write("notes.txt", "not a document");
        let documents = read_directory(directory.path()).expect("usable");
        assert_eq!(documents.iter().map(|pinned| pinned.id.as_str()).collect::<Vec<_>>(), ["https://a.example/c"]);
        write(
            "b.json",
            r#"{"client_id":"http://b.example/c","client_name":"B","redirect_uris":["https://b.example/cb"]}"#,
        );
        let error = read_directory(directory.path()).expect_err("not an https URL");
        assert!(error.contains("b.json") && error.contains("https"), "{error}");
        assert!(read_directory(&directory.path().join("none")).is_err());
    }
}
