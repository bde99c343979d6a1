//! The two listeners that every binary has: the public one and the one for health.

use std::net::SocketAddr;

use super::Problems;

/// Checks `listen` and `health_listen`; notes what is wrong.
pub fn listeners(listen: &str, health_listen: &str, problems: &mut Problems) -> Option<(SocketAddr, SocketAddr)> {
    let listen = address(listen, "listen", problems);
    let health_listen = address(health_listen, "health_listen", problems);
    let (listen, health_listen) = (listen?, health_listen?);
    // Port 0 is a free one, another each time.
    if listen == health_listen && listen.port() != 0 {
        problems.add("health_listen", "is the same address as listen", "give it a port of its own");
        return None;
    }
    Some((listen, health_listen))
}

fn address(text: &str, key: &str, problems: &mut Problems) -> Option<SocketAddr> {
    let parsed = text.parse().ok();
    if parsed.is_none() {
        let hint = "write an IP address and a port: \"127.0.0.1:8080\", or \"0.0.0.0:8080\" in a container";
        problems.add(key, format!("{text:?} is not an address"), hint);
    }
    parsed
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_are_an_address_and_not_the_same_one() {
        let mut problems = Problems::default();
        assert!(listeners("127.0.0.1:4000", "[::1]:4000", &mut problems).is_some());
        assert!(listeners("127.0.0.1:0", "127.0.0.1:0", &mut problems).is_some());
        assert!(problems.is_empty());
        for (listen, health_listen, keys) in [
            ("8080", "localhost:1", vec!["listen", "health_listen"]),
            ("127.0.0.1:1", "127.0.0.1:1", vec!["health_listen"]),
            ("", "127.0.0.1:1", vec!["listen"]),
        ] {
            let mut problems = Problems::default();
            assert!(listeners(listen, health_listen, &mut problems).is_none());
            assert_eq!(problems.0.iter().map(|problem| problem.key.as_str()).collect::<Vec<_>>(), keys);
        }
    }
}
