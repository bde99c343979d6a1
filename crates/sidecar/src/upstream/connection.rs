//! A connection to the MCP server, however it is reached.

use std::io;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::BytesMut;
use rustls::ClientConfig;
use rustls::pki_types::pem::{self, PemObject as _};
use rustls::pki_types::{CertificateDer, ServerName};
use rustls_platform_verifier::Verifier;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpStream, UnixStream};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use url::Url;

/// Where the MCP server is.
#[derive(Debug, Clone)]
pub struct Target {
    /// The name or address to connect to.
    pub host: String,
    /// And the port.
    pub port: u16,
    /// How.
    pub transport: Transport,
}

/// How it is reached.
#[derive(Debug, Clone)]
pub enum Transport {
    /// `http://`.
    Tcp,
    /// `https://`, with whose certificates are believed.
    Tls(Arc<ClientConfig>),
    /// Through a file, whatever host the URL names.
    Unix(PathBuf),
}

/// Why an MCP server cannot be reached over TLS at all.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// The file with certificates.
    #[error("{0}: {1}")]
    File(PathBuf, pem::Error),
    /// No certificates, or none that can be used.
    #[error(transparent)]
    Rustls(#[from] rustls::Error),
}

impl Target {
    /// Of a checked URL. `ca_file` holds certificates (PEM) that are believed beside those of the machine.
    ///
    /// # Errors
    /// For `https`, when there are no certificates to check with.
    pub fn new(url: &Url, socket: Option<&Path>, ca_file: Option<&Path>) -> Result<Self, TlsError> {
        let transport = match (socket, url.scheme()) {
            (Some(path), _) => Transport::Unix(path.to_owned()),
            (None, "https") => Transport::Tls(Arc::new(tls(ca_file)?)),
            (None, _) => Transport::Tcp,
        };
        // `Url` writes IPv6 addresses in brackets, resolvers want them bare.
        let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']).to_owned();
        Ok(Self { host, port: url.port_or_known_default().unwrap_or(80), transport })
    }
}

fn tls(ca_file: Option<&Path>) -> Result<ClientConfig, TlsError> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut extra: Vec<CertificateDer<'static>> = Vec::new();
    if let Some(path) = ca_file {
        let unreadable = |error| TlsError::File(path.to_owned(), error);
        for certificate in CertificateDer::pem_file_iter(path).map_err(unreadable)? {
            extra.push(certificate.map_err(unreadable)?);
        }
        if extra.is_empty() {
            return Err(TlsError::File(path.to_owned(), pem::Error::NoItemsFound));
        }
    }
    let verifier = Verifier::new_with_extra_roots(extra, Arc::clone(&provider))?;
    let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
    Ok(builder.dangerous().with_custom_certificate_verifier(Arc::new(verifier)).with_no_client_auth())
}

/// One connection. What was read and not yet used stays with it.
pub struct Connection {
    pub(super) io: Io,
    pub(super) read: BytesMut,
    /// How long the server keeps it open while nothing is asked, when it says so (`Keep-Alive: timeout=…`).
    pub(super) idle: Option<Duration>,
}

pub(super) enum Io {
    Tcp(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
    Unix(UnixStream),
}

/// Connects, to the first address that answers.
pub(super) async fn open(target: &Target) -> io::Result<Connection> {
    let io = match &target.transport {
        Transport::Unix(path) => Io::Unix(UnixStream::connect(path).await?),
        Transport::Tcp => Io::Tcp(tcp(target).await?),
        Transport::Tls(config) => {
            let name = ServerName::try_from(target.host.clone()).map_err(io::Error::other)?;
            let connector = TlsConnector::from(Arc::clone(config));
            Io::Tls(Box::new(connector.connect(name, tcp(target).await?).await?))
        }
    };
    Ok(Connection { io, read: BytesMut::new(), idle: None })
}

async fn tcp(target: &Target) -> io::Result<TcpStream> {
    let stream = TcpStream::connect((target.host.as_str(), target.port)).await?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

impl AsyncRead for Io {
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Io::Tcp(stream) => Pin::new(stream).poll_read(context, buffer),
            Io::Tls(stream) => Pin::new(stream).poll_read(context, buffer),
            Io::Unix(stream) => Pin::new(stream).poll_read(context, buffer),
        }
    }
}

impl AsyncWrite for Io {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Io::Tcp(stream) => Pin::new(stream).poll_write(context, bytes),
            Io::Tls(stream) => Pin::new(stream).poll_write(context, bytes),
            Io::Unix(stream) => Pin::new(stream).poll_write(context, bytes),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Io::Tcp(stream) => Pin::new(stream).poll_flush(context),
            Io::Tls(stream) => Pin::new(stream).poll_flush(context),
            Io::Unix(stream) => Pin::new(stream).poll_flush(context),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Io::Tcp(stream) => Pin::new(stream).poll_shutdown(context),
            Io::Tls(stream) => Pin::new(stream).poll_shutdown(context),
            Io::Unix(stream) => Pin::new(stream).poll_shutdown(context),
        }
    }
}

impl Connection {
    /// Whether nothing has happened on it: neither closed nor spoken out of turn.
    pub(super) fn is_quiet(&mut self) -> bool {
        let mut context = Context::from_waker(std::task::Waker::noop());
        let mut one = [0; 1];
        self.read.is_empty() && Pin::new(&mut self.io).poll_read(&mut context, &mut ReadBuf::new(&mut one)).is_pending()
    }

    /// Reads what has arrived, at least one byte; none at the end.
    pub(super) fn poll_more(&mut self, room: usize, context: &mut Context<'_>) -> Poll<io::Result<usize>> {
        self.read.reserve(room);
        tokio_util::io::poll_read_buf(Pin::new(&mut self.io), context, &mut self.read)
    }
}
