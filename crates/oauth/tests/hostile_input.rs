//! Inputs that nobody would write, made by breaking good ones: no parser panics, every refusal is one of the protocol, and what
//! is accepted keeps its promise. The same sequence at every run; `cargo verify --long` tries ten million.

use gatelodge_e2e::scale::{report, scale};
use gatelodge_oauth::access_token::{Expectation, VerifyingKeys, verify};
use gatelodge_oauth::authorization_request::{check_without_client, identify, validate};
use gatelodge_oauth::client::{Client, ClientId, Registration};
use gatelodge_oauth::client_authentication::ClientCredentials;
use gatelodge_oauth::client_id_metadata_document::DocumentUrl;
use gatelodge_oauth::client_keys::ClientKeySet;
use gatelodge_oauth::error::{Code, OAuthError};
use gatelodge_oauth::parameters::Parameters;
use gatelodge_oauth::redirect_uri;
use gatelodge_oauth::resource::{Resource, ResourceId, ScopeDefinition};
use gatelodge_oauth::secret::{Kind, Secret};
use gatelodge_oauth::time::Timestamp;
use url::{Host, Url};

const GOOD: [&str; 7] = [
    "response_type=code&client_id=c&redirect_uri=http%3A%2F%2F127.0.0.1%3A1%2Fcb&state=s%20%26&code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM&code_challenge_method=S256&scope=a+b&resource=https://h.example/mcp",
    "grant_type=authorization_code&client_id=c&code=gatelodge_code_0&redirect_uri=http%3A%2F%2F127.0.0.1%2Fcb&code_verifier=dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk",
    "grant_type=refresh_token&refresh_token=gatelodge_rt_0&client_id=c&client_secret=x&scope=a",
    "client_assertion_type=urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer&client_assertion=eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJjIiwic3ViIjoiYyIsImF1ZCI6ImgiLCJleHAiOjEsImp0aSI6ImoifQ.AAAA&grant_type=client_credentials",
    "https://client.example/oauth/client.json",
    r#"{"keys":[{"kty":"EC","crv":"P-256","kid":"k","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}]}"#,
    "http://127.0.0.1:33418/callback?x=1",
];

/// What is put into them.
const PIECES: [&str; 30] = [
    "%",
    "%00",
    "%ff",
    "%2e%2e",
    "&",
    "=",
    "+",
    ";",
    "/",
    "\\",
    "@",
    ":",
    "#",
    "?",
    "..",
    "\0",
    "\r\n",
    "é",
    "\u{202e}",
    "client_id=c",
    "resource=",
    "scope=%22",
    "127.0.0.1",
    "localhost",
    "[::1]",
    "0x7f.1",
    ":65536",
    "Basic YTpi",
    "{",
    "\"",
];

/// The constants of Knuth's MMIX.
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).expect("31 bits") % limit.max(1)
    }

    /// A good input with a few bytes changed, removed, doubled or replaced by something odd.
    fn broken(&mut self, good: &str) -> Vec<u8> {
        let mut bytes = good.as_bytes().to_vec();
        for _ in 0..=self.below(4) {
            let at = self.below(bytes.len());
            match self.below(5) {
                0 if !bytes.is_empty() => bytes[at] = u8::try_from(self.below(256)).expect("a byte"),
                1 => bytes.truncate(at),
                2 => {
                    let tail = bytes[at..].to_vec();
                    bytes.extend_from_slice(&tail);
                    bytes.truncate(4_096);
                }
                3 if !bytes.is_empty() => drop(bytes.remove(at)),
                _ => {
                    let piece = PIECES[self.below(PIECES.len())];
                    bytes.splice(at..at, piece.bytes());
                }
            }
        }
        bytes
    }
}

fn client() -> Client {
    Client {
        redirect_uris: vec!["http://127.0.0.1/cb".to_owned(), "https://client.example/cb".to_owned()],
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

/// A refusal of a request that its sender broke is never called a fault of ours, and can be sent as it is (RFC 6749 §5.2).
fn is_fair<T>(outcome: Result<T, OAuthError>, input: &[u8]) -> Option<T> {
    outcome
        .inspect_err(|refusal| {
            let shown = String::from_utf8_lossy(input);
            assert_ne!(refusal.code, Code::TemporarilyUnavailable, "{shown}");
            let sendable = |b: u8| matches!(b, 0x20..=0x21 | 0x23..=0x5B | 0x5D..=0x7E);
            assert!(refusal.description.bytes().all(sendable), "{:?} for {shown}", refusal.description);
        })
        .ok()
}

/// Proves RFC 6749 §5.2: whatever a request holds, it is answered as the protocol says.
#[test]
fn no_input_leads_to_anything_but_an_answer_of_the_protocol() {
    let (client, resources) = (client(), resources());
    let expectation = Expectation {
        issuer: "https://h.example".into(),
        audience: resources[0].id.clone(),
        leeway: std::time::Duration::from_secs(30),
    };
    let keys = VerifyingKeys::from_jwks(GOOD[5].as_bytes()).expect("a set");
    let mut dice = Dice(1);
    let (tries, mut accepted) = (scale(100_000, 10_000_000), 0);
    for _ in 0..tries {
        let good = GOOD[dice.below(GOOD.len())];
        let input = dice.broken(good);
        let text = String::from_utf8_lossy(&input);
        if let Some(parameters) = is_fair(Parameters::parse(&input), &input) {
            let _ = is_fair(ClientCredentials::from_request(None, &parameters), &input);
            let _ = is_fair(ClientCredentials::from_request(Some(&input), &parameters), &input);
            let _ = is_fair(check_without_client(&parameters), &input);
            if let Some(target) = is_fair(identify(&parameters, &client), &input) {
                accepted += usize::from(is_fair(validate(&parameters, &client, target, &resources), &input).is_some());
            }
        }
        let _ = is_fair(DocumentUrl::parse(&ClientId::new(text.clone())), &input);
        let _ = ClientKeySet::parse(&input);
        let _ = Secret::parse(Kind::RefreshToken, &text);
        assert!(verify(&text, &keys, &expectation, Timestamp::from_unix(1)).is_err(), "nobody signed {text}");
    }
    assert!(accepted > 0, "some inputs must stay good enough to get far");
    report("hostile_input", format!("{tries} broken inputs, {accepted} of them good requests all the same"));
}

/// Proves RFC 8252 §8.3: a redirect URI that differs from the registered one goes to a loopback address of the same name.
#[test]
fn what_matches_a_registered_uri_without_being_it_is_loopback() {
    let registered =
        ["http://127.0.0.1/cb", "http://localhost:33418/", "http://[::1]:1/a?b", "https://client.example/cb"];
    let mut dice = Dice(2);
    let (tries, mut matched) = (scale(100_000, 10_000_000), 0);
    for _ in 0..tries {
        let registered = registered[dice.below(registered.len())];
        let input = dice.broken(registered);
        let Ok(requested) = String::from_utf8(input) else { continue };
        if requested == registered || !redirect_uri::matches(registered, &requested) {
            continue;
        }
        matched += 1;
        let (one, other) = (Url::parse(registered).expect("a URI"), Url::parse(&requested).expect("a URI"));
        let loopback = match other.host() {
            Some(Host::Domain(name)) => name == "localhost",
            Some(Host::Ipv4(ip)) => ip.is_loopback(),
            Some(Host::Ipv6(ip)) => ip.is_loopback(),
            None => false,
        };
        assert!(loopback && one.host() == other.host() && other.scheme() == "http", "{registered} {requested}");
        assert_eq!((one.path(), one.query()), (other.path(), other.query()), "{registered} {requested}");
        assert!(other.username().is_empty() && other.fragment().is_none(), "{requested}");
    }
    assert!(matched > 0, "other ports must be among them");
    report("hostile_input", format!("{tries} broken redirect URIs, {matched} of them the same with another port"));
}
