//! Passkeys (Web Authentication Level 3): what browsers are asked, and whether the answers are right. The RP ID is the host of
//! `public_url`, the one origin that of `public_url`; the user is always verified, so that a passkey is a whole sign-in. Each
//! question is kept here, for one browser session, for five minutes, and is answered once. Used by `endpoints/passkey.rs` and
//! `endpoints/account_passkeys.rs`.

use std::time::Duration;

use aws_lc_rs::digest::{SHA256, digest};
use gatelodge_oauth::grant::UserId;
use gatelodge_oauth::time::Timestamp;
use gatelodge_service::config::PublicUrl;
use gatelodge_store::passkeys::{self, Passkey};
use gatelodge_store::users::User;
use gatelodge_store::{StoreError, Tx, passkey_ceremonies};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use url::{Host, Url};
use webauthn_rs::prelude::{
    AuthenticationResult, DiscoverableAuthentication, Passkey as Credential, PasskeyAuthentication,
    PasskeyRegistration, PublicKeyCredential, RegisterPublicKeyCredential, Uuid, Webauthn, WebauthnBuilder,
    WebauthnError,
};

use crate::app::App;
use crate::session::OpenSession;

/// How long somebody may take.
const PATIENCE: Duration = Duration::from_secs(300);

/// What asks and checks.
pub struct Passkeys(Webauthn);

/// An open question, as it is kept.
#[derive(Serialize, Deserialize)]
pub enum Ceremony {
    /// Who are you?
    SignIn(DiscoverableAuthentication),
    /// Are you who gave that password?
    SecondStep(PasskeyAuthentication),
    /// Make a passkey, to be called so.
    Registration(PasskeyRegistration, String),
}

/// A passkey that signed; to be noted once.
#[derive(Debug, Clone)]
pub struct Used {
    id: Vec<u8>,
    counter: i64,
    credential: String,
}

/// Why an answer counts for nothing. For the log; people are told that it was refused.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    /// It cannot be read.
    #[error("the answer cannot be read: {0}")]
    Unreadable(#[from] serde_json::Error),
    /// It is wrong.
    #[error("{0}")]
    Wrong(#[from] WebauthnError),
    /// It is of a passkey that nobody here has.
    #[error("no such passkey")]
    Unknown,
}

impl Passkeys {
    /// For this public URL; `None` when its host is an address: passkeys belong to names.
    pub fn new(public_url: &PublicUrl, product: &str) -> Result<Option<Self>, WebauthnError> {
        let Ok(origin) = Url::parse(&public_url.origin()) else { return Ok(None) };
        let Some(Host::Domain(host)) = origin.host() else { return Ok(None) };
        let builder = WebauthnBuilder::new(host, &origin)?.rp_name(product).timeout(PATIENCE);
        Ok(Some(Self(builder.build()?)))
    }

    /// A question to whoever it is: any passkey for this host may answer.
    pub fn ask_anybody(&self) -> Result<(Value, Ceremony), Refused> {
        let (question, state) = self.0.start_discoverable_authentication()?;
        // There is a button for it: the browser asks at once, and not beside a field.
        Ok((json!(question.public_key), Ceremony::SignIn(state)))
    }

    /// A question to the owner of these passkeys.
    pub fn ask(&self, passkeys: &[Passkey]) -> Result<(Value, Ceremony), Refused> {
        let credentials: Vec<Credential> = passkeys.iter().map(credential).collect::<Result<_, _>>()?;
        let (question, state) = self.0.start_passkey_authentication(&credentials)?;
        Ok((json!(question.public_key), Ceremony::SecondStep(state)))
    }

    /// Asks for a new passkey beside those of before. It has to be one that the browser finds without a name.
    pub fn ask_for_new(&self, user: &User, name: &str, others: &[Passkey]) -> Result<(Value, Ceremony), Refused> {
        let excluded = others.iter().map(|other| Ok(credential(other)?.cred_id().clone()));
        let excluded = excluded.collect::<Result<Vec<_>, serde_json::Error>>()?;
        let handle = handle(&user.id);
        let (question, state) =
            self.0.start_passkey_registration(handle, &user.username, &user.username, Some(excluded))?;
        let mut options = json!(question.public_key);
        options["authenticatorSelection"]["residentKey"] = "required".into();
        options["authenticatorSelection"]["requireResidentKey"] = true.into();
        Ok((options, Ceremony::Registration(state, name.to_owned())))
    }

    /// The credential ID and the handle of whose it is, as an answer to [`Passkeys::ask_anybody`] names them.
    pub fn named(&self, answer: &PublicKeyCredential) -> Result<(Vec<u8>, Uuid), Refused> {
        let (handle, id) = self.0.identify_discoverable_authentication(answer)?;
        Ok((id.to_vec(), handle))
    }

    /// Checks the signature of this passkey, and that its counter went forward.
    pub fn check_anybody(
        &self,
        answer: &PublicKeyCredential,
        state: DiscoverableAuthentication,
        passkey: &Passkey,
    ) -> Result<Used, Refused> {
        let credential = credential(passkey)?;
        let result = self.0.finish_discoverable_authentication_v2(answer, state, &credential)?;
        Used::of(credential, &result)
    }

    /// The same of somebody's passkeys.
    pub fn check(
        &self,
        answer: &PublicKeyCredential,
        state: &PasskeyAuthentication,
        passkeys: &[Passkey],
    ) -> Result<Used, Refused> {
        let result = self.0.finish_passkey_authentication(answer, state)?;
        // It may have been removed since it was asked.
        let passkey = passkeys.iter().find(|passkey| passkey.id == result.cred_id().as_slice());
        Used::of(credential(passkey.ok_or(Refused::Unknown)?)?, &result)
    }

    /// The new passkey of an answer.
    pub fn made(
        &self,
        answer: &RegisterPublicKeyCredential,
        state: &PasskeyRegistration,
        owner: &UserId,
        name: String,
        now: Timestamp,
    ) -> Result<Passkey, Refused> {
        let credential = self.0.finish_passkey_registration(answer, state)?;
        let stored = serde_json::to_value(&credential)?;
        Ok(Passkey {
            id: credential.cred_id().as_slice().to_vec(),
            user_id: owner.clone(),
            name,
            counter: stored["cred"]["counter"].as_i64().unwrap_or_default(),
            credential: stored.to_string(),
            created_at: now,
            last_used_at: None,
        })
    }
}

/// Keeps a question for a browser session.
pub async fn keep(app: &App, session: &OpenSession, ceremony: &Ceremony) -> Result<(), StoreError> {
    let Ok(state) = serde_json::to_string(ceremony) else {
        return Err(StoreError::Conflict("a question cannot be written down".into()));
    };
    let (hash, until) = (session.secret.hash(), app.clock.now().plus(PATIENCE));
    app.store.write(move |tx| passkey_ceremonies::put(tx, &hash, &state, until)).await
}

/// Takes the question of a browser session, once; `None` when there is none that may still be answered.
pub async fn take(app: &App, session: &OpenSession) -> Result<Option<Ceremony>, StoreError> {
    let (hash, now) = (session.secret.hash(), app.clock.now());
    let state = app.store.write(move |tx| passkey_ceremonies::take(tx, &hash, now)).await?;
    Ok(state.and_then(|state| serde_json::from_str(&state).ok()))
}

impl Used {
    fn of(mut credential: Credential, result: &AuthenticationResult) -> Result<Self, Refused> {
        credential.update_credential(result);
        Ok(Self {
            id: result.cred_id().as_slice().to_vec(),
            counter: result.counter().into(),
            credential: serde_json::to_string(&credential)?,
        })
    }

    /// Notes the use; `false` when the same count was used meanwhile, or the passkey was removed.
    pub fn note(&self, tx: &mut Tx, now: Timestamp) -> Result<bool, StoreError> {
        passkeys::use_once(tx, &self.id, self.counter, &self.credential, now)
    }
}

/// What an authenticator knows its user by (Web Authentication §14.6.1 wants nothing in it that tells who that is): always the same for
/// one user, and no part of anything else.
pub fn handle(user_id: &UserId) -> Uuid {
    let hash = digest(&SHA256, format!("user handle\0{user_id}").as_bytes());
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&hash.as_ref()[..16]);
    Uuid::from_bytes(bytes)
}

fn credential(passkey: &Passkey) -> Result<Credential, serde_json::Error> {
    serde_json::from_str(&passkey.credential)
}
