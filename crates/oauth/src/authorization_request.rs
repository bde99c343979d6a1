//! The authorization request: identify the client's redirect target, then validate everything else. RFC 6749 §4.1.1.
//! Called by the authorization endpoint, where a failure of [`identify`] is shown as a page and never redirected (§4.1.2.1),
//! and by the one that takes the same parameters in advance (RFC 9126 §2.1).

use serde::{Deserialize, Serialize};

use crate::client::{Client, ClientId, GrantType};
use crate::error::OAuthError;
use crate::grant::device_code::UserCode;
use crate::parameters::Parameters;
use crate::pkce::CodeChallenge;
use crate::prompt::SignIn;
use crate::redirect_uri::RedirectTarget;
use crate::resource::{self, Resource, ResourceId};
use crate::scope::Scope;
use crate::secret::HashedSecret;

/// The longest `state` taken, in bytes; it comes back in every answer.
pub const MAX_STATE_LENGTH: usize = 4096;

/// Every parameter that is read here: what is kept of a request that was pushed.
pub const PARAMETERS: [&str; 12] = [
    "redirect_uri",
    "state",
    "response_type",
    "response_mode",
    "code_challenge",
    "code_challenge_method",
    "resource",
    "scope",
    "prompt",
    "max_age",
    "login_hint",
    "ui_locales",
];

/// A request that passed every check.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuthorizationRequest {
    /// Who asks.
    pub client_id: ClientId,
    /// What is asked for, after unknown names were dropped.
    pub scope: Scope,
    /// The audience of the tokens to come.
    pub resource: ResourceId,
    /// How the person must sign in.
    #[serde(default)]
    pub sign_in: SignIn,
    /// Where the answer goes.
    #[serde(flatten)]
    pub answer_to: AnswerTo,
}

/// Where the answer goes: a device has no redirect URI, and a client that can be redirected to has no user code.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum AnswerTo {
    /// By the browser to a client: RFC 6749 §4.1.2.
    Client(ClientAnswer),
    /// To a device that asks for it at the token endpoint: RFC 8628 §3.3.
    Device(DeviceAnswer),
}

/// See [`AnswerTo::Client`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClientAnswer {
    /// Where the browser is sent.
    pub redirect_uri: RedirectTarget,
    /// What the client called itself when it asked: what the person reads is what they allow.
    #[serde(default)]
    pub client_name: Option<String>,
    /// Given back as it came.
    pub state: Option<String>,
    /// RFC 7636 §4.3.
    pub code_challenge: CodeChallenge,
    /// The pushed request that this one was read from (RFC 9126 §4), which is good for one code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pushed: Option<HashedSecret>,
}

/// See [`AnswerTo::Device`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeviceAnswer {
    /// The hash of its device code.
    pub device: HashedSecret,
    /// What it shows.
    pub user_code: UserCode,
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
    let sign_in = SignIn::from_request(parameters)?;
    Ok(AuthorizationRequest {
        client_id: client.id.clone(),
        scope,
        resource: resource.id.clone(),
        sign_in,
        answer_to: AnswerTo::Client(ClientAnswer {
            redirect_uri,
            client_name: client.name.clone(),
            state,
            code_challenge,
            pushed: None,
        }),
    })
}

/// RFC 6749 §3.3 lets the server grant less than asked: unknown names are dropped, because real clients ask for
/// `openid offline_access` everywhere; when none is left, the default of the resource stands. A client with a limit gets no
/// more than that in any case: what is left of the default, or else whatever the limit leaves of the resource.
pub(crate) fn requested_scope(
    requested: Option<&str>,
    resource: &Resource,
    client: &Client,
) -> Result<Scope, OAuthError> {
    let requested = Scope::parse_lenient(requested.unwrap_or_default());
    let possible = client.limited(&resource.known_scope());
    let candidates = [requested.intersection(&possible), client.limited(&resource.default_scope), possible];
    candidates.into_iter().find(|scope| !scope.is_empty()).ok_or_else(OAuthError::scope_not_permitted)
}

impl AuthorizationRequest {
    /// The same request under the limits its client has by now, which may have changed since it was asked; `None` when
    /// nothing is left that may be granted, the answer may not go there any more, or the client has another name.
    pub fn under_limits_of(&self, client: &Client) -> Option<Self> {
        let grant_type = match &self.answer_to {
            AnswerTo::Client(answer) => {
                RedirectTarget::of_client(&client.redirect_uris, Some(answer.redirect_uri.as_str())).ok()?;
                if answer.client_name != client.name {
                    return None;
                }
                GrantType::AuthorizationCode
            }
            AnswerTo::Device(_) => GrantType::DeviceCode,
        };
        let scope = client.limited(&self.scope);
        let permitted = client.may_use(grant_type) && client.may_access(&self.resource);
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
        let define = |name: &str| ScopeDefinition::new(name, name);
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
        let AnswerTo::Client(answer) = &request.answer_to else { panic!("{request:?}") };
        assert_eq!(answer.state.as_deref(), Some("s &"));
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
            scopes: vec![ScopeDefinition::new("c", "C")],
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
        assert_eq!(kept(&Client { name: Some("Bank".into()), ..client(&["https://client.example/cb"]) }), None);
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
            ("scope=", "prompt=none&scope=", Code::InteractionRequired),
            ("scope=", "max_age=x&scope=", Code::InvalidRequest),
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

    #[test]
    fn what_an_earlier_release_stored_is_still_read_and_each_answer_has_its_own_place() {
        let stored = r#"{"client_id":"c","redirect_uri":"https://client.example/cb","state":null,"scope":"a",
            "resource":"https://h.example/mcp","code_challenge":"E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"}"#;
        let request: AuthorizationRequest = serde_json::from_str(stored).expect("readable");
        assert!(matches!(&request.answer_to, AnswerTo::Client(answer) if answer.pushed.is_none()));
        assert_eq!(request.sign_in, SignIn::default());

        let pushed = HashedSecret::from_bytes([7; 32]);
        let AnswerTo::Client(answer) = request.answer_to.clone() else { panic!("{request:?}") };
        let to_client = AnswerTo::Client(ClientAnswer { pushed: Some(pushed), ..answer });
        let user_code = UserCode::parse("BCDF-GHJK").expect("a user code");
        let to_device = AnswerTo::Device(DeviceAnswer { device: pushed, user_code });
        for answer_to in [to_client, to_device] {
            let request = AuthorizationRequest { answer_to, ..request.clone() };
            let text = serde_json::to_string(&request).expect("JSON");
            assert_eq!(serde_json::from_str::<AuthorizationRequest>(&text).expect("readable"), request);
        }
    }
}
