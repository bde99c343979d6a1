//! How long an answer stays fresh (RFC 9111 §4.2).

use std::time::{Duration, SystemTime};

use gatelodge_oauth::time::Timestamp;
use http::header::SET_COOKIE;
use http::{HeaderMap, Request, Response};
use http_cache_semantics::{CacheOptions, CachePolicy};

/// The freshness lifetime less the age. A document is kept for everybody who signs in, so this is a shared cache. That its
/// host sets a cookie with every answer says nothing about the document (§7.3).
pub fn fresh_for(headers: &HeaderMap, now: Timestamp) -> Duration {
    let mut answer = Response::new(());
    *answer.headers_mut() = headers.clone();
    answer.headers_mut().remove(SET_COOKIE);
    let now = SystemTime::UNIX_EPOCH + Duration::from_secs(u64::try_from(now.as_unix()).unwrap_or_default());
    CachePolicy::new_options(&Request::new(()), &answer, now, CacheOptions::default()).time_to_live(now)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_as_fresh_as_its_headers_say() {
        for (headers, seconds) in [
            (&[][..], 0),
            (&[("cache-control", "max-age=3600")], 3600),
            (&[("cache-control", "public, max-age=\"3600\"")], 3600),
            (&[("cache-control", "max-age=3600"), ("age", "600")], 3000),
            (&[("cache-control", "max-age=3600"), ("age", "7200")], 0),
            (&[("cache-control", "max-age=3600, s-maxage=60")], 60),
            (&[("cache-control", "no-store, max-age=3600")], 0),
            (&[("cache-control", "no-cache, max-age=3600")], 0),
            (&[("cache-control", "private, max-age=3600")], 0),
            (&[("cache-control", "max-age=-1")], 0),
            (&[("cache-control", "max-age=18446744073709551615")], u64::MAX),
            (&[("cache-control", "max-age=99999999999999999999")], 0),
            (&[("cache-control", "max-age=60"), ("age", "18446744073709551615")], 0),
            (&[("date", "Wed, 21 Oct 2026 07:28:00 GMT"), ("expires", "Wed, 21 Oct 2026 08:28:00 GMT")], 3600),
            (&[("date", "Wed, 21 Oct 2026 07:28:00 GMT"), ("expires", "0")], 0),
        ] {
            let mut map = HeaderMap::new();
            for (name, value) in headers {
                map.append(*name, value.parse().expect("a value"));
            }
            let fresh = fresh_for(&map, Timestamp::from_unix(1_800_000_000));
            assert_eq!(fresh, Duration::from_secs(seconds), "{headers:?}");
        }
    }
}
