//! The table `[well_known]`: texts that stand under `/.well-known/` (RFC 8615).

use std::collections::BTreeMap;

use gatelodge_service::config::Problems;

/// Where clients learn whom to trust: nothing but the metadata itself may stand there.
const RESERVED: [&str; 3] = ["oauth", "openid", "webfinger"];

/// More is no proof of anything.
const LONGEST_TEXT: usize = 64 * 1024;

/// Notes what must not stand there.
pub(super) fn check(texts: &BTreeMap<String, String>, problems: &mut Problems) {
    for (name, text) in texts {
        let key = format!("well_known.{name:?}");
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
        if name.starts_with('.') || name.is_empty() || !name.bytes().all(is_plain) {
            let hint = "write what follows /.well-known/: letters, digits, - . _";
            problems.add(&key, "is not one plain segment of a path", hint);
        } else if RESERVED.iter().any(|reserved| name.to_ascii_lowercase().starts_with(reserved)) {
            let says = "names metadata of OAuth or OpenID, by which clients decide whom to trust";
            problems.add(&key, says, "remove it: the sidecar makes these documents, or relays them");
        }
        if text.is_empty() || text.len() > LONGEST_TEXT {
            problems.add(&key, "is empty, or longer than 64 KiB", "write the text that is asked for");
        }
    }
}
