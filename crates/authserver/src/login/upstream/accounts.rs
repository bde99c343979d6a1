//! Who a person of a provider is here: found by issuer and `sub` alone (OpenID Connect Core 1.0 §5.7), never by a name or an
//! address, which others may get. Somebody new becomes a user of their own, if the operator wants that.

use gatelodge_oauth::grant::UserId;
use gatelodge_oauth::secret::random_base62;
use gatelodge_oauth::time::Timestamp;
use gatelodge_store::upstream_identities::{self, UpstreamIdentity};
use gatelodge_store::users::{self, User};
use gatelodge_store::{Insertion, StoreError, Tx};

use super::person::Person;
use crate::config::Config;
use crate::login::password::canonical_username;
use crate::login::upstream_config::ProviderConfig;
use crate::security_events::SecurityEvent;

/// The longest username, in bytes.
const MAX_NAME: usize = 128;

/// What a sign-in at a provider leads to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Account {
    /// This user.
    User(UserId),
    /// A user who was shut out.
    Disabled(UserId),
    /// Nobody: users are not made, and this person is not linked to one.
    NotLinked,
}

/// Finds the user of a person who is allowed in, or makes one, which is what `added` tells of.
pub fn of(
    tx: &mut Tx,
    provider: &ProviderConfig,
    person: &Person,
    added: &SecurityEvent,
    now: Timestamp,
) -> Result<Account, StoreError> {
    if let Some(identity) = upstream_identities::find(tx, &provider.issuer, &person.subject)? {
        return Ok(match users::find_enabled(tx, &identity.user_id)? {
            Some(user) => Account::User(user.id),
            None => Account::Disabled(identity.user_id),
        });
    }
    if !provider.create_users {
        return Ok(Account::NotLinked);
    }
    let user_id = add_user(tx, provider, person, now)?;
    let identity = UpstreamIdentity {
        issuer: provider.issuer.clone(),
        subject: person.subject.clone(),
        user_id: user_id.clone(),
        created_at: now,
    };
    match upstream_identities::insert(tx, &identity)? {
        Insertion::Inserted => {
            added.clone().of(&user_id).keep(tx)?;
            Ok(Account::User(user_id))
        }
        // The same person in another tab: what this one did is undone, and looked up the next time.
        Insertion::AlreadyExists => Err(StoreError::Conflict("somebody is linked twice at once".into())),
    }
}

/// A user without a password. A name that is taken stays with whoever has it.
fn add_user(tx: &mut Tx, provider: &ProviderConfig, person: &Person, now: Timestamp) -> Result<UserId, StoreError> {
    let id = UserId::generate();
    for username in names(provider, person) {
        let user =
            User { id: id.clone(), username, password_hash: None, created_at: now, disabled_at: None, is_admin: false };
        if users::insert(tx, &user)? == Insertion::Inserted {
            return Ok(id);
        }
    }
    Err(StoreError::Conflict("every name for a new user is taken".into()))
}

/// What somebody new may be called, the best first: the last one is nobody's.
fn names(provider: &ProviderConfig, person: &Person) -> [String; 3] {
    let suffix = format!("-{}", provider.id);
    let unique = format!("{suffix}-{}", random_base62(10).to_ascii_lowercase());
    let wanted = person.username.as_deref().and_then(canonical_username).unwrap_or_else(|| provider.id.clone());
    let with = |suffix: &str| format!("{}{suffix}", &wanted[..wanted.len().min(MAX_NAME - suffix.len())]);
    [with(""), with(&suffix), with(&unique)]
}

/// Who somebody is at a provider, for operators: by the id of the provider, or by the issuer where no provider has it any more.
pub fn shown(identity: &UpstreamIdentity, config: &Config) -> String {
    let provider = config.login.oidc.iter().find(|provider| provider.issuer == identity.issuer);
    let provider = provider.map_or(identity.issuer.as_str(), |provider| provider.id.as_str());
    format!("{provider}:{}", identity.subject)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::login::upstream::allow::Allow;

    #[test]
    fn every_name_for_somebody_new_can_be_one() {
        let provider = ProviderConfig {
            id: "acme".into(),
            name: "Acme".into(),
            issuer: "https://idp.example".into(),
            client_id: "gatelodge".into(),
            client_secret: None,
            scopes: vec!["openid".into()],
            allow: Allow::Everybody,
            groups_claim: "groups".into(),
            username_claim: None,
            create_users: true,
            prompt: None,
        };
        let long = "a".repeat(128);
        for (username, first, second) in [
            (Some("Ada@Example.com"), "ada@example.com", "ada@example.com-acme"),
            (Some("Ada Lovelace"), "acme", "acme-acme"),
            (Some("é"), "acme", "acme-acme"),
            (None, "acme", "acme-acme"),
            (Some(long.as_str()), long.as_str(), &format!("{}-acme", "a".repeat(123))),
        ] {
            let username = username.map(str::to_owned);
            let person = Person { subject: "1".into(), verified_address: None, groups: Vec::new(), username };
            let made = names(&provider, &person);
            assert_eq!((made[0].as_str(), made[1].as_str()), (first, second));
            for name in &made {
                assert_eq!(canonical_username(name).as_ref(), Some(name));
            }
            assert_ne!(made[2], names(&provider, &person)[2]);
        }
    }
}
