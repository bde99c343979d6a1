//! `[resource.legacy_sse]`: HTTP+SSE, the transport of MCP 2024-11-05. Read by `resource.rs`.

use gatelodge_service::config::{Problems, PublicUrl};
use serde::Deserialize;
use url::Url;

use super::resource::{Resource, resource_id, upstream};

#[derive(Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawLegacySse {
    sse_path: String,
    message_path: String,
    upstream: String,
}

/// HTTP+SSE of one resource.
#[derive(Debug, Clone)]
pub struct LegacySse {
    /// Where clients open streams.
    pub sse_path: String,
    /// Where they post messages.
    pub message_path: String,
    /// Where the MCP server has its streams.
    pub upstream: Url,
}

impl RawLegacySse {
    /// Converts, or notes what is wrong. With the path of the resource, and whether its MCP server has no port.
    pub fn check(
        &self,
        (path, is_on_socket): (&str, bool),
        origin: Option<&PublicUrl>,
        key: &impl Fn(&str) -> String,
        problems: &mut Problems,
    ) -> Option<LegacySse> {
        let key = |name: &str| key(&format!("legacy_sse.{name}"));
        let sse = resource_id(&self.sse_path, origin, &key("sse_path"), problems);
        let messages = resource_id(&self.message_path, origin, &key("message_path"), problems);
        // Clients compare the URL that they were given with the one in the metadata (RFC 9728 §3.3), and stop.
        let above = path.trim_end_matches('/');
        if !self.sse_path.strip_prefix(above).is_some_and(|rest| rest.len() > 1 && rest.starts_with('/')) {
            let says = format!("{:?} is not below {path:?}, so that clients would refuse the metadata", self.sse_path);
            problems.add(key("sse_path"), says, format!("write it like \"{above}/sse\""));
        }
        let upstream = upstream(&self.upstream, &key("upstream"), problems)?;
        if upstream.scheme() == "https" && is_on_socket {
            let hint = "write http:// and the name that the server expects as Host";
            problems.add(key("upstream"), "is https, and upstream_socket is a file of this machine", hint);
        }
        (sse.is_some() && messages.is_some()).then_some(())?;
        Some(LegacySse { sse_path: self.sse_path.clone(), message_path: self.message_path.clone(), upstream })
    }
}

/// Notes paths that are something else already.
pub(super) fn apart(resources: &[Resource], problems: &mut Problems) {
    let mut taken: Vec<&str> = resources.iter().map(|resource| resource.path.as_str()).collect();
    for (index, legacy) in resources.iter().enumerate().filter_map(|(i, r)| Some((i, r.legacy_sse.as_ref()?))) {
        for (name, path) in [("sse_path", &legacy.sse_path), ("message_path", &legacy.message_path)] {
            if taken.contains(&path.as_str()) {
                let key = format!("resource[{index}].legacy_sse.{name}");
                problems.add(key, format!("{path:?} is used twice"), "give each of them its own path");
            }
            taken.push(path);
        }
    }
}
