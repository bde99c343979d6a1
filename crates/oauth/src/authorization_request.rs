//! The authorization request: identify the client's redirect target, then validate everything else. RFC 6749 §4.1.1.
//! Called by the authorization endpoint; a failure of [`identify`] is shown as a page and never redirected (§4.1.2.1).

use serde::{Deserialize, Serialize};

use crate::client::{Client, ClientId, GrantType};
use crate::error::OAuthError;
use crate::parameters::Parameters;
use crate::pkce::CodeChallenge;
use crate::redirect_uri::RedirectTarget;
use crate::resource::{self, Resource, ResourceId};
use crate::scope::Scope;

/// The longest `state` taken, in bytes; it comes back in every answer.
pub const MAX_STATE_LENGTH: usize = 4096;

/// A request that passed every check.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuthorizationRequest {
    /// Who asks.
    pub client_id: ClientId,
    /// Where the answer goes.
    pub redirect_uri: RedirectTarget,
    /// Given back as it came.
    pub state: Option<String>,
    /// What is asked for, after unknown names were dropped.
    pub scope: Scope,
    /// The audience of the tokens to come.
    pub resource: ResourceId,
    /// RFC 7636 §4.3.
    pub code_challenge: CodeChallenge,
}

/// Steps one and two of RFC 6749 §4.1.2.1: the redirect target, or an error for the resource owner's eyes only.
pub fn identify(parameters: &Parameters, client: &Client) -> Result<RedirectTarget, OAuthError> {
    RedirectTarget::of_client(&client.redirect_uris, parameters.optional("redirect_uri")?)
}

/// `state` for error answers: given back whenever it can be (RFC 6749 §4.1.2.1).
pub fn state(parameters: &Parameters) -> Result<Option<String>, OAuthError> {
    match parameters.optional("state")? {
        Some(state) if state.len() > MAX_STATE_LENGTH => Err(OAuthError::parameter_too_long("state", MAX_STATE_LENGTH)),
        state => Ok(state.map(str::to_owned)),
    }
}

/// What can be said of a request before its client is known: nothing is fetched for one that could not be granted anyway.
pub fn check_without_client(parameters: &Parameters) -> Result<(), OAuthError> {
    parameters.optional("redirect_uri")?;
    state(parameters)?;
    if parameters.required("response_type")? != "code" {
        return Err(OAuthError::response_type_unsupported());
    }
    let challenge = parameters.optional("code_challenge")?;
    CodeChallenge::from_request(challenge, parameters.optional("code_challenge_method")?).map(drop)
}

/// RFC 6749 §4.1.1 in the order the checks must run; every error may be redirected to the target.
pub fn validate(
    parameters: &Parameters,
    client: &Client,
    redirect_uri: RedirectTarget,
    resources: &[Resource],
) -> Result<AuthorizationRequest, OAuthError> {
    let state = state(parameters)?;
    if parameters.required("response_type")? != "code" {
        return Err(OAuthError::response_type_unsupported());
    }
    if parameters.optional("response_mode")?.is_some_and(|mode| mode != "query") {
        return Err(OAuthError::response_mode_unsupported());
    }
    if !client.may_use(GrantType::AuthorizationCode) {
        return Err(OAuthError::grant_type_not_registered());
    }
    let code_challenge = CodeChallenge::from_request(
        parameters.optional("code_challenge")?,
        parameters.optional("code_challenge_method")?,
    )?;
    let resource = resource::select(resources, client, &parameters.every("resource"))?;
    let scope = requested_scope(parameters.optional("scope")?, resource, client)?;
    Ok(AuthorizationRequest {
        client_id: client.id.clone(),
        redirect_uri,
        state,
        scope,
        resource: resource.id.clone(),
        code_challenge,
    })
}

/// RFC 6749 §3.3 lets the server grant less than asked: unknown names are dropped, because real clients ask for
/// `openid offline_access` everywhere; when none is left, the default of the resource stands. A client with a limit gets no
/// more than that in any case: what is left of the default, or else whatever the limit leaves of the resource.
fn requested_scope(requested: Option<&str>, resource: &Resource, client: &Client) -> Result<Scope, OAuthError> {
    let requested = Scope::parse_lenient(requested.unwrap_or_default());
    let possible = client.limited(&resource.known_scope());
    let candidates = [requested.intersection(&possible), client.limited(&resource.default_scope), possible];
    candidates.into_iter().find(|scope| !scope.is_empty()).ok_or_else(OAuthError::scope_not_permitted)
}

impl AuthorizationRequest {
    /// The same request under the limits its client has by now, which may have changed since it was asked; `None` when
    /// nothing is left that may be granted, or the answer may not go there any more.
    pub fn under_limits_of(&self, client: &Client) -> Option<Self> {
        RedirectTarget::of_client(&client.redirect_uris, Some(self.redirect_uri.as_str())).ok()?;
        let scope = client.limited(&self.scope);
        let permitted = client.may_use(GrantType::AuthorizationCode) && client.may_access(&self.resource);
        (permitted && !scope.is_empty()).then(|| Self { scope, ..self.clone() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::Registration;
    use crate::error::Code;
    use crate::resource::ScopeDefinition;
    use crate::time::Timestamp;

    const GOOD: &str = "response_type=code&client_id=c&redirect_uri=https%3A%2F%2Fclient.example%2Fcb&state=s%20%26\
        &code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM&code_challenge_method=S256&scope=a+offline_access&resource=https://h.example/mcp";

    fn client(redirect_uris: &[&str]) -> Client {
        Client {
            redirect_uris: redirect_uris.iter().map(|uri| (*uri).to_owned()).collect(),
            ..Client::new(ClientId::new("c"), Registration::Dynamic, Timestamp::from_unix(0))
        }
    }

    fn resources() -> Vec<Resource> {
        let define = |name: &str| ScopeDefinition { name: name.into(), title: name.into() };
        vec![Resource {
            id: ResourceId::from_config("https://h.example/mcp").expect("a resource"),
            name: "H".into(),
            scopes: vec![define("a"), define("b")],
            default_scope: "b".parse().expect("a scope"),
        }]
    }

    fn check(query: &str) -> Result<AuthorizationRequest, OAuthError> {
        let parameters = Parameters::parse(query.as_bytes())?;
        let client = client(&["https://client.example/cb"]);
        let target = identify(&parameters, &client)?;
        validate(&parameters, &client, target, &resources())
    }

    #[test]
    fn a_good_request_passes_with_unknown_scopes_dropped() {
        let request = check(GOOD).expect("good");
        assert_eq!(request.state.as_deref(), Some("s &"));
        assert_eq!(request.scope.to_string(), "a");
        assert_eq!(request.resource.as_str(), "https://h.example/mcp");
    }

    #[test]
    fn the_default_scope_stands_when_none_is_known() {
        for scope in ["", "openid profile", "x \"", "A"] {
            let request = check(&GOOD.replace("a+offline_access", scope)).expect("good");
            assert_eq!(request.scope.to_string(), "b", "{scope}");
        }
    }

    #[test]
    fn a_client_with_limits_is_held_to_them_when_it_asks_and_when_it_is_allowed() {
        let elsewhere = Resource {
            id: ResourceId::from_config("https://h.example/other").expect("a resource"),
            name: "Other".into(),
            scopes: vec![ScopeDefinition { name: "c".into(), title: "C".into() }],
            default_scope: "c".parse().expect("a scope"),
        };
        let both = [resources(), vec![elsewhere]].concat();
        let limited = |scope: &str, resource: &Resource| Client {
            scope: Some(scope.parse().expect("a scope")),
            resources: Some(vec![resource.id.clone()]),
            ..client(&["https://client.example/cb"])
        };
        let ask = |client: &Client, query: &str| {
            let parameters = Parameters::parse(query.as_bytes()).expect("parameters");
            validate(&parameters, client, identify(&parameters, client).expect("a target"), &both)
        };
        let with_scope = |scope: &str| GOOD.replace("a+offline_access", scope);
        let first = limited("b", &both[0]);
        for scope in ["a", "a+b", "", "b"] {
            assert_eq!(ask(&first, &with_scope(scope)).expect(scope).scope.to_string(), "b", "{scope}");
        }
        let only_a = limited("a", &both[0]);
        assert_eq!(ask(&only_a, &with_scope("a")).expect("permitted").scope.to_string(), "a");
        assert_eq!(ask(&only_a, &with_scope("b")).expect("what it may have").scope.to_string(), "a");
        let nothing = ask(&limited("c", &both[0]), &with_scope("b")).expect_err("nothing is left");
        assert_eq!(nothing.code, Code::InvalidScope);
        let second = limited("c", &both[1]);
        assert_eq!(ask(&second, GOOD).expect_err("not its resource").code, Code::InvalidTarget);
        let unnamed = with_scope("c").replace("&resource=https://h.example/mcp", "");
        assert_eq!(ask(&second, &unnamed).expect("its only one").resource, both[1].id);
        assert_eq!(ask(&client(&["https://client.example/cb"]), &unnamed).expect_err("two").code, Code::InvalidTarget);

        let asked = check(&with_scope("a+b")).expect("good");
        let kept = |client: &Client| asked.under_limits_of(client).map(|request| request.scope.to_string());
        assert_eq!(kept(&client(&["https://client.example/cb"])).as_deref(), Some("a b"));
        assert_eq!(kept(&first).as_deref(), Some("b"));
        assert_eq!(kept(&second), None);
        assert_eq!(kept(&limited("c", &both[0])), None);
        assert_eq!(kept(&client(&["https://client.example/other"])), None);
        assert_eq!(kept(&Client { grant_types: vec![], ..client(&["https://client.example/cb"]) }), None);
    }

    #[test]
    fn every_broken_parameter_has_its_error() {
        for (from, to, code) in [
            ("response_type=code&", "", Code::InvalidRequest),
            ("response_type=code", "response_type=token", Code::UnsupportedResponseType),
            ("response_type=code", "response_type=code&response_type=code", Code::InvalidRequest),
            ("state=", "response_mode=fragment&state=", Code::InvalidRequest),
            ("state=", "state=x&state=", Code::InvalidRequest),
            ("S256", "plain", Code::InvalidRequest),
            ("&code_challenge_method=S256", "", Code::InvalidRequest),
            ("code_challenge=", "ignored=", Code::InvalidRequest),
            ("code_challenge=", "code_challenge=x&code_challenge=", Code::InvalidRequest),
            ("scope=", "scope=a&scope=", Code::InvalidRequest),
            ("h.example", "other.example", Code::InvalidTarget),
        ] {
            assert!(GOOD.contains(from));
            assert_eq!(check(&GOOD.replacen(from, to, 1)).expect_err(to).code, code, "{from} -> {to}");
        }
        let long_state = |length: usize| GOOD.replace("s%20%26", &"x".repeat(length));
        assert!(check(&long_state(MAX_STATE_LENGTH)).is_ok());
        assert!(check(&long_state(MAX_STATE_LENGTH + 1)).is_err());
    }

    #[test]
    fn a_redirect_uri_may_be_left_out_only_when_one_is_registered() {
        let parameters = Parameters::parse(b"client_id=c").expect("parameters");
        assert!(identify(&parameters, &client(&["https://client.example/cb"])).is_ok());
        assert!(identify(&parameters, &client(&["https://client.example/cb", "https://client.example/2"])).is_err());
        assert!(identify(&parameters, &client(&[])).is_err());
    }
}
