//! `sign_in.html`: who are you, with no client that waits. Shown and answered by `endpoints/sign_in.rs`.

use std::time::Duration;

use serde::Serialize;

use super::{HOSTILE, LONG_NAME, LoginProblem, Page, SignInMethod};

/// What the page shows. Its forms are those of [`SignInMethod`]; another POSTs `csrf_token` to `/logout`.
#[derive(Clone, Serialize)]
pub struct SignInPage {
    /// Ties the form to the browser session.
    pub csrf_token: String,
    /// What the sign-in is for: no request of a client. The forms are shared with the page where one waits.
    pub transaction: Option<String>,
    /// Who is signed in, and is asked once more before something that matters.
    pub again: Option<String>,
    /// How people may sign in.
    pub methods: Vec<SignInMethod>,
    /// What was typed before; empty at first.
    pub username: String,
    /// Why the last attempt failed.
    pub problem: Option<LoginProblem>,
    /// How long to wait before the next one.
    pub wait: Option<Wait>,
}

/// A time to wait, for people: rounded up, in the largest unit that leaves a number above one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Wait {
    /// How many.
    pub count: u64,
    /// Of what: `seconds` or `minutes`.
    pub unit: &'static str,
}

impl From<Duration> for Wait {
    fn from(wait: Duration) -> Self {
        let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
        match seconds {
            0..120 => Self { count: seconds.max(1), unit: "seconds" },
            _ => Self { count: seconds.div_ceil(60), unit: "minutes" },
        }
    }
}

impl Page for SignInPage {
    const TEMPLATE: &'static str = "sign_in.html";
    const FIELDS: &'static [&'static str] = &["csrf_token"];

    fn samples() -> Vec<Self> {
        let plain = Self {
            csrf_token: "sample".to_owned(),
            transaction: None,
            again: None,
            methods: SignInMethod::password(),
            username: String::new(),
            problem: None,
            wait: None,
        };
        let with_provider =
            [SignInMethod::password(), vec![SignInMethod::Passkey, SignInMethod::provider("google", "Google")]]
                .concat();
        let again = Some("nora".to_owned());
        let wait = Some(Wait { count: 15, unit: "minutes" });
        let too_many = Some(LoginProblem::TooManyAttempts);
        vec![
            plain.clone(),
            Self { again: again.clone(), ..plain.clone() },
            Self { methods: with_provider.clone(), ..plain.clone() },
            Self { methods: SignInMethod::provider_first("Acme Staff"), ..plain.clone() },
            Self {
                again: again.clone(),
                methods: with_provider,
                problem: Some(LoginProblem::OtherAccount),
                ..plain.clone()
            },
            Self {
                username: "nora".to_owned(),
                problem: Some(LoginProblem::CredentialsWrong),
                methods: SignInMethod::by_mail(),
                ..plain.clone()
            },
            Self { username: "nora".to_owned(), problem: too_many, wait, ..plain.clone() },
            Self { username: "nora".to_owned(), problem: too_many, ..plain.clone() },
            Self {
                username: LONG_NAME.to_owned(),
                again: Some(LONG_NAME.to_owned()),
                methods: SignInMethod::provider_first(LONG_NAME),
                ..plain
            },
            Self {
                csrf_token: HOSTILE.to_owned(),
                transaction: None,
                again: Some(HOSTILE.to_owned()),
                methods: SignInMethod::hostile(),
                username: HOSTILE.to_owned(),
                problem: None,
                wait: None,
            },
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_reads_like_speech_and_never_promises_less() {
        for (seconds, count, unit) in
            [(0, 1, "seconds"), (119, 119, "seconds"), (120, 2, "minutes"), (121, 3, "minutes"), (900, 15, "minutes")]
        {
            assert_eq!(Wait::from(Duration::from_secs(seconds)), Wait { count, unit });
        }
        assert_eq!(Wait::from(Duration::from_millis(1_001)).count, 2);
    }
}
