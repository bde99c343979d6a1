//! By what tables know something long that a stranger chose: an access token, the id of a session.
//!
//! SipHash-2-4 with 128 bits, under a key that this process draws and tells nobody. Who does not know the key can neither make
//! two texts that are one here, nor choose the places of a table; and the tables end with the process, as the key does. SHA-256
//! would do the same for ten times the work where the processor has no instructions for it, on every request.

use std::sync::LazyLock;

use siphasher::sip128::SipHasher24;

static HASHER: LazyLock<SipHasher24> = LazyLock::new(|| {
    let mut key = [0; 16];
    // Without a source of randomness nothing here works, TLS included, and no process starts.
    getrandom::fill(&mut key).expect("the operating system gives random bytes");
    SipHasher24::new_with_key(&key)
});

/// The fingerprint of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Fingerprint(u128);

impl Fingerprint {
    /// Of the whole of these bytes.
    pub fn of(bytes: &[u8]) -> Self {
        Self(HASHER.hash(bytes).as_u128())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_bit_of_a_text_and_its_length_count() {
        let text = [0x5a_u8; 600];
        let fingerprint = Fingerprint::of(&text);
        assert_eq!(fingerprint, Fingerprint::of(&text));
        for bit in 0..text.len() * 8 {
            let mut other = text;
            other[bit / 8] ^= 1 << (bit % 8);
            assert_ne!(fingerprint, Fingerprint::of(&other), "bit {bit}");
        }
        for length in 0..text.len() {
            assert_ne!(fingerprint, Fingerprint::of(&text[..length]), "{length} bytes");
        }
    }
}
