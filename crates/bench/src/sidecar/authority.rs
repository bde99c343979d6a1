//! The authorization server as both proxies know it: one ES256 key, access tokens with the claims of ours (RFC 9068), the published
//! key (RFC 7517), and a status list in which nothing is revoked.

use std::path::Path;
use std::time::Duration;

use base64::Engine as _;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
use gatelodge_oauth::access_token::{Claims, SigningAlgorithm, SigningKey, Status, StatusReference, jwks};
use gatelodge_oauth::client::ClientId;
use gatelodge_oauth::resource::ResourceId;
use gatelodge_oauth::status_list::{self, PackedList, StatusList, StatusListClaims};
use gatelodge_service::clock::Clock;

pub const ISSUER: &str = "https://mcp.example.com";
pub const AUDIENCE: &str = "https://mcp.example.com/mcp";
const STATUS_LIST: &str = "https://mcp.example.com/status-list";
/// How many grants the status list has room for.
const GRANTS: u64 = 100_000;
/// RFC 5480 §2: what comes before the point of a key on P-256.
const P256_KEY: [u8; 27] = [
    0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce,
    0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00, 0x04,
];

pub struct Authority(SigningKey);

impl Authority {
    pub fn new() -> Self {
        let pkcs8 = SigningKey::generate(SigningAlgorithm::Es256).expect("a key");
        Self(SigningKey::from_pkcs8(SigningAlgorithm::Es256, &pkcs8).expect("a key"))
    }

    /// A good token; another one for each number.
    pub fn token(&self, number: u64) -> String {
        let now = Clock::system().now();
        let claims = Claims {
            iss: ISSUER.into(),
            sub: format!("user_0193a5c2f6e87d41b0{number:012x}"),
            aud: ResourceId::from_config(AUDIENCE).expect("a resource"),
            client_id: ClientId::new("client_0193a5c2f6e87d41b08c9e2f4a6d1b37"),
            scope: "mcp:use tickets:read tickets:write".parse().expect("a scope"),
            iat: now,
            exp: now.plus(Duration::from_secs(3_600)),
            jti: format!("token_0193a5c2f6e87d41b0{number:012x}"),
            status: Some(Status { status_list: StatusReference { idx: number % GRANTS, uri: STATUS_LIST.into() } }),
        };
        self.0.sign(&claims).expect("a token")
    }

    pub fn jwks(&self) -> String {
        serde_json::to_string(&jwks([&self.0])).expect("JSON")
    }

    pub fn status_list(&self) -> String {
        let list = PackedList { bits: 1, lst: StatusList::new(GRANTS, []).compressed() };
        let iat = Clock::system().now();
        let claims = StatusListClaims { sub: STATUS_LIST.into(), iat, exp: None, ttl: None, status_list: list };
        status_list::sign(&claims, &self.0).expect("a list")
    }

    /// Writes the public key as PEM (RFC 7468 §13), for programs that read no JWKS.
    pub fn write_public_key(&self, file: &Path) {
        let jwk = serde_json::to_value(self.0.public_jwk()).expect("JSON");
        let mut der = P256_KEY.to_vec();
        for coordinate in ["x", "y"] {
            let text = jwk[coordinate].as_str().expect("a coordinate");
            der.extend(BASE64_URL_SAFE_NO_PAD.decode(text).expect("base64url"));
        }
        let base64 = BASE64_STANDARD.encode(der);
        let (first, second) = base64.split_at(64);
        let pem = format!("-----BEGIN PUBLIC KEY-----\n{first}\n{second}\n-----END PUBLIC KEY-----\n");
        std::fs::write(file, pem).expect("the key can be written");
    }
}
