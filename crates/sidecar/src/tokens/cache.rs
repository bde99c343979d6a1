//! Tokens that were judged a moment ago. Asked by `mod.rs` for every request.
//!
//! A token is found by the fingerprint of the whole of it, signature included, and of the audiences it was judged for: two
//! tokens that are equal in the signed part only are two. What was good may have ended since, so that a hit is judged again by
//! whatever can change: time, keys, revocation.
//!
//! The table is in shards, each with its own lock that readers share: no lock is common to all requests.

use std::sync::Arc;
use std::time::Duration;

use gatelodge_oauth::access_token::{AccessToken, Refusal};
use gatelodge_oauth::time::Timestamp;
use quick_cache::sync::Cache as Sharded;

use super::Audiences;
use crate::fingerprint::Fingerprint;

/// Good tokens; one is about a kilobyte.
const GOOD: usize = 10_000;

/// Tokens that an introspection endpoint refused, apart from the good ones: garbage pushes out garbage only.
const REFUSED: usize = 4_096;

/// A token, and what it was judged for.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Key {
    token: Fingerprint,
    audiences: Fingerprint,
}

impl Key {
    /// The place of a token.
    pub fn new(token: &str, audiences: &Audiences) -> Self {
        Self { token: Fingerprint::of(token.as_bytes()), audiences: audiences.fingerprint }
    }
}

/// How a token was judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Judge {
    /// By its signature, with this generation of the keys of this issuer.
    Keys { issuer: usize, generation: u64 },
    /// By the introspection endpoint of its issuer.
    Introspection,
}

/// A token that was good.
#[derive(Clone)]
pub struct Good {
    /// What it says.
    pub token: Arc<AccessToken>,
    /// By whose word.
    pub judge: Judge,
    judged_at: Timestamp,
}

impl Good {
    /// Judged now.
    pub fn new(token: Arc<AccessToken>, judge: Judge, judged_at: Timestamp) -> Self {
        Self { token, judge, judged_at }
    }

    /// Whether it may still be believed without another look. A clock that went back makes it be judged anew.
    pub fn holds(&self, leeway: Duration, now: Timestamp) -> bool {
        let believed = match self.judge {
            Judge::Keys { .. } => Duration::from_secs(60),
            Judge::Introspection => Duration::from_secs(30),
        };
        now.is_within(believed, self.judged_at) && now < self.token.expires_at.plus(leeway)
    }
}

/// How long the word of an introspection endpoint counts that a token is no good.
const REFUSED_FOR: Duration = Duration::from_secs(10);

/// The tables.
pub struct Cache {
    good: Sharded<Key, Good>,
    refused: Sharded<Key, (Refusal, Timestamp)>,
}

impl Cache {
    /// Empty.
    pub fn new() -> Self {
        Self { good: Sharded::new(GOOD), refused: Sharded::new(REFUSED) }
    }

    /// A token that was good.
    pub fn good(&self, key: &Key) -> Option<Good> {
        self.good.get(key)
    }

    /// Notes a good token.
    pub fn keep(&self, key: Key, good: Good) {
        self.good.insert(key, good);
    }

    /// Forgets a token that is good no more.
    pub fn forget(&self, key: &Key) {
        self.good.remove(key);
    }

    /// What was said against a token a moment ago.
    pub fn refused(&self, key: &Key, now: Timestamp) -> Option<Refusal> {
        let (refusal, at) = self.refused.get(key)?;
        now.is_within(REFUSED_FOR, at).then_some(refusal)
    }

    /// Notes what is said against a token.
    pub fn keep_refused(&self, key: Key, refusal: Refusal, now: Timestamp) {
        self.refused.insert(key, (refusal, now));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(expires_at: i64) -> Arc<AccessToken> {
        Arc::new(AccessToken {
            issuer: "https://h.example".into(),
            subject: "user_1".into(),
            client_id: "client_1".into(),
            scope: "mcp:use".parse().expect("a scope"),
            issued_at: Timestamp::from_unix(0),
            expires_at: Timestamp::from_unix(expires_at),
            id: "j".into(),
            status: None,
            kid: None,
        })
    }

    #[test]
    fn a_token_is_believed_for_a_minute_and_never_beyond_its_end() {
        let (keys, asked) = (Judge::Keys { issuer: 0, generation: 1 }, Judge::Introspection);
        for (judge, expires_at, leeway, now, holds) in [
            (keys, 9_000, 0, 1_000, true),
            (keys, 9_000, 0, 1_059, true),
            (keys, 9_000, 0, 1_060, false),
            (keys, 9_000, 0, 999, false),
            (keys, 1_010, 0, 1_009, true),
            (keys, 1_010, 0, 1_010, false),
            (keys, 1_010, 5, 1_014, true),
            (keys, 1_010, 5, 1_015, false),
            (asked, 9_000, 0, 1_029, true),
            (asked, 9_000, 0, 1_030, false),
            (asked, 1_010, 0, 1_010, false),
        ] {
            let good = Good::new(token(expires_at), judge, Timestamp::from_unix(1_000));
            let held = good.holds(Duration::from_secs(leeway), Timestamp::from_unix(now));
            assert_eq!(held, holds, "{judge:?} {expires_at} {leeway} {now}");
        }
    }

    #[test]
    fn the_tables_are_bounded_and_garbage_pushes_out_no_good_token() {
        let (cache, audiences) = (Cache::new(), Audiences::new(["https://h.example/mcp"]));
        let now = Timestamp::from_unix(1_000);
        let kept = Key::new("good", &audiences);
        cache.keep(kept, Good::new(token(9_000), Judge::Introspection, now));
        for number in 0..20_000 {
            cache.keep_refused(Key::new(&format!("garbage {number}"), &audiences), Refusal::Inactive, now);
        }
        assert!(cache.good(&kept).is_some());
        assert!(cache.refused.len() <= REFUSED, "{}", cache.refused.len());
        for number in 0..30_000 {
            let key = Key::new(&format!("good {number}"), &audiences);
            cache.keep(key, Good::new(token(9_000), Judge::Introspection, now));
        }
        assert!(cache.good.len() <= GOOD, "{}", cache.good.len());
    }

    #[test]
    fn the_whole_token_and_what_it_was_judged_for_make_the_place() {
        let (mcp, other) = (Audiences::new(["https://h.example/mcp"]), Audiences::new(["https://h.example/other"]));
        let key = Key::new("a.b.c", &mcp);
        assert!(key == Key::new("a.b.c", &Audiences::new(["https://h.example/mcp"])));
        for (token, audiences) in [("a.b.d", &mcp), ("a.b.c ", &mcp), ("a.b", &mcp), ("a.b.c", &other)] {
            assert!(key != Key::new(token, audiences), "{token}");
        }
        // Two lists that only run together alike.
        assert!(Key::new("a", &Audiences::new(["ab", "c"])) != Key::new("a", &Audiences::new(["a", "bc"])));
    }

    #[test]
    fn a_refusal_is_believed_for_ten_seconds() {
        let (cache, key) = (Cache::new(), Key::new("x", &Audiences::new(["a"])));
        cache.keep_refused(key, Refusal::Inactive, Timestamp::from_unix(1_000));
        for (now, refused) in [(999, false), (1_000, true), (1_009, true), (1_010, false)] {
            assert_eq!(cache.refused(&key, Timestamp::from_unix(now)).is_some(), refused, "{now}");
        }
    }
}
