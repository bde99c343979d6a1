//! `gatelodge audit tail`: the latest events, and each further one once it is in the trail.
//!
//! Events are found by their time, in whole seconds, and arrive later than they happened: several sidecars send them in batches,
//! and some have clocks of their own. So the last minute is read again each time, and what was shown is left out.

use std::collections::HashMap;
use std::io;
use std::time::Duration;

use clap::Args;
use gatelodge_oauth::audit_event::AuditEvent;
use gatelodge_oauth::time::Timestamp;
use gatelodge_service::clock::Clock;
use gatelodge_store::Store;
use gatelodge_store::audit_events::{self, Order, Search};
use tokio::time::sleep;

use super::audit::{Output, PAGE, Who};
use super::{Setting, text};
use crate::cli::ConfigFile;

/// Between two looks.
const PAUSE: Duration = Duration::from_secs(1);

/// How late an event may be: a sidecar that could not deliver tries again within 46 seconds.
const LATEST: Duration = Duration::from_secs(60);

/// Of `tail`.
#[derive(Args)]
pub struct TailEvents {
    #[command(flatten)]
    who: Who,
    /// How many of the latest events to begin with.
    #[arg(long, value_name = "NUMBER", default_value_t = 10)]
    last: u32,
    /// Print one JSON object in each line.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    config: ConfigFile,
}

/// Shows them until nobody reads any more.
pub async fn follow(tail: TailEvents) -> Result<(), String> {
    let setting = Setting::open(&tail.config).await?;
    let (search, last, mut output) = (Search::from(tail.who), tail.last, Output::new(io::stdout(), tail.json));
    let mut seen = Seen::default();
    // What is there already is no news, whether it is among those that are shown to begin with or not.
    let since = seen.begin(setting.now);
    for event in read_since(&setting.store, &search, since).await? {
        seen.note(&event);
    }
    let wanted = search.clone();
    let latest = setting.store.read(move |tx| audit_events::page(tx, &wanted, Order::NewestFirst, None, last));
    let mut news = latest.await.map_err(text)?;
    news.reverse();
    for event in &news {
        seen.note(event);
    }
    loop {
        if !output.write(&news)? {
            return Ok(());
        }
        sleep(PAUSE).await;
        let since = seen.begin(Clock::system().now());
        news = read_since(&setting.store, &search, since).await?;
        news.retain(|event| seen.note(event));
    }
}

/// All of them, the oldest first.
async fn read_since(store: &Store, search: &Search, since: Timestamp) -> Result<Vec<AuditEvent>, String> {
    let search = Search { since: Some(since), ..search.clone() };
    let mut all: Vec<AuditEvent> = Vec::new();
    loop {
        let (search, after) = (search.clone(), all.last().cloned());
        let page = store.read(move |tx| audit_events::page(tx, &search, Order::OldestFirst, after.as_ref(), PAGE));
        let page = page.await.map_err(text)?;
        if page.is_empty() {
            return Ok(all);
        }
        all.extend(page);
    }
}

/// The events of the last minute that are known, by their ids.
#[derive(Default)]
struct Seen(HashMap<String, Timestamp>);

impl Seen {
    /// Where the next look begins; what is older is forgotten.
    fn begin(&mut self, now: Timestamp) -> Timestamp {
        let since = now.minus(LATEST);
        self.0.retain(|_, at| *at >= since);
        since
    }

    /// Whether it is news.
    fn note(&mut self, event: &AuditEvent) -> bool {
        self.0.insert(event.id.clone(), event.at).is_none()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_seen_is_no_news_for_as_long_as_it_is_read_again() {
        let event = |id: &str, at| AuditEvent::new(id.into(), Timestamp::from_unix(at), "forwarded");
        let mut seen = Seen::default();
        for (now, read, news) in [
            (100, vec![event("b", 100)], vec![true]),
            // Of the same second, before and behind it; and one that is late.
            (
                101,
                vec![event("late", 41), event("a", 100), event("b", 100), event("c", 100)],
                vec![true, true, false, true],
            ),
            (160, vec![event("a", 100), event("b", 100), event("c", 100)], vec![false, false, false]),
        ] {
            assert_eq!(seen.begin(Timestamp::from_unix(now)), Timestamp::from_unix(now - 60));
            assert_eq!(read.iter().map(|event| seen.note(event)).collect::<Vec<_>>(), news, "at {now}");
        }
        seen.begin(Timestamp::from_unix(161));
        assert!(seen.0.is_empty(), "and it is not remembered for ever");
    }
}
