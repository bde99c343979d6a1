//! The pages in real Chromium. What a script finds, it says; the assertions are here.

mod flows;
mod hostile_texts;
mod samples;
