//! Counts checks of passwords, and of codes beside them, before they run and takes the right ones back, so that of many guesses at
//! once none passes while the others are being checked. The counters are in the store: they outlive a restart, and all servers count
//! together. Whoever is to wait is told before anybody looks for the user, so that the answer says nothing about who there is.

use std::net::IpAddr;
use std::time::Duration;

use actix_web::HttpRequest;
use gatelodge_oauth::grant::UserId;
use gatelodge_oauth::secret::HashedSecret;
use gatelodge_oauth::time::Timestamp;
use gatelodge_service::http::source;
use gatelodge_store::users::{self, User};
use gatelodge_store::{StoreError, Tx, known_sources, sign_in_failures};

use super::password::canonical_username;
use super::throttle::{self, ACCOUNT, EVERYBODY, Rule, SOURCE, Seen};
use crate::app::App;
use crate::config::Config;

/// How long a source is known after a sign-in.
const KNOWN_FOR: Duration = Duration::from_secs(90 * 24 * 60 * 60);

/// One sign-in that is counted as failed until it succeeds.
#[derive(Debug, Clone, Copy)]
pub struct Attempt {
    account: HashedSecret,
    source: HashedSecret,
    both: HashedSecret,
    everybody: HashedSecret,
    known_source: HashedSecret,
}

/// What there is to check.
#[derive(Debug)]
pub struct Begun {
    /// What was counted.
    pub attempt: Attempt,
    /// Whose password it would be.
    pub user: Option<User>,
}

/// Counts a sign-in and finds its user, or says how long to wait.
pub async fn begin(app: &App, request: &HttpRequest, typed: &str) -> Result<Result<Begun, Duration>, StoreError> {
    let username = canonical_username(typed);
    let attempt = Attempt::of(Counted::SignIn, &account_of(typed), source_of(request, &app.config));
    let now = app.clock.now();
    let counted = app.store.write(move |tx| {
        if let Err(wait) = attempt.count(tx, now)? {
            return Ok(Err(wait));
        }
        let user = username.as_deref().map(|username| users::find_by_username(tx, username)).transpose()?.flatten();
        Ok(Ok(Begun { attempt, user }))
    });
    let begun = counted.await?;
    if let Err(wait) = &begun {
        tracing::warn!(seconds = wait.as_secs(), "too many sign-ins failed: no password is checked");
    }
    Ok(begun)
}

/// Counts a message that somebody wants to have sent to whoever is called so, or says how long to wait. Nobody is looked for.
pub async fn begin_message(app: &App, request: &HttpRequest, typed: &str) -> Result<Result<(), Duration>, StoreError> {
    Ok(count(app, request, Counted::Message, &account_of(typed)).await?.map(drop))
}

/// Counts a sign-in by a code that was sent to whoever is called so ([`account_of`]), or says how long to wait.
pub async fn begin_code(
    app: &App,
    request: &HttpRequest,
    account: HashedSecret,
) -> Result<Result<Attempt, Duration>, StoreError> {
    count(app, request, Counted::SignIn, &account).await
}

async fn count(
    app: &App,
    request: &HttpRequest,
    what: Counted,
    account: &HashedSecret,
) -> Result<Result<Attempt, Duration>, StoreError> {
    let attempt = Attempt::of(what, account, source_of(request, &app.config));
    let now = app.clock.now();
    let counted = app.store.write(move |tx| attempt.count(tx, now)).await?;
    if let Err(wait) = &counted {
        let what = what.as_str();
        tracing::warn!(seconds = wait.as_secs(), what, "too many before: nothing is sent nor looked at");
    }
    Ok(counted.map(|()| attempt))
}

/// What is counted. Each has counters of its own: whoever has messages sent to somebody does not slow their sign-in down.
#[derive(Debug, Clone, Copy)]
enum Counted {
    SignIn,
    Message,
}

impl Counted {
    fn as_str(self) -> &'static str {
        match self {
            Counted::SignIn => "sign-in",
            Counted::Message => "message",
        }
    }
}

/// What somebody is called by, in any case: what cannot be a name is answered like any other. A hash, since people type passwords
/// where names belong. Whoever is known is counted by their name, also where they typed their address.
pub fn account_of(typed: &str) -> HashedSecret {
    HashedSecret::of(&typed.trim().to_lowercase())
}

/// The same attempt, counted before: a sign-in in two steps is one.
pub fn begun(app: &App, request: &HttpRequest, username: &str) -> Attempt {
    Attempt::of(Counted::SignIn, &account_of(username), source_of(request, &app.config))
}

/// A message that was counted before, with whose code somebody is signing in.
pub fn begun_message(app: &App, request: &HttpRequest, asked_as: &HashedSecret) -> Attempt {
    Attempt::of(Counted::Message, asked_as, source_of(request, &app.config))
}

/// Where it comes from, behind the proxies that the operator named.
fn source_of(request: &HttpRequest, config: &Config) -> Option<IpAddr> {
    config.trusted_proxies.source_of(request).map(source::subscriber)
}

/// The password was right, or the code, and with it the message: what was mistyped from there before it is forgiven too, what others tried
/// elsewhere is not. To be written with what the sign-in changes.
pub fn succeeded(tx: &mut Tx, right: &[Attempt], user_id: &UserId, now: Timestamp) -> Result<(), StoreError> {
    for attempt in right {
        let seen = attempt.seen(tx, now)?;
        attempt.forgive(tx, &seen, ACCOUNT.level(&seen.both, now), now)?;
    }
    // Afterwards: what is forgiven depends on what was known when it was counted.
    right.iter().try_for_each(|attempt| attempt.remember_source(tx, user_id, now))
}

impl Attempt {
    fn of(what: Counted, account: &HashedSecret, source: Option<IpAddr>) -> Self {
        let account: String = account.as_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
        let source = source.map_or_else(String::new, |source| source.to_string());
        let what = what.as_str();
        let name =
            |kind: &str, source: &str, account: &str| HashedSecret::of(&format!("{what} {kind}\0{source}\0{account}"));
        Self {
            account: name("account", "", &account),
            source: name("source", &source, ""),
            both: name("both", &source, &account),
            everybody: name("everybody", "", ""),
            known_source: HashedSecret::of(&format!("known\0{source}\0{account}")),
        }
    }

    /// In the order in which everybody holds them.
    fn seen(&self, tx: &mut Tx, now: Timestamp) -> Result<Seen, StoreError> {
        Ok(Seen {
            account: sign_in_failures::lock(tx, &self.account, now)?,
            source: sign_in_failures::lock(tx, &self.source, now)?,
            both: sign_in_failures::lock(tx, &self.both, now)?,
            everybody: sign_in_failures::lock(tx, &self.everybody, now)?,
            source_is_known: known_sources::is_known(tx, &self.known_source, now)?,
        })
    }

    /// Counts it, or says how long it has to wait.
    fn count(&self, tx: &mut Tx, now: Timestamp) -> Result<Result<(), Duration>, StoreError> {
        let seen = self.seen(tx, now)?;
        if let Err(wait) = throttle::decide(&seen, now) {
            return Ok(Err(wait));
        }
        for (counter, rule) in self.counters(&seen) {
            sign_in_failures::add(tx, counter, rule.forgets_one_in, now)?;
        }
        Ok(Ok(()))
    }

    /// From where somebody signed in lately only what happens to that account counts: neither does it make others there wait.
    fn counters(&self, seen: &Seen) -> Vec<(&HashedSecret, Rule)> {
        let of_account = [(&self.account, ACCOUNT), (&self.both, ACCOUNT)];
        let of_others = [(&self.source, SOURCE), (&self.everybody, EVERYBODY)];
        of_account.into_iter().chain(of_others.into_iter().filter(|_| !seen.source_is_known)).collect()
    }

    /// From there only the failures of this account from there count, from now on.
    pub fn remember_source(&self, tx: &mut Tx, user_id: &UserId, now: Timestamp) -> Result<(), StoreError> {
        known_sources::remember(tx, &self.known_source, user_id, now.plus(KNOWN_FOR))
    }

    /// Nobody could say whether it was right.
    pub async fn undecided(self, app: &App) -> Result<(), StoreError> {
        let now = app.clock.now();
        app.store.write(move |tx| self.take_back(tx, now)).await
    }

    /// It is as if it had not been counted.
    pub fn take_back(&self, tx: &mut Tx, now: Timestamp) -> Result<(), StoreError> {
        let seen = self.seen(tx, now)?;
        self.forgive(tx, &seen, 1, now)
    }

    /// Of everybody's failures only this one, whoever mistyped how often.
    fn forgive(&self, tx: &mut Tx, seen: &Seen, failures: u32, now: Timestamp) -> Result<(), StoreError> {
        self.counters(seen).into_iter().try_for_each(|(counter, rule)| {
            let failures = if *counter == self.everybody { 1 } else { failures };
            sign_in_failures::take_back(tx, counter, rule.forgets_one_in * failures, now)
        })
    }
}
