//! Codes of authenticator apps (RFC 6238): SHA-1, six digits, thirty seconds, because that is what every app can do. Used by the
//! second step of a sign-in and by the account page.

use base64::Engine as _;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
use gatelodge_oauth::grant::UserId;
use gatelodge_oauth::secret::Secret;
use gatelodge_oauth::time::Timestamp;
use qrcode::QrCode;
use qrcode::render::svg;
use totp_rs::{Builder, Totp};

use crate::sealing::{CannotOpen, CannotSeal, SealingKey};

/// RFC 4226 §4: 160 bits are recommended.
const LENGTH: usize = 20;

/// What an app and this server share. No `Debug`: it is never shown but to its owner.
#[derive(Clone, PartialEq, Eq)]
pub struct TotpKey([u8; LENGTH]);

impl TotpKey {
    /// A new one.
    pub fn generate() -> Result<Self, CannotSeal> {
        let mut bytes = [0; LENGTH];
        aws_lc_rs::rand::fill(&mut bytes).map_err(|_| CannotSeal)?;
        Ok(Self(bytes))
    }

    /// The time step that a code is of. One step before and one after the present one are looked at too (RFC 6238 §5.2): clocks
    /// differ, and people type slowly. Whether it was taken before is for the store to say.
    pub fn step_of(&self, typed: &str, now: Timestamp) -> Option<i64> {
        let code: String = typed.chars().filter(|c| !c.is_whitespace()).collect();
        let step = self.totp("", "").check(&code, u64::try_from(now.as_unix()).ok()?)?;
        i64::try_from(step).ok()
    }

    /// For the store. It opens for its owner only.
    pub fn seal(&self, owner: &UserId, key: &SealingKey) -> Result<Vec<u8>, CannotSeal> {
        key.seal(&kept_for(owner), &self.0)
    }

    /// As it was.
    pub fn open(sealed: &[u8], owner: &UserId, key: &SealingKey) -> Result<Self, CannotOpen> {
        Self::read(&key.open(&kept_for(owner), sealed)?).ok_or(CannotOpen)
    }

    /// For a hidden field of the page that shows it: nothing is stored before a code proves that an app has it. It opens in the
    /// same browser session only.
    pub fn offer(&self, session: &Secret, key: &SealingKey) -> Result<String, CannotSeal> {
        Ok(BASE64_URL_SAFE_NO_PAD.encode(key.seal(&offered_in(session), &self.0)?))
    }

    /// What was offered; `None` for anything else.
    pub fn of_offer(offer: &str, session: &Secret, key: &SealingKey) -> Option<Self> {
        let sealed = BASE64_URL_SAFE_NO_PAD.decode(offer).ok()?;
        Self::read(&key.open(&offered_in(session), &sealed).ok()?)
    }

    /// For people who type it: base32 (RFC 4648 §6), four at a time.
    pub fn text(&self) -> String {
        let text = totp_rs::Secret::from(self.0).to_base32();
        text.as_bytes().chunks(4).map(String::from_utf8_lossy).collect::<Vec<_>>().join(" ")
    }

    /// What an app reads with its camera: the URL `otpauth://totp/…` as a QR code, as the URL of an image. `None` when the names
    /// are too long for one; there is the text then.
    pub fn picture(&self, product: &str, account: &str) -> Option<String> {
        let url = self.totp(product, account).to_url().ok()?;
        let svg = QrCode::new(url).ok()?.render::<svg::Color<'_>>().module_dimensions(4, 4).build();
        Some(format!("data:image/svg+xml;base64,{}", BASE64_STANDARD.encode(svg)))
    }

    /// A colon separates the two names, so neither may hold one.
    fn totp(&self, product: &str, account: &str) -> Totp {
        let issuer = Some(product.replace(':', " ")).filter(|issuer| !issuer.is_empty());
        Builder::new()
            .with_secret(self.0)
            .with_issuer(issuer)
            .with_account_name(account.replace(':', " "))
            .build_noncompliant()
    }

    fn read(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }
}

fn kept_for(owner: &UserId) -> String {
    format!("authenticator app of {owner}")
}

fn offered_in(session: &Secret) -> String {
    let hash: String = session.hash().as_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
    format!("authenticator app offered in {hash}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use gatelodge_oauth::secret::Kind;

    /// RFC 6238 appendix B, SHA-1: the last six of its eight digits.
    #[test]
    fn the_codes_are_those_of_the_standard() {
        let key = TotpKey(*b"12345678901234567890");
        for (time, code) in [
            (59, "287082"),
            (1_111_111_109, "081804"),
            (1_111_111_111, "050471"),
            (1_234_567_890, "005924"),
            (2_000_000_000, "279037"),
            (20_000_000_000, "353130"),
        ] {
            let at = |seconds: i64| Timestamp::from_unix(time + seconds);
            assert_eq!(key.step_of(code, at(0)), Some(time / 30), "{time}");
            assert_eq!(key.step_of(&format!(" {} {}", &code[..3], &code[3..]), at(0)), Some(time / 30));
            assert_eq!((key.step_of(code, at(60)), key.step_of(code, at(-60))), (None, None), "two steps are too many");
        }
        for wrong in ["", "287083", "+87082", "28708", "2870822", "２８７０８２"] {
            assert_eq!(key.step_of(wrong, Timestamp::from_unix(59)), None, "{wrong}");
        }
        assert_eq!(key.step_of("287082", Timestamp::from_unix(-1)), None);
    }

    #[test]
    fn a_key_opens_for_its_owner_and_an_offer_in_its_session_only() {
        let (sealing, key) = (SealingKey::generate().expect("a key"), TotpKey::generate().expect("a key"));
        let (owner, session) = (UserId::generate(), Secret::generate(Kind::BrowserSession));
        let sealed = key.seal(&owner, &sealing).expect("sealed");
        assert!(TotpKey::open(&sealed, &owner, &sealing).is_ok_and(|opened| opened == key));
        assert!(TotpKey::open(&sealed, &UserId::generate(), &sealing).is_err());
        let offer = key.offer(&session, &sealing).expect("sealed");
        assert!(TotpKey::of_offer(&offer, &session, &sealing).is_some_and(|opened| opened == key));
        assert!(TotpKey::of_offer(&offer, &Secret::generate(Kind::BrowserSession), &sealing).is_none());
        let kept = BASE64_URL_SAFE_NO_PAD.encode(&sealed);
        for bad in ["", "x", &offer[1..], &kept] {
            assert!(TotpKey::of_offer(bad, &session, &sealing).is_none(), "{bad}");
        }
    }

    #[test]
    fn apps_are_told_who_and_where() {
        let key = TotpKey(*b"12345678901234567890");
        assert_eq!(key.text(), "GEZD GNBV GY3T QOJQ GEZD GNBV GY3T QOJQ");
        let url = key.totp("Acme: MCP", "ada@example.com").to_url().expect("a URL");
        assert_eq!(
            url,
            "otpauth://totp/Acme%20%20MCP:ada%40example.com?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=Acme%20%20MCP"
        );
        assert!(key.picture("Acme", "ada").is_some_and(|picture| picture.starts_with("data:image/svg+xml;base64,")));
        assert_eq!(key.picture(&"x".repeat(4_000), "ada"), None);
    }
}
