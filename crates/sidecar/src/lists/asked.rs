//! Which lists were asked for, so that the answers are known when they come. JSON-RPC 2.0 §5 (`id`). Used by `rewrite.rs`
//! and `events.rs`.

use super::List;
use super::json::Value;

/// The requests for lists that are not answered yet.
#[derive(Debug, Clone)]
pub struct Asked {
    /// `None`: it is not known what was asked.
    open: Option<Vec<(Option<Id>, List)>>,
}

/// Types differ: `1` is not `"1"`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Id {
    Text(String),
    /// As it is written: `1` is not `1.0` here, which costs nothing but a longer look.
    Number(String),
}

impl Id {
    /// Of a request or a response.
    pub fn of(value: Value<'_>) -> Option<Self> {
        let raw = value.raw();
        if raw.starts_with('"') {
            return value.string().map(|text| Self::Text(text.into_owned()));
        }
        raw.starts_with(|c: char| c == '-' || c.is_ascii_digit()).then(|| Self::Number(raw.into()))
    }
}

impl Asked {
    /// By the requests of one POST: the `id` of each as JSON text, and its list.
    pub fn by<'a>(requests: impl IntoIterator<Item = (&'a str, List)>) -> Self {
        let id = |raw| Value::only(raw).ok().and_then(Id::of);
        Self { open: Some(requests.into_iter().map(|(raw, list)| (id(raw), list)).collect()) }
    }

    /// On other streams (a GET, also one that is resumed, and HTTP+SSE) answers arrive to requests that came elsewhere.
    pub fn elsewhere() -> Self {
        Self { open: None }
    }

    /// Whether it is not known what was asked.
    pub fn is_elsewhere(&self) -> bool {
        self.open.is_none()
    }

    /// Whether this list can come.
    pub fn may_bring(&self, list: List) -> bool {
        self.open.as_ref().is_none_or(|open| open.iter().any(|(_, asked)| *asked == list))
    }

    /// Whether no list can come any more.
    pub fn is_answered(&self) -> bool {
        self.open.as_ref().is_some_and(Vec::is_empty)
    }

    /// What a response with this `id` must hold.
    pub(super) fn list(&self, id: Option<&Id>) -> Option<List> {
        let open = self.open.as_deref().unwrap_or_default();
        open.iter().find(|(asked, _)| id.is_some() && asked.as_ref() == id).map(|(_, list)| *list)
    }

    /// One response came.
    pub(super) fn answer(&mut self, id: Option<&Id>, list: List) {
        if let Some(open) = &mut self.open
            && let Some(index) = open.iter().position(|(asked, asked_list)| asked.as_ref() == id && *asked_list == list)
        {
            open.remove(index);
        }
    }
}
