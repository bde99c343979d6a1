//! What this server itself adds to the audit trail: what happens to a person's access, each event in the transaction of what it tells
//! of. A failed sign-in changes nothing and is added afterwards. Read by `gatelodge audit` and by the page of a person's activity.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::atomic::{AtomicU64, Ordering};

use actix_web::HttpRequest;
use gatelodge_oauth::audit_event::{AuditEvent, EVENTS_LOST};
use gatelodge_oauth::authorization_request::AuthorizationRequest;
use gatelodge_oauth::client::ClientId;
use gatelodge_oauth::grant::{Grant, UserId};
use gatelodge_oauth::secret::random_base62;
use gatelodge_oauth::time::Timestamp;
use gatelodge_service::http;
use gatelodge_store::{StoreError, Tx, audit_events};

use crate::app::App;
use crate::config::Config;

/// What happened. Its name is the `outcome` of the event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum What {
    /// Somebody proved who they are; the reason says how.
    SignedIn,
    /// Somebody tried to, with a wrong password.
    SignInFailed,
    /// A browser was signed out: from another one, unless the reason says `here`, with all others, if it says `everywhere`.
    SignedOut,
    /// A client was allowed something.
    Granted,
    /// A client was allowed nothing of what it asked for.
    Denied,
    /// What was allowed was ended early; the reason says by whom.
    Revoked,
    /// A personal token was made.
    TokenMade,
    /// Another password.
    PasswordChanged,
    /// A link for another one was sent to their address.
    PasswordLinkSent,
    /// The account was deleted.
    AccountDeleted,
    /// Somebody tried to sign in, with a right first step and a wrong second one; the reason says which.
    SecondStepFailed,
    /// A second factor was set up; the reason says which.
    SecondFactorAdded,
    /// It was removed; the reason says which, or that the operator did it.
    SecondFactorRemoved,
    /// Other recovery codes.
    RecoveryCodesMade,
    /// Whatever somebody allowed was ended early, all of it.
    AllRevoked,
    /// That, and every browser was signed out, at their own wish.
    EverythingEnded,
    /// Somebody became known here; the reason says how.
    AccountAdded,
    /// Messages to somebody go to another address.
    AddressSet,
    /// They go nowhere any more.
    AddressRemoved,
    /// Somebody may come in as a person of an OpenID provider.
    IdentityLinked,
    /// They may not any more.
    IdentityUnlinked,
    /// Somebody was shut out.
    AccountDisabled,
    /// Somebody was let in again.
    AccountEnabled,
    /// Somebody became an administrator.
    AdministratorMade,
    /// Somebody is no administrator any more.
    AdministratorUnmade,
    /// A link for another password was made, to be handed on.
    PasswordLinkMade,
    /// An administrator came in to administer.
    AdministrationEntered,
    /// A link that lets an administrator in was made.
    AdministrationLinkMade,
    /// An administrator went out again.
    AdministrationLeft,
    /// A client was added, by the operator.
    ClientAdded,
    /// A client was taken out, with whatever it was allowed.
    ClientRemoved,
    /// A signing key was published, out of turn.
    KeyPublished,
    /// A signing key was taken out of use at once.
    KeyRevoked,
}

impl What {
    /// Everything.
    pub const ALL: [What; 33] = [
        What::SignedIn,
        What::SignInFailed,
        What::SignedOut,
        What::Granted,
        What::Denied,
        What::Revoked,
        What::TokenMade,
        What::PasswordChanged,
        What::PasswordLinkSent,
        What::AccountDeleted,
        What::SecondStepFailed,
        What::SecondFactorAdded,
        What::SecondFactorRemoved,
        What::RecoveryCodesMade,
        What::AllRevoked,
        What::EverythingEnded,
        What::AccountAdded,
        What::AddressSet,
        What::AddressRemoved,
        What::IdentityLinked,
        What::IdentityUnlinked,
        What::AccountDisabled,
        What::AccountEnabled,
        What::AdministratorMade,
        What::AdministratorUnmade,
        What::PasswordLinkMade,
        What::AdministrationEntered,
        What::AdministrationLinkMade,
        What::AdministrationLeft,
        What::ClientAdded,
        What::ClientRemoved,
        What::KeyPublished,
        What::KeyRevoked,
    ];

    /// The name.
    pub const fn as_str(self) -> &'static str {
        match self {
            What::SignedIn => "signed_in",
            What::SignInFailed => "sign_in_failed",
            What::SignedOut => "signed_out",
            What::Granted => "granted",
            What::Denied => "denied",
            What::Revoked => "revoked",
            What::TokenMade => "token_made",
            What::PasswordChanged => "password_changed",
            What::PasswordLinkSent => "password_link_sent",
            What::AccountDeleted => "account_deleted",
            What::SecondStepFailed => "second_step_failed",
            What::SecondFactorAdded => "second_factor_added",
            What::SecondFactorRemoved => "second_factor_removed",
            What::RecoveryCodesMade => "recovery_codes_made",
            What::AllRevoked => "all_revoked",
            What::EverythingEnded => "everything_ended",
            What::AccountAdded => "account_added",
            What::AddressSet => "address_set",
            What::AddressRemoved => "address_removed",
            What::IdentityLinked => "identity_linked",
            What::IdentityUnlinked => "identity_unlinked",
            What::AccountDisabled => "account_disabled",
            What::AccountEnabled => "account_enabled",
            What::AdministratorMade => "administrator_made",
            What::AdministratorUnmade => "administrator_unmade",
            What::PasswordLinkMade => "password_link_made",
            What::AdministrationEntered => "administration_entered",
            What::AdministrationLinkMade => "administration_link_made",
            What::AdministrationLeft => "administration_left",
            What::ClientAdded => "client_added",
            What::ClientRemoved => "client_removed",
            What::KeyPublished => "key_published",
            What::KeyRevoked => "key_revoked",
        }
    }

    /// The other way round.
    pub fn of(outcome: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|what| what.as_str() == outcome)
    }
}

/// Every `outcome` there is: what sidecars tell, and what happens here.
pub fn outcomes() -> impl Iterator<Item = &'static str> {
    audit_events::DECISIONS.into_iter().chain([EVENTS_LOST]).chain(What::ALL.into_iter().map(What::as_str))
}

/// Where a request comes from, for an event of which it is found out later whom it happened to.
#[derive(Debug, Clone)]
pub struct Origin {
    request_id: Option<String>,
    source: Option<String>,
}

impl Origin {
    /// Of this one.
    pub fn of(request: &HttpRequest, config: &Config) -> Self {
        let request_id = Some(http::id_of_current()).filter(|id| !id.is_empty());
        Self { request_id, source: config.trusted_proxies.source_of(request).map(network) }
    }
}

/// An event that is not kept yet.
#[derive(Debug, Clone)]
pub struct SecurityEvent(AuditEvent);

impl SecurityEvent {
    /// It happened to this person.
    pub fn new(config: &Config, what: What, subject: &UserId, now: Timestamp) -> Self {
        Self::of_server(config.public_url.as_str(), what, now).of(subject)
    }

    /// It happened to this server, and to nobody in particular.
    pub fn of_server(issuer: &str, what: What, now: Timestamp) -> Self {
        Self(AuditEvent { issuer: Some(issuer.to_owned()), ..AuditEvent::new(name(), now, what.as_str()) })
    }

    /// It happened to this person.
    pub fn of(mut self, subject: &UserId) -> Self {
        self.0.subject = Some(subject.to_string());
        self
    }

    /// It was this request.
    pub fn of_request(self, request: &HttpRequest, config: &Config) -> Self {
        self.from(&Origin::of(request, config))
    }

    /// It was the request that this comes from.
    pub fn from(mut self, origin: &Origin) -> Self {
        self.0.request_id.clone_from(&origin.request_id);
        self.0.source.clone_from(&origin.source);
        self
    }

    /// It is about this grant, and so about whom that is for: a person, or a client that acts for itself (RFC 9068 §2.2).
    pub fn about(mut self, grant: &Grant) -> Self {
        self.0.subject = Some(grant.subject().to_owned());
        self.0.client_id = Some(grant.client_id.to_string());
        self.0.resource = Some(grant.resource.to_string());
        self.0.held = Some(grant.scope.to_string());
        self.named(grant.name.as_deref())
    }

    /// It is about what was asked for.
    pub fn about_request(mut self, request: &AuthorizationRequest) -> Self {
        self.0.client_id = Some(request.client_id.to_string());
        self.0.resource = Some(request.resource.to_string());
        self.0.needed = Some(request.scope.to_string());
        self
    }

    /// It is about this client.
    pub fn about_client(mut self, id: &ClientId) -> Self {
        self.0.client_id = Some(id.to_string());
        self
    }

    /// What people call it, or it calls itself.
    pub fn named(mut self, name: Option<&str>) -> Self {
        self.0.mcp_name = name.map(str::to_owned);
        self
    }

    /// The same once more, as an event of its own.
    pub fn another(mut self) -> Self {
        self.0.id = name();
        self
    }

    /// Somebody else than the subject did it.
    pub fn by(mut self, actor: &str) -> Self {
        self.0.actor = Some(actor.to_owned());
        self
    }

    /// How, or by whom.
    pub fn because(mut self, reason: &str) -> Self {
        self.0.reason = Some(reason.to_owned());
        self
    }

    /// Adds it to the trail.
    pub fn keep(&self, tx: &mut Tx) -> Result<(), StoreError> {
        audit_events::insert(tx, &[self.0.clone().keepable()]).map(drop)
    }

    /// Adds it to the trail by itself, while nobody waits for it: how long an answer takes must not say whether there is such a user.
    pub fn keep_later(self, app: &App) {
        let app = app.clone();
        actix_web::rt::spawn(async move {
            if let Err(error) = app.store.write(move |tx| self.keep(tx)).await {
                tracing::warn!(%error, "an event is missing in the audit trail");
            }
        });
    }
}

/// Within one second, and that is how exact the trail is, events of one process keep their order.
pub(crate) fn name() -> String {
    static NUMBER: AtomicU64 = AtomicU64::new(0);
    format!("as-{:016x}-{}", NUMBER.fetch_add(1, Ordering::Relaxed), random_base62(22))
}

/// Enough to recognise where one was, and too little to find a person: it is kept for long.
pub(crate) fn network(address: IpAddr) -> String {
    match address.to_canonical() {
        IpAddr::V4(address) => {
            let [a, b, c, _] = address.octets();
            format!("{}/24", Ipv4Addr::new(a, b, c, 0))
        }
        IpAddr::V6(address) => {
            let [a, b, c, ..] = address.segments();
            format!("{}/48", Ipv6Addr::new(a, b, c, 0, 0, 0, 0, 0))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_is_a_network() {
        for (address, kept) in [
            ("198.51.100.7", "198.51.100.0/24"),
            ("::ffff:198.51.100.7", "198.51.100.0/24"),
            ("2001:db8:1:2:3:4:5:6", "2001:db8:1::/48"),
        ] {
            assert_eq!(network(address.parse().expect("an address")), kept);
        }
    }

    #[test]
    fn events_have_names_that_can_be_kept_in_their_order() {
        let now = Timestamp::from_unix(1);
        let events = [name(), name(), name()].map(|name| AuditEvent::new(name, now, What::SignedIn.as_str()));
        assert!(events.is_sorted_by(|one, other| one.id < other.id));
        for event in events {
            assert_eq!(event.check(), Ok(()));
        }
        for what in What::ALL {
            assert_eq!(What::of(what.as_str()), Some(what));
        }
    }

    #[test]
    fn what_happens_has_one_name_each() {
        let mut all: Vec<&str> = outcomes().collect();
        all.sort_unstable();
        assert!(all.windows(2).all(|two| two[0] != two[1]), "{all:?}");
    }

    /// `--help` sends whoever looks for a name there.
    #[test]
    fn the_documentation_says_what_each_name_means() {
        let page = include_str!("../../../docs/operations.md");
        let table = page.split("| `outcome` | what happened |").nth(1).and_then(|rest| rest.split("\n\n").next());
        let table = table.expect("operations.md has a table of them");
        for outcome in outcomes() {
            assert!(table.contains(&format!("`{outcome}`")), "docs/operations.md does not say what {outcome} is");
        }
    }
}
