//! Every page with every sample, in every language: it renders, a stranger's text stays text, and nothing on it needs what the
//! content security policy forbids. Each page is also written to `target/tmp/pages`, to be looked at in a browser, and what the
//! main ones say is kept in `snapshots/` (accept a change with `INSTA_UPDATE=always cargo test -p gatelodge --test pages`).

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use gatelodge::branding::Branding;
use gatelodge::pages::{
    Asset, Choice, ConsentPage, Destination, DeviceDonePage, DevicePage, ErrorPage, Failure, Language, Letter,
    LoginPage, Page, PageVisitor, Pages, PagesError, SignInMethod, StepUp, Voucher, visit_every_page,
};
use gatelodge_oauth::known_clients::KnownClient;

/// The first part of the hostile samples.
const ATTACK: &str = "<script>alert(1)</script>";

struct Rendered {
    name: String,
    html: String,
}

/// The pages as they come with the program, in English.
struct English(Pages);

impl English {
    fn load() -> Self {
        Self(Pages::load(&Branding::default()).expect("templates"))
    }

    fn render(&self, page: &impl Page) -> Result<String, PagesError> {
        self.0.render(page, &Language::default())
    }
}

fn asset(name: &str) -> Option<Asset> {
    English::load().0.asset(name).cloned()
}

/// Every sample of every page.
struct Renderer<'p> {
    pages: &'p Pages,
    language: &'p Language,
    all: Vec<Rendered>,
    /// How many kinds of page show something that is not the same for everybody.
    kinds: usize,
}

impl PageVisitor for Renderer<'_> {
    fn visit<P: Page>(&mut self) -> Result<(), PagesError> {
        let shows_something =
            |sample: &P| serde_json::to_value(sample).is_ok_and(|fields| fields != serde_json::json!({}));
        self.kinds += usize::from(P::samples().iter().any(shows_something));
        for (sample, number) in P::samples().into_iter().zip(1..) {
            let name = format!("{}-{number}", P::TEMPLATE.trim_end_matches(".html"));
            self.all.push(Rendered { name, html: self.pages.render(&sample, self.language)? });
        }
        Ok(())
    }
}

fn renderer<'p>(pages: &'p Pages, language: &'p Language) -> Renderer<'p> {
    let mut renderer = Renderer { pages, language, all: Vec::new(), kinds: 0 };
    visit_every_page(&mut renderer).expect("every page");
    renderer
}

fn every_page_in(pages: &Pages, language: &Language) -> Vec<Rendered> {
    renderer(pages, language).all
}

/// In English.
fn every_page() -> Vec<Rendered> {
    every_page_in(&English::load().0, &Language::default())
}

/// In every language.
fn every_translation() -> Vec<Rendered> {
    let pages = English::load().0;
    let of = |language: &Language| {
        let named = |page: Rendered| Rendered { name: format!("{}-{}", language.tag(), page.name), ..page };
        every_page_in(&pages, language).into_iter().map(named).collect::<Vec<_>>()
    };
    pages.languages().iter().flat_map(of).collect()
}

/// A start tag: its name and its attributes. Values hold neither `<`, `>` nor quotes once they are escaped, so text suffices.
#[derive(Debug, PartialEq)]
struct Tag<'a> {
    name: &'a str,
    attributes: Vec<(&'a str, &'a str)>,
}

impl Tag<'_> {
    fn attribute(&self, wanted: &str) -> Option<&str> {
        self.attributes.iter().find(|(name, _)| *name == wanted).map(|(_, value)| *value)
    }
}

fn tags(html: &str) -> Vec<Tag<'_>> {
    let inside = html.split('<').skip(1).map(|piece| piece.split_once('>').expect("a tag that ends").0);
    inside.filter(|tag| !tag.starts_with(['/', '!'])).map(tag).collect()
}

fn tag(text: &str) -> Tag<'_> {
    let (name, mut rest) = text.split_once(' ').unwrap_or((text, ""));
    let mut attributes = Vec::new();
    while !rest.is_empty() {
        let end = rest.find([' ', '=']).unwrap_or(rest.len());
        let (attribute, after) = rest.split_at(end);
        let (value, after) = match after.strip_prefix("=\"") {
            Some(quoted) => quoted.split_once('"').expect("a value that ends"),
            None => ("", after),
        };
        attributes.push((attribute, value));
        rest = after.strip_prefix(' ').unwrap_or(after);
    }
    Tag { name, attributes }
}

fn ids(html: &str) -> BTreeSet<String> {
    tags(html).iter().filter_map(|tag| tag.attribute("id")).map(str::to_owned).collect()
}

/// The text of an element that holds nothing but text.
fn text_of<'a>(html: &'a str, id: &str) -> &'a str {
    let (_, after) = html.split_once(&format!(" id=\"{id}\"")).expect("an element with this id");
    after.split_once('>').and_then(|(_, text)| text.split_once('<')).expect("its text").0
}

#[test]
fn every_sample_renders_and_can_be_looked_at() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("pages");
    fs::create_dir_all(folder.join("assets")).expect("a folder");
    for name in ["style.css", "once.js", "consent.js", "logo.svg"] {
        fs::write(folder.join("assets").join(name), asset(name).expect("an asset").bytes).expect("written");
    }
    for Rendered { name, html } in every_translation() {
        assert!(html.starts_with("<!doctype html>") && html.trim_end().ends_with("</html>"), "{name}");
        fs::write(folder.join(format!("{name}.html")), html).expect("written");
    }
}

#[test]
fn pages_have_no_inline_code_and_load_nothing_from_elsewhere() {
    for Rendered { name, html } in every_translation() {
        for tag in tags(&html) {
            assert!(
                !["style", "base", "iframe", "object", "embed", "svg", "math"].contains(&tag.name),
                "{name}: {tag:?}"
            );
            assert!(tag.name != "script" || tag.attribute("src").is_some(), "{name}: {tag:?}");
            for (attribute, value) in &tag.attributes {
                assert!(
                    *attribute != "style" && !attribute.starts_with("on") && !attribute.contains(['"', '\'']),
                    "{name}: {tag:?}"
                );
                let is_address = ["src", "href", "action", "formaction", "srcset", "ping"].contains(attribute);
                // Relative, so that the pages also work under an issuer with a path; those below /account go one up.
                let value = value.strip_prefix("../").unwrap_or(value);
                let is_relative = !value.starts_with(['/', '\\', '.']) && !value.contains(':');
                // A picture of ours that is on the page itself; as an image it runs nothing.
                let is_picture = tag.name == "img" && value.starts_with("data:image/svg+xml;base64,");
                assert!(!is_address || is_relative || is_picture, "{name}: {tag:?}");
            }
        }
        assert!(!html.contains("<script>") && !html.contains("<script></"), "{name}");
        let scripts = html.split("<script ").skip(1);
        assert!(
            scripts.into_iter().all(|rest| rest.split_once('>').is_some_and(|(_, body)| body.starts_with("</script>"))),
            "{name}"
        );
    }
}

#[test]
fn ids_are_unique_and_every_reference_to_one_leads_somewhere() {
    for Rendered { name, html } in every_translation() {
        let tags = tags(&html);
        let all: Vec<&str> = tags.iter().filter_map(|tag| tag.attribute("id")).collect();
        let unique: BTreeSet<&str> = all.iter().copied().collect();
        assert_eq!(all.len(), unique.len(), "{name}");
        for tag in &tags {
            let references = ["for", "aria-describedby", "aria-labelledby"];
            assert!(
                references.iter().filter_map(|reference| tag.attribute(reference)).all(|id| unique.contains(id)),
                "{name}: {tag:?}"
            );
        }
    }
}

#[test]
fn hostile_text_adds_no_element_and_no_attribute() {
    fn shape(html: &str) -> Vec<(&str, Vec<&str>)> {
        tags(html)
            .into_iter()
            .map(|tag| (tag.name, tag.attributes.into_iter().map(|(name, _)| name).collect()))
            .collect()
    }
    let pages = English::load();
    let text = || "x".to_owned();

    let hostile =
        LoginPage::samples().into_iter().find(|page| page.username.starts_with(ATTACK)).expect("a hostile sample");
    let harmless = LoginPage {
        transaction: text(),
        csrf_token: text(),
        client_name: Some(text()),
        unverified: true,
        destination: Destination::ThisComputer { host: text(), port: 1 },
        resource_name: text(),
        methods: vec![
            SignInMethod::Password { forgot: true, email_code: true },
            SignInMethod::Passkey,
            SignInMethod::Provider { id: text(), name: text() },
        ],
        username: text(),
        problem: None,
        wait: None,
    };
    let (hostile, harmless) = (pages.render(&hostile).expect("a page"), pages.render(&harmless).expect("a page"));
    assert_eq!(shape(&hostile), shape(&harmless));

    let hostile =
        ConsentPage::samples().into_iter().find(|page| page.account.starts_with(ATTACK)).expect("a hostile sample");
    let mut harmless = ConsentPage {
        transaction: text(),
        csrf_token: text(),
        client_name: Some(text()),
        account: text(),
        resource_name: text(),
        resource_url: text(),
        destination: Destination::ThisComputer { host: text(), port: 1 },
        voucher: Voucher::Host { host: text() },
        ..hostile.clone()
    };
    for scope in &mut harmless.scopes {
        (scope.name, scope.title, scope.includes) = (text(), text(), vec![text(); scope.includes.len()]);
    }
    let (hostile, harmless) = (pages.render(&hostile).expect("a page"), pages.render(&harmless).expect("a page"));
    assert_eq!(shape(&hostile), shape(&harmless));

    let request_id =
        |id: &str| pages.render(&ErrorPage::new(Failure::RequestInvalid, id).with_detail(id)).expect("a page");
    assert_eq!(shape(&request_id(ATTACK)), shape(&request_id("x")));
}

#[test]
fn hostile_text_is_shown_as_text_and_cannot_turn_what_stands_around_it() {
    for Rendered { name, html } in every_translation() {
        assert!(!html.contains(['\u{202e}', '\u{2066}', '\u{200b}', '\0', '\u{7f}']), "{name}");
        assert!(!html.contains(ATTACK), "{name}");
    }
    let hostile: Vec<Rendered> =
        every_translation().into_iter().filter(|page| page.html.contains("alert(1)")).collect();
    let pages = English::load().0;
    let kinds = renderer(&pages, &Language::default()).kinds;
    let templates: BTreeSet<&str> = hostile.iter().filter_map(|page| Some(page.name.rsplit_once('-')?.0)).collect();
    assert_eq!(templates.len(), kinds * pages.languages().len(), "one at least for each template in each language");
    for Rendered { name, html } in hostile {
        assert!(html.contains("&lt;script&gt;alert(1)&lt;/script&gt;&quot;&#39; onfocus=alert(2) {{ product }} &amp;lt;\u{fffd}\u{fffd}"), "{name}");
    }
}

#[test]
fn the_forms_have_the_names_that_the_endpoints_read() {
    let all = every_translation();
    for Rendered { name, html } in all.iter().filter(|page| page.name.contains("-login-")) {
        // Without passwords the form asks for a code.
        let passwords = usize::from(!ids(html).contains("email-code") || ids(html).contains("sign-in"));
        let (fields, action) = match passwords {
            1 => (["username", "password", "sign-in"], "login"),
            _ => (["username", "login", "email-code"], "login/code"),
        };
        assert!(ids(html).is_superset(&fields.map(str::to_owned).into()), "{name}");
        assert!(html.contains(&format!("<form id=\"login\" method=\"post\" action=\"{action}\">")), "{name}");
        let forms = html.matches("<form").count();
        for (field, count) in [("transaction", forms), ("csrf_token", forms), ("username", 1), ("password", passwords)]
        {
            let inputs =
                tags(html).into_iter().filter(|tag| tag.name == "input" && tag.attribute("name") == Some(field));
            assert_eq!(inputs.count(), count, "{name}: {field}");
        }
    }
    for Rendered { name, html } in all.iter().filter(|page| page.name.contains("-consent-")) {
        let expected =
            ["consent", "allow", "deny", "client-name", "redirect-host", "resource-name", "account", "switch-account"];
        assert!(ids(html).is_superset(&expected.map(str::to_owned).into()), "{name}");
        assert!(html.contains("<form id=\"consent\" method=\"post\" action=\"consent\">"), "{name}");
        assert!(html.contains("<form id=\"switch-account\" method=\"post\" action=\"logout\">"), "{name}");
        for field in ["transaction", "csrf_token"] {
            assert_eq!(
                tags(html).iter().filter(|tag| tag.attribute("name") == Some(field)).count(),
                2,
                "{name}: one in each form"
            );
        }
        for (id, value) in [("allow", "allow"), ("deny", "deny")] {
            let tags = tags(html);
            let button = tags.iter().find(|tag| tag.attribute("id") == Some(id)).expect("a button");
            assert_eq!(
                (button.attribute("name"), button.attribute("value")),
                (Some("decision"), Some(value)),
                "{name}"
            );
            assert_eq!(button.attribute("disabled"), None, "{name}: it works without script");
        }
    }
}

#[test]
fn the_loopback_warning_names_the_port_and_is_there_for_loopback_only() {
    let pages = English::load();
    let mut warned = 0;
    for page in ConsentPage::samples() {
        let html = pages.render(&page).expect("a page");
        let has_warning = ids(&html).contains("loopback-warning");
        if let Destination::ThisComputer { port, .. } = page.destination {
            warned += 1;
            assert!(has_warning && html.contains(&format!("port {port}")) && html.contains("program on this computer"));
            assert!(html.contains("Only continue if you just started this"));
        } else {
            assert!(!has_warning);
        }
    }
    assert!(warned >= 2);
}

#[test]
fn consent_shows_who_where_as_whom_for_what_and_how_long_in_this_order() {
    let pages = English::load();
    let page = ConsentPage::samples().into_iter().nth(1).expect("a loopback sample");
    let html = pages.render(&page).expect("a page");
    assert_eq!(text_of(&html, "client-name"), "Claude Code");
    assert_eq!(text_of(&html, "redirect-host"), "localhost");
    assert_eq!(text_of(&html, "account"), "nora");
    assert_eq!(text_of(&html, "resource-name"), "Acme MCP");
    let order = [
        "Claude Code",
        "Unverified",
        "localhost",
        "loopback-warning",
        "nora",
        "Switch account",
        "https://mcp.example.com/mcp",
        "Use the tools",
        "<code>mcp:use",
        "90 days",
        "ask you again",
        "60 minutes",
        "id=\"deny\"",
        "id=\"allow\"",
    ];
    let main = html.split_once("<main>").expect("a main part").1;
    let places: Vec<usize> = order.iter().map(|part| main.find(part).expect(part)).collect();
    assert!(places.is_sorted(), "{places:?}");
}

#[test]
fn a_badge_says_whose_word_the_name_is_and_there_is_one() {
    let pages = English::load();
    let mut kinds = BTreeSet::new();
    for page in ConsentPage::samples() {
        let html = pages.render(&page).expect("a page");
        let badges = ["Known", "Verified host", "Unverified"].map(|badge| html.contains(&format!(">{badge}</span>")));
        let expected = match page.voucher {
            Voucher::Operator => [true, false, false],
            Voucher::Host { .. } => [false, true, false],
            Voucher::Nobody => [false, false, true],
        };
        assert_eq!(badges, expected);
        assert_eq!(html.matches("<p class=\"voucher\"><span class=\"badge").count(), 1);
        kinds.insert(expected);
    }
    assert_eq!(kinds.len(), 3);
}

#[test]
fn each_scope_has_a_box_of_the_form_and_only_those_that_are_needed_cannot_be_unticked() {
    let pages = English::load();
    let mut choices = BTreeSet::new();
    for page in ConsentPage::samples() {
        let html = pages.render(&page).expect("a page");
        let tags = tags(&html);
        let boxes: Vec<&Tag<'_>> = tags.iter().filter(|tag| tag.attribute("type") == Some("checkbox")).collect();
        assert_eq!(boxes.len(), page.scopes.len());
        for (tag, scope) in boxes.into_iter().zip(&page.scopes) {
            assert_eq!((tag.attribute("form"), tag.attribute("name")), (Some("consent"), Some("scope")));
            assert_eq!(tag.attribute("checked").is_some(), scope.ticked);
            assert_eq!(tag.attribute("disabled").is_some(), scope.choice != Choice::Free);
            choices.insert(tag.attribute("disabled").is_some());
        }
        assert_eq!(html.contains("Nothing is ticked"), page.nothing_ticked);
        assert_eq!(html.contains("<title>Error: "), page.nothing_ticked);
    }
    assert_eq!(choices.len(), 2);
    let html = pages.render(&ConsentPage::samples().remove(3)).expect("a page");
    for words in
        ["needed for everything else", "Includes: <bdi>Read tickets and their history</bdi>, <bdi>Search</bdi>"]
    {
        assert!(html.contains(words), "{words}: {html}");
    }
    assert!(!html.contains("gets new access"), "it cannot: it has no refresh token");
}

#[test]
fn whoever_is_asked_for_more_sees_what_is_new_and_what_was_allowed_before() {
    let pages = English::load();
    let mut kinds = Vec::new();
    for page in ConsentPage::samples() {
        let html = pages.render(&page).expect("a page");
        let says = page.step_up.map(|_| text_of(&html, "step-up").to_owned());
        let marked = (html.matches(">New</span>").count(), html.matches("allowed before").count());
        let had = page.scopes.iter().filter(|scope| scope.had).count();
        match page.step_up {
            None | Some(StepUp::AllNew | StepUp::NothingNew) => assert_eq!(marked, (0, 0)),
            Some(StepUp::SomeNew) => assert_eq!(marked, (page.scopes.len() - had, had)),
        }
        kinds.extend(says);
    }
    let expected = [
        "It has some of this already. What is new is marked.",
        "It has all of this already. Nothing is new.",
        "It has access already. All of this is new.",
    ];
    assert_eq!(kinds, expected);
}

#[test]
fn the_sign_in_page_says_where_access_goes_and_whose_word_the_name_is_before_a_password_is_typed() {
    let pages = English::load();
    for (page, number) in LoginPage::samples().into_iter().zip(1..) {
        let html = pages.render(&page).expect("a page");
        assert_eq!(html.contains("Unverified"), page.unverified, "login-{number}");
        let place = |text: &str| html.find(text).expect(text);
        assert!(place("wants to use") < place("Access goes to"), "login-{number}");
        assert!(place("id=\"redirect-host\"") < place("id=\"username\""), "login-{number}");
        let shown = text_of(&html, "redirect-host");
        match &page.destination {
            Destination::Website { host } => assert_eq!(shown, *host),
            Destination::ThisComputer { .. } => assert!(html.contains("</strong>, a program on this computer.")),
            Destination::Program { scheme } => assert_eq!(shown, format!("{scheme}:")),
            Destination::Device { user_code } => assert_eq!(shown, *user_code),
        }
    }
}

#[test]
fn the_host_that_describes_a_client_stands_between_its_name_and_where_access_goes() {
    let pages = English::load();
    for page in ConsentPage::samples() {
        let html = pages.render(&page).expect("a page");
        assert_eq!(ids(&html).contains("client-host"), matches!(page.voucher, Voucher::Host { .. }));
        if let Voucher::Host { host } = &page.voucher
            && !host.starts_with(ATTACK)
        {
            assert_eq!(text_of(&html, "client-host"), *host);
            let place = |id: &str| html.find(&format!("id=\"{id}\"")).expect(id);
            assert!(place("client-name") < place("client-host") && place("client-host") < place("redirect-host"));
        }
    }
}

#[test]
fn a_failed_sign_in_says_so_keeps_the_username_and_no_password() {
    let asks_for_one = |page: &&Rendered| page.name.starts_with("login-") && ids(&page.html).contains("password");
    for Rendered { name, html } in every_page().iter().filter(asks_for_one) {
        let tags = tags(html);
        let input = |id: &str| tags.iter().find(|tag| tag.attribute("id") == Some(id)).expect("an input");
        assert_eq!(input("password").attribute("value"), None, "{name}");
        assert_eq!(input("username").attribute("autocomplete"), Some("username"));
        assert_eq!(input("password").attribute("autocomplete"), Some("current-password"));
        let failed = html.contains("role=\"alert\"");
        assert_eq!(failed, html.contains("<title>Error: "), "{name}");
        assert_eq!(failed, input("password").attribute("aria-describedby") == Some("problem"), "{name}");
        if failed && name != "login-4" {
            assert_eq!(input("username").attribute("value"), Some("nora"), "{name}");
        }
    }
}

#[test]
fn every_error_says_what_happened_what_to_do_and_how_to_refer_to_it() {
    let pages = English::load();
    let mut codes = BTreeSet::new();
    for failure in Failure::ALL {
        let page = ErrorPage::new(failure, "0198c0de");
        let html = pages.render(&page).expect("a page");
        assert_eq!(text_of(&html, "error-code"), page.code());
        assert_eq!(text_of(&html, "request-id"), "0198c0de");
        assert!(html.contains("What to do") && (html.contains("<li>") || failure == Failure::ClientUnknown));
        assert!((400..600).contains(&failure.status()));
        assert!(codes.insert(page.code()), "{}", page.code());
    }
}

#[test]
fn a_dead_registration_leads_to_the_way_out() {
    let pages = English::load();
    let html = pages.render(&ErrorPage::new(Failure::ClientUnknown, "1")).expect("a page");
    for way_out in [
        "Clear authentication",
        "Remove Dynamic Authentication Providers",
        "codex mcp logout",
        ".mcp-auth",
        "remove the connector",
    ] {
        assert!(html.contains(way_out), "{way_out}");
    }
    assert_eq!(Failure::ClientUnknown.status(), 400);
}

#[test]
fn the_way_out_for_the_client_that_asked_stands_first_and_the_others_below() {
    let pages = English::load();
    let render = |clients: &[KnownClient]| {
        pages.render(&ErrorPage::new(Failure::ClientUnknown, "1").perhaps_of(clients)).expect("a page")
    };
    let names = |html: &str| -> Vec<String> {
        let list = html.split("reconnect\">").skip(1).map(|list| list.split("</dl>").next().expect("its end"));
        let names = list.flat_map(|list| list.split("<dt>").skip(1)).map(|row| row.split("</dt>").next());
        names.map(|name| name.expect("a name").to_owned()).collect()
    };
    let plain = render(&[]);
    assert_eq!(names(&plain).len(), KnownClient::ALL.len() + 1, "each has its way out, and so has any other");
    assert!(!plain.contains("Other clients"));
    let codex_or_zed = render(&[KnownClient::Codex, KnownClient::Zed]);
    assert_eq!(names(&codex_or_zed)[..3], ["Codex", "Zed", "Claude"]);
    assert_eq!(names(&codex_or_zed).len(), names(&plain).len());
    let places = ["codex mcp logout", "<dt>Zed", "Other clients", "<dt>Claude<", "<dt>Any other"]
        .map(|part| codex_or_zed.find(part));
    assert!(places.iter().all(Option::is_some) && places.is_sorted(), "{places:?}");
}

#[test]
fn a_device_is_connected_only_after_a_warning_and_a_comparison() {
    let pages = English::load();
    for page in DevicePage::samples() {
        let html = pages.render(&page).expect("a page");
        assert!(html.contains("<form id=\"device\" method=\"post\" action=\"device\">"));
        assert!(html.contains("Only go on if you started this yourself"));
        let tags = tags(&html);
        let field = tags.iter().find(|tag| tag.attribute("id") == Some("user-code")).expect("a field");
        assert_eq!((field.name, field.attribute("name")), ("input", Some("user_code")));
        assert_eq!(html.contains("role=\"alert\""), page.problem.is_some());
    }
    let mut devices = 0;
    for page in ConsentPage::samples() {
        let html = pages.render(&page).expect("a page");
        let Destination::Device { user_code } = &page.destination else {
            assert!(!ids(&html).contains("device-warning"));
            continue;
        };
        devices += 1;
        assert_eq!(text_of(&html, "redirect-host"), user_code);
        assert!(html.contains("Only allow this if you started it yourself") && ids(&html).contains("device-warning"));
        assert!(html.contains("Unverified"));
    }
    assert_eq!(devices, 1);
    let done = DeviceDonePage::samples().into_iter().map(|page| (page.allowed, pages.render(&page).expect("a page")));
    for (allowed, html) in done {
        assert_eq!(html.contains("go back to your device"), allowed);
        assert_eq!(html.contains("Access denied"), !allowed);
        assert!(!html.contains("<form"), "nothing is left to decide");
    }
}

#[test]
fn templates_end_in_html_and_trust_no_value() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../templates");
    let mut seen = 0;
    for entry in fs::read_dir(folder).expect("the templates").map(|entry| entry.expect("an entry").path()) {
        if entry.is_dir() {
            continue;
        }
        seen += 1;
        assert_eq!(
            entry.extension().and_then(|extension| extension.to_str()),
            Some("html"),
            "{entry:?} would not be escaped"
        );
        let text = fs::read_to_string(&entry).expect("text");
        assert!(!text.replace(' ', "").contains("|safe"), "{entry:?}");
    }
    assert!(seen >= 4);
}

#[test]
fn assets_carry_their_type_and_a_url_that_changes_with_them() {
    for (name, content_type) in [
        ("style.css", "text/css; charset=utf-8"),
        ("consent.js", "text/javascript; charset=utf-8"),
        ("logo.svg", "image/svg+xml"),
    ] {
        let file = asset(name).expect("an asset");
        assert_eq!(file.content_type, content_type);
        assert!(file.etag.starts_with('"') && file.etag.ends_with('"') && file.etag.len() == 18);
        let url = format!("\"assets/{name}?v={}\"", file.etag.trim_matches('"'));
        assert!(every_page().iter().any(|page| page.html.contains(&url)), "{url}");
    }
    for name in ["", "nothing.css", "../login.html", "/etc/passwd", "style.css?v=1", "./style.css"] {
        assert!(asset(name).is_none(), "{name}");
    }
}

/// What is read of a page from top to bottom, with what the keyboard reaches in between, in its order.
fn outline(html: &str) -> String {
    let mut text = String::new();
    for piece in html.split_once("<title>").expect("a title").1.split('<') {
        let (tag_text, words) = piece.split_once('>').unwrap_or(("", piece));
        let name = tag_text.trim_start_matches('/').split(' ').next().unwrap_or_default();
        if !["strong", "bdi", "em", "code", "kbd", "span"].contains(&name) {
            text.push('\n');
        }
        let tag = tag(tag_text);
        let is_reached = ["a", "button"].contains(&tag.name)
            || tag.name == "input" && tag.attribute("type") != Some("hidden") && tag.attribute("disabled").is_none();
        if is_reached {
            text.push_str(&format!(
                "> {} {}: ",
                tag.name,
                tag.attribute("id").or(tag.attribute("href")).or(tag.attribute("value")).unwrap_or_default()
            ));
        }
        text.push_str(words);
    }
    let lines: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    lines.join("\n")
}

#[test]
fn what_people_read_in_each_language_and_what_the_keyboard_reaches() {
    let pages = English::load().0;
    for language in pages.languages() {
        let chosen = [
            "login-2",
            "consent-2",
            "consent-4",
            "consent-9",
            "device-3",
            "device_done-1",
            "device_done-2",
            "error-1",
            "error-7",
        ];
        let all = every_page_in(&pages, language);
        let outlines = chosen.map(|name| {
            let page = all.iter().find(|page| page.name == name).expect(name);
            format!("== {name}\n{}", outline(&page.html))
        });
        insta::assert_snapshot!(format!("in_{}", language.tag()), outlines.join("\n\n"));
    }
}

/// Proves OpenID Connect Core 1.0 §3.1.2.1: messages are in the person's language too.
#[test]
fn what_messages_say_in_each_language() {
    let pages = English::load().0;
    for language in pages.languages() {
        let written = Letter::samples().into_iter().map(|letter| {
            let letter = pages.write(&letter, language).expect("a message");
            format!("== {}\n{}\n\n{}", letter.what, letter.subject, letter.text)
        });
        insta::assert_snapshot!(format!("messages_in_{}", language.tag()), written.collect::<Vec<_>>().join("\n"));
    }
}

#[test]
fn a_page_says_which_language_it_is_in_and_which_way_it_runs() {
    for Rendered { name, html } in every_translation() {
        let tag = name.split('-').next().expect("a tag");
        assert!(html.contains(&format!("<html lang=\"{tag}\" dir=\"ltr\">")), "{name}");
    }
}
