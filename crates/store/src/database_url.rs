//! Where the database is: `sqlite://PATH`, `postgres://…` or `postgresql://…`. Read from the configuration; whatever is
//! printed of it leaves the password out.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

/// Set on every PostgreSQL connection unless the URL sets them itself: an unreachable server is noticed within seconds, a
/// vanished one too (not after TCP's quarter of an hour), and a standby that cannot write is passed over.
const POSTGRES_DEFAULTS: [(&str, &str); 7] = [
    ("connect_timeout", "3"),
    ("tcp_user_timeout", "10000"),
    ("keepalives_idle", "10"),
    ("keepalives_interval", "5"),
    ("keepalives_count", "2"),
    ("target_session_attrs", "read-write"),
    ("fallback_application_name", "gatelodge"),
];

/// A database URL that was understood.
#[derive(Clone)]
pub struct DatabaseUrl(pub(crate) Backend);

#[derive(Clone)]
pub(crate) enum Backend {
    Sqlite(PathBuf),
    Postgres(PostgresUrl),
}

#[derive(Clone)]
pub(crate) struct PostgresUrl {
    /// For libpq.
    connection: String,
    /// For people.
    shown: String,
    /// What must not appear in any message.
    secrets: Vec<String>,
}

/// Why a text is no database URL. Never repeats the text: it may hold a password.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidDatabaseUrl {
    /// The scheme decides which database it is, so there must be one.
    #[error("a database URL starts with sqlite://, postgres:// or postgresql://")]
    Scheme,
    /// Every connection to it would get a database of its own.
    #[error(
        "a database in memory cannot be shared by several connections: name a file, such as sqlite://data/gatelodge.db"
    )]
    InMemory,
    /// Nothing after the scheme.
    #[error("the path is missing: write sqlite://data/gatelodge.db or sqlite:///var/lib/gatelodge/gatelodge.db")]
    NoPath,
    /// SQLite takes no parameters here.
    #[error("a sqlite:// URL is a path and nothing else: remove the part from ? or # on")]
    SqliteParameters,
    /// libpq would cut the URL at the wrong place and print the rest.
    #[error("in the user name, password and parameters write @ as %40, / as %2F, ? as %3F, # as %23 and % as %25")]
    NotEscaped,
}

impl DatabaseUrl {
    /// The file, when it is SQLite.
    pub fn sqlite_path(&self) -> Option<&Path> {
        match &self.0 {
            Backend::Sqlite(path) => Some(path),
            Backend::Postgres(_) => None,
        }
    }
}

impl FromStr for DatabaseUrl {
    type Err = InvalidDatabaseUrl;

    fn from_str(text: &str) -> Result<Self, InvalidDatabaseUrl> {
        let (scheme, rest) = text.split_once("://").ok_or(InvalidDatabaseUrl::Scheme)?;
        match scheme {
            "sqlite" => sqlite_path(rest).map(|path| Self(Backend::Sqlite(path))),
            "postgres" | "postgresql" => PostgresUrl::parse(rest).map(|url| Self(Backend::Postgres(url))),
            _ => Err(InvalidDatabaseUrl::Scheme),
        }
    }
}

fn sqlite_path(path: &str) -> Result<PathBuf, InvalidDatabaseUrl> {
    if path.is_empty() || path.ends_with('/') {
        return Err(InvalidDatabaseUrl::NoPath);
    }
    if path.contains(":memory:") {
        return Err(InvalidDatabaseUrl::InMemory);
    }
    if path.contains(['?', '#', '\0']) {
        return Err(InvalidDatabaseUrl::SqliteParameters);
    }
    Ok(Path::new(path).to_owned())
}

impl PostgresUrl {
    fn parse(rest: &str) -> Result<Self, InvalidDatabaseUrl> {
        let (before_query, query) = rest.split_once('?').unwrap_or((rest, ""));
        let (authority, database) = before_query.split_once('/').unwrap_or((before_query, ""));
        let (user_info, hosts) = authority.split_once('@').unwrap_or(("", authority));
        let (user, password) = user_info.split_once(':').unwrap_or((user_info, ""));
        let ambiguous = [hosts, database, query].iter().any(|part| part.contains('@'))
            || rest.contains(['#', '\0'])
            || query.contains('?')
            || database.contains('/');
        let decoded = [user, password].into_iter().chain(query.split(['&', '='])).map(percent_decoded);
        if ambiguous || decoded.into_iter().any(|part| part.is_none()) {
            return Err(InvalidDatabaseUrl::NotEscaped);
        }

        let parameters: Vec<(&str, &str)> = query.split('&').filter_map(|pair| pair.split_once('=')).collect();
        let secret_parameters = parameters.iter().filter(|(key, _)| key.ends_with("password")).map(|(_, value)| *value);
        let secrets = [password].into_iter().chain(secret_parameters).filter(|secret| !secret.is_empty());
        let secrets = secrets.flat_map(|secret| [Some(secret.to_owned()), percent_decoded(secret)]).flatten().collect();

        let defaults = POSTGRES_DEFAULTS.iter().filter(|(key, _)| parameters.iter().all(|(given, _)| given != key));
        let mut all: Vec<String> = query.split('&').filter(|pair| !pair.is_empty()).map(str::to_owned).collect();
        all.extend(defaults.map(|(key, value)| format!("{key}={value}")));
        let connection = format!("postgresql://{before_query}?{}", all.join("&"));

        let user = if user.is_empty() { String::new() } else { format!("{user}@") };
        Ok(Self { connection, shown: format!("postgresql://{user}{hosts}/{database}"), secrets })
    }

    pub(crate) fn connection(&self) -> &str {
        &self.connection
    }

    /// `message` without any password: libpq quotes parts of its URL in some of them.
    pub(crate) fn redacted(&self, message: &str) -> String {
        let shown = message.replace(&self.connection, &self.shown);
        self.secrets.iter().fold(shown, |text, secret| text.replace(secret, "***"))
    }
}

fn percent_decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'%' => {
                let mut digit = || char::from(rest.next()?).to_digit(16);
                u8::try_from(digit()? * 16 + digit()?).ok()?
            }
            plain => plain,
        });
    }
    String::from_utf8(bytes).ok()
}

impl fmt::Display for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Backend::Sqlite(path) => write!(f, "sqlite://{}", path.display()),
            Backend::Postgres(url) => f.write_str(&url.shown),
        }
    }
}

impl fmt::Debug for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DatabaseUrl({self})")
    }
}
