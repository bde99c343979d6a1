//! The first administrator: one link while there is nobody, used once.

use std::os::unix::fs::PermissionsExt as _;

use futures_util::future::join_all;
use gatelodge::config::{self, Config};
use gatelodge::login::setup::{self, Offer};
use gatelodge_oauth::secret::{Kind, Secret};
use gatelodge_oauth::time::Timestamp;
use gatelodge_store::{PoolOptions, Store};

use crate::support::binary::{Workplace, free_addresses};
use crate::support::{Answer, Browser, Database, Form, ISSUER, Server, Settings, on_both_databases};

on_both_databases! {
    the_link_creates_one_administrator_and_is_dead_then,
    of_twenty_that_hold_the_link_one_creates_the_administrator,
    a_wrong_a_spent_and_an_old_link_say_how_to_get_another,
    what_is_wrong_with_the_form_is_said_and_the_link_goes_on_working,
    nobody_posts_the_form_from_another_site,
    servers_that_start_together_offer_one_link,
    where_somebody_is_there_is_no_link,
    an_operator_who_wants_no_link_has_none,
}

const NEW: &str = "a long enough password";
const START: i64 = 1_800_000_000;

/// A server without anybody, and what the operator's command would work with.
struct Empty {
    server: Server,
    store: Store,
    config: Config,
}

impl Empty {
    async fn start(database: &Database, more: &'static str) -> Self {
        let settings = || Settings { more, ..Settings::default() };
        let server = Server::start_with(database, settings()).await;
        database.execute("DELETE FROM users");
        let file = tempfile::NamedTempFile::new().expect("a file");
        std::fs::write(file.path(), settings().toml(&database.url)).expect("written");
        let config = config::load(file.path()).expect("a good configuration");
        let store = Store::open(&config.database, PoolOptions::command()).await.expect("opens");
        Self { server, store, config }
    }

    async fn offer(&self) -> Offer {
        setup::offer(&self.store, &self.config, Timestamp::from_unix(START)).await.expect("the store answers")
    }

    async fn link(&self) -> String {
        let Offer::Link(secret) = self.offer().await else { panic!("no link") };
        path_of(&secret)
    }
}

fn path_of(secret: &Secret) -> String {
    format!("/setup?secret={}", secret.expose())
}

fn filled(form: Form) -> Form {
    form.with("username", " Ada@Example.com ").with("new_password", NEW).with("new_password_again", NEW)
}

async fn the_link_creates_one_administrator_and_is_dead_then(database: &Database) {
    let empty = Empty::start(database, "").await;
    let link = empty.link().await;
    let secret = link.split_once('=').expect("a parameter").1.to_owned();
    assert_eq!(database.count("setup_links"), 1);
    let mut browser = Browser::new(&empty.server);
    for _ in 0..3 {
        // Programs that look at mail open links too.
        assert_eq!(browser.open(&link).await.answer.status, 200);
    }
    let page = browser.open(&link).await;
    for (name, value) in [("cache-control", "no-store"), ("referrer-policy", "no-referrer")] {
        assert_eq!(page.answer.header(name), Some(value));
    }
    let done = browser.submit(&page.action("setup"), &filled(page.form("setup"))).await;
    assert_eq!((done.answer.status, done.text_of("account").as_str()), (200, "ada@example.com"), "{done:?}");
    assert!(!done.answer.body.contains(&secret) && browser.cookies.is_empty());
    assert_eq!(database.count("users WHERE is_admin AND username = 'ada@example.com'"), 1);
    assert_eq!(database.count("setup_links"), 0);
    assert_eq!(database.count("browser_sessions WHERE user_id IS NOT NULL"), 0);
    browser.open(&link).await.assert_error(400, "setup_link_ended");
    browser.submit("/setup", &filled(page.form("setup"))).await.assert_error(400, "setup_link_ended");
    let login = browser.open(&done.resolved(&done.link("sign-in"))).await;
    let account = browser.sign_in_with(&login, "ada@example.com", NEW).await;
    assert_eq!((account.path.as_str(), database.count("users")), ("/account", 1));
}

async fn of_twenty_that_hold_the_link_one_creates_the_administrator(database: &Database) {
    let empty = Empty::start(database, "").await;
    let link = empty.link().await;
    let form = filled(Browser::new(&empty.server).open(&link).await.form("setup"));
    let posts = (0..20).map(|number| {
        let (server, form) = (&empty.server, form.clone().with("username", &format!("admin-{number}")));
        async move { Browser::new(server).submit("/setup", &form).await.answer }
    });
    let answers: Vec<Answer> = join_all(posts).await;
    assert_eq!(answers.iter().filter(|answer| answer.status == 200).count(), 1);
    assert!(answers.iter().all(|answer| [200, 400, 503].contains(&answer.status)), "{answers:?}");
    assert_eq!((database.count("users"), database.count("users WHERE is_admin")), (1, 1));
    assert_eq!(database.count("audit_events WHERE outcome = 'account_added' AND reason = 'link'"), 1);
}

async fn a_wrong_a_spent_and_an_old_link_say_how_to_get_another(database: &Database) {
    let empty = Empty::start(database, "").await;
    let link = empty.link().await;
    let mut browser = Browser::new(&empty.server);
    let form = filled(browser.open(&link).await.form("setup"));
    let wrong = [Secret::generate(Kind::Setup), Secret::generate(Kind::PasswordReset)].map(|secret| path_of(&secret));
    for path in ["/setup", "/setup?secret=", "/setup?secret=x", &format!("{link}0"), &format!("{link}&secret=x")]
        .into_iter()
        .chain(wrong.iter().map(String::as_str))
    {
        let page = browser.open(path).await;
        page.assert_error(400, "setup_link_ended");
        assert!(page.answer.body.contains("gatelodge user setup-link"));
    }
    for wrong in ["", "x", Secret::generate(Kind::Setup).expose()] {
        let page = browser.submit("/setup", &form.clone().with("secret", wrong)).await;
        page.assert_error(400, "setup_link_ended");
    }
    assert_eq!(browser.open(&link).await.answer.status, 200, "guesses change nothing");
    empty.server.clock.advance(std::time::Duration::from_secs(24 * 60 * 60));
    browser.open(&link).await.assert_error(400, "setup_link_ended");
    browser.submit("/setup", &form).await.assert_error(400, "setup_link_ended");
    assert_eq!(database.count("users"), 0);
}

async fn what_is_wrong_with_the_form_is_said_and_the_link_goes_on_working(database: &Database) {
    let empty = Empty::start(database, "").await;
    let link = empty.link().await;
    let mut browser = Browser::new(&empty.server);
    let form = filled(browser.open(&link).await.form("setup"));
    let long = "x".repeat(1025);
    for (field, value) in [
        ("username", ""),
        ("username", "a b"),
        ("username", "<script>"),
        ("new_password", "short"),
        ("new_password_again", "another password"),
    ] {
        let page = browser.submit("/setup", &form.clone().with(field, value)).await;
        assert!(page.answer.status == 400 && page.has("problem") && !page.answer.body.contains(NEW), "{page:?}");
    }
    for password in ["short", long.as_str()] {
        let form = form.clone().with("new_password", password).with("new_password_again", password);
        assert_eq!(browser.submit("/setup", &form).await.answer.status, 400);
    }
    assert_eq!(browser.submit("/setup", &form).await.answer.status, 200);
}

async fn nobody_posts_the_form_from_another_site(database: &Database) {
    let empty = Empty::start(database, "").await;
    let form = filled(Browser::new(&empty.server).open(&empty.link().await).await.form("setup"));
    let mut browser = Browser::new(&empty.server);
    for (origin, site) in [("null", "cross-site"), ("https://evil.example", "same-origin"), ("null", "same-site")] {
        let post = browser.form_post("/setup").header("origin", origin).header("sec-fetch-site", site);
        assert_eq!(browser.send(post.form(form.pairs())).await.status, 403);
    }
    assert_eq!(database.count("users"), 0);
}

async fn servers_that_start_together_offer_one_link(database: &Database) {
    let empty = Empty::start(database, "").await;
    let offers = join_all((0..20).map(|_| empty.offer())).await;
    let links: Vec<_> =
        offers.into_iter().filter_map(|offer| if let Offer::Link(link) = offer { Some(link) } else { None }).collect();
    assert_eq!(links.len(), 1);
    let mut browser = Browser::new(&empty.server);
    assert_eq!(browser.open(&path_of(&links[0])).await.answer.status, 200);
    let Ok(Offer::Link(newer)) = setup::offer_anew(&empty.store, Timestamp::from_unix(START)).await else {
        panic!("no newer link")
    };
    browser.open(&path_of(&links[0])).await.assert_error(400, "setup_link_ended");
    assert_eq!(browser.open(&path_of(&newer)).await.answer.status, 200);
}

async fn where_somebody_is_there_is_no_link(database: &Database) {
    let empty = Empty::start(database, "").await;
    let link = empty.link().await;
    let form = filled(Browser::new(&empty.server).open(&link).await.form("setup"));
    database.execute("INSERT INTO users (id, username, created_at) VALUES ('user_somebody', 'somebody', 1700000000)");
    let mut browser = Browser::new(&empty.server);
    browser.open(&link).await.assert_error(400, "setup_link_ended");
    browser.submit("/setup", &form).await.assert_error(400, "setup_link_ended");
    assert!(matches!(empty.offer().await, Offer::Nothing));
    assert!(matches!(setup::offer_anew(&empty.store, Timestamp::from_unix(START)).await, Ok(Offer::Nothing)));
    assert_eq!(database.count("users WHERE is_admin"), 0);
}

async fn an_operator_who_wants_no_link_has_none(database: &Database) {
    let empty = Empty::start(database, "[login.setup]\nenabled = false").await;
    assert!(matches!(empty.offer().await, Offer::Nothing));
    let Ok(Offer::Link(made_elsewhere)) = setup::offer_anew(&empty.store, Timestamp::from_unix(START)).await else {
        panic!("no link")
    };
    Browser::new(&empty.server).open(&path_of(&made_elsewhere)).await.assert_error(400, "setup_link_ended");
}

/// The link is shown to whoever starts the server, kept in a file of theirs, and in no line of the log.
#[test]
fn the_first_start_shows_the_link_and_keeps_it_in_a_private_file() {
    let [listen, health] = free_addresses();
    let toml = Settings::default().toml("sqlite://DIRECTORY/gatelodge.db");
    let toml = toml.replacen("127.0.0.1:0", &listen.to_string(), 1).replacen("127.0.0.1:0", &health.to_string(), 1);
    let workplace = Workplace::new(&toml);
    let (mut process, _) = workplace.serve(listen, health, ISSUER);
    let log = workplace.path().join("gatelodge.log");
    let printed = process.wait_until(|| {
        let printed = std::fs::read_to_string(&log).unwrap_or_default();
        if printed.contains("gatelodge user setup-link") { Ok(printed) } else { Err("no link".into()) }
    });
    let file = workplace.path().join("gatelodge.db.setup-link");
    let link = std::fs::read_to_string(&file).expect("the link");
    let secret = link.trim().strip_prefix(&format!("{ISSUER}/setup?secret=")).expect("a link to the page");
    assert!(Secret::parse(Kind::Setup, secret).is_some(), "{link}");
    assert_eq!(std::fs::metadata(&file).expect("is there").permissions().mode() & 0o777, 0o600);
    let shown: Vec<&str> = printed.lines().filter(|line| line.contains(secret)).collect();
    assert_eq!(shown, [format!("  {}", link.trim())], "{printed}");
    process.stop();
    let again = workplace.run(&["user", "setup-link"], &[]);
    let newer = String::from_utf8_lossy(&again.stdout).into_owned();
    assert!(newer.contains("/setup?secret=") && !newer.contains(secret), "{newer}");
    workplace.add_ada();
    let refused = workplace.run(&["user", "setup-link"], &[]);
    assert!(!refused.status.success() && String::from_utf8_lossy(&refused.stderr).contains("set-admin"));
}
