//! What clients read before anything else: the metadata (RFC 8414 §3, OpenID Connect Discovery 1.0 §4) and the public keys
//! (RFC 7517 §5). Step 2 of the flow. The metadata is made once, at start.

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};

use crate::app::App;
use crate::{flight_recorder, respond};

/// `GET /.well-known/oauth-authorization-server`.
pub async fn oauth(request: HttpRequest, app: Data<App>) -> HttpResponse {
    flight_recorder::metadata_read(&app, &request);
    respond::public_json(&app.documents.oauth)
}

/// `GET /.well-known/openid-configuration`.
pub async fn openid(request: HttpRequest, app: Data<App>) -> HttpResponse {
    flight_recorder::metadata_read(&app, &request);
    respond::public_json(&app.documents.openid)
}

/// `GET /jwks`.
pub async fn jwks(app: Data<App>) -> HttpResponse {
    respond::public_json(&app.keys.current(app.clock.now()).await.jwks)
}
