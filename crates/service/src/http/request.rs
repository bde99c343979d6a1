//! What every request of both binaries gets: an id, which its answer names in `X-Request-Id` and each line of the log that is
//! written meanwhile, so that a person who reports a fault can name the lines. And an answer, also where the program has a fault.

use std::fmt;
use std::future::{Future, Ready, ready};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use actix_web::body::{BodySize, MessageBody};
use actix_web::dev::{Service, ServiceRequest, ServiceResponse, Transform, forward_ready};
use actix_web::http::header::{CACHE_CONTROL, HeaderName, HeaderValue};
use actix_web::web::Bytes;
use actix_web::{Error, HttpResponse, ResponseError};
use pin_project_lite::pin_project;

use crate::logs::request::Request;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The id that the request under way on this thread has in the log and in its answer.
pub fn id_of_current() -> String {
    Request::current().map(|request| request.id().to_owned()).unwrap_or_default()
}

/// The middleware. Wrap the application in it last, so that everything else runs inside.
#[derive(Debug, Clone, Copy)]
pub struct Requests;

impl<S, B> Transform<S, ServiceRequest> for Requests
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error>,
    B: MessageBody,
{
    type Response = ServiceResponse<OfRequest<B>>;
    type Error = Error;
    type Transform = Around<S>;
    type InitError = ();
    type Future = Ready<Result<Self::Transform, ()>>;

    fn new_transform(&self, service: S) -> Self::Future {
        ready(Ok(Around { service }))
    }
}

/// The application, and the middleware around it.
#[derive(Debug)]
pub struct Around<S> {
    service: S,
}

impl<S, B> Service<ServiceRequest> for Around<S>
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error>,
    B: MessageBody,
{
    type Response = ServiceResponse<OfRequest<B>>;
    type Error = Error;
    type Future = OfRequest<S::Future>;

    forward_ready!(service);

    fn call(&self, received: ServiceRequest) -> Self::Future {
        let request = Request::new(received.method(), received.uri());
        let inner = request.scope(|| self.service.call(received));
        OfRequest { inner, request }
    }
}

pin_project! {
    /// The work on an answer, or its body: each step is done for the request.
    #[derive(Debug)]
    pub struct OfRequest<T> {
        #[pin]
        inner: T,
        request: Rc<Request>,
    }
}

impl<F, B> Future for OfRequest<F>
where
    F: Future<Output = Result<ServiceResponse<B>, Error>>,
    B: MessageBody,
{
    type Output = Result<ServiceResponse<OfRequest<B>>, Error>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let id = || HeaderValue::from_str(this.request.id()).ok();
        // What a request leaves half done is its own; what is shared is locked, and says so itself.
        let step = this.request.scope(|| {
            catch_unwind(AssertUnwindSafe(|| this.inner.poll(context))).inspect_err(|_| {
                tracing::error!("a fault of the program ended this request; standard error says where")
            })
        });
        match step {
            Ok(Poll::Pending) => Poll::Pending,
            Ok(Poll::Ready(Err(error))) => Poll::Ready(Err(error)),
            Ok(Poll::Ready(Ok(mut response))) => {
                if let Some(id) = id() {
                    response.headers_mut().insert(REQUEST_ID, id);
                }
                let request = Rc::clone(this.request);
                Poll::Ready(Ok(response.map_body(|_, inner| OfRequest { inner, request })))
            }
            Err(_) => Poll::Ready(Err(Panicked(id()).into())),
        }
    }
}

impl<B: MessageBody> MessageBody for OfRequest<B> {
    type Error = B::Error;

    fn size(&self) -> BodySize {
        self.inner.size()
    }

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Bytes, Self::Error>>> {
        let this = self.project();
        this.request.scope(|| this.inner.poll_next(context))
    }
}

/// The request with this id met a fault of the program.
#[derive(Debug)]
struct Panicked(Option<HeaderValue>);

impl fmt::Display for Panicked {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a fault of the program")
    }
}

/// RFC 9110 §15.6.1. Without a body: nobody knows what it could say.
impl ResponseError for Panicked {
    fn error_response(&self) -> HttpResponse {
        let mut response = HttpResponse::InternalServerError();
        response.insert_header((CACHE_CONTROL, "no-store"));
        if let Some(id) = &self.0 {
            response.insert_header((REQUEST_ID, id.clone()));
        }
        response.finish()
    }
}

#[cfg(test)]
#[path = "request_tests.rs"]
mod tests;
