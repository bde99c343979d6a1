//! An answer of the server, and what is asserted of every answer of a kind.

use reqwest::RequestBuilder;
use reqwest::header::HeaderMap;
use serde_json::Value;

#[derive(Debug, Clone)]
pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: String,
}

impl Answer {
    /// Whatever the test is about, there is no redirect but 303, so that no form is ever sent on (RFC 9700 §4.12).
    pub async fn of(request: RequestBuilder) -> Self {
        let response = request.send().await.expect("the server answers");
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let answer = Self { status, headers, body: response.text().await.expect("the answer is complete") };
        assert_eq!(answer.header("location").is_some(), answer.status == 303, "{answer:?}");
        answer
    }

    /// A header that may be there once.
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut values = self.headers.get_all(name).iter();
        let value = values.next().map(|value| value.to_str().expect("ASCII"));
        assert!(values.next().is_none(), "{name} is there twice: {self:?}");
        value
    }

    pub fn json(&self) -> Value {
        assert_eq!(self.header("content-type"), Some("application/json"), "{self:?}");
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// A member of the JSON that is a string.
    pub fn member(&self, name: &str) -> String {
        self.json()[name].as_str().unwrap_or_else(|| panic!("no {name} in {self:?}")).to_owned()
    }

    /// The `error` member.
    pub fn error(&self) -> String {
        self.member("error")
    }

    /// A refusal as RFC 6749 §5.2 has it: JSON, not kept by any cache, described in its own small alphabet.
    #[track_caller]
    pub fn assert_refused(&self, status: u16, error: &str, why: &str) {
        assert_eq!((self.status, self.error().as_str()), (status, error), "{why}: {self:?}");
        assert_eq!(self.header("cache-control"), Some("no-store"), "{why}: {self:?}");
        let description = self.member("error_description");
        let allowed = |byte| matches!(byte, 0x20..=0x21 | 0x23..=0x5B | 0x5D..=0x7E);
        assert!(description.bytes().all(allowed), "{why}: {description:?}");
    }

    /// No `null` anywhere: several SDKs refuse it where a member should be absent.
    #[track_caller]
    pub fn assert_no_null(&self) {
        fn holds_null(value: &Value) -> bool {
            match value {
                Value::Null => true,
                Value::Array(items) => items.iter().any(holds_null),
                Value::Object(members) => members.values().any(holds_null),
                _ => false,
            }
        }
        assert!(!holds_null(&self.json()), "{self:?}");
    }
}
