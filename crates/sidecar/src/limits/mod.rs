//! What clients may hold: connections, requests under way, bytes; how many requests follow each other, and how slowly they may
//! come and be read.
//! `[limits]` in the configuration. [`guard`] is middleware of `app.rs`, around everything but the log.

use std::cell::Cell;
use std::error::Error as StdError;
use std::future::poll_fn;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use actix_web::body::{BodySize, BoxBody, MessageBody};
use actix_web::dev::{Payload, ServiceRequest, ServiceResponse};
use actix_web::http::{ConnectionType, StatusCode};
use actix_web::middleware::Next;
use actix_web::{Error, HttpMessage as _, HttpResponse};
use bytes::Bytes;

use crate::caller::Holder;
use crate::config::Limits;
use crate::event_stream::{self, Ending};
use crate::respond::{self, Fault};
use crate::shutdown::Stop;
use body::Paced;
use connection::{Connection, UnderWay};
use places::{Place, Places};

pub use connection::Connections;
pub use places::Full;
pub use rates::Rates;
pub use room::{Held, Room, SMALL};

mod body;
mod connection;
pub mod descriptors;
mod places;
mod rates;
mod room;

/// Middleware: paces the body of the request and watches the reader of its answer.
pub async fn guard<B: MessageBody + 'static>(
    mut request: ServiceRequest,
    next: Next<B>,
    slow_body_timeout: Duration,
    stop: Stop,
) -> Result<ServiceResponse<BoxBody>, Error> {
    // Of a connection that was turned away, the system may still hand out what had arrived by then. Nobody hears the answer.
    let Some(connection) = request.conn_data::<Rc<Connection>>() else {
        return Ok(request.into_response(respond::fault(Fault::TooManyRequests)));
    };
    let under_way = UnderWay::on(connection).await;
    let asks_for_more = request.head().connection_type() == ConnectionType::KeepAlive;
    let gave_up = Rc::new(Cell::new(false));
    let handler = poll_fn(|context| Poll::Ready(context.waker().clone())).await;
    let payload = request.take_payload();
    request.set_payload(match payload {
        Payload::None => Payload::None,
        payload => {
            let paced = Paced::new(payload, slow_body_timeout, handler, Rc::clone(&gave_up));
            Payload::Stream { payload: Box::pin(paced) }
        }
    });
    let method = request.method().clone();
    let mut response = next.call(request).await?;
    if gave_up.get() {
        if response.status() == StatusCode::BAD_REQUEST {
            // RFC 9110 §15.5.9: whoever reads the body knows only that it ended.
            *response.response_mut().status_mut() = StatusCode::REQUEST_TIMEOUT;
        }
        response.response_mut().head_mut().set_connection_type(ConnectionType::Close);
        under_way.gave_up();
    }
    if !asks_for_more || !response.response().keep_alive() {
        under_way.is_the_last();
    }
    let ending = event_stream::is_one(response.headers()).then(|| stop.ending(&method));
    Ok(response.map_body(|_, body| BoxBody::new(Answer { body: body.boxed(), under_way, ending })))
}

/// The body of an answer on its way to the client.
struct Answer {
    body: BoxBody,
    under_way: UnderWay,
    /// Of event streams, which have no end of their own; their readers may also be as slow as their events.
    ending: Option<Ending>,
}

impl MessageBody for Answer {
    type Error = Box<dyn StdError>;

    fn size(&self) -> BodySize {
        self.body.size()
    }

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Bytes, Self::Error>>> {
        let this = self.get_mut();
        if let Some(ending) = &mut this.ending {
            if let Poll::Ready(end) = ending.poll_now(context) {
                return Poll::Ready(end.err().map(|cut| Err(cut.into())));
            }
            let part = ready!(Pin::new(&mut this.body).poll_next(context));
            if let Some(Ok(bytes)) = &part {
                ending.passed(bytes);
            }
            return Poll::Ready(part);
        }
        this.under_way.asked();
        let part = ready!(Pin::new(&mut this.body).poll_next(context));
        this.under_way.handed_over();
        Poll::Ready(part)
    }
}

/// Requests on their way to MCP servers and back, streams included; shared by all workers and resources.
#[derive(Debug, Clone)]
pub struct OpenRequests {
    all: Arc<Places<Holder>>,
    /// Of them, those of strangers: there may be as many as there are addresses, and they are not to keep everybody else away.
    strangers: Arc<Places<Holder>>,
}

/// One of them. Dropped, it is over.
#[derive(Debug)]
pub struct OpenRequest {
    _place: Place<Holder>,
    _of_strangers: Option<Place<Holder>>,
}

impl OpenRequests {
    /// None yet.
    pub fn new(limits: &Limits) -> Self {
        let (all, each) = (limits.open_requests, limits.open_requests_per_user);
        let strangers = Arc::new(Places::new(all.div_ceil(2), each));
        Self { all: Arc::new(Places::new(all, each)), strangers }
    }

    /// One more for this holder, or none: before anything is forwarded, since nobody knows yet which answers are streams.
    pub fn begin(&self, holder: Holder) -> Result<OpenRequest, Full> {
        let Holder::Stranger(_) = holder else {
            return Ok(OpenRequest { _place: self.all.take(Some(holder))?, _of_strangers: None });
        };
        let of_strangers = self.strangers.take(Some(holder))?;
        Ok(OpenRequest { _place: self.all.take(None)?, _of_strangers: Some(of_strangers) })
    }
}

impl OpenRequest {
    /// Is over with the body of this answer.
    pub fn until_sent(self, answer: HttpResponse) -> HttpResponse {
        answer.map_body(|_, body| BoxBody::new(Counted { body, _open: self }))
    }
}

struct Counted {
    body: BoxBody,
    _open: OpenRequest,
}

impl MessageBody for Counted {
    type Error = Box<dyn StdError>;

    fn size(&self) -> BodySize {
        self.body.size()
    }

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Bytes, Self::Error>>> {
        Pin::new(&mut self.get_mut().body).poll_next(context)
    }
}
