//! A website with documents about clients, and a server that may read them there.

use gatelodge_e2e::documents::DocumentServer;
use serde_json::{Value, json};

use super::{ONE_RESOURCE, Settings};

pub struct Website {
    pub documents: DocumentServer,
    ca: tempfile::NamedTempFile,
}

/// What the document of a desktop client says, but for its `client_id`.
pub fn desktop_client() -> Value {
    json!({
        "client_name": "Desktop Client",
        "redirect_uris": ["http://localhost/callback", "http://127.0.0.1/callback"],
        "grant_types": ["authorization_code", "refresh_token", "urn:ietf:params:oauth:grant-type:jwt-bearer"],
        "response_types": ["code"],
        "token_endpoint_auth_method": "none",
    })
}

impl Website {
    pub fn start() -> Self {
        let documents = DocumentServer::start(&[]);
        let ca = tempfile::NamedTempFile::new().expect("a file");
        std::fs::write(ca.path(), documents.ca_pem()).expect("written");
        Self { documents, ca }
    }

    /// A server that trusts it, with more keys in the section.
    pub fn settings(&self, more: &str) -> Settings {
        self.settings_with(more, "[\"localhost:PORT\", \"127.0.0.1:PORT\"]")
    }

    fn settings_with(&self, more: &str, private_hosts: &str) -> Settings {
        let port = self.documents.address().port().to_string();
        let section = format!(
            "[registration.client_id_metadata_documents]\nextra_ca_file = \"{}\"\nprivate_hosts = {private_hosts}\n{more}\n",
            self.ca.path().display()
        );
        Settings { more: section.replace("PORT", &port).leak(), resources: ONE_RESOURCE, ..Settings::default() }
    }

    /// A server that does not know it: it stands at an address of a private network.
    pub fn strangers_settings(&self) -> Settings {
        self.settings_with("", "[]")
    }
}
