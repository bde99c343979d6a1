//! A passkey in software (Web Authentication §6): ES256, one key, a counter, and what a browser adds to it. It says what a test wants
//! it to say, right or wrong.

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::rand::{self, SystemRandom};
use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair};
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use super::{ISSUER, Page};

/// Bits of the flags (§6.1).
const USER_PRESENT: u8 = 0x01;
const USER_VERIFIED: u8 = 0x04;
const ATTESTED: u8 = 0x40;

pub struct Authenticator {
    key: EcdsaKeyPair,
    pub id: Vec<u8>,
    /// Whose it is, as the server named them.
    pub handle: Vec<u8>,
    /// How often it signed.
    pub counter: u32,
    /// Where its browser is.
    pub origin: String,
    /// Whether it asks for a finger or a PIN.
    pub verifies: bool,
}

/// What a page asks the browser.
pub fn question(page: &Page) -> Value {
    serde_json::from_str(&page.attribute_of("passkey", "data-options")).expect("JSON")
}

fn text(bytes: &[u8]) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(bytes)
}

impl Authenticator {
    /// Makes a key as it is asked (§6.3.2).
    pub fn for_question(question: &Value) -> Self {
        let mut id = vec![0; 16];
        rand::fill(&mut id).expect("randomness");
        Self {
            key: EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).expect("a key"),
            id,
            handle: BASE64_URL_SAFE_NO_PAD.decode(question["user"]["id"].as_str().expect("a user")).expect("base64url"),
            counter: 0,
            origin: ISSUER.into(),
            verifies: true,
        }
    }

    /// The answer to that question, with the attestation `none` (§8.7).
    pub fn register(&self, question: &Value) -> String {
        let client_data = self.client_data("webauthn.create", question);
        let point = self.key.public_key().as_ref();
        let cose: Vec<u8> =
            [&[0xA5, 1, 2, 3, 0x26, 0x20, 1, 0x21, 0x58, 32][..], &point[1..33], &[0x22, 0x58, 32], &point[33..65]]
                .concat();
        let length = u16::try_from(self.id.len()).expect("short").to_be_bytes();
        let attested: Vec<u8> = [&[0; 16][..], &length, &self.id, &cose].concat();
        let data = [self.authenticator_data(ATTESTED, rp_id(question)), attested].concat();
        let length = u8::try_from(data.len()).expect("short");
        let object: Vec<u8> =
            [b"\xA3\x63fmt\x64none\x67attStmt\xA0\x68authData\x58".as_slice(), &[length], &data].concat();
        let response = json!({ "attestationObject": text(&object), "clientDataJSON": text(client_data.as_bytes()) });
        self.credential(response)
    }

    /// The answer to a question for a signature (§6.3.3).
    pub fn sign(&mut self, question: &Value) -> String {
        self.counter += 1;
        let client_data = self.client_data("webauthn.get", question);
        let data = self.authenticator_data(0, rp_id(question));
        let signed = [data.as_slice(), digest(&SHA256, client_data.as_bytes()).as_ref()].concat();
        let signature = self.key.sign(&SystemRandom::new(), &signed).expect("a signature");
        self.credential(json!({
            "authenticatorData": text(&data), "clientDataJSON": text(client_data.as_bytes()),
            "signature": text(signature.as_ref()), "userHandle": text(&self.handle),
        }))
    }

    fn authenticator_data(&self, more: u8, rp_id: &str) -> Vec<u8> {
        let flags = USER_PRESENT | more | if self.verifies { USER_VERIFIED } else { 0 };
        [digest(&SHA256, rp_id.as_bytes()).as_ref(), &[flags], &self.counter.to_be_bytes()].concat()
    }

    fn client_data(&self, kind: &str, question: &Value) -> String {
        json!({ "type": kind, "challenge": question["challenge"], "origin": self.origin, "crossOrigin": false })
            .to_string()
    }

    fn credential(&self, response: Value) -> String {
        let id = text(&self.id);
        json!({ "id": id, "rawId": id, "type": "public-key", "response": response }).to_string()
    }
}

/// Of a question for a key, or for a signature.
fn rp_id(question: &Value) -> &str {
    question["rp"]["id"].as_str().or(question["rpId"].as_str()).expect("an RP ID")
}
