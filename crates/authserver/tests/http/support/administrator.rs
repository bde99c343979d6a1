//! A persona: an administrator in the browser, on the listener of the administration. It comes in by the link of the real command.

use reqwest::{Method, RequestBuilder};

use super::binary::Workplace;
use super::{Answer, Database, Form, Page, Server, Settings};

pub const HOST: &str = "localhost:8092";
pub const ADMINISTRATION: &str = "[administration]\nlisten = \"127.0.0.1:0\"\nurl = \"http://localhost:8092\"";

pub fn settings() -> Settings {
    Settings { more: ADMINISTRATION, ..Settings::default() }
}

/// A server with the time of the machine: the command says by that until when its link works.
pub async fn server(database: &Database) -> Server {
    let now = gatelodge_service::clock::Clock::system().now();
    Server::start_at(database, settings(), gatelodge_service::clock::Clock::manual(now)).await
}

/// Where commands are run.
pub fn operator(database: &Database) -> Workplace {
    Workplace::new(&settings().toml(&database.url))
}

/// Makes somebody an administrator, as an operator does.
pub fn promote(operator: &Workplace, name: &str) {
    assert!(operator.run(&["user", "set-admin", name], &[]).status.success());
}

/// The path and query of a new link.
pub fn link(operator: &Workplace, name: &str) -> String {
    let said = operator.run(&["administration", "link", "--as", name], &[]);
    let printed = String::from_utf8(said.stdout).expect("text");
    let link = printed.lines().find_map(|line| line.strip_prefix("http://localhost:8092"));
    link.unwrap_or_else(|| panic!("no link: {printed} {}", String::from_utf8_lossy(&said.stderr))).to_owned()
}

pub struct Administrator<'s> {
    pub server: &'s Server,
    /// `name=value`.
    pub cookie: Option<String>,
}

impl<'s> Administrator<'s> {
    pub fn outside(server: &'s Server) -> Self {
        Self { server, cookie: None }
    }

    /// Somebody of this name, made an administrator and let in.
    pub async fn let_in(server: &'s Server, operator: &Workplace, name: &str) -> Self {
        promote(operator, name);
        let mut administrator = Self::outside(server);
        let page = administrator.open(&link(operator, name)).await;
        let overview = administrator.submit("/enter", &page.form("enter")).await;
        assert_eq!(
            (overview.path.as_str(), overview.text_of("account")),
            ("/overview", name.to_owned()),
            "{overview:?}"
        );
        administrator
    }

    /// A request as the browser sends it, to which the test adds the rest.
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let request = self.server.administration_request(method, path).header("host", HOST);
        match &self.cookie {
            Some(cookie) => request.header("cookie", cookie),
            None => request,
        }
    }

    pub async fn open(&mut self, path: &str) -> Page {
        let request = self.request(Method::GET, path).header("sec-fetch-site", "none");
        self.arrive(Answer::of(request).await, path).await
    }

    pub async fn submit(&mut self, path: &str, form: &Form) -> Page {
        let answer = Answer::of(self.post(path, form)).await;
        self.arrive(answer, path).await
    }

    /// A form from one of our pages.
    pub fn post(&self, path: &str, form: &Form) -> RequestBuilder {
        let request = self.request(Method::POST, path).form(form.pairs());
        request.header("origin", "null").header("sec-fetch-site", "same-origin")
    }

    /// Keeps the cookie, and follows the redirect.
    async fn arrive(&mut self, answer: Answer, path: &str) -> Page {
        if let Some(cookie) = answer.header("set-cookie") {
            let mut parts = cookie.split("; ");
            let pair = parts.next().expect("a name and a value");
            let attributes: Vec<&str> = parts.collect();
            for needed in ["HttpOnly", "SameSite=Strict", "Path=/"] {
                assert!(attributes.contains(&needed), "{cookie}");
            }
            assert!(!attributes.iter().any(|attribute| attribute.starts_with("Domain")), "{cookie}");
            assert!(pair.starts_with("gatelodge_administration="), "{cookie}");
            self.cookie = (!attributes.contains(&"Max-Age=0")).then(|| pair.to_owned());
        }
        let Some(location) = answer.header("location") else {
            return Page { answer, path: path.to_owned(), left_for: None };
        };
        assert_eq!(answer.status, 303, "{answer:?}");
        assert!(location.starts_with('/') && !location.starts_with("//"), "{answer:?}");
        let next = location.to_owned();
        let request = self.request(Method::GET, &next).header("sec-fetch-site", "same-origin");
        Page { answer: Answer::of(request).await, path: next, left_for: None }
    }
}
