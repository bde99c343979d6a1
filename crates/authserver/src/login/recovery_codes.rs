//! Recovery codes: what lets somebody through the second step who lost the thing that it asks for (NIST SP 800-63B §5.1.2, look-up
//! secrets). Each works once, and is stored as a hash: 80 random bits need no slow one.

use gatelodge_oauth::grant::UserId;
use gatelodge_oauth::secret::HashedSecret;

use crate::sealing::CannotSeal;

/// How many somebody gets.
const NUMBER: usize = 10;

/// Characters of one.
const LENGTH: usize = 16;

/// Without letters that look like digits.
const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// One code. No `Debug`: it is shown to its owner, once.
#[derive(Clone, PartialEq, Eq)]
pub struct RecoveryCode(String);

impl RecoveryCode {
    /// As many as somebody gets.
    pub fn generate_all() -> Result<Vec<Self>, CannotSeal> {
        let mut bytes = [0; NUMBER * LENGTH];
        aws_lc_rs::rand::fill(&mut bytes).map_err(|_| CannotSeal)?;
        // 256 is a multiple of 32: each character is as likely as another.
        let code = |bytes: &[u8]| bytes.iter().map(|byte| char::from(ALPHABET[usize::from(byte % 32)])).collect();
        Ok(bytes.chunks(LENGTH).map(|bytes| Self(code(bytes))).collect())
    }

    /// What was typed, in any case, with or without what separates the groups; `None` when it cannot be one.
    pub fn parse(typed: &str) -> Option<Self> {
        let meant = |c: char| match c.to_ascii_uppercase() {
            'O' => '0',
            'I' | 'L' => '1',
            other => other,
        };
        let code: String = typed.chars().filter(|c| !c.is_whitespace() && *c != '-').map(meant).collect();
        (code.len() == LENGTH && code.bytes().all(|byte| ALPHABET.contains(&byte))).then_some(Self(code))
    }

    /// For people: four at a time.
    pub fn text(&self) -> String {
        self.0.as_bytes().chunks(4).map(String::from_utf8_lossy).collect::<Vec<_>>().join("-")
    }

    /// What is stored and looked up: nobody's code is worth anything to somebody else.
    pub fn hash(&self, owner: &UserId) -> HashedSecret {
        HashedSecret::of(&format!("recovery code\0{owner}\0{}", self.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_differ_and_are_read_however_they_are_typed() {
        let all = RecoveryCode::generate_all().expect("codes");
        let mut texts: Vec<String> = all.iter().map(RecoveryCode::text).collect();
        for (code, text) in all.iter().zip(&texts) {
            let spaced = format!(" {} ", text.to_lowercase().replace('-', " "));
            let mistaken = text.replace('0', "o").replace('1', "l");
            for typed in [text, &spaced, &text.replace('-', ""), &mistaken] {
                assert!(RecoveryCode::parse(typed).as_ref() == Some(code), "{typed}");
            }
        }
        texts.sort();
        texts.dedup();
        assert_eq!(texts.len(), 10);
    }

    #[test]
    fn what_cannot_be_a_code_is_none_and_a_code_is_of_its_owner() {
        for bad in
            ["", "123456", "0000-0000-0000-000", "0000-0000-0000-00000", "0000-0000-0000-000U", "0000-0000-0000-000é"]
        {
            assert!(RecoveryCode::parse(bad).is_none(), "{bad}");
        }
        let code = RecoveryCode::parse("0000-0000-0000-0000").expect("a code");
        let owner = UserId::generate();
        assert!(code.hash(&owner) == code.hash(&owner) && code.hash(&owner) != code.hash(&UserId::generate()));
    }
}
