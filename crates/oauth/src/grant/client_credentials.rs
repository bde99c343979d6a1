//! The client credentials grant: may this client have a token of its own, for what? RFC 6749 §4.4.
//! Pure; the token endpoint calls it inside the transaction that then writes the grant.

use crate::client::{Client, Registration, TokenEndpointAuthMethod};
use crate::error::OAuthError;
use crate::resource::{self, Resource, ResourceId};
use crate::scope::Scope;

/// The token request of RFC 6749 §4.4.2.
#[derive(Debug)]
pub struct ClientCredentialsRequest<'a> {
    /// RFC 6749 §3.3.
    pub scope: Option<&'a str>,
    /// RFC 8707 §2.
    pub resource: &'a [String],
}

/// Nobody consents here, so the client must be one that the operator knows, and must have proven itself (RFC 6749 §4.4). It
/// gets what it asks for within its limits, or what the resource gives to everybody.
pub fn allow(
    request: &ClientCredentialsRequest<'_>,
    client: &Client,
    method: TokenEndpointAuthMethod,
    resources: &[Resource],
) -> Result<(ResourceId, Scope), OAuthError> {
    if client.registration != Registration::Configured || method == TokenEndpointAuthMethod::None {
        return Err(OAuthError::client_may_not_act_for_itself());
    }
    let resource = resource::select(resources, client, request.resource)?;
    Ok((resource.id.clone(), scope(request.scope, client, resource)?))
}

/// As in an authorization request: what the resource does not know, or the client may not have, is dropped.
fn scope(requested: Option<&str>, client: &Client, resource: &Resource) -> Result<Scope, OAuthError> {
    let known = Scope::parse_lenient(requested.unwrap_or_default()).intersection(&resource.known_scope());
    let granted = client.limited(if known.is_empty() { &resource.default_scope } else { &known });
    if granted.is_empty() { Err(OAuthError::scope_not_permitted()) } else { Ok(granted) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::ClientId;
    use crate::error::Code;
    use crate::resource::ScopeDefinition;
    use crate::time::Timestamp;

    const BASIC: TokenEndpointAuthMethod = TokenEndpointAuthMethod::ClientSecretBasic;

    fn resource(path: &str) -> Resource {
        let define = |name: &str| ScopeDefinition::new(name, name);
        Resource {
            id: ResourceId::from_config(&format!("https://h.example/{path}")).expect("a resource"),
            name: path.into(),
            scopes: vec![define("use"), define("write"), define(path)],
            default_scope: "use".parse().expect("a scope"),
        }
    }

    fn client(registration: Registration) -> Client {
        Client::new(ClientId::new("c"), registration, Timestamp::from_unix(0))
    }

    fn ask(client: &Client, scope: Option<&str>, resource_parameters: &[&str]) -> Result<(String, String), Code> {
        let resources = [resource("a"), resource("b")];
        let indicators: Vec<String> = resource_parameters.iter().map(|text| (*text).to_owned()).collect();
        let request = ClientCredentialsRequest { scope, resource: &indicators };
        let allowed = allow(&request, client, BASIC, &resources).map_err(|refusal| refusal.code)?;
        Ok((allowed.0.to_string(), allowed.1.to_string()))
    }

    #[test]
    fn only_a_client_of_the_operator_that_proved_itself_acts_for_itself() {
        let resources = [resource("a")];
        let request = ClientCredentialsRequest { scope: None, resource: &[] };
        for registration in Registration::ALL {
            for method in TokenEndpointAuthMethod::ALL {
                let outcome =
                    allow(&request, &client(registration), method, &resources).map_err(|refusal| refusal.code);
                let expected = registration == Registration::Configured && method != TokenEndpointAuthMethod::None;
                assert_eq!(outcome.is_ok(), expected, "{registration:?} {method:?}");
                assert!(expected || outcome == Err(Code::UnauthorizedClient));
            }
        }
    }

    #[test]
    fn scope_and_resource_stay_within_the_limits_of_the_client() {
        let free = client(Registration::Configured);
        let (a, b) = ("https://h.example/a", "https://h.example/b");
        let got = |resource: &str, scope: &str| Ok((resource.to_owned(), scope.to_owned()));
        assert_eq!(ask(&free, None, &[a]), got(a, "use"));
        assert_eq!(ask(&free, Some("write use unknown"), &[b]), got(b, "write use"));
        assert_eq!(ask(&free, Some("unknown \""), &[a]), got(a, "use"));
        assert_eq!(ask(&free, None, &[]), Err(Code::InvalidTarget));
        assert_eq!(ask(&free, None, &[a, b]), Err(Code::InvalidTarget));
        assert_eq!(ask(&free, None, &["https://h.example/c"]), Err(Code::InvalidTarget));

        let limited = Client {
            resources: Some(vec![resource("b").id]),
            scope: Some("use b".parse().expect("a scope")),
            ..free.clone()
        };
        assert_eq!(ask(&limited, None, &[]), got(b, "use"), "the only one it may have");
        assert_eq!(ask(&limited, Some("b"), &[b]), got(b, "b"));
        assert_eq!(ask(&limited, None, &[a]), Err(Code::InvalidTarget));
        assert_eq!(ask(&limited, Some("use write"), &[b]), got(b, "use"));
        assert_eq!(ask(&limited, Some("write"), &[b]), Err(Code::InvalidScope));

        let elsewhere = Client { scope: Some("b".parse().expect("a scope")), ..free.clone() };
        assert_eq!(ask(&elsewhere, None, &[a]), Err(Code::InvalidScope), "the default is beyond its limit");
        let nowhere = Client { resources: Some(Vec::new()), ..free };
        assert_eq!(ask(&nowhere, None, &[]), Err(Code::InvalidTarget));
    }
}
