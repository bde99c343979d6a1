//! Which people of a provider may come in (`allow` in `[[login.oidc]]`). Pure; asked after the ID token was verified.

use super::person::Person;

/// The rule of a provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Allow {
    /// Whoever has an account there: the operator said so on purpose.
    Everybody,
    /// Whoever fits one entry of one list.
    Only {
        /// What follows the @ of a verified address, in small letters.
        domains: Vec<String>,
        /// Names in the claim of groups.
        groups: Vec<String>,
        /// Verified addresses, in small letters.
        addresses: Vec<String>,
    },
}

/// Why somebody is not allowed: the kinds of rules that there are, and not what they list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotAllowed {
    /// An address would decide, and the provider vouches for none.
    pub no_verified_address: bool,
}

impl Allow {
    /// Whether this person may come in.
    pub fn check(&self, person: &Person) -> Result<(), NotAllowed> {
        let Self::Only { domains, groups, addresses } = self else { return Ok(()) };
        let address = person.verified_address.as_deref().map(str::to_ascii_lowercase);
        let domain = address.as_deref().and_then(domain_of);
        let fits = domain.is_some_and(|domain| domains.iter().any(|allowed| allowed == domain))
            || address.as_ref().is_some_and(|address| addresses.contains(address))
            || person.groups.iter().any(|group| groups.contains(group));
        if fits {
            return Ok(());
        }
        let by_address = !(domains.is_empty() && addresses.is_empty());
        Err(NotAllowed { no_verified_address: by_address && address.is_none() })
    }
}

/// The domain of an address; `None` where two programs could read two domains.
fn domain_of(address: &str) -> Option<&str> {
    let (local, domain) = address.split_once('@')?;
    let plain = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'.';
    (!local.is_empty() && !domain.is_empty() && domain.bytes().all(plain)).then_some(domain)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn person(address: Option<&str>, groups: &[&str]) -> Person {
        Person {
            subject: "1".into(),
            verified_address: address.map(str::to_owned),
            groups: groups.iter().map(|group| (*group).to_owned()).collect(),
            username: None,
        }
    }

    fn only(domains: &[&str], groups: &[&str], addresses: &[&str]) -> Allow {
        let list = |list: &[&str]| list.iter().map(|text| (*text).to_owned()).collect();
        Allow::Only { domains: list(domains), groups: list(groups), addresses: list(addresses) }
    }

    #[test]
    fn a_domain_is_compared_whole() {
        let rule = only(&["example.com"], &[], &[]);
        for good in ["ada@example.com", "Ada@EXAMPLE.com", "a.b+c@example.com"] {
            assert_eq!(rule.check(&person(Some(good), &[])), Ok(()), "{good}");
        }
        for bad in [
            "ada@evilexample.com",
            "ada@example.com.evil.net",
            "ada@sub.example.com",
            "ada@example.co",
            "ada@example.com.",
            "ada@evil.net@example.com",
            "\"ada@evil.net\"@example.com",
            "ada@example.com@evil.net",
            "@example.com",
            "example.com",
            "ada@example.com\u{0}",
            "ada@ example.com",
            "ada@exаmple.com",
            "",
        ] {
            let no = NotAllowed { no_verified_address: false };
            assert_eq!(rule.check(&person(Some(bad), &[])), Err(no), "{bad}");
        }
    }

    #[test]
    fn an_address_that_nobody_vouches_for_fits_nothing() {
        for rule in [only(&["example.com"], &[], &[]), only(&[], &[], &["ada@example.com"])] {
            assert_eq!(rule.check(&person(None, &[])), Err(NotAllowed { no_verified_address: true }));
        }
        let by_group = only(&[], &["staff"], &[]);
        assert_eq!(by_group.check(&person(None, &[])), Err(NotAllowed { no_verified_address: false }));
    }

    #[test]
    fn groups_are_compared_byte_for_byte_and_one_list_is_enough() {
        let rule = only(&["example.com"], &["staff"], &["bob@other.example"]);
        assert_eq!(rule.check(&person(None, &["people", "staff"])), Ok(()));
        assert_eq!(rule.check(&person(Some("BOB@other.example"), &[])), Ok(()));
        for groups in [&["Staff"][..], &["staff "], &["staffx"], &["sta", "ff"], &[]] {
            assert!(rule.check(&person(Some("eve@other.example"), groups)).is_err(), "{groups:?}");
        }
    }

    #[test]
    fn everybody_is_everybody() {
        assert_eq!(Allow::Everybody.check(&person(None, &[])), Ok(()));
    }
}
