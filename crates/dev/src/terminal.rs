//! What both commands say while they work: on standard error, so that standard output is left to results. Colours go away
//! by themselves where nobody would see them (a pipe, `NO_COLOR`).

use std::time::Duration;

use anstream::eprintln;
use anstyle::{AnsiColor, Style};

pub const BOLD: Style = Style::new().bold();
pub const DIM: Style = Style::new().dimmed();
pub const GOOD: Style = AnsiColor::Green.on_default().bold();
pub const WARN: Style = AnsiColor::Yellow.on_default().bold();
pub const BAD: Style = AnsiColor::Red.on_default().bold();
pub const LINK: Style = AnsiColor::Cyan.on_default();

pub fn title(text: &str) {
    eprintln!("\n{BOLD}{text}{BOLD:#}\n");
}

/// A step that is now under way.
pub fn working(text: &str) {
    eprintln!("  {DIM}…{DIM:#} {text}");
}

/// A step that is done.
pub fn done(text: &str) {
    eprintln!("  {GOOD}✓{GOOD:#} {text}");
}

/// Something that does not stop the work, with what to do about it.
pub fn warning(text: &str, hint: &str) {
    eprintln!("  {WARN}!{WARN:#} {WARN}{text}{WARN:#}");
    for line in hint.lines() {
        eprintln!("    {line}");
    }
}

/// Something that does: the first line says what, the rest what to do about it.
pub fn error(text: &str) {
    eprintln!("\n{BAD}error:{BAD:#} {text}");
}

/// `0.4 s`, `12 s`, `3 min 07 s`.
pub fn took(duration: Duration) -> String {
    let seconds = duration.as_secs();
    match seconds {
        0..10 => format!("{:.1} s", duration.as_secs_f64()),
        10..60 => format!("{seconds} s"),
        _ => format!("{} min {:02} s", seconds / 60, seconds % 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_as_exact_as_a_person_wants_them() {
        for (milliseconds, text) in
            [(420, "0.4 s"), (12_700, "12 s"), (187_000, "3 min 07 s"), (600_000, "10 min 00 s")]
        {
            assert_eq!(took(Duration::from_millis(milliseconds)), text);
        }
    }
}
