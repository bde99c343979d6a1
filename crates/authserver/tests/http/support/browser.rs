//! A persona: a person's browser, which behaves like Chromium. It keeps cookies by the rules of their names, follows
//! redirects of the server, stops where it would leave for a client, and says in `Origin` and `Sec-Fetch-Site` what Chromium
//! says on pages with `Referrer-Policy: no-referrer`.

use std::collections::BTreeMap;

use reqwest::{Method, RequestBuilder};
use url::Url;

use super::{Answer, Form, McpClient, PASSWORD, Server};

pub struct Browser<'s> {
    server: &'s Server,
    pub cookies: BTreeMap<String, String>,
    /// `Accept-Language`, when it says so.
    languages: Option<&'static str>,
}

/// Where a navigation ended: at a page of the server, or on the way to a client.
#[derive(Debug, Clone)]
pub struct Page {
    pub answer: Answer,
    /// Path and query of the last request.
    pub path: String,
    /// The client's URL.
    pub left_for: Option<Url>,
}

impl<'s> Browser<'s> {
    pub fn new(server: &'s Server) -> Self {
        Self { server, cookies: BTreeMap::new(), languages: None }
    }

    /// The browser of somebody who prefers these languages (RFC 9110 §12.5.4).
    pub fn that_prefers(languages: &'static str, server: &'s Server) -> Self {
        Self { languages: Some(languages), ..Self::new(server) }
    }

    /// The same browser with its cookies as they are now, for what happens at the same time.
    pub fn second_tab(&self) -> Self {
        Self { server: self.server, cookies: self.cookies.clone(), languages: self.languages }
    }

    /// Opens a link, as from a client's window.
    pub async fn open(&mut self, path: &str) -> Page {
        let answer = self.send(self.navigation(Method::GET, path).header("sec-fetch-site", "none")).await;
        self.follow(answer, path).await
    }

    /// Presses a button of a form.
    pub async fn submit(&mut self, path: &str, form: &Form) -> Page {
        let answer = self.submit_without_following(path, form).await;
        self.follow(answer, path).await
    }

    pub async fn submit_without_following(&mut self, path: &str, form: &Form) -> Answer {
        self.send(
            self.form_post(path).header("origin", "null").header("sec-fetch-site", "same-origin").form(form.pairs()),
        )
        .await
    }

    /// A post with the cookies, to which the test adds the rest.
    pub fn form_post(&self, path: &str) -> RequestBuilder {
        self.navigation(Method::POST, path)
    }

    pub async fn send(&mut self, request: RequestBuilder) -> Answer {
        let answer = Answer::of(request).await;
        self.take_cookies(&answer);
        answer
    }

    /// What an answer does to the cookies, whenever it comes.
    pub fn take_cookies(&mut self, answer: &Answer) {
        for cookie in answer.headers.get_all("set-cookie") {
            self.keep(cookie.to_str().expect("ASCII"));
        }
    }

    /// Types a name and the right password.
    pub async fn sign_in(&mut self, page: &Page, username: &str) -> Page {
        self.sign_in_with(page, username, PASSWORD).await
    }

    pub async fn sign_in_with(&mut self, page: &Page, username: &str, password: &str) -> Page {
        let form = page.form("login").with("username", username).with("password", password);
        self.submit(&page.action("login"), &form).await
    }

    /// Opens the client's link and signs in: the consent page.
    pub async fn consent_page(&mut self, client: &McpClient<'_>) -> Page {
        let page = self.open(&client.authorize_path()).await;
        self.sign_in(&page, "ada").await
    }

    pub async fn allow(&mut self, consent: &Page) -> Page {
        self.submit(&consent.action("consent"), &consent.form("consent").with("decision", "allow")).await
    }

    pub async fn deny(&mut self, consent: &Page) -> Page {
        self.submit(&consent.action("consent"), &consent.form("consent").with("decision", "deny")).await
    }

    /// The session's cookie.
    pub fn session(&self) -> (&str, &str) {
        assert_eq!(self.cookies.len(), 1, "{:?}", self.cookies);
        self.cookies.iter().next().map(|(name, value)| (name.as_str(), value.as_str())).expect("a cookie")
    }

    fn navigation(&self, method: Method, path: &str) -> RequestBuilder {
        let cookies: Vec<String> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let request = self.server.request(method, path).header("accept", "text/html,application/xhtml+xml,*/*;q=0.8");
        let request = request.header("sec-fetch-mode", "navigate").header("sec-fetch-dest", "document");
        let request = match self.languages {
            Some(languages) => request.header("accept-language", languages),
            None => request,
        };
        if cookies.is_empty() { request } else { request.header("cookie", cookies.join("; ")) }
    }

    async fn follow(&mut self, answer: Answer, path: &str) -> Page {
        let mut page = Page { answer, path: path.to_owned(), left_for: None };
        let mut redirects = 0;
        while let Some(location) = page.answer.header("location") {
            redirects += 1;
            assert!(redirects <= 20, "too many redirects: {page:?}");
            // RFC 9110 §15.4.4: whatever the request was, the next one is a GET, and no form is sent on.
            assert_eq!(page.answer.status, 303, "{page:?}");
            let here = Url::parse(self.server.issuer).and_then(|issuer| issuer.join(&page.path)).expect("a URL");
            let target = here.join(location).expect("a location is a URL");
            if target.origin() != here.origin() {
                page.left_for = Some(target);
                return page;
            }
            let next = target[url::Position::BeforePath..].to_owned();
            let answer = self.send(self.navigation(Method::GET, &next).header("sec-fetch-site", "same-origin")).await;
            page = Page { answer, path: next, left_for: None };
        }
        page
    }

    /// RFC 6265bis §4.1.3.2 and what a session cookie needs besides.
    fn keep(&mut self, cookie: &str) {
        let mut parts = cookie.split("; ");
        let (name, value) = parts.next().and_then(|pair| pair.split_once('=')).expect("a name and a value");
        let attributes: Vec<&str> = parts.collect();
        for needed in ["HttpOnly", "SameSite=Lax", "Path=/"] {
            assert!(attributes.contains(&needed), "{cookie}");
        }
        let over_https = self.server.issuer.starts_with("https://");
        assert_eq!(attributes.contains(&"Secure"), over_https, "{cookie}");
        assert_eq!(name.starts_with("__Host-"), over_https, "{cookie}");
        assert!(!attributes.iter().any(|attribute| attribute.starts_with("Domain")), "{cookie}");
        self.cookies.insert(name.to_owned(), value.to_owned());
    }
}

impl Page {
    /// The fields of a form as the page came with them, with the ticked boxes that belong to it.
    #[track_caller]
    pub fn form(&self, id: &str) -> Form {
        let fields = self.element(id).split("<input").skip(1).fold(Form::default(), |fields, input| {
            let tag = input.split('>').next().unwrap_or_default();
            let name = attribute(tag, "name").expect("an input has a name");
            fields.with(&name, &attribute(tag, "value").unwrap_or_default())
        });
        let ticked = self.boxes(id).filter(|tag| tag.ends_with(" checked") || tag.contains(" checked "));
        ticked.filter(|tag| !tag.contains(" disabled")).fold(fields, |fields, tag| {
            fields.and(&attribute(tag, "name").expect("a name"), &attribute(tag, "value").expect("a value"))
        })
    }

    /// The boxes that belong to a form, wherever they stand (`<input form="…">`).
    fn boxes(&self, form: &str) -> impl Iterator<Item = &str> {
        let wanted = format!(" form=\"{form}\"");
        let tags = self.answer.body.split("<input").skip(1).filter_map(|rest| rest.split('>').next());
        tags.filter(move |tag| tag.contains(&wanted))
    }

    /// What stands beside the boxes of the consent page: name, whether it is ticked, whether that can be changed.
    pub fn scopes(&self) -> Vec<(String, bool, bool)> {
        let read = |tag: &str| {
            let name = attribute(tag, "value").expect("a box has a value");
            (name, tag.contains(" checked"), !tag.contains(" disabled"))
        };
        self.boxes("consent").map(read).collect()
    }

    /// Where a form is posted to.
    #[track_caller]
    pub fn action(&self, id: &str) -> String {
        let action = attribute(self.element(id), "action").expect("a form has an action");
        self.resolved(&action)
    }

    /// An attribute of a form or of something in it.
    #[track_caller]
    pub fn attribute_of(&self, form: &str, name: &str) -> String {
        attribute(self.element(form), name).unwrap_or_else(|| panic!("no {name}: {self:?}"))
    }

    /// A URL of the page as a path of the server.
    pub fn resolved(&self, relative: &str) -> String {
        let here = Url::parse("https://server.example").and_then(|server| server.join(&self.path)).expect("a URL");
        let target = here.join(relative).expect("a URL");
        assert_eq!(target.origin(), here.origin(), "{relative}");
        target[url::Position::BeforePath..].to_owned()
    }

    /// Where a link leads.
    #[track_caller]
    pub fn link(&self, id: &str) -> String {
        let wanted = format!(" id=\"{id}\"");
        let mut links = self.answer.body.split("<a").skip(1).filter_map(|rest| rest.split('>').next());
        let link = links.find(|tag| tag.contains(&wanted)).unwrap_or_else(|| panic!("no link {id}: {self:?}"));
        attribute(link, "href").expect("a link leads somewhere")
    }

    #[track_caller]
    fn element(&self, form: &str) -> &str {
        let wanted = format!(" id=\"{form}\"");
        let mut forms = self.answer.body.split("<form").skip(1).filter_map(|rest| rest.split("</form>").next());
        let found = forms.find(|form| form.split('>').next().is_some_and(|tag| tag.contains(&wanted)));
        found.unwrap_or_else(|| panic!("no form {form}: {self:?}"))
    }

    /// Whether the page has an element with this id.
    pub fn has(&self, id: &str) -> bool {
        self.answer.body.contains(&format!(" id=\"{id}\""))
    }

    /// The text of the element with this id.
    #[track_caller]
    pub fn text_of(&self, id: &str) -> String {
        let rest = self.answer.body.split(&format!(" id=\"{id}\"")).nth(1);
        let text = rest.and_then(|rest| rest.split_once('>')).and_then(|(_, text)| text.split("</").next());
        unescape(text.unwrap_or_else(|| panic!("no {id}: {self:?}")))
    }

    /// The consent page, and nothing else.
    #[track_caller]
    pub fn assert_consent(&self) {
        assert!(self.answer.status == 200 && self.has("allow") && self.has("deny"), "{self:?}");
    }

    /// The sign-in page, and nothing else.
    #[track_caller]
    pub fn assert_login(&self) {
        assert!(self.answer.status == 200 && self.has("sign-in"), "{self:?}");
    }

    /// An error page of the server, with no way on.
    #[track_caller]
    pub fn assert_error(&self, status: u16, code: &str) {
        assert_eq!((self.answer.status, self.text_of("error-code").as_str()), (status, code), "{self:?}");
        assert!(self.left_for.is_none() && self.answer.header("location").is_none(), "{self:?}");
    }

    /// A parameter of the client's URL, which may be there once.
    #[track_caller]
    pub fn parameter(&self, name: &str) -> Option<String> {
        let url = self.left_for.as_ref().unwrap_or_else(|| panic!("not sent to the client: {self:?}"));
        let values: Vec<String> =
            url.query_pairs().filter(|(own, _)| own == name).map(|(_, value)| value.into_owned()).collect();
        assert!(values.len() <= 1, "{name} is there twice: {url}");
        values.into_iter().next()
    }

    /// A parameter of the client's URL that must be there.
    #[track_caller]
    pub fn answered(&self, name: &str) -> String {
        self.parameter(name).unwrap_or_else(|| panic!("no {name}: {:?}", self.left_for))
    }
}

fn attribute(tag: &str, name: &str) -> Option<String> {
    let value = tag.split(&format!(" {name}=\"")).nth(1)?.split('"').next()?;
    Some(unescape(value))
}

fn unescape(html: &str) -> String {
    [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&#x27;", "'"), ("&#39;", "'"), ("&#x2F;", "/"), ("&amp;", "&")]
        .iter()
        .fold(html.to_owned(), |text, (escaped, plain)| text.replace(escaped, plain))
}
