//! The authorization endpoint: RFC 6749 §3.1, and RFC 9126 §4 for a request that was pushed before. Identifies the client,
//! validates the request, and keeps it for this browser until the person has signed in and decided. Nothing else changes, so
//! the same URL may be opened again. Step 3 of the flow.

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use gatelodge_oauth::authorization_request::{self, AnswerTo, AuthorizationRequest};
use gatelodge_oauth::authorization_response::AuthorizationResponse;
use gatelodge_oauth::client::{Client, ClientId, Registration};
use gatelodge_oauth::client_id_metadata_document::DocumentUrl;
use gatelodge_oauth::error::{Code, OAuthError};
use gatelodge_oauth::parameters::Parameters;
use gatelodge_oauth::redirect_uri::RedirectTarget;
use gatelodge_oauth::secret::HashedSecret;

use crate::app::App;
use crate::clients::Unresolved;
use crate::endpoints::pushed_authorization;
use crate::limits::Source;
use crate::{clients, flight_recorder, problem, remembered_consent, respond, transaction};

/// What to do with a request that cannot be granted (RFC 6749 §4.1.2.1). Without a [`RedirectTarget`] there is no way to
/// build a redirect.
enum Refusal {
    /// For the person's eyes only.
    Page(OAuthError),
    /// The same: nobody knows yet who asks.
    Client(Unresolved),
    /// For the client.
    Redirect(RedirectTarget, Option<String>, OAuthError),
}

impl Refusal {
    /// For the operator; none for a fault that passes.
    fn reason(&self) -> Option<String> {
        match self {
            Self::Page(error) | Self::Redirect(_, _, error) => Some(error.to_string()),
            Self::Client(Unresolved::Store(_) | Unresolved::TooMany(_)) => None,
            Self::Client(Unresolved::NotAllowed { host }) => Some(format!("clients of {host} are not allowed")),
            Self::Client(Unresolved::Invalid(error)) => Some(error.to_string()),
            Self::Client(Unresolved::Unreachable { host, .. }) => {
                Some(format!("the document of the client could not be fetched from {host}"))
            }
        }
    }
}

/// `GET /authorize`.
pub async fn authorize(request: HttpRequest, app: Data<App>) -> HttpResponse {
    let source = Source::of(&request, &app.config);
    if let Err(wait) = app.limits.requests.count(source) {
        return problem::too_many_requests(&app, &request, wait);
    }
    let parameters = match Parameters::parse(request.query_string().as_bytes()) {
        Ok(parameters) => parameters,
        Err(error) => {
            flight_recorder::request_refused(&app, &request, None, &error.to_string());
            return problem::authorization_request(&app, &request, &error, None);
        }
    };
    let outcome = validated(&parameters, source, &app).await;
    if let Some(why) = outcome.as_ref().err().and_then(Refusal::reason) {
        flight_recorder::request_refused(&app, &request, parameters.optional("client_id").ok().flatten(), &why);
    }
    match outcome {
        Ok(asked) => match remembered_consent::answer(&request, &app, &asked).await {
            Ok(Some(answer)) => answer,
            Ok(None) => transaction::begin(&request, &app, asked).await,
            Err(error) => problem::store(&app, &request, &error),
        },
        Err(Refusal::Page(error)) => {
            let redirect_uri = parameters.optional("redirect_uri").ok().flatten();
            problem::authorization_request(&app, &request, &error, redirect_uri)
        }
        Err(Refusal::Client(unresolved)) => problem::client(&app, &request, &unresolved),
        Err(Refusal::Redirect(target, state, error)) => {
            let issuer = app.config.public_url.as_str();
            respond::to_client(&AuthorizationResponse::Error(&error), &target, state.as_deref(), issuer)
        }
    }
}

async fn validated(sent: &Parameters, source: Source, app: &App) -> Result<AuthorizationRequest, Refusal> {
    let client = client(sent, source, app).await?;
    // RFC 9101 §5: of a request that points to another one, nothing counts but the client_id.
    match sent.optional("request_uri").map_err(Refusal::Page)? {
        None => check(sent, &client, app, None),
        Some(request_uri) => {
            let (pushed, parameters) =
                pushed_authorization::open(app, &client, request_uri).await.map_err(Refusal::Page)?;
            check(&parameters, &client, app, Some(pushed))
        }
    }
}

fn check(
    parameters: &Parameters,
    client: &Client,
    app: &App,
    pushed: Option<HashedSecret>,
) -> Result<AuthorizationRequest, Refusal> {
    let target = authorization_request::identify(parameters, client).map_err(Refusal::Page)?;
    let state = authorization_request::state(parameters).ok().flatten();
    match authorization_request::validate(parameters, client, target.clone(), &app.config.resources) {
        Ok(mut asked) => {
            if let AnswerTo::Client(answer) = &mut asked.answer_to {
                answer.pushed = pushed;
            }
            Ok(asked)
        }
        Err(error) if error.code == Code::InteractionRequired && !is_trusted(client, &target) => {
            Err(Refusal::Page(error))
        }
        Err(error) => Err(Refusal::Redirect(target, state, error)),
    }
}

/// `prompt=none` asks to be sent on without a word to the person, which makes any link to this server a link to wherever a
/// client likes. So it is answered by a redirect only to a website that the operator configured. The redirects of every other
/// error stay (RFC 6749 §4.1.2.1): clients cannot tell their users what is wrong without them.
fn is_trusted(client: &Client, target: &RedirectTarget) -> bool {
    client.registration == Registration::Configured && target.is_of_website()
}

/// Nobody is asked who a client is for the sake of a request that could not be granted anyway.
async fn client(parameters: &Parameters, source: Source, app: &App) -> Result<Client, Refusal> {
    let client_id = ClientId::new(parameters.required("client_id").map_err(Refusal::Page)?);
    let (found, otherwise) = match authorization_request::check_without_client(parameters) {
        Err(error) if DocumentUrl::is_meant_by(&client_id) => (clients::known(app, &client_id).await, error),
        _ => (clients::resolve(app, &client_id, source).await, OAuthError::client_unknown()),
    };
    found.map_err(Refusal::Client)?.ok_or(Refusal::Page(otherwise))
}
