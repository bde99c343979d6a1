//! Who a verified ID token is about (OpenID Connect Core 1.0 §5.1), as far as this server wants to know. Pure.

use serde_json::{Map, Value};

use crate::login::upstream_config::ProviderConfig;

/// At Google an account can be made with any address, which is then verified once; only for its own domains and for those
/// of a Workspace (claim `hd`) it knows that the account still belongs to whoever has the address.
const GOOGLE: &str = "https://accounts.google.com";

/// A person at a provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// `sub`: with the issuer, the only name that stays theirs (§5.7).
    pub subject: String,
    /// `email`, if the provider vouches for it.
    pub verified_address: Option<String>,
    /// Their groups.
    pub groups: Vec<String>,
    /// What a new user is called.
    pub username: Option<String>,
}

impl Person {
    /// Reads verified claims.
    pub fn new(subject: String, claims: &Map<String, Value>, provider: &ProviderConfig) -> Self {
        let verified_address = verified_address(claims, &provider.issuer).map(str::to_owned);
        let username = match provider.username_claim.as_deref() {
            Some("email") => verified_address.clone(),
            Some(name) => text(claims, name).map(str::to_owned),
            None => verified_address.clone().or_else(|| text(claims, "preferred_username").map(str::to_owned)),
        };
        let groups = match claims.get(&provider.groups_claim) {
            Some(Value::Array(groups)) => groups.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
            Some(Value::String(group)) => vec![group.clone()],
            _ => Vec::new(),
        };
        Self { subject, verified_address, groups, username }
    }
}

fn verified_address<'c>(claims: &'c Map<String, Value>, issuer: &str) -> Option<&'c str> {
    let address = text(claims, "email").filter(|_| claims.get("email_verified") == Some(&Value::Bool(true)))?;
    let may_have_left = issuer == GOOGLE
        && !address.to_ascii_lowercase().ends_with("@gmail.com")
        && text(claims, "hd").is_none_or(str::is_empty);
    (!may_have_left).then_some(address)
}

fn text<'c>(claims: &'c Map<String, Value>, name: &str) -> Option<&'c str> {
    claims.get(name).and_then(Value::as_str)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::login::upstream::allow::Allow;
    use serde_json::json;

    fn provider(issuer: &str) -> ProviderConfig {
        ProviderConfig {
            id: "p".into(),
            name: "P".into(),
            issuer: issuer.into(),
            client_id: "gatelodge".into(),
            client_secret: None,
            scopes: vec!["openid".into()],
            allow: Allow::Everybody,
            groups_claim: "groups".into(),
            username_claim: None,
            create_users: true,
            prompt: None,
        }
    }

    fn read(provider: &ProviderConfig, claims: Value) -> Person {
        Person::new("1".into(), claims.as_object().expect("an object"), provider)
    }

    #[test]
    fn an_address_counts_when_it_is_verified() {
        let provider = provider("https://idp.example");
        for (verified, counts) in [
            (json!(true), true),
            (json!(false), false),
            (json!("true"), false),
            (json!(1), false),
            (json!(null), false),
        ] {
            let person = read(&provider, json!({ "email": "ada@example.com", "email_verified": verified }));
            assert_eq!(person.verified_address.is_some(), counts, "{verified}");
        }
        assert_eq!(read(&provider, json!({ "email": "ada@example.com" })).verified_address, None);
        assert_eq!(
            read(&provider, json!({ "email": ["ada@example.com"], "email_verified": true })).verified_address,
            None
        );
    }

    #[test]
    fn google_vouches_for_its_own_addresses_and_those_of_a_workspace() {
        let google = provider(GOOGLE);
        for (claims, counts) in [
            (json!({ "email": "ada@gmail.com" }), true),
            (json!({ "email": "ada@example.com", "hd": "example.com" }), true),
            (json!({ "email": "ada@example.com" }), false),
            (json!({ "email": "ada@example.com", "hd": "" }), false),
            (json!({ "email": "ada@evilgmail.com" }), false),
        ] {
            let mut claims = claims;
            claims["email_verified"] = json!(true);
            assert_eq!(read(&google, claims.clone()).verified_address.is_some(), counts, "{claims}");
        }
    }

    #[test]
    fn a_new_user_is_called_by_the_address_or_the_name_or_the_chosen_claim() {
        let mut provider = provider("https://idp.example");
        let all =
            json!({ "email": "ada@example.com", "email_verified": true, "preferred_username": "ada", "nick": "al" });
        assert_eq!(read(&provider, all.clone()).username.as_deref(), Some("ada@example.com"));
        let unverified = json!({ "email": "ada@example.com", "preferred_username": "ada" });
        assert_eq!(read(&provider, unverified.clone()).username.as_deref(), Some("ada"));
        provider.username_claim = Some("nick".into());
        assert_eq!(read(&provider, all).username.as_deref(), Some("al"));
        provider.username_claim = Some("email".into());
        assert_eq!(read(&provider, unverified).username, None);
    }

    #[test]
    fn groups_are_texts_in_a_list_or_one_text() {
        let mut provider = provider("https://idp.example");
        let groups = |provider: &ProviderConfig, claims| read(provider, claims).groups;
        assert_eq!(groups(&provider, json!({ "groups": ["a", 1, null, "b c"] })), ["a", "b c"]);
        assert_eq!(groups(&provider, json!({ "groups": "a b" })), ["a b"]);
        assert!(groups(&provider, json!({ "groups": { "a": true } })).is_empty());
        provider.groups_claim = "roles".into();
        assert_eq!(groups(&provider, json!({ "groups": ["a"], "roles": ["b"] })), ["b"]);
    }
}
