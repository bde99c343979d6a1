//! Proof Key for Code Exchange: S256 and nothing else. RFC 7636.

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq;

use crate::error::OAuthError;
use crate::secret::sha256;

/// `code_challenge`: the base64url of a SHA-256, 43 characters (RFC 7636 §4.2).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct CodeChallenge(String);

/// A text that is no S256 challenge.
#[derive(Debug, thiserror::Error)]
#[error("not an S256 code_challenge")]
pub struct InvalidCodeChallenge;

impl CodeChallenge {
    /// The challenge as it was sent.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// RFC 7636 §4.4.1: the request must carry a challenge, and `S256` must be named (absence means `plain`).
    pub fn from_request(challenge: Option<&str>, method: Option<&str>) -> Result<Self, OAuthError> {
        let challenge = challenge.ok_or_else(OAuthError::code_challenge_required)?;
        if method != Some("S256") {
            return Err(OAuthError::code_challenge_method_unsupported());
        }
        Self::try_from(challenge.to_owned()).map_err(|_| OAuthError::code_challenge_malformed())
    }

    /// RFC 7636 §4.6: whether the verifier belongs to this challenge.
    pub fn verify(&self, code_verifier: Option<&str>) -> Result<(), OAuthError> {
        let verifier = code_verifier.ok_or_else(|| OAuthError::parameter_missing("code_verifier"))?;
        let computed = BASE64_URL_SAFE_NO_PAD.encode(sha256(verifier.as_bytes()));
        let matches: bool = computed.as_bytes().ct_eq(self.0.as_bytes()).into();
        if is_code_verifier(verifier) && matches { Ok(()) } else { Err(OAuthError::code_verifier_wrong()) }
    }
}

/// RFC 7636 §4.1: 43 to 128 unreserved characters.
fn is_code_verifier(text: &str) -> bool {
    (43..=128).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._~".contains(&b))
}

impl TryFrom<String> for CodeChallenge {
    type Error = InvalidCodeChallenge;

    fn try_from(text: String) -> Result<Self, InvalidCodeChallenge> {
        match BASE64_URL_SAFE_NO_PAD.decode(&text) {
            Ok(bytes) if bytes.len() == 32 => Ok(Self(text)),
            _ => Err(InvalidCodeChallenge),
        }
    }
}

impl From<CodeChallenge> for String {
    fn from(challenge: CodeChallenge) -> String {
        challenge.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Code;

    // RFC 7636 appendix B.
    const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
    const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

    fn challenge() -> CodeChallenge {
        CodeChallenge::from_request(Some(CHALLENGE), Some("S256")).expect("the RFC's example")
    }

    /// Proves RFC 7636 Appendix B: the example of the RFC verifies.
    #[test]
    fn the_example_of_appendix_b_verifies() {
        assert_eq!(challenge().verify(Some(VERIFIER)), Ok(()));
    }

    /// Proves RFC 7636 §4.4.1: a request without a challenge by S256 is refused.
    #[test]
    fn a_request_without_s256_is_refused() {
        let long = format!("{CHALLENGE}A");
        for (sent, method) in [
            (None, Some("S256")),
            (None, None),
            (Some(CHALLENGE), None),
            (Some(CHALLENGE), Some("plain")),
            (Some(CHALLENGE), Some("s256")),
            (Some(""), Some("S256")),
            (Some(&CHALLENGE[..42]), Some("S256")),
            (Some(long.as_str()), Some("S256")),
            (Some("E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw+cM"), Some("S256")),
            (Some("E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-c="), Some("S256")),
        ] {
            let error = CodeChallenge::from_request(sent, method).expect_err("refused");
            assert_eq!(error.code, Code::InvalidRequest, "{sent:?} {method:?}");
        }
    }

    /// Proves RFC 7636 §4.6: a wrong verifier is invalid_grant.
    #[test]
    fn a_wrong_verifier_is_invalid_grant_and_a_missing_one_invalid_request() {
        let too_long = "a".repeat(129);
        for wrong in [
            "",
            &VERIFIER[..42],
            too_long.as_str(),
            CHALLENGE,
            &VERIFIER.to_lowercase(),
            "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjX k",
        ] {
            assert_eq!(challenge().verify(Some(wrong)).expect_err("refused").code, Code::InvalidGrant, "{wrong}");
        }
        assert_eq!(challenge().verify(None).expect_err("refused").code, Code::InvalidRequest);
    }

    /// Proves RFC 7636 §4.1: a verifier has 43 to 128 unreserved characters.
    #[test]
    fn verifiers_of_every_allowed_length_and_character_pass() {
        for length in 43..=128 {
            let verifier: String = "aZ09-._~".chars().cycle().take(length).collect();
            let challenge = BASE64_URL_SAFE_NO_PAD.encode(sha256(verifier.as_bytes()));
            let challenge = CodeChallenge::from_request(Some(&challenge), Some("S256")).expect("a challenge");
            assert_eq!(challenge.verify(Some(&verifier)), Ok(()), "{length}");
        }
    }
}
