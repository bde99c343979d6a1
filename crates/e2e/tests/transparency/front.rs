//! The real sidecar in front of the servers, with keys of our own: a token is signed here, and no authorization server runs.

use std::{
    io::{BufRead, BufReader, Write},
    net::{TcpListener, TcpStream},
    path::Path,
    thread,
    time::Duration,
};

use gatelodge_e2e::{
    process::Process,
    requirements::profile_directory,
    stack::{free_ports, serve},
};
use gatelodge_oauth::{
    access_token::{Claims, SigningAlgorithm, SigningKey, jwks},
    client::ClientId,
    resource::ResourceId,
};
use gatelodge_service::clock::Clock;

use crate::{
    upstreams::{Form, Upstream},
    wire::Target,
};

/// A running sidecar. Dropping it stops it.
pub struct Front {
    public_url: String,
    authority: String,
    key: SigningKey,
    _process: Process,
    _directory: tempfile::TempDir,
}

impl Front {
    /// One resource for each server, `/json` and `/sse`.
    pub fn start(upstreams: &[Upstream], artifacts: &Path) -> Front {
        let directory = tempfile::tempdir().expect("a temporary directory can be made");
        let key = SigningKey::generate(SigningAlgorithm::Es256).expect("a key");
        let key = SigningKey::from_pkcs8(SigningAlgorithm::Es256, &key).expect("a key");
        let jwks_url = publish(serde_json::to_string(&jwks([&key])).expect("JSON"));
        let [public, health] = free_ports();
        let authority = format!("127.0.0.1:{public}");
        let public_url = format!("http://{authority}");
        let mut config = format!(
            r#"
public_url = "{public_url}"
listen = "{authority}"
health_listen = "127.0.0.1:{health}"
[authorization_server]
jwks_url = "{jwks_url}"
status_list = "off"
[logs]
level = "debug"
"#
        );
        for Upstream { form, authority, .. } in upstreams {
            let path = path_of(*form);
            let resource = format!("[[resource]]\npath = \"{path}\"\nupstream = \"http://{authority}/mcp\"\n");
            config += &(resource + "scopes = [\"mcp:use\"]\n");
        }
        let process = serve(&profile_directory(), "gatelodge-sidecar", directory.path(), &config, artifacts);
        Front { public_url, authority, key, _process: process, _directory: directory }
    }

    /// The way to one server, with a token that is good for it.
    pub fn target(&self, form: Form) -> Target {
        let path = path_of(form);
        let now = Clock::system().now();
        let claims = Claims {
            iss: self.public_url.clone(),
            sub: "alice".into(),
            aud: ResourceId::from_stored(format!("{}{path}", self.public_url)),
            client_id: ClientId::new("transparency"),
            scope: "mcp:use".parse().expect("a scope"),
            iat: now,
            exp: now.plus(Duration::from_secs(3600)),
            jti: "token".into(),
            status: None,
        };
        let token = self.key.sign(&claims).expect("a token");
        Target { authority: self.authority.clone(), path, token: Some(token) }
    }
}

fn path_of(form: Form) -> String {
    format!("/{}", form.name())
}

/// Answers every request with the document, for as long as this process lives.
fn publish(document: String) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("a bound socket has an address");
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            // Who goes away without an answer asks again.
            let _ = answer(stream, &document);
        }
    });
    format!("http://{address}/jwks")
}

fn answer(mut stream: TcpStream, document: &str) -> std::io::Result<()> {
    for line in BufReader::new(stream.try_clone()?).lines() {
        if line?.is_empty() {
            break;
        }
    }
    let length = document.len();
    let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close\r\n";
    write!(stream, "{head}content-length: {length}\r\n\r\n{document}")
}
