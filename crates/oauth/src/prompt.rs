//! What a client asks of the sign-in: `prompt`, `max_age`, `login_hint` and `ui_locales`. OpenID Connect Core 1.0 §3.1.2.1.
//! Read by [`crate::authorization_request`]; the pages of sign-in and consent follow it.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::error::OAuthError;
use crate::parameters::Parameters;
use crate::time::Timestamp;

/// The longest `login_hint` that is shown, in characters: no username is longer.
const MAX_HINT_LENGTH: usize = 128;

/// The longest `ui_locales` that is looked at, in bytes: nobody reads more languages than that.
const MAX_UI_LOCALES_LENGTH: usize = 256;

/// How the person must have signed in before the request may be answered, and whether they must be asked.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct SignIn {
    /// After the request was made, whatever session there was before: `prompt=login`, `prompt=select_account`.
    pub again: bool,
    /// Whatever was allowed before: `prompt=consent`.
    pub consent: bool,
    /// At most so many seconds before the request: `max_age`.
    pub max_age: Option<u64>,
    /// What the form is filled with at first.
    pub hint: Option<String>,
    /// The languages that the pages should be in, as tags between spaces, the best first: `ui_locales`.
    pub ui_locales: Option<String>,
}

impl SignIn {
    /// Reads the four parameters. Unknown values of `prompt` are ignored; `none` is never granted, because most people are
    /// asked every time, and says so in the way the standard has for it.
    pub fn from_request(parameters: &Parameters) -> Result<Self, OAuthError> {
        let prompts: Vec<&str> = parameters.optional("prompt")?.unwrap_or_default().split(' ').collect();
        let max_age = match parameters.optional("max_age")? {
            None => None,
            Some(seconds) => Some(seconds.parse().map_err(|_| OAuthError::max_age_malformed())?),
        };
        let hint = parameters.optional("login_hint")?.filter(|hint| is_showable(hint)).map(str::to_owned);
        let ui_locales = parameters.optional("ui_locales")?.filter(|tags| are_tags(tags)).map(str::to_owned);
        match prompts.as_slice() {
            ["none"] => return Err(OAuthError::interaction_required()),
            several if several.contains(&"none") => return Err(OAuthError::prompt_contradictory()),
            _ => {}
        }
        let again = prompts.iter().any(|prompt| matches!(*prompt, "login" | "select_account"));
        Ok(Self { again, consent: prompts.contains(&"consent"), max_age, hint, ui_locales })
    }

    /// Whether the client wants the person to be asked something.
    pub fn asks(&self) -> bool {
        self.again || self.consent
    }

    /// Whether a sign-in is recent enough for a request. `since_request`: it happened after the request was made.
    pub fn is_satisfied(&self, since_request: bool, signed_in_at: Timestamp, requested_at: Timestamp) -> bool {
        let young = self.max_age.is_none_or(|max_age| {
            // An age of nothing is the same as prompt=login, also within the same second.
            max_age > 0 && requested_at <= signed_in_at.plus(Duration::from_secs(max_age))
        });
        since_request || (young && !self.again)
    }
}

fn is_showable(hint: &str) -> bool {
    hint.chars().count() <= MAX_HINT_LENGTH && !hint.contains(char::is_control)
}

/// RFC 5646 §2.1, between spaces.
fn are_tags(ui_locales: &str) -> bool {
    let is_of_tags = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b' ');
    ui_locales.len() <= MAX_UI_LOCALES_LENGTH && ui_locales.bytes().all(is_of_tags)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Code;

    fn read(query: &str) -> Result<SignIn, OAuthError> {
        SignIn::from_request(&Parameters::parse(query.as_bytes())?)
    }

    #[test]
    fn the_parameters_are_read_and_unknown_prompts_ignored() {
        for (query, again, max_age) in [
            ("", false, None),
            ("prompt=", false, None),
            ("prompt=consent", false, None),
            ("prompt=create", false, None),
            ("prompt=LOGIN", false, None),
            ("prompt=login", true, None),
            ("prompt=select_account", true, None),
            ("prompt=consent+login", true, None),
            ("prompt=login&max_age=60", true, Some(60)),
            ("max_age=0", false, Some(0)),
            ("max_age=", false, None),
        ] {
            let sign_in = read(query).expect(query);
            assert_eq!((sign_in.again, sign_in.max_age), (again, max_age), "{query}");
            assert_eq!(sign_in.consent, query.contains("consent"), "{query}");
            assert_eq!(sign_in.asks(), again || sign_in.consent, "{query}");
        }
    }

    #[test]
    fn what_cannot_be_is_refused() {
        for (query, code) in [
            ("prompt=none", Code::InteractionRequired),
            ("prompt=none&max_age=1&login_hint=ada", Code::InteractionRequired),
            ("prompt=none+login", Code::InvalidRequest),
            ("prompt=consent+none", Code::InvalidRequest),
            ("prompt=none+none", Code::InvalidRequest),
            ("prompt=login&prompt=login", Code::InvalidRequest),
            ("max_age=-1", Code::InvalidRequest),
            ("max_age=soon", Code::InvalidRequest),
            ("max_age=1.5", Code::InvalidRequest),
            ("max_age=99999999999999999999", Code::InvalidRequest),
            ("max_age=1&max_age=1", Code::InvalidRequest),
            ("login_hint=a&login_hint=b", Code::InvalidRequest),
            ("ui_locales=de&ui_locales=en", Code::InvalidRequest),
        ] {
            assert_eq!(read(query).expect_err(query).code, code, "{query}");
        }
    }

    #[test]
    fn a_hint_is_kept_as_it_came_or_dropped() {
        assert_eq!(read("login_hint=Ada%40example.com").expect("read").hint.as_deref(), Some("Ada@example.com"));
        assert_eq!(read(&format!("login_hint={}", "%C3%A9".repeat(128))).expect("read").hint, Some("é".repeat(128)));
        for dropped in [format!("login_hint={}", "a".repeat(129)), "login_hint=a%0Ab".into(), "login_hint=".into()] {
            assert_eq!(read(&dropped).expect("read").hint, None, "{dropped}");
        }
    }

    #[test]
    fn languages_are_kept_as_they_came_or_dropped() {
        let read = |query: &str| read(query).expect(query).ui_locales;
        assert_eq!(read("ui_locales=de-AT+de+en").as_deref(), Some("de-AT de en"));
        for dropped in
            ["ui_locales=%C3%A9", "ui_locales=de%0Aen", "ui_locales=", &format!("ui_locales={}", "a".repeat(257))]
        {
            assert_eq!(read(dropped), None, "{dropped}");
        }
    }

    #[test]
    fn a_sign_in_counts_when_it_is_recent_enough() {
        let at = Timestamp::from_unix;
        for (query, since_request, signed_in_at, satisfied) in [
            ("", false, 0, true),
            ("prompt=consent", false, 0, true),
            ("prompt=login", false, 1_000, false),
            ("prompt=login", true, 1_000, true),
            ("prompt=select_account", false, 1_000, false),
            ("max_age=10", false, 990, true),
            ("max_age=10", false, 989, false),
            ("max_age=10", true, 1_000, true),
            ("max_age=0", false, 1_000, false),
            ("max_age=0", true, 1_000, true),
            ("max_age=18446744073709551615", false, 0, true),
            ("prompt=login&max_age=10", false, 1_000, false),
        ] {
            let sign_in = read(query).expect(query);
            assert_eq!(sign_in.is_satisfied(since_request, at(signed_in_at), at(1_000)), satisfied, "{query}");
        }
    }

    #[test]
    fn what_an_earlier_release_stored_asks_for_nothing() {
        assert_eq!(serde_json::from_str::<SignIn>("{}").expect("readable"), SignIn::default());
    }
}
