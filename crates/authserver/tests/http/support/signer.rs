//! A persona: the key of a client that signs what it sends (RFC 7523).

use std::cell::Cell;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use super::{Form, Server};

/// The one assertion type there is.
pub const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

pub struct Signer<'s> {
    server: &'s Server,
    pair: EcdsaKeyPair,
    kid: &'static str,
    signed: Cell<u32>,
}

impl<'s> Signer<'s> {
    pub fn new(server: &'s Server) -> Self {
        Self::named(server, "key-1")
    }

    pub fn named(server: &'s Server, kid: &'static str) -> Self {
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).expect("a key");
        Self { server, pair, kid, signed: Cell::new(0) }
    }

    /// RFC 7517 §5.
    pub fn jwks(&self) -> Value {
        let point = self.pair.public_key().as_ref();
        let (x, y) = (encode(&point[1..33]), encode(&point[33..]));
        json!({ "keys": [{ "kty": "EC", "crv": "P-256", "kid": self.kid, "use": "sig", "alg": "ES256", "x": x, "y": y }] })
    }

    /// What a careful client claims; each has its own `jti`.
    pub fn claims(&self, client_id: &str) -> Value {
        self.signed.set(self.signed.get() + 1);
        let now = self.server.clock.now().as_unix();
        json!({ "iss": client_id, "sub": client_id, "aud": self.server.issuer, "iat": now, "exp": now + 60,
            "jti": format!("{}-{}", self.kid, self.signed.get()) })
    }

    pub fn sign(&self, claims: &Value) -> String {
        let header = json!({ "alg": "ES256", "kid": self.kid, "typ": "client-authentication+jwt" });
        let message = format!("{}.{}", encode(header.to_string()), encode(claims.to_string()));
        let signature = self.pair.sign(&SystemRandom::new(), message.as_bytes()).expect("a signature");
        format!("{message}.{}", encode(signature))
    }

    pub fn assertion(&self, client_id: &str) -> String {
        self.sign(&self.claims(client_id))
    }

    /// The request with a fresh assertion of the client that it names.
    pub fn signed(&self, request: &Form) -> Form {
        with_assertion(request, &self.assertion(request.get("client_id")))
    }
}

pub fn with_assertion(request: &Form, assertion: &str) -> Form {
    request.clone().with("client_assertion_type", ASSERTION_TYPE).with("client_assertion", assertion)
}

fn encode(bytes: impl AsRef<[u8]>) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(bytes)
}
