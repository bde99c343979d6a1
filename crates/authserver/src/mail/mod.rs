//! Messages to people, by e-mail: handed to the mail server of `[email]` in the background, so that no page waits for it, and none
//! says by how long it takes whether there was anything to send. Nothing of a message is logged, nor who it is for.

pub mod address;
pub mod config;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use gatelodge_oauth::secret::random_base62;
use lettre::message::header::{Header, HeaderName, HeaderValue};
use lettre::message::{Mailbox, Message, SinglePart};
use lettre::transport::smtp;
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Tls as Way, TlsParameters};
use lettre::transport::smtp::extension::ClientId;
use lettre::{Address, AsyncSmtpTransport, AsyncTransport, Tokio1Executor};
use secrecy::ExposeSecret;
use tokio::runtime::Handle;
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::task::JoinSet;
use url::{Host, Url};

use self::config::{EmailConfig, Tls};
use crate::config::Config;
use crate::pages::WrittenLetter;

/// How many messages may wait; whoever asks for one more is told to come back.
const PLACES: u32 = 100;

/// How many connections to the mail server are open at once.
const AT_ONCE: usize = 4;

/// How long one attempt may take, and how long each step of it.
const PATIENCE: Duration = Duration::from_secs(30);

/// How long before the next attempt, when the mail server was away or said that it passes (RFC 5321 §4.2.1).
const PAUSES: [Duration; 2] = [Duration::from_secs(5), Duration::from_secs(60)];

/// The mail server, asked by one message at a time.
#[derive(Clone)]
pub struct Postman {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    from: Mailbox,
}

/// Sends in the background. Clones share the places.
#[derive(Clone)]
pub struct Mailer {
    postman: Postman,
    places: Arc<Semaphore>,
    turns: Arc<Semaphore>,
    tasks: Arc<Mutex<JoinSet<()>>>,
    /// Of the server and not of a worker, which ends first.
    runtime: Handle,
}

/// A letter with its address.
#[derive(Debug)]
pub struct Addressed {
    /// Who it is for.
    pub to: Address,
    /// What it says.
    pub letter: WrittenLetter,
}

/// Too many messages wait already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QueueFull;

/// Why there is no way to the mail server.
#[derive(Debug, thiserror::Error)]
#[error(
    "no e-mail can be sent: {0}\n  hint: install the certificates of the public authorities (ca-certificates), or name a file with SSL_CERT_FILE"
)]
pub struct NoPostman(smtp::Error);

/// Why a message was not sent.
#[derive(Debug, thiserror::Error)]
pub enum NotSent {
    /// Its answer was no (RFC 5321 §4.2.1). What it says besides may repeat the address or the message, so it is no part of the text.
    #[error("the mail server refused it with {code}")]
    Refused {
        /// The code of the reply.
        code: u16,
        /// Whether it may take it later.
        passes: bool,
        /// What it says.
        says: String,
    },
    /// It speaks something else.
    #[error("what answers is no mail server")]
    Garbled,
    /// The connection was not made, or broke.
    #[error("the mail server cannot be used: {0}")]
    Unusable(smtp::Error),
    /// There is no TLS with it, or its certificate is not good.
    #[error("the mail server cannot be used safely: {0}")]
    Unsafe(smtp::Error),
    /// It let us wait.
    #[error("the mail server did not take it within {} seconds", PATIENCE.as_secs())]
    TooSlow,
    /// The message itself.
    #[error("the message cannot be written: {0}")]
    Unwritable(lettre::error::Error),
}

impl NotSent {
    /// Whether another attempt may help.
    fn may_pass(&self) -> bool {
        match self {
            NotSent::Refused { passes, .. } => *passes,
            NotSent::Unusable(_) | NotSent::TooSlow => true,
            NotSent::Garbled | NotSent::Unsafe(_) | NotSent::Unwritable(_) => false,
        }
    }
}

impl From<smtp::Error> for NotSent {
    fn from(error: smtp::Error) -> Self {
        match error.status() {
            Some(code) => NotSent::Refused { code: code.into(), passes: error.is_transient(), says: error.to_string() },
            // What cannot be read may be anything.
            None if error.is_response() => NotSent::Garbled,
            None if error.is_tls() || error.is_client() || is_of_tls(&error) => NotSent::Unsafe(error),
            None => NotSent::Unusable(error),
        }
    }
}

/// What comes instead of a handshake, or is wrong with a certificate, is invalid data.
fn is_of_tls(error: &(dyn std::error::Error + 'static)) -> bool {
    let io = error.downcast_ref::<std::io::Error>();
    let wrapped = io.and_then(|io| io.get_ref()).is_some_and(|inner| is_of_tls(inner));
    let is_invalid = io.is_some_and(|io| io.kind() == std::io::ErrorKind::InvalidData);
    is_invalid || wrapped || error.source().is_some_and(is_of_tls)
}

impl Postman {
    /// The way to the mail server; no connection is made yet.
    pub fn new(config: &Config, email: &EmailConfig) -> Result<Self, NoPostman> {
        let parameters = || TlsParameters::builder(email.host.clone()).build_rustls().map_err(NoPostman);
        let way = match email.tls {
            Tls::Wrapper => Way::Wrapper(parameters()?),
            Tls::Starttls => Way::Required(parameters()?),
            Tls::None => Way::None,
        };
        let builder = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(&email.host)
            .port(email.port)
            .tls(way)
            .timeout(Some(PATIENCE))
            .hello_name(name_of(config));
        let builder = match &email.credentials {
            Some(own) => {
                builder.credentials(Credentials::new(own.username.clone(), own.password.expose_secret().to_owned()))
            }
            None => builder,
        };
        let name = email.from.name.clone().unwrap_or_else(|| config.branding.name.clone());
        let from = Mailbox::new(Some(name), email.from.email.clone());
        Ok(Self { transport: builder.build(), from })
    }

    /// One attempt.
    pub async fn send(&self, mail: &Addressed) -> Result<(), NotSent> {
        let message = self.message(mail).map_err(NotSent::Unwritable)?;
        let sent = tokio::time::timeout(PATIENCE, self.transport.send(message)).await;
        sent.map_err(|_| NotSent::TooSlow)?.map(drop).map_err(NotSent::from)
    }

    fn message(&self, Addressed { to, letter }: &Addressed) -> Result<Message, lettre::error::Error> {
        Message::builder()
            .from(self.from.clone())
            .to(Mailbox::new(None, to.clone()))
            .subject(&letter.subject)
            .message_id(Some(format!("<{}@{}>", random_base62(22), self.from.email.domain())))
            .header(AutoSubmitted)
            .singlepart(SinglePart::plain(letter.text.clone()))
    }
}

/// Who we say that we are (RFC 5321 §4.1.1.1).
fn name_of(config: &Config) -> ClientId {
    let url = Url::parse(config.public_url.as_str()).ok();
    match url.as_ref().and_then(Url::host) {
        Some(Host::Domain(name)) => ClientId::Domain(name.to_owned()),
        Some(Host::Ipv4(address)) => ClientId::Ipv4(address),
        Some(Host::Ipv6(address)) => ClientId::Ipv6(address),
        None => ClientId::default(),
    }
}

impl Mailer {
    /// Sends from the runtime that this is called in.
    pub fn new(postman: Postman) -> Self {
        let places = Arc::new(Semaphore::new(PLACES as usize));
        let turns = Arc::new(Semaphore::new(AT_ONCE));
        Self { postman, places, turns, tasks: Arc::default(), runtime: Handle::current() }
    }

    /// Lets `write` find out whether there is anything to send, and sends it: all that later. Whether there is a place says nothing
    /// of what `write` will find.
    pub fn post(&self, write: impl Future<Output = Option<Addressed>> + Send + 'static) -> Result<(), QueueFull> {
        let Ok(place) = self.places.clone().try_acquire_owned() else {
            tracing::warn!("too many messages wait for the mail server: one more was not taken");
            return Err(QueueFull);
        };
        let (postman, turns) = (self.postman.clone(), Arc::clone(&self.turns));
        let task = async move {
            let _place = place;
            let Ok(turn) = turns.acquire().await else { return };
            if let Some(mail) = write.await {
                postman.deliver(&mail, turn, &turns).await;
            }
        };
        let mut tasks = self.tasks.lock().unwrap_or_else(PoisonError::into_inner);
        while tasks.try_join_next().is_some() {}
        tasks.spawn_on(task, &self.runtime);
        Ok(())
    }

    /// Waits for what is on its way, not for longer than this, and gives the rest up.
    pub async fn finish(&self, patience: Duration) {
        if tokio::time::timeout(patience, self.places.acquire_many(PLACES)).await.is_err() {
            tracing::warn!("messages were still waiting for the mail server, and are lost");
            self.tasks.lock().unwrap_or_else(PoisonError::into_inner).abort_all();
        }
    }
}

impl Postman {
    /// As many attempts as may help, each in a turn of its own: whoever waits for another one keeps nobody else waiting.
    async fn deliver<'t>(&self, mail: &Addressed, mut turn: SemaphorePermit<'t>, turns: &'t Semaphore) {
        let (what, mut pauses) = (mail.letter.what, PAUSES.into_iter());
        loop {
            let sent = self.send(mail).await;
            drop(turn);
            let error = match sent {
                Ok(()) => return tracing::info!(what, "a message was handed to the mail server"),
                Err(error) => error,
            };
            match pauses.next().filter(|_| error.may_pass()) {
                Some(pause) => {
                    tracing::warn!(what, reason = %error, seconds = pause.as_secs(), "a message is sent again later");
                    tokio::time::sleep(pause).await;
                    let Ok(next) = turns.acquire().await else { return };
                    turn = next;
                }
                None => {
                    return tracing::error!(what, reason = %error, "a message was not sent; `gatelodge email test` says more");
                }
            }
        }
    }
}

/// RFC 3834 §5: nobody's answering machine answers.
#[derive(Debug, Clone, Copy)]
struct AutoSubmitted;

impl Header for AutoSubmitted {
    fn name() -> HeaderName {
        HeaderName::new_from_ascii_str("Auto-Submitted")
    }

    fn parse(_: &str) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        Ok(Self)
    }

    fn display(&self) -> HeaderValue {
        HeaderValue::new(Self::name(), "auto-generated".to_owned())
    }
}
