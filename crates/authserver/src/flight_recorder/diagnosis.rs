//! Where a connection stopped, what that is likely to mean, and what to do about it. A pure function of what is known of it.

use std::time::Duration;

use serde::Serialize;

use super::Step;

/// Until an open question is as old as this, somebody may still be on their way.
const ON_THE_WAY: Duration = Duration::from_secs(600);

/// A client calls with its new token at once, and the trail is a moment behind.
const TRAIL_IS_BEHIND: Duration = Duration::from_secs(60);

/// What is known.
#[derive(Debug, Clone, Copy)]
pub struct Facts<'f> {
    /// The last step.
    pub last: Step,
    /// What was noted with it.
    pub detail: Option<&'f str>,
    /// How long ago it was.
    pub since: Duration,
    /// How many passwords were wrong, or codes and passkeys in their place.
    pub failed_sign_ins: usize,
    /// How often what was asked for besides was wrong.
    pub failed_second_steps: usize,
    /// Whether the answer goes to a program on the person's own computer.
    pub to_this_computer: bool,
    /// What became of the token.
    pub calls: Calls<'f>,
    /// Whether the client came back for another token.
    pub refreshed: bool,
    /// Whether what was allowed was ended.
    pub revoked: bool,
}

/// What the audit trail knows of calls with the token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Calls<'f> {
    /// No sidecar sends its decisions.
    NotRecorded,
    /// There was none.
    None,
    /// The MCP server got one.
    Forwarded,
    /// There were some, and the MCP server got none of them.
    Refused {
        /// Why, as the sidecar says it.
        reason: Option<&'f str>,
    },
}

/// How it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// The client uses the MCP server.
    Connected,
    /// Somebody may still be on their way.
    Waiting,
    /// It goes no further.
    Stopped,
    /// Nobody here can tell.
    Unknown,
}

impl State {
    /// Every one.
    pub const ALL: [State; 4] = [State::Connected, State::Waiting, State::Stopped, State::Unknown];

    /// Its name.
    pub const fn as_str(self) -> &'static str {
        match self {
            State::Connected => "connected",
            State::Waiting => "waiting",
            State::Stopped => "stopped",
            State::Unknown => "unknown",
        }
    }

    /// The other way round.
    pub fn of(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == name)
    }
}

/// What to tell the operator.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Diagnosis {
    /// How it stands.
    pub state: State,
    /// In a few words.
    pub summary: String,
    /// What is likely behind it.
    pub cause: String,
    /// What to do.
    pub advice: String,
}

impl Diagnosis {
    fn new(state: State, summary: &str, cause: &str, advice: &str) -> Self {
        Self { state, summary: summary.into(), cause: cause.into(), advice: advice.into() }
    }

    fn stopped(summary: &str, cause: &str, advice: &str) -> Self {
        Self::new(State::Stopped, summary, cause, advice)
    }
}

/// Reads the facts.
pub fn diagnose(facts: &Facts<'_>) -> Diagnosis {
    if facts.since < ON_THE_WAY
        && let Some(awaited) = awaited(facts.last)
    {
        let cause = "Somebody may still be on their way.";
        return Diagnosis::new(
            State::Waiting,
            &format!("waiting for {awaited}"),
            cause,
            "Look again in a few minutes.",
        );
    }
    match facts.last {
        Step::MetadataRead | Step::RegistrationRefused | Step::Registered => before_a_browser(facts),
        Step::DeviceAsked => Diagnosis::stopped(
            "nobody typed the code of the device",
            "The device showed its code, and nobody typed it in time.",
            "Start again at the device, open the address that it shows, and type the code before it expires (tokens.device_code_lifetime).",
        ),
        Step::Asked
        | Step::RequestRefused
        | Step::SentToProvider
        | Step::ProviderFailed
        | Step::SignInFailed
        | Step::SecondStepAsked
        | Step::SecondStepFailed => before_a_sign_in(facts),
        Step::SignedIn | Step::ConsentShown | Step::Denied => before_a_yes(facts),
        Step::Allowed | Step::TokenRefused => before_a_token(facts),
        Step::TokenIssued => with_a_token(facts),
    }
}

/// What a person or a client does next, while it is not too late.
fn awaited(last: Step) -> Option<&'static str> {
    match last {
        Step::Registered => Some("a browser"),
        Step::DeviceAsked => Some("the code of the device"),
        Step::Asked | Step::ProviderFailed | Step::SignInFailed => Some("the sign-in"),
        Step::SentToProvider => Some("the sign-in at the provider"),
        Step::SecondStepAsked | Step::SecondStepFailed => Some("the second step of the sign-in"),
        Step::SignedIn | Step::ConsentShown => Some("an answer"),
        _ => None,
    }
}

fn before_a_browser(facts: &Facts<'_>) -> Diagnosis {
    match facts.last {
        Step::MetadataRead => Diagnosis::stopped(
            "read the metadata and went away",
            "A monitor, a search engine, or a client that was connected before: most of these mean nothing. A client that wanted \
             to connect may have found no way to register that it knows.",
            "Nothing, unless somebody cannot connect. Then look whether the configuration allows what their client does: \
             registration.dcr, and registration.client_id_metadata_documents.mode.",
        ),
        Step::RegistrationRefused => Diagnosis::stopped(
            "registration refused",
            &format!(
                "What the client says of itself is not accepted: {}.",
                facts.detail.unwrap_or("no reason is known")
            ),
            "If the client is wanted, allow in [registration] what it asks for, or set it up with gatelodge client add.",
        ),
        _ => Diagnosis::stopped(
            "registered, and no browser came",
            "The client opened no browser, the person closed it, or something between them and /authorize did not let it through.",
            "Try to connect again and watch whether a browser opens with a URL of this server. If it does and nothing is here, look \
             at your proxy or CDN.",
        ),
    }
}

fn before_a_sign_in(facts: &Facts<'_>) -> Diagnosis {
    match facts.last {
        Step::RequestRefused => Diagnosis::stopped(
            "authorization request refused",
            &format!("The person saw an error page: {}.", facts.detail.unwrap_or("no reason is known")),
            "An unknown client was cleared away or belongs to another server: remove the server in the client and connect again. \
             A redirect URI must be registered exactly as it is used.",
        ),
        Step::SentToProvider => Diagnosis::stopped(
            "did not come back from the provider",
            "The person gave up at the OpenID provider, or the provider showed an error and sent nobody back.",
            "Ask what the person saw there. If it was an error, compare the redirect URI that is registered there with docs/sign-in.md.",
        ),
        Step::ProviderFailed => Diagnosis::stopped(
            "the provider signed nobody in",
            &format!("The sign-in at the OpenID provider failed: {}.", facts.detail.unwrap_or("no reason is known")),
            "sign_in_not_allowed: the allow of that provider lets this person not in. sign_in_not_linked: gatelodge user link. Anything \
             else: look at the log at that time, and compare [[login.oidc]] with what is registered at the provider (docs/sign-in.md).",
        ),
        Step::SecondStepFailed => Diagnosis::stopped(
            "the second step failed",
            &format!(
                "The password was right, and what was asked for besides was wrong {}; the last time: {}.",
                times(facts.failed_second_steps),
                facts.detail.unwrap_or("no reason is known")
            ),
            "The clock of the device with the authenticator app may be wrong. If the app is lost: gatelodge user reset-second-factor NAME. \
             If it was not the person, somebody else knows their password: gatelodge user reset-password NAME.",
        ),
        Step::SecondStepAsked => Diagnosis::stopped(
            "the second step was not done",
            "The password was right, and the code of the authenticator app was not typed.",
            "Ask whether the person still has their authenticator app or a recovery code. If not: gatelodge user reset-second-factor NAME.",
        ),
        _ if facts.failed_sign_ins > 0 => Diagnosis::stopped(
            "could not sign in",
            &format!("What was typed was wrong {}.", times(facts.failed_sign_ins)),
            "Make the person a link for a new password: gatelodge user reset-password NAME --link.",
        ),
        _ => Diagnosis::stopped(
            "nobody signed in",
            "The sign-in page was opened and left, or the person has no account here.",
            "Ask whether they have an account. gatelodge user list shows who does.",
        ),
    }
}

fn times(number: usize) -> String {
    if number == 1 { "once".to_owned() } else { format!("{number} times") }
}

fn before_a_yes(facts: &Facts<'_>) -> Diagnosis {
    match facts.last {
        Step::Denied => Diagnosis::stopped("denied", "The person pressed Deny.", "Nothing: it was their decision."),
        Step::ConsentShown => Diagnosis::stopped(
            "the question was not answered",
            "The person left the consent page, or came back to it too late.",
            "Connect again from the client.",
        ),
        _ => Diagnosis::stopped(
            "signed in, and the question was not shown",
            "The browser did not follow from the sign-in to the question: it may keep no cookies, or a proxy changes redirects.",
            "Try another browser. A proxy in front must pass Location and Set-Cookie as they are.",
        ),
    }
}

fn before_a_token(facts: &Facts<'_>) -> Diagnosis {
    if facts.last == Step::TokenRefused {
        return Diagnosis::stopped(
            "the token was refused",
            &format!(
                "The client came back with its code and did not get a token: {}.",
                facts.detail.unwrap_or("no reason is known")
            ),
            "A code that came too late points to a slow or broken way from the browser to the client. Anything else is a fault of \
             the client: connect again, and report it to its makers with this reason.",
        );
    }
    if facts.to_this_computer {
        return Diagnosis::stopped(
            "allowed, and the code was not fetched",
            "The browser could not reach the program on the computer where it runs: the program ended, or it runs on another \
             machine (SSH, container, WSL).",
            "Connect from the machine on which the browser runs, forward the port, or use the device grant ([grants] device_code) \
             or a personal token.",
        );
    }
    Diagnosis::stopped(
        "allowed, and the code was not fetched",
        "The client's own server did not come to /token: the browser did not get back to the client, or your firewall or CDN keeps \
         the client's server out.",
        "Let POST /token through for everybody: its callers are servers, and no browser checks or bot rules may stand before it.",
    )
}

fn with_a_token(facts: &Facts<'_>) -> Diagnosis {
    let ended = if facts.revoked { " What was allowed was ended since." } else { "" };
    match facts.calls {
        Calls::Forwarded => Diagnosis::new(
            State::Connected,
            "connected",
            &format!("The client uses the MCP server.{ended}"),
            "Nothing.",
        ),
        Calls::Refused { reason } => Diagnosis::stopped(
            "came with its token and was refused",
            &format!("The sidecar let no call through: {}.{ended}", reason.unwrap_or("no reason is known")),
            "Compare the reason with docs/operations.md. insufficient_scope: the token lacks a scope, and the client has to ask for it.",
        ),
        Calls::NotRecorded if facts.refreshed => Diagnosis::new(
            State::Connected,
            "token issued, and renewed since",
            &format!("The client lives: it came for another token.{ended}"),
            "To see calls here too, let the sidecar send them: [audit] in both configurations.",
        ),
        Calls::NotRecorded => Diagnosis::new(
            State::Unknown,
            "token issued; calls are not recorded",
            &format!(
                "Everything that this server does is done. The sidecar sends no decisions, so nobody here knows more.{ended}"
            ),
            "Turn on [audit] in both configurations, or look for this client_id in the lines \"decision\" of the sidecar's log.",
        ),
        Calls::None if facts.since < TRAIL_IS_BEHIND => Diagnosis::new(
            State::Waiting,
            "waiting for the first call",
            "The token is new, and the audit trail is a moment behind.",
            "Look again in a minute.",
        ),
        Calls::None => Diagnosis::stopped(
            "token issued, never came back",
            &format!(
                "The client has its token, and no call with it reached the sidecar, or the sidecar did not know the token.{ended}"
            ),
            "Look at your CDN, firewall or proxy: it must let POST requests with an Authorization header through to the MCP path, \
             without browser checks. Then look in the sidecar's log for \"outcome\":\"challenged\" with a reason at that time.",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LONG_AGO: Duration = Duration::from_secs(3_600);

    fn facts(last: Step) -> Facts<'static> {
        Facts {
            last,
            detail: Some("because"),
            since: LONG_AGO,
            failed_sign_ins: 0,
            failed_second_steps: 1,
            to_this_computer: false,
            calls: Calls::None,
            refreshed: false,
            revoked: false,
        }
    }

    fn of(facts: Facts<'_>) -> (State, String) {
        let Diagnosis { state, summary, cause, advice } = diagnose(&facts);
        assert!(cause.ends_with('.') && advice.ends_with('.'), "{cause} {advice}");
        (state, summary)
    }

    fn stopped(summary: &str) -> (State, String) {
        (State::Stopped, summary.to_owned())
    }

    #[test]
    fn each_step_says_where_it_stopped() {
        for (last, summary) in [
            (Step::MetadataRead, "read the metadata and went away"),
            (Step::Registered, "registered, and no browser came"),
            (Step::RegistrationRefused, "registration refused"),
            (Step::DeviceAsked, "nobody typed the code of the device"),
            (Step::Asked, "nobody signed in"),
            (Step::RequestRefused, "authorization request refused"),
            (Step::SentToProvider, "did not come back from the provider"),
            (Step::ProviderFailed, "the provider signed nobody in"),
            (Step::SecondStepAsked, "the second step was not done"),
            (Step::SecondStepFailed, "the second step failed"),
            (Step::SignedIn, "signed in, and the question was not shown"),
            (Step::ConsentShown, "the question was not answered"),
            (Step::Allowed, "allowed, and the code was not fetched"),
            (Step::Denied, "denied"),
            (Step::TokenRefused, "the token was refused"),
            (Step::TokenIssued, "token issued, never came back"),
        ] {
            assert_eq!(of(facts(last)), stopped(summary));
        }
        let failed = Facts { failed_sign_ins: 2, ..facts(Step::SignInFailed) };
        assert_eq!(of(failed), stopped("could not sign in"));
        assert!(diagnose(&failed).cause.contains("2 times"));
        let refused = [Step::RegistrationRefused, Step::RequestRefused, Step::TokenRefused];
        for last in refused.into_iter().chain([Step::ProviderFailed, Step::SecondStepFailed]) {
            assert!(diagnose(&facts(last)).cause.contains("because"), "{last:?}");
        }
    }

    #[test]
    fn a_program_on_another_machine_and_a_wall_before_the_token_endpoint_are_told_apart() {
        let local = diagnose(&Facts { to_this_computer: true, ..facts(Step::Allowed) });
        assert!(local.cause.contains("SSH") && local.advice.contains("device"));
        assert!(diagnose(&facts(Step::Allowed)).advice.contains("POST /token"));
    }

    #[test]
    fn nobody_is_given_up_who_may_still_be_on_their_way() {
        let now = |last| Facts { since: Duration::from_secs(599), ..facts(last) };
        for (last, awaited) in [
            (Step::Registered, "a browser"),
            (Step::DeviceAsked, "the code of the device"),
            (Step::Asked, "the sign-in"),
            (Step::SignInFailed, "the sign-in"),
            (Step::SentToProvider, "the sign-in at the provider"),
            (Step::ProviderFailed, "the sign-in"),
            (Step::SecondStepAsked, "the second step of the sign-in"),
            (Step::SecondStepFailed, "the second step of the sign-in"),
            (Step::SignedIn, "an answer"),
            (Step::ConsentShown, "an answer"),
        ] {
            assert_eq!(of(now(last)), (State::Waiting, format!("waiting for {awaited}")));
        }
        for last in [Step::Denied, Step::RequestRefused, Step::RegistrationRefused, Step::TokenRefused, Step::Allowed] {
            assert_eq!(of(now(last)).0, State::Stopped, "{last:?}");
        }
        let new = Facts { since: Duration::from_secs(59), ..facts(Step::TokenIssued) };
        assert_eq!(of(new), (State::Waiting, "waiting for the first call".into()));
    }

    #[test]
    fn what_became_of_the_token_is_never_guessed() {
        let with = |calls| Facts { calls, ..facts(Step::TokenIssued) };
        assert_eq!(of(with(Calls::Forwarded)), (State::Connected, "connected".into()));
        assert_eq!(of(with(Calls::NotRecorded)), (State::Unknown, "token issued; calls are not recorded".into()));
        let renewed = Facts { refreshed: true, ..with(Calls::NotRecorded) };
        assert_eq!(of(renewed), (State::Connected, "token issued, and renewed since".into()));
        let refused = with(Calls::Refused { reason: Some("insufficient_scope") });
        assert_eq!(of(refused), stopped("came with its token and was refused"));
        assert!(diagnose(&refused).cause.contains("insufficient_scope"));
        assert!(diagnose(&Facts { revoked: true, ..with(Calls::Forwarded) }).cause.contains("ended"));
    }
}
