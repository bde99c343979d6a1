//! The steps of a connection, from the first document that a client reads to the token it calls with.

/// What happened. Its name is what is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Somebody read the metadata (RFC 8414 §3).
    MetadataRead,
    /// A client registered (RFC 7591 §3).
    Registered,
    /// One was not registered.
    RegistrationRefused,
    /// A device asked for its codes (RFC 8628 §3.1).
    DeviceAsked,
    /// A browser came with an authorization request (RFC 6749 §4.1.1), or with the code of a device.
    Asked,
    /// It came with one that cannot be granted.
    RequestRefused,
    /// It was sent on to an OpenID provider.
    SentToProvider,
    /// The provider could not be asked, or what it said signed nobody in.
    ProviderFailed,
    /// A password was wrong, or a code or a passkey in its place.
    SignInFailed,
    /// A password was right, and something else is asked for besides.
    SecondStepAsked,
    /// That was wrong.
    SecondStepFailed,
    /// Somebody signed in for it.
    SignedIn,
    /// They saw the question.
    ConsentShown,
    /// They said yes.
    Allowed,
    /// They said no.
    Denied,
    /// The client came for its token and got none (RFC 6749 §5.2).
    TokenRefused,
    /// It got one (RFC 6749 §5.1).
    TokenIssued,
}

impl Step {
    /// Everything.
    pub const ALL: [Step; 17] = [
        Step::MetadataRead,
        Step::Registered,
        Step::RegistrationRefused,
        Step::DeviceAsked,
        Step::Asked,
        Step::RequestRefused,
        Step::SentToProvider,
        Step::ProviderFailed,
        Step::SignInFailed,
        Step::SecondStepAsked,
        Step::SecondStepFailed,
        Step::SignedIn,
        Step::ConsentShown,
        Step::Allowed,
        Step::Denied,
        Step::TokenRefused,
        Step::TokenIssued,
    ];

    /// The name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Step::MetadataRead => "metadata_read",
            Step::Registered => "registered",
            Step::RegistrationRefused => "registration_refused",
            Step::DeviceAsked => "device_asked",
            Step::Asked => "asked",
            Step::RequestRefused => "request_refused",
            Step::SentToProvider => "sent_to_provider",
            Step::ProviderFailed => "provider_failed",
            Step::SignInFailed => "sign_in_failed",
            Step::SecondStepAsked => "second_step_asked",
            Step::SecondStepFailed => "second_step_failed",
            Step::SignedIn => "signed_in",
            Step::ConsentShown => "consent_shown",
            Step::Allowed => "allowed",
            Step::Denied => "denied",
            Step::TokenRefused => "token_refused",
            Step::TokenIssued => "token_issued",
        }
    }

    /// The other way round.
    pub fn of(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|step| step.as_str() == name)
    }

    /// In words.
    pub const fn words(self) -> &'static str {
        match self {
            Step::MetadataRead => "metadata read",
            Step::Registered => "registered",
            Step::RegistrationRefused => "registration refused",
            Step::DeviceAsked => "device asked for codes",
            Step::Asked => "asked for authorization",
            Step::RequestRefused => "request refused",
            Step::SentToProvider => "sent to provider",
            Step::ProviderFailed => "provider failed",
            Step::SignInFailed => "sign-in failed",
            Step::SecondStepAsked => "second step asked",
            Step::SecondStepFailed => "second step failed",
            Step::SignedIn => "signed in",
            Step::ConsentShown => "consent shown",
            Step::Allowed => "allowed",
            Step::Denied => "denied",
            Step::TokenRefused => "token refused",
            Step::TokenIssued => "token issued",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_step_has_a_name_of_its_own() {
        for step in Step::ALL {
            assert_eq!(Step::of(step.as_str()), Some(step));
        }
        assert_eq!(Step::of("granted"), None);
    }
}
