//! What a resource server is told about a token: RFC 7662 §2.2.

use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

use crate::client::ClientId;
use crate::resource::ResourceId;
use crate::scope::Scope;
use crate::time::Timestamp;

/// The answer. [`Introspection::Inactive`] says nothing else, whatever the reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Introspection {
    /// Unknown, expired, revoked, or not for the one who asks.
    Inactive,
    /// As good as it looks.
    Active(Box<ActiveToken>),
}

/// What is said about a token. Members that do not apply are left out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ActiveToken {
    /// The authorization server.
    pub iss: String,
    /// Who consented, or the client that acts for itself.
    pub sub: String,
    /// The name that the person signs in with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub username: Option<String>,
    /// The one resource it is for.
    pub aud: ResourceId,
    /// Who holds it.
    pub client_id: ClientId,
    /// What it allows.
    pub scope: Scope,
    /// `Bearer`, for access tokens.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token_type: Option<&'static str>,
    /// When it was made.
    pub iat: Timestamp,
    /// When it ends.
    pub exp: Timestamp,
    /// The name of an access token.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub jti: Option<String>,
}

impl Serialize for Introspection {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Active<'a> {
            active: bool,
            #[serde(flatten)]
            token: &'a ActiveToken,
        }
        match self {
            Introspection::Active(token) => Active { active: true, token }.serialize(serializer),
            Introspection::Inactive => {
                let mut members = serializer.serialize_map(Some(1))?;
                members.serialize_entry("active", &false)?;
                members.end()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn an_inactive_token_has_one_member_and_an_active_one_no_null() {
        let inactive = serde_json::to_string(&Introspection::Inactive).expect("JSON");
        assert_eq!(inactive, r#"{"active":false}"#);
        let token = ActiveToken {
            iss: "https://h.example".into(),
            sub: "user_1".into(),
            username: None,
            aud: ResourceId::from_config("https://h.example/mcp").expect("a resource"),
            client_id: ClientId::new("c"),
            scope: "a b".parse().expect("a scope"),
            token_type: None,
            iat: Timestamp::from_unix(1),
            exp: Timestamp::from_unix(2),
            jti: None,
        };
        let active = serde_json::to_value(Introspection::Active(Box::new(token))).expect("JSON");
        let expected = json!({"active": true, "iss": "https://h.example", "sub": "user_1", "aud": "https://h.example/mcp",
            "client_id": "c", "scope": "a b", "iat": 1, "exp": 2});
        assert_eq!(active, expected);
    }
}
