//! The device grant: a device without a browser shows a code, somebody types it elsewhere, and the device asks for the
//! outcome. RFC 8628. Pure; called by `/device_authorization`, by the page `/device`, and by the token endpoint inside the
//! transaction that then hands the tokens out.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::authorization_request::{AnswerTo, AuthorizationRequest, DeviceAnswer, requested_scope};
use crate::client::{Client, ClientId, GrantType};
use crate::error::{Code, OAuthError};
use crate::grant::GrantId;
use crate::parameters::Parameters;
use crate::prompt::SignIn;
use crate::resource::{self, Resource, ResourceId};
use crate::scope::Scope;
use crate::secret::{HashedSecret, random_from};
use crate::time::Timestamp;

/// How long a device waits between two requests at first, and by how much longer after each one that came too soon
/// (RFC 8628 §3.2, §3.5).
pub const POLL_INTERVAL: Duration = Duration::from_secs(5);

/// RFC 8628 §6.1: no vowels, so that no words come out, and no two letters that look alike; easy to type on any keyboard.
const ALPHABET: &[u8] = b"BCDFGHJKLMNPQRSTVWXZ";
const LENGTH: usize = 8;

/// `user_code`: eight letters of twenty, 34 bits. Few enough to type, and so guesses at it are counted (RFC 8628 §5.1).
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct UserCode(String);

impl UserCode {
    /// A new random code.
    pub fn generate() -> Self {
        Self(random_from(ALPHABET, LENGTH))
    }

    /// Reads what somebody typed: in any case, with dashes and spaces anywhere (RFC 8628 §6.1).
    pub fn parse(typed: &str) -> Option<Self> {
        let letters = typed.chars().filter(|c| !c.is_whitespace() && !matches!(c, '-' | '\u{2010}'..='\u{2015}'));
        // One more than is good is enough to know that it is not.
        let letters: String = letters.take(LENGTH + 1).map(|c| c.to_ascii_uppercase()).collect();
        let good = letters.len() == LENGTH && letters.bytes().all(|letter| ALPHABET.contains(&letter));
        good.then_some(Self(letters))
    }

    /// As it is stored: the letters alone.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// As people see it: `BCDF-GHJK`.
impl fmt::Display for UserCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (first, second) = self.0.split_at(LENGTH / 2);
        write!(f, "{first}-{second}")
    }
}

impl TryFrom<String> for UserCode {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(&text).ok_or("not a user code")
    }
}

impl From<UserCode> for String {
    fn from(code: UserCode) -> Self {
        code.0
    }
}

/// A device that waits, as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeviceAuthorization {
    /// SHA-256 of the device code.
    pub hash: HashedSecret,
    /// What the device shows.
    pub user_code: UserCode,
    /// To whom it was issued.
    pub client_id: ClientId,
    /// For which resource.
    pub resource: ResourceId,
    /// What was asked for.
    pub scope: Scope,
    /// When.
    pub created_at: Timestamp,
    /// When the codes end.
    pub expires_at: Timestamp,
    /// How long the device must wait between two requests.
    pub poll_interval: Duration,
    /// When it asked last.
    pub last_polled_at: Option<Timestamp>,
    /// What somebody allowed.
    pub grant_id: Option<GrantId>,
    /// When somebody said no.
    pub denied_at: Option<Timestamp>,
    /// When the tokens were handed out.
    pub consumed_at: Option<Timestamp>,
}

impl DeviceAuthorization {
    /// Whether somebody may still decide on it.
    pub fn is_waiting(&self, now: Timestamp) -> bool {
        now < self.expires_at && self.grant_id.is_none() && self.denied_at.is_none()
    }

    /// How long it must wait from now on, after an answer that lets it ask again: five seconds longer each time it asked too
    /// soon (RFC 8628 §3.5). `None`: there is nothing to wait for.
    pub fn poll_interval_after(&self, refusal: &OAuthError) -> Option<Duration> {
        match refusal.code {
            Code::AuthorizationPending => Some(self.poll_interval),
            Code::SlowDown => Some(self.poll_interval.saturating_add(POLL_INTERVAL)),
            _ => None,
        }
    }

    /// What the person who typed the code is asked.
    pub fn request(&self) -> AuthorizationRequest {
        AuthorizationRequest {
            client_id: self.client_id.clone(),
            scope: self.scope.clone(),
            resource: self.resource.clone(),
            sign_in: SignIn::default(),
            answer_to: AnswerTo::Device(DeviceAnswer { device: self.hash, user_code: self.user_code.clone() }),
        }
    }
}

/// The device authorization request (RFC 8628 §3.1): what may be asked for, in the order the checks must run.
pub fn validate<'r>(
    parameters: &Parameters,
    client: &Client,
    resources: &'r [Resource],
) -> Result<(&'r Resource, Scope), OAuthError> {
    if !client.may_use(GrantType::DeviceCode) {
        return Err(OAuthError::grant_type_not_registered());
    }
    let resource = resource::select(resources, client, &parameters.every("resource"))?;
    Ok((resource, requested_scope(parameters.optional("scope")?, resource, client)?))
}

/// The device access token request (RFC 8628 §3.4 and §3.5): the grant to hand tokens out for, or why there is none. A device
/// that must wait learns whether it asks too often; the caller notes that it asked.
pub fn poll<'d>(
    device: &'d DeviceAuthorization,
    client: &Client,
    resource: &[String],
    now: Timestamp,
) -> Result<&'d GrantId, OAuthError> {
    if device.client_id != client.id {
        return Err(OAuthError::device_code_of_another_client());
    }
    if device.consumed_at.is_some() {
        return Err(OAuthError::device_code_used());
    }
    if now >= device.expires_at {
        return Err(OAuthError::device_code_expired());
    }
    if device.denied_at.is_some() {
        return Err(OAuthError::denied_by_user());
    }
    match &device.grant_id {
        Some(grant_id) => resource::within_grant(&device.resource, resource).map(|()| grant_id),
        None if asks_too_soon(device, now) => Err(OAuthError::slow_down()),
        None => Err(OAuthError::authorization_pending()),
    }
}

fn asks_too_soon(device: &DeviceAuthorization, now: Timestamp) -> bool {
    device.last_polled_at.is_some_and(|last| now.since(last) < device.poll_interval)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::Registration;
    use crate::secret::{Kind, Secret};

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_unix(1_000 + seconds)
    }

    fn client(id: &str) -> Client {
        let grant_types = vec![GrantType::DeviceCode];
        Client { grant_types, ..Client::new(ClientId::new(id), Registration::Configured, at(0)) }
    }

    fn waiting() -> DeviceAuthorization {
        DeviceAuthorization {
            hash: Secret::generate(Kind::DeviceCode).hash(),
            user_code: UserCode::generate(),
            client_id: ClientId::new("c"),
            resource: ResourceId::from_config("https://h.example/mcp").expect("a resource"),
            scope: Scope::empty(),
            created_at: at(0),
            expires_at: at(600),
            poll_interval: POLL_INTERVAL,
            last_polled_at: None,
            grant_id: None,
            denied_at: None,
            consumed_at: None,
        }
    }

    #[test]
    fn a_code_is_read_however_it_is_typed() {
        let code = UserCode::parse("BCDFGHJK").expect("a code");
        assert_eq!((code.as_str(), code.to_string().as_str()), ("BCDFGHJK", "BCDF-GHJK"));
        for typed in
            ["BCDF-GHJK", "bcdf-ghjk", " b c d f g h j k ", "BCDF\u{2013}GHJK", "-B-C-DFGH--JK-", "bcdf ghjk\n"]
        {
            assert_eq!(UserCode::parse(typed).as_ref(), Some(&code), "{typed}");
        }
        for typed in ["", "BCDFGHJ", "BCDFGHJKL", "BCDF-GHJA", "BCDF-GHJ1", "BCDF_GHJK", "BCDF-GHJé", "ВCDF-GHJK"] {
            assert_eq!(UserCode::parse(typed), None, "{typed}");
        }
        assert_eq!(UserCode::parse(&"B".repeat(1_000_000)), None);
    }

    #[test]
    fn codes_are_made_of_every_letter_and_read_back() {
        let codes: Vec<UserCode> = (0..200).map(|_| UserCode::generate()).collect();
        for code in &codes {
            assert_eq!(UserCode::parse(&code.to_string()).as_ref(), Some(code));
        }
        let all: String = codes.iter().map(UserCode::as_str).collect();
        assert!(ALPHABET.iter().all(|letter| all.contains(char::from(*letter))));
    }

    #[test]
    fn each_state_has_its_answer() {
        let grant_id = GrantId::generate();
        let allowed = || DeviceAuthorization { grant_id: Some(grant_id.clone()), ..waiting() };
        let polled = |seconds| DeviceAuthorization { last_polled_at: Some(at(seconds)), ..waiting() };
        for (device, id, seconds, code) in [
            (waiting(), "c", 0, Code::AuthorizationPending),
            (waiting(), "c", 599, Code::AuthorizationPending),
            (waiting(), "c", 600, Code::ExpiredToken),
            (waiting(), "other", 0, Code::InvalidGrant),
            (polled(10), "c", 15, Code::AuthorizationPending),
            (polled(10), "c", 14, Code::SlowDown),
            (polled(10), "c", 9, Code::SlowDown),
            (DeviceAuthorization { poll_interval: POLL_INTERVAL * 2, ..polled(10) }, "c", 19, Code::SlowDown),
            (DeviceAuthorization { denied_at: Some(at(1)), ..waiting() }, "c", 2, Code::AccessDenied),
            (DeviceAuthorization { denied_at: Some(at(1)), ..waiting() }, "other", 2, Code::InvalidGrant),
            (DeviceAuthorization { denied_at: Some(at(1)), ..waiting() }, "c", 600, Code::ExpiredToken),
            (allowed(), "other", 2, Code::InvalidGrant),
            (allowed(), "c", 600, Code::ExpiredToken),
            (DeviceAuthorization { consumed_at: Some(at(1)), ..allowed() }, "c", 2, Code::InvalidGrant),
        ] {
            let refusal = poll(&device, &client(id), &[], at(seconds)).expect_err("refused");
            assert_eq!(refusal.code, code, "{device:?} {id} {seconds}");
        }
        let device = DeviceAuthorization { last_polled_at: Some(at(9)), ..allowed() };
        assert_eq!(poll(&device, &client("c"), &[], at(10)), Ok(&grant_id));
        let foreign = ["https://h.example/other".to_owned()];
        assert_eq!(poll(&device, &client("c"), &foreign, at(10)).expect_err("refused").code, Code::InvalidTarget);
    }

    #[test]
    fn what_is_asked_for_a_device_stays_under_the_limits_of_its_client() {
        let device = DeviceAuthorization { scope: "a b".parse().expect("a scope"), ..waiting() };
        let limited = |scope: &str| Client { scope: Some(scope.parse().expect("a scope")), ..client("c") };
        let scope = |client: &Client| device.request().under_limits_of(client).map(|request| request.scope.to_string());
        assert_eq!(scope(&client("c")).as_deref(), Some("a b"));
        assert_eq!(scope(&limited("b x")).as_deref(), Some("b"));
        assert_eq!(scope(&limited("x")), None);
        let without_grant = Client::new(ClientId::new("c"), Registration::Configured, at(0));
        assert_eq!(scope(&without_grant), None);
    }

    #[test]
    fn a_device_that_asks_too_soon_waits_longer_each_time() {
        let device = waiting();
        assert_eq!(device.poll_interval_after(&OAuthError::authorization_pending()), Some(POLL_INTERVAL));
        assert_eq!(device.poll_interval_after(&OAuthError::slow_down()), Some(POLL_INTERVAL * 2));
        assert_eq!(device.poll_interval_after(&OAuthError::device_code_expired()), None);
    }

    #[test]
    fn only_a_device_that_nobody_decided_on_waits() {
        assert!(waiting().is_waiting(at(599)) && !waiting().is_waiting(at(600)));
        assert!(!DeviceAuthorization { denied_at: Some(at(1)), ..waiting() }.is_waiting(at(2)));
        assert!(!DeviceAuthorization { grant_id: Some(GrantId::generate()), ..waiting() }.is_waiting(at(2)));
    }
}
