//! The accent colour of buttons and links: enough contrast on light and on dark pages (WCAG 2.2 §1.4.3), or it is not taken.

use std::fmt;

/// A colour of the sRGB space, 8 bits each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Color([u8; 3]);

/// What WCAG 2.2 §1.4.3 asks of text (AA).
const ENOUGH: f64 = 4.5;

const WHITE: Color = Color([0xff; 3]);
const BLACK: Color = Color([0; 3]);

/// What pages are behind buttons and links, as in `style.css` (`--sheet`).
const LIGHT_SHEET: Color = WHITE;
const DARK_SHEET: Color = Color([0x19, 0x21, 0x1e]);

impl Color {
    /// `#rrggbb`.
    pub fn parse(text: &str) -> Option<Self> {
        let digits = text.strip_prefix('#').filter(|digits| digits.len() == 6 && digits.is_ascii())?;
        let part = |at: usize| u8::from_str_radix(digits.get(at..at + 2)?, 16).ok();
        let is_hex = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
        Some(Self([part(0)?, part(2)?, part(4)?])).filter(|_| is_hex)
    }

    /// On a light page.
    pub fn is_readable_on_light(self) -> bool {
        contrast(self, LIGHT_SHEET) >= ENOUGH
    }

    /// On a dark page.
    pub fn is_readable_on_dark(self) -> bool {
        contrast(self, DARK_SHEET) >= ENOUGH
    }

    /// The nearest shade that is readable on a light page.
    pub fn for_light(self) -> Self {
        self.shade(BLACK, Self::is_readable_on_light)
    }

    /// The nearest shade that is readable on a dark page.
    pub fn for_dark(self) -> Self {
        self.shade(WHITE, Self::is_readable_on_dark)
    }

    fn shade(self, toward: Self, is_good: impl Fn(Self) -> bool) -> Self {
        (0..=100).map(|percent| self.mixed(toward, percent)).find(|shade| is_good(*shade)).unwrap_or(toward)
    }

    fn mixed(self, other: Self, percent: u32) -> Self {
        let mix = |own: u8, other: u8| (u32::from(own) * (100 - percent) + u32::from(other) * percent) / 100;
        let part = |at: usize| u8::try_from(mix(self.0[at], other.0[at])).unwrap_or(u8::MAX);
        Self([part(0), part(1), part(2)])
    }

    /// WCAG 2.2, "relative luminance".
    fn luminance(self) -> f64 {
        let linear = |part: u8| {
            let part = f64::from(part) / 255.0;
            if part <= 0.04045 { part / 12.92 } else { ((part + 0.055) / 1.055).powf(2.4) }
        };
        let [red, green, blue] = self.0;
        0.2126 * linear(red) + 0.7152 * linear(green) + 0.0722 * linear(blue)
    }
}

impl fmt::Display for Color {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [red, green, blue] = self.0;
        write!(f, "#{red:02x}{green:02x}{blue:02x}")
    }
}

/// WCAG 2.2, "contrast ratio".
fn contrast(a: Color, b: Color) -> f64 {
    let (a, b) = (a.luminance(), b.luminance());
    (a.max(b) + 0.05) / (a.min(b) + 0.05)
}

/// The style sheet that puts these colours in place of ours.
pub fn stylesheet(light: Color, dark: Color) -> String {
    let rule = |action: Color, hover: Color| {
        let on_action = if contrast(action, WHITE) >= contrast(action, BLACK) { WHITE } else { BLACK };
        format!(":root {{ --action: {action}; --action-hover: {hover}; --on-action: {on_action}; }}")
    };
    let (light, dark) = (rule(light, light.mixed(BLACK, 20)), rule(dark, dark.mixed(WHITE, 20)));
    format!("{light}\n@media (prefers-color-scheme: dark) {{\n  {dark}\n}}\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn color(text: &str) -> Color {
        Color::parse(text).expect("a colour")
    }

    #[test]
    fn a_colour_is_six_hexadecimal_digits() {
        assert_eq!(color("#1D6349").to_string(), "#1d6349");
        for bad in ["", "#fff", "1d6349", "#1d63499", "#1d634g", "#+d6349", "red", "#1d6349;}", "#é6349", "rgb(1,2,3)"]
        {
            assert_eq!(Color::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn contrast_is_measured_as_wcag_does() {
        assert!((contrast(WHITE, BLACK) - 21.0).abs() < 0.01);
        assert!((contrast(color("#777777"), WHITE) - 4.48).abs() < 0.01);
        assert!(!color("#777777").is_readable_on_light() && color("#767676").is_readable_on_light());
    }

    #[test]
    fn the_shades_that_are_proposed_are_readable() {
        for accent in ["#ffcc00", "#000000", "#ffffff", "#1d6349", "#0057b8", "#ff0000"].map(color) {
            assert!(accent.for_light().is_readable_on_light(), "{accent}");
            assert!(accent.for_dark().is_readable_on_dark(), "{accent}");
        }
        assert_eq!(color("#0057b8").for_light(), color("#0057b8"), "what is good stays");
    }

    #[test]
    fn the_sheets_are_those_of_the_style_sheet() {
        let style = std::fs::read_to_string("../../templates/assets/style.css").expect("the style sheet");
        let sheets: Vec<&str> = style.lines().filter(|line| line.trim().starts_with("--sheet:")).collect();
        assert_eq!(sheets.len(), 2);
        assert!(sheets[0].contains(&LIGHT_SHEET.to_string()) && sheets[1].contains(&DARK_SHEET.to_string()));
    }
}
