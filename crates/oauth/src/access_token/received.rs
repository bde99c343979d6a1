//! Claims as they were received, in a token (RFC 9068 §2.2) or in an introspection answer (RFC 7662 §2.2): wrong JSON types
//! and names that are there twice are refused. Called by `issuer.rs`.

use std::time::Duration;

use serde::Deserialize;
use serde_json::{Map, Value};

use super::{AccessToken, Refusal, Status, Wording};
use crate::scope::Scope;
use crate::strict_json::{self, StrictObject};
use crate::time::Timestamp;

/// The members of one JSON object.
#[derive(Deserialize)]
#[serde(from = "StrictObject")]
pub(super) struct Received(Map<String, Value>);

impl From<StrictObject> for Received {
    fn from(object: StrictObject) -> Self {
        Self(object.0)
    }
}

impl Received {
    pub fn parse(json: &[u8]) -> Option<Self> {
        match strict_json::parse(json) {
            Ok(Value::Object(members)) => Some(Self(members)),
            _ => None,
        }
    }

    pub fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    pub fn text(&self, name: &str) -> Result<&str, Refusal> {
        self.0.get(name).and_then(Value::as_str).ok_or(Refusal::MalformedClaims)
    }

    /// RFC 7662 §2.2: the one member that every answer has.
    pub fn is_active(&self) -> Option<bool> {
        self.0.get("active").and_then(Value::as_bool)
    }

    /// RFC 7662 §2.2 `token_type`, as in RFC 6749 §5.1: case does not count.
    pub fn is_bearer_token(&self) -> bool {
        self.text("token_type").is_ok_and(|kind| kind.eq_ignore_ascii_case("bearer"))
    }

    /// RFC 9068 §2.2, with the names that the issuer uses.
    pub fn access_token(&self, wording: &Wording) -> Result<AccessToken, Refusal> {
        let by_the_book = *wording == Wording::default();
        let id = match self.0.get("jti") {
            None if !by_the_book => "",
            _ => self.named("jti")?,
        };
        let status = self.0.get("status").map(Option::<Status>::deserialize);
        let status = status.transpose().map_err(|_| Refusal::MalformedClaims)?.flatten();
        Ok(AccessToken {
            issuer: self.text("iss")?.to_owned(),
            subject: self.named("sub")?.to_owned(),
            client_id: self.named(&wording.client_id_claim)?.to_owned(),
            scope: self.scope(&wording.scope_claim, by_the_book)?,
            issued_at: self.time("iat")?,
            expires_at: self.time("exp")?,
            id: id.to_owned(),
            status: status.map(|status| status.status_list),
            kid: None,
        })
    }

    /// RFC 7662 §2.2. A client that acts for itself is its own subject, as RFC 9068 §2.2 has it.
    pub fn introspected_token(&self, issuer: &str, now: Timestamp) -> Result<AccessToken, Refusal> {
        let optional = |name| if self.has(name) { self.named(name).map(Some) } else { Ok(None) };
        let client_id = self.named("client_id")?;
        Ok(AccessToken {
            issuer: issuer.to_owned(),
            subject: optional("sub")?.unwrap_or(client_id).to_owned(),
            client_id: client_id.to_owned(),
            scope: self.scope("scope", false)?,
            issued_at: self.time_if_given("iat")?.unwrap_or(now),
            expires_at: self.time("exp")?,
            id: optional("jti")?.unwrap_or_default().to_owned(),
            status: None,
            kid: None,
        })
    }

    /// RFC 9068 §4: for this resource, as whole strings; begun, and not over. RFC 7800 §3.1: a token that is bound to a key
    /// is no bearer token, and whoever cannot ask for the proof must not let it pass.
    pub fn in_place_and_time(
        &self,
        audiences: &[impl AsRef<str>],
        leeway: Duration,
        now: Timestamp,
    ) -> Result<(), Refusal> {
        if !self.is_for(audiences)? {
            return Err(Refusal::WrongAudience);
        }
        if now >= self.time("exp")?.plus(leeway) {
            return Err(Refusal::Expired);
        }
        for name in ["iat", "nbf"] {
            if self.time_if_given(name)?.is_some_and(|begins| begins > now.plus(leeway)) {
                return Err(Refusal::NotYetValid);
            }
        }
        if self.has("cnf") { Err(Refusal::BoundToKey) } else { Ok(()) }
    }

    fn is_for(&self, audiences: &[impl AsRef<str>]) -> Result<bool, Refusal> {
        let ours = |received: &str| audiences.iter().any(|own| own.as_ref() == received);
        match self.0.get("aud") {
            Some(Value::String(audience)) => Ok(ours(audience)),
            Some(Value::Array(several)) => {
                let several: Option<Vec<&str>> = several.iter().map(Value::as_str).collect();
                Ok(several.ok_or(Refusal::MalformedClaims)?.into_iter().any(ours))
            }
            _ => Err(Refusal::MalformedClaims),
        }
    }

    /// A string that names somebody.
    fn named(&self, name: &str) -> Result<&str, Refusal> {
        self.text(name).ok().filter(|text| !text.is_empty()).ok_or(Refusal::MalformedClaims)
    }

    /// RFC 9068 §2.2.3: a string. Others also write an array of names, or leave it out when there are none.
    fn scope(&self, name: &str, by_the_book: bool) -> Result<Scope, Refusal> {
        match self.0.get(name) {
            Some(Value::String(text)) => text.parse().map_err(|_| Refusal::MalformedClaims),
            Some(Value::Array(names)) if !by_the_book => names.iter().map(scope_name).collect(),
            None if !by_the_book => Ok(Scope::empty()),
            _ => Err(Refusal::MalformedClaims),
        }
    }

    fn time(&self, name: &str) -> Result<Timestamp, Refusal> {
        self.time_if_given(name)?.ok_or(Refusal::MalformedClaims)
    }

    /// `null` is not the same as absent.
    fn time_if_given(&self, name: &str) -> Result<Option<Timestamp>, Refusal> {
        let time = |value: &Value| value.as_i64().map(Timestamp::from_unix).ok_or(Refusal::MalformedClaims);
        self.0.get(name).map(time).transpose()
    }
}

/// One name, and not several in one string.
fn scope_name(value: &Value) -> Result<String, Refusal> {
    let name = value.as_str().filter(|name| !name.contains(' ')).ok_or(Refusal::MalformedClaims)?;
    let one = name.parse::<Scope>().is_ok_and(|scope| !scope.is_empty());
    if one { Ok(name.to_owned()) } else { Err(Refusal::MalformedClaims) }
}
