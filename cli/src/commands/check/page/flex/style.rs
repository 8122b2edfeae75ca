//! The properties of a Flex Message's components, as CSS. Only what LINE documents comes through,
//! so no value can be more than a colour, a length or a word.

use std::fmt;

use serde_json::Value;

use super::super::html::field;

/// How a box puts its components.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Layout {
    Vertical,
    Horizontal,
    Baseline,
}

impl Layout {
    /// The layout with this name.
    pub(super) fn of(name: &str) -> Self {
        match name {
            "horizontal" => Self::Horizontal,
            "baseline" => Self::Baseline,
            _ => Self::Vertical,
        }
    }

    /// The class with this layout.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Vertical => "vertical",
            Self::Horizontal => "horizontal",
            Self::Baseline => "baseline",
        }
    }
}

/// How wide a bubble is, in pixels.
pub(super) fn bubble_width(size: &str) -> u32 {
    match size {
        "nano" => 120,
        "micro" => 160,
        "deca" => 220,
        "hecto" => 241,
        "kilo" => 260,
        "giga" => 332,
        _ => 300,
    }
}

/// Declarations of CSS.
#[derive(Debug, Default)]
pub(super) struct Styles(String);

impl fmt::Display for Styles {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Styles {
    fn set(&mut self, property: &str, value: &str) {
        if !value.is_empty() {
            for part in [property, ":", value, ";"] {
                self.0.push_str(part);
            }
        }
    }

    /// A colour, `#rrggbb` or `#rrggbbaa`.
    pub(super) fn color(&mut self, property: &str, color: &str) {
        let digits = color.strip_prefix('#').unwrap_or_default();
        let is_color =
            matches!(digits.len(), 6 | 8) && digits.bytes().all(|b| b.is_ascii_hexdigit());
        if is_color {
            self.set(property, color);
        }
    }

    /// What a component says about its place in a box.
    pub(super) fn place(&mut self, of: &Value, parent: Layout) {
        let flex = of.get("flex").and_then(Value::as_u64);
        let flex = flex.unwrap_or(u64::from(parent != Layout::Vertical));
        let flex = if flex == 0 {
            "0 0 auto".to_owned()
        } else {
            format!("{flex} {flex} 0")
        };
        self.set("flex", &flex);
        let side = if parent == Layout::Vertical {
            "margin-top"
        } else {
            "margin-left"
        };
        self.set(side, &space(field(of, "margin")));
        let gravity = match field(of, "gravity") {
            "center" => "center",
            "bottom" => "flex-end",
            _ => "",
        };
        if parent == Layout::Horizontal {
            self.set("align-self", gravity);
        }
        if field(of, "position") == "absolute" {
            self.set("position", "absolute");
        }
        for (name, side) in [
            ("offsetTop", "top"),
            ("offsetBottom", "bottom"),
            ("offsetStart", "left"),
            ("offsetEnd", "right"),
        ] {
            self.set(side, &space(field(of, name)));
        }
    }

    /// What a box says about itself.
    pub(super) fn boxed(&mut self, of: &Value) {
        self.color("background-color", field(of, "backgroundColor"));
        self.color("border-color", field(of, "borderColor"));
        self.set("gap", &space(field(of, "spacing")));
        self.set("border-radius", &space(field(of, "cornerRadius")));
        for (name, property) in [
            ("width", "width"),
            ("height", "height"),
            ("maxWidth", "max-width"),
            ("maxHeight", "max-height"),
            ("paddingAll", "padding"),
            ("paddingTop", "padding-top"),
            ("paddingBottom", "padding-bottom"),
            ("paddingStart", "padding-left"),
            ("paddingEnd", "padding-right"),
        ] {
            self.set(property, &space(field(of, name)));
        }
        if !field(of, "borderWidth").is_empty() {
            self.set("border-style", "solid");
            self.set("border-width", &length(field(of, "borderWidth")));
        }
        self.set("justify-content", placement(field(of, "justifyContent")));
        self.set("align-items", placement(field(of, "alignItems")));
    }

    /// What a text or a span says about its letters.
    pub(super) fn text(&mut self, of: &Value) {
        self.text_size(field(of, "size"));
        self.color("color", field(of, "color"));
        let word = |text: &str, known: &[&'static str]| {
            let found = known.iter().find(|known| **known == text);
            found.copied().unwrap_or_default()
        };
        self.set("font-weight", word(field(of, "weight"), &["bold"]));
        self.set("font-style", word(field(of, "style"), &["italic"]));
        let decorations = ["underline", "line-through"];
        self.set(
            "text-decoration",
            word(field(of, "decoration"), &decorations),
        );
        self.set(
            "text-align",
            word(field(of, "align"), &["start", "center", "end"]),
        );
    }

    /// The size of letters.
    pub(super) fn text_size(&mut self, size: &str) {
        let pixels = match size {
            "xxs" => "11px",
            "xs" => "13px",
            "sm" => "14px",
            "md" => "16px",
            "lg" => "19px",
            "xl" => "22px",
            "xxl" => "29px",
            "3xl" => "35px",
            "4xl" => "48px",
            "5xl" => "74px",
            other => return self.set("font-size", &length(other)),
        };
        self.set("font-size", pixels);
    }

    /// The size and the shape of a picture.
    pub(super) fn picture(&mut self, of: &Value) {
        let width = match field(of, "size") {
            "xxs" => "40px".into(),
            "xs" => "60px".into(),
            "sm" => "80px".into(),
            "" | "md" => "100px".into(),
            "lg" => "120px".into(),
            "xl" => "140px".into(),
            "xxl" => "160px".into(),
            "3xl" => "180px".into(),
            "4xl" => "200px".into(),
            "5xl" => "220px".into(),
            "full" => "100%".into(),
            other => length(other),
        };
        self.set("width", &width);
        let ratio = field(of, "aspectRatio").split_once(':');
        let ratio = ratio.and_then(|(w, h)| Some((w.parse::<u32>().ok()?, h.parse::<u32>().ok()?)));
        let (w, h) = ratio.unwrap_or((1, 1));
        self.set("aspect-ratio", &format!("{w}/{h}"));
        let is_cover = field(of, "aspectMode") == "cover";
        self.set("object-fit", if is_cover { "cover" } else { "contain" });
    }
}

/// A word of LINE's for a space, or a length.
fn space(text: &str) -> String {
    match text {
        "none" => "0".into(),
        "xs" => "2px".into(),
        "sm" => "4px".into(),
        "md" => "8px".into(),
        "lg" => "12px".into(),
        "xl" => "16px".into(),
        "xxl" => "20px".into(),
        other => length(other),
    }
}

/// A number of pixels or per cent, or nothing.
fn length(text: &str) -> String {
    let number = text.strip_suffix("px").or_else(|| text.strip_suffix('%'));
    let is_number = number.is_some_and(|number| number.parse::<f32>().is_ok_and(f32::is_finite));
    if is_number {
        text.into()
    } else {
        String::new()
    }
}

fn placement(text: &str) -> &'static str {
    match text {
        "center" => "center",
        "flex-start" => "flex-start",
        "flex-end" => "flex-end",
        "space-between" => "space-between",
        "space-around" => "space-around",
        "space-evenly" => "space-evenly",
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn only_colours_lengths_and_known_words_become_css() {
        let mut styles = Styles::default();
        styles.color("color", "#00ff00");
        styles.color("color", "red;x:url(//e)");
        styles.boxed(&json!({"paddingAll": "10px", "width": "1px;x:y", "spacing": "md"}));
        styles.text(&json!({"weight": "bold", "align": "center;", "size": "1e9999px"}));
        assert_eq!(
            styles.to_string(),
            "color:#00ff00;gap:8px;padding:10px;font-weight:bold;"
        );
    }
}
