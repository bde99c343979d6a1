//! The request that is worked on: whatever is said meanwhile is said of it. Entered by `http/request.rs` at each step of a
//! request; `json.rs` and `text.rs` write it into their lines.
//!
//! Not a span of `tracing`: for the registry that keeps those, each request took 10,000 instructions, as much as its line does.

use std::borrow::Cow;
use std::cell::RefCell;
use std::rc::Rc;

use actix_web::http::{Method, Uri};
use uuid::Uuid;

/// Longer paths are cut in the log: nobody's request may fill the disk.
const LONGEST_PATH: usize = 256;

thread_local! {
    static CURRENT: RefCell<Option<Rc<Request>>> = const { RefCell::new(None) };
}

/// What lines say of a request. Its query is never among it: it carries authorization codes and `state`.
#[derive(Debug)]
pub struct Request {
    id: String,
    method: Method,
    uri: Uri,
}

impl Request {
    /// Gives it its id.
    pub fn new(method: &Method, uri: &Uri) -> Rc<Self> {
        let id = Uuid::new_v4().hyphenated().encode_lower(&mut Uuid::encode_buffer()).to_owned();
        Rc::new(Self { id, method: method.clone(), uri: uri.clone() })
    }

    /// The one that is worked on here and now.
    pub fn current() -> Option<Rc<Self>> {
        CURRENT.with_borrow(Clone::clone)
    }

    /// Does a part of the work.
    pub fn scope<R>(self: &Rc<Self>, work: impl FnOnce() -> R) -> R {
        let _outer = Outer(CURRENT.replace(Some(Rc::clone(self))));
        work()
    }

    /// Only digits, letters and hyphens.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// As it was sent.
    pub fn method(&self) -> &str {
        self.method.as_str()
    }

    /// As it may stand in a log.
    pub fn path(&self) -> Cow<'_, str> {
        loggable(self.uri.path())
    }
}

/// What was worked on before, and is again, also after a panic.
struct Outer(Option<Rc<Request>>);

impl Drop for Outer {
    fn drop(&mut self) {
        CURRENT.set(self.0.take());
    }
}

/// Escaped, and not longer than is useful.
fn loggable(path: &str) -> Cow<'_, str> {
    let is_plain = |byte: u8| byte.is_ascii_graphic() && !matches!(byte, b'"' | b'\'' | b'\\');
    if path.len() <= LONGEST_PATH && path.bytes().all(is_plain) {
        return path.into();
    }
    path.chars().take(LONGEST_PATH).flat_map(char::escape_debug).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn logged_paths_cannot_forge_lines_and_have_an_end() {
        assert_eq!(loggable("/a\n{\"level\":\"INFO\"}\u{1b}[0m"), "/a\\n{\\\"level\\\":\\\"INFO\\\"}\\u{1b}[0m");
        assert_eq!(loggable("/mcp/it's"), "/mcp/it\\'s");
        assert_eq!(loggable("/mcp"), "/mcp");
        assert_eq!(loggable(&"x".repeat(10_000)).len(), LONGEST_PATH);
    }

    #[test]
    fn the_work_on_a_request_ends_with_it_and_the_one_before_goes_on() {
        let new = || Request::new(&Method::GET, &Uri::from_static("/a?code=secret"));
        let current = || Request::current().map(|request| request.id().to_owned());
        let (outer, inner) = (new(), new());
        assert_ne!(outer.id(), inner.id());
        assert_eq!((outer.id().len(), outer.path().as_ref()), (36, "/a"));
        outer.scope(|| {
            let broken = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
                inner.scope(|| {
                    assert_eq!(current().as_deref(), Some(inner.id()));
                    std::panic::resume_unwind(Box::new(()));
                })
            }));
            assert!(broken.is_err());
            assert_eq!(current().as_deref(), Some(outer.id()));
        });
        assert_eq!(current(), None);
    }
}
