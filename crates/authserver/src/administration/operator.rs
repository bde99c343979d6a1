//! What operators do to somebody's access, by command and in the browser: one function for each change, to be called within one
//! transaction. What ends with a change stands in `people.rs`; here it is written down who made it.

use actix_web::HttpRequest;
use gatelodge_oauth::client::{Client, ClientId};
use gatelodge_oauth::grant::{Grant, UserId};
use gatelodge_oauth::secret::Secret;
use gatelodge_oauth::time::Timestamp;
use gatelodge_store::signing_keys::{self, SigningKeyRow};
use gatelodge_store::upstream_identities::{self, UpstreamIdentity};
use gatelodge_store::users::{self, User};
use gatelodge_store::{Insertion, StoreError, Tx, clients, grants};

use crate::app::App;
use crate::config::Config;
use crate::keys;
use crate::login::{one_time_links, second_factors};
use crate::people::{self, Ended};
use crate::security_events::{Origin, SecurityEvent, What};

/// The `actor` of what was done by command: whoever may run one on the machine.
pub const COMMAND: &str = "command";

/// The `reason` of each such event.
const REASON: &str = "operator";

/// Who makes a change, and when.
#[derive(Debug, Clone)]
pub struct Operator {
    issuer: String,
    actor: String,
    origin: Option<Origin>,
    now: Timestamp,
}

impl Operator {
    /// Whoever runs a command.
    pub fn at_the_command_line(config: &Config, now: Timestamp) -> Self {
        Self { issuer: config.public_url.as_str().to_owned(), actor: COMMAND.to_owned(), origin: None, now }
    }

    /// An administrator, in the browser.
    pub fn administrator(app: &App, id: &UserId, request: &HttpRequest) -> Self {
        Self {
            issuer: app.config.public_url.as_str().to_owned(),
            actor: id.to_string(),
            origin: Some(Origin::of(request, &app.config)),
            now: app.clock.now(),
        }
    }

    /// When.
    pub fn now(&self) -> Timestamp {
        self.now
    }

    /// What they did to this person.
    pub fn event(&self, what: What, subject: &UserId) -> SecurityEvent {
        self.event_of_server(what).of(subject)
    }

    /// What they did to nobody in particular.
    fn event_of_server(&self, what: What) -> SecurityEvent {
        let event = SecurityEvent::of_server(&self.issuer, what, self.now).by(&self.actor).because(REASON);
        match &self.origin {
            Some(origin) => event.from(origin),
            None => event,
        }
    }

    /// Adds somebody; `false` when the name is taken.
    pub fn add(&self, tx: &mut Tx, user: &User) -> Result<bool, StoreError> {
        let added = users::insert(tx, user)? == Insertion::Inserted;
        self.keep_if(tx, added, What::AccountAdded, user)
    }

    /// Has messages to somebody go to this address; `false` when it is somebody else's.
    pub fn set_address(&self, tx: &mut Tx, user: &User, address: &str) -> Result<bool, StoreError> {
        let set = people::set_address(tx, &user.id, address, self.now)? == Insertion::Inserted;
        self.keep_if(tx, set, What::AddressSet, user)
    }

    /// Takes the address away; `false` when there was none.
    pub fn take_address(&self, tx: &mut Tx, user: &User) -> Result<bool, StoreError> {
        let taken = people::take_address(tx, &user.id)?;
        self.keep_if(tx, taken, What::AddressRemoved, user)
    }

    /// Lets somebody in as this person of a provider; `false` when that is somebody already.
    pub fn link(&self, tx: &mut Tx, user: &User, issuer: &str, subject: &str) -> Result<bool, StoreError> {
        let identity = UpstreamIdentity {
            issuer: issuer.to_owned(),
            subject: subject.to_owned(),
            user_id: user.id.clone(),
            created_at: self.now,
        };
        let linked = upstream_identities::insert(tx, &identity)? == Insertion::Inserted;
        self.keep_if(tx, linked, What::IdentityLinked, user)
    }

    /// Takes that back; `false` when they are not linked.
    pub fn unlink(&self, tx: &mut Tx, user: &User, issuer: &str, subject: &str) -> Result<bool, StoreError> {
        let gone = upstream_identities::delete(tx, &user.id, issuer, subject)?;
        self.keep_if(tx, gone, What::IdentityUnlinked, user)
    }

    /// Shuts somebody out.
    pub fn disable(&self, tx: &mut Tx, user: &User) -> Result<Ended, StoreError> {
        self.keep_if(tx, user.disabled_at.is_none(), What::AccountDisabled, user)?;
        people::disable(tx, &user.id, self.now)
    }

    /// Lets somebody in again; `false` when nobody kept them out.
    pub fn enable(&self, tx: &mut Tx, user: &User) -> Result<bool, StoreError> {
        let changed = users::set_disabled(tx, &user.id, None)?;
        self.keep_if(tx, changed, What::AccountEnabled, user)
    }

    /// Takes somebody out.
    pub fn remove(&self, tx: &mut Tx, user: &User) -> Result<Ended, StoreError> {
        self.event(What::AccountDeleted, &user.id).keep(tx)?;
        people::remove(tx, &user.id, self.now)
    }

    /// Makes somebody an administrator, or one no more; `false` when they were already.
    pub fn set_administrator(&self, tx: &mut Tx, user: &User, is_admin: bool) -> Result<bool, StoreError> {
        let changed = people::set_administrator(tx, user, is_admin)?;
        let what = if is_admin { What::AdministratorMade } else { What::AdministratorUnmade };
        self.keep_if(tx, changed, what, user)
    }

    /// Gives somebody another password.
    pub fn set_password(&self, tx: &mut Tx, user: &User, password_hash: &str) -> Result<Ended, StoreError> {
        self.event(What::PasswordChanged, &user.id).keep(tx)?;
        people::set_password(tx, &user.id, password_hash, self.now)
    }

    /// A link with which somebody chooses a password; the one before is dead from then on.
    pub fn offer_password(&self, tx: &mut Tx, user: &User) -> Result<Secret, StoreError> {
        self.event(What::PasswordLinkMade, &user.id).keep(tx)?;
        one_time_links::offer_password(tx, &user.id, self.now)
    }

    /// Takes away what somebody's second step asks for, and signs them out of every browser, since a passkey may have signed in there;
    /// `false` when there is nothing.
    pub fn reset_second_factor(&self, tx: &mut Tx, user: &User) -> Result<bool, StoreError> {
        let changed = second_factors::remove_all(tx, &user.id)?;
        if changed {
            people::sign_out(tx, &user.id)?;
        }
        self.keep_if(tx, changed, What::SecondFactorRemoved, user)
    }

    /// Signs somebody out everywhere, of the administration too; how many browsers there were.
    pub fn sign_out(&self, tx: &mut Tx, user: &User) -> Result<usize, StoreError> {
        let ended = people::sign_out(tx, &user.id)? + people::end_administration(tx, &user.id)?;
        self.keep_if(tx, ended > 0, What::SignedOut, user)?;
        Ok(ended)
    }

    /// Ends whatever somebody allowed, personal tokens too; how many grants there were.
    pub fn revoke_all(&self, tx: &mut Tx, user: &User) -> Result<usize, StoreError> {
        let ended = grants::revoke_all_of_user(tx, &user.id, self.now)?;
        self.keep_if(tx, ended > 0, What::AllRevoked, user)?;
        Ok(ended)
    }

    /// Ends whatever was allowed before this time; how many grants there were.
    pub fn revoke_all_before(&self, tx: &mut Tx, before: Timestamp) -> Result<usize, StoreError> {
        let ended = grants::revoke_all_before(tx, before, self.now)?;
        if ended > 0 {
            self.event_of_server(What::AllRevoked).keep(tx)?;
        }
        Ok(ended)
    }

    /// Ends one grant, and with it what came from the same answer: all that ended now.
    pub fn revoke(&self, tx: &mut Tx, grant: &Grant) -> Result<Vec<Grant>, StoreError> {
        let ended = grants::take_back(tx, &grant.id, self.now)?;
        for grant in &ended {
            self.event_of_server(What::Revoked).about(grant).keep(tx)?;
        }
        Ok(ended)
    }

    /// Notes that a personal token was made for somebody.
    pub fn note_token(&self, tx: &mut Tx, grant: &Grant) -> Result<(), StoreError> {
        self.event_of_server(What::TokenMade).about(grant).keep(tx)
    }

    /// Adds a client; `false` when there is one of that identifier.
    pub fn add_client(&self, tx: &mut Tx, client: &Client) -> Result<bool, StoreError> {
        let added = clients::insert(tx, client)? == Insertion::Inserted;
        if added {
            let event = self.event_of_server(What::ClientAdded).about_client(&client.id);
            event.named(client.name.as_deref()).keep(tx)?;
        }
        Ok(added)
    }

    /// Ends whatever a client was allowed; how many grants there were.
    pub fn revoke_all_of_client(&self, tx: &mut Tx, id: &ClientId) -> Result<usize, StoreError> {
        let ended = grants::revoke_all_of_client(tx, id, self.now)?;
        if ended > 0 {
            self.event_of_server(What::AllRevoked).about_client(id).keep(tx)?;
        }
        Ok(ended)
    }

    /// Takes out a client, with whatever it was allowed: how many grants there were, or `None` when there is no such client here.
    pub fn remove_client(&self, tx: &mut Tx, id: &ClientId) -> Result<Option<usize>, StoreError> {
        let Some(client) = clients::find(tx, id)? else { return Ok(None) };
        clients::delete(tx, id)?;
        let event = self.event_of_server(What::ClientRemoved).about_client(id);
        event.named(client.name.as_deref()).keep(tx)?;
        grants::revoke_all_of_client(tx, id, self.now).map(Some)
    }

    /// Publishes this key as the next one, unless there is one; the next key either way.
    pub fn publish_key(&self, tx: &mut Tx, new: &SigningKeyRow) -> Result<Option<SigningKeyRow>, StoreError> {
        if signing_keys::insert(tx, new)? == Insertion::Inserted {
            self.event_of_server(What::KeyPublished).named(Some(&new.kid)).keep(tx)?;
        }
        Ok(signing_keys::list(tx)?.into_iter().find(SigningKeyRow::is_next))
    }

    /// Takes a key out of use at once, with `new` in its place if need be: the key that signs from now on, or `None` when there is no
    /// such key.
    pub fn revoke_key(&self, tx: &mut Tx, kid: &str, new: &SigningKeyRow) -> Result<Option<String>, StoreError> {
        let active = keys::revoke(tx, kid, new, self.now)?;
        if active.is_some() {
            self.event_of_server(What::KeyRevoked).named(Some(kid)).keep(tx)?;
        }
        Ok(active)
    }

    fn keep_if(&self, tx: &mut Tx, changed: bool, what: What, user: &User) -> Result<bool, StoreError> {
        if changed {
            self.event(what, &user.id).keep(tx)?;
        }
        Ok(changed)
    }
}
