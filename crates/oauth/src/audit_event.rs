//! What is kept of one call for ever: who asked for what, by which client, and what was decided. No RFC knows it; the resource
//! server writes it and the authorization server keeps it, so both must mean the same. Never a token, never an argument. The
//! authorization server adds what happens there: sign-ins, grants, revocations.

use serde::{Deserialize, Serialize};

use crate::time::Timestamp;

/// Where the authorization server takes events: one JSON object in each line.
pub const PATH: &str = "/audit/events";

/// The media type of such lines.
pub const MEDIA_TYPE: &str = "application/x-ndjson";

/// The most bytes in one request.
pub const MAX_BODY: usize = 1024 * 1024;

/// The most events in one request.
pub const MAX_EVENTS: usize = 500;

/// The `outcome` of an event that stands for others, which could not be kept; `lost` says how many.
pub const EVENTS_LOST: &str = "events_lost";

/// What clients ask tools with (MCP, "Calling Tools").
pub const TOOLS_CALL: &str = "tools/call";

/// The most bytes of each text.
const LONGEST: usize = 4096;

/// One call, or one of the calls of a batch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AuditEvent {
    /// Its own. An event that is sent twice is kept once.
    pub id: String,
    /// When it was decided.
    pub at: Timestamp,
    /// What was decided: `forwarded`, or how it was refused.
    pub outcome: String,
    /// In the log of the resource server, and in the answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
    /// The protected MCP server.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resource: Option<String>,
    /// Who vouches for the subject.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub issuer: Option<String>,
    /// On whose behalf.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// The OAuth client.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_id: Option<String>,
    /// The name of the API key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub api_key: Option<String>,
    /// The MCP method.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mcp_method: Option<String>,
    /// The tool, prompt or resource.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mcp_name: Option<String>,
    /// The scope that it needs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub needed: Option<String>,
    /// The scope that the caller has.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub held: Option<String>,
    /// Why it was refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The rule that would have refused it, were it more than tried.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dry_run: Option<String>,
    /// The HTTP status of the answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// How long it took to the head of the answer, in microseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub latency_us: Option<u32>,
    /// How many events this one stands for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lost: Option<u32>,
    /// From where: a network. A resource server leaves it out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// Who did it, where that is not the subject: the identifier of an administrator, or `command` for whoever runs the
    /// authorization server. A resource server leaves it out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub actor: Option<String>,
}

/// Not an event that can be kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("its {0} is empty, too long, or holds control characters")]
pub struct Unkeepable(&'static str);

impl AuditEvent {
    /// An event of which nothing else is known.
    pub fn new(id: String, at: Timestamp, outcome: &str) -> Self {
        Self {
            id,
            at,
            outcome: outcome.to_owned(),
            request_id: None,
            resource: None,
            issuer: None,
            subject: None,
            client_id: None,
            api_key: None,
            mcp_method: None,
            mcp_name: None,
            needed: None,
            held: None,
            reason: None,
            dry_run: None,
            status: None,
            latency_us: None,
            lost: None,
            source: None,
            actor: None,
        }
    }

    /// The same, so that it can be kept whatever the client wrote: without control characters, which not every database takes,
    /// and not longer than is useful. Otherwise whoever calls could keep their own calls out, and those of others with them.
    pub fn keepable(mut self) -> Self {
        let texts = [
            &mut self.request_id,
            &mut self.resource,
            &mut self.issuer,
            &mut self.subject,
            &mut self.client_id,
            &mut self.api_key,
            &mut self.mcp_method,
            &mut self.mcp_name,
            &mut self.needed,
            &mut self.held,
            &mut self.reason,
            &mut self.dry_run,
            &mut self.source,
            &mut self.actor,
        ];
        for text in texts.into_iter().flatten().filter(|text| !is_keepable(text)) {
            *text = shortened(text);
        }
        self
    }

    /// Whether it can be kept as it is.
    pub fn check(&self) -> Result<(), Unkeepable> {
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
        if self.id.is_empty() || self.id.len() > 64 || !self.id.bytes().all(is_plain) {
            return Err(Unkeepable("id"));
        }
        if self.outcome.is_empty() {
            return Err(Unkeepable("outcome"));
        }
        let texts = [
            ("outcome", Some(&self.outcome)),
            ("request_id", self.request_id.as_ref()),
            ("resource", self.resource.as_ref()),
            ("issuer", self.issuer.as_ref()),
            ("subject", self.subject.as_ref()),
            ("client_id", self.client_id.as_ref()),
            ("api_key", self.api_key.as_ref()),
            ("mcp_method", self.mcp_method.as_ref()),
            ("mcp_name", self.mcp_name.as_ref()),
            ("needed", self.needed.as_ref()),
            ("held", self.held.as_ref()),
            ("reason", self.reason.as_ref()),
            ("dry_run", self.dry_run.as_ref()),
            ("source", self.source.as_ref()),
            ("actor", self.actor.as_ref()),
        ];
        match texts.into_iter().find(|(_, text)| text.is_some_and(|text| !is_keepable(text))) {
            Some((name, _)) => Err(Unkeepable(name)),
            None => Ok(()),
        }
    }
}

fn is_keepable(text: &str) -> bool {
    text.len() <= LONGEST && !text.chars().any(char::is_control)
}

fn shortened(text: &str) -> String {
    let mut kept = String::new();
    for character in text.chars() {
        let character = if character.is_control() { char::REPLACEMENT_CHARACTER } else { character };
        if kept.len() + character.len_utf8() > LONGEST {
            break;
        }
        kept.push(character);
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event() -> AuditEvent {
        AuditEvent::new("01-a".into(), Timestamp::from_unix(7), "forwarded")
    }

    #[test]
    fn whatever_a_client_calls_a_tool_the_event_can_be_kept() {
        for (name, kept) in [
            ("find".to_owned(), "find".to_owned()),
            ("a\0b\nc".into(), "a\u{fffd}b\u{fffd}c".into()),
            ("ü".repeat(LONGEST), "ü".repeat(LONGEST / 2)),
            ("\u{1f}".repeat(LONGEST), "\u{fffd}".repeat(LONGEST / 3)),
        ] {
            let named = AuditEvent { mcp_name: Some(name.clone()), subject: Some(name.clone()), ..event() };
            assert_eq!(named.check().is_ok(), name == kept, "{name:?}");
            let keepable = named.keepable();
            assert_eq!(keepable.check(), Ok(()));
            assert_eq!((keepable.mcp_name, keepable.subject), (Some(kept.clone()), Some(kept)));
        }
    }

    #[test]
    fn an_event_without_a_plain_name_of_its_own_is_none() {
        for id in ["", "a b", "ä", &"x".repeat(65)] {
            assert_eq!(AuditEvent { id: id.into(), ..event() }.check(), Err(Unkeepable("id")), "{id:?}");
        }
        assert_eq!(AuditEvent { outcome: String::new(), ..event() }.check(), Err(Unkeepable("outcome")));
    }

    #[test]
    fn a_line_says_what_is_known_and_takes_nothing_else() {
        let line = r#"{"id":"01-a","at":7,"outcome":"forwarded"}"#;
        assert_eq!(serde_json::to_string(&event()).expect("JSON"), line);
        assert_eq!(serde_json::from_str::<AuditEvent>(line).expect("an event"), event());
        for more in [r#","token":"x"}"#, r#","at":8}"#, r#","subject":7}"#] {
            let line = line.replace('}', more);
            assert!(serde_json::from_str::<AuditEvent>(&line).is_err(), "{line}");
        }
    }
}
