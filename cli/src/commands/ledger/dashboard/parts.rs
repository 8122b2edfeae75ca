//! The parts of a page: finished HTML, each swapped by itself when it changes.

use std::collections::HashMap;

/// The parts of a page as they are now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Parts {
    /// What the browser's tab says.
    pub(super) title: String,
    /// In the order of the page.
    pub(super) all: Vec<Part>,
    /// Whether nothing more will happen by itself.
    pub(super) is_over: bool,
}

/// A part of a page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Part {
    /// Its name in the page. It never comes from outside.
    pub(super) id: &'static str,
    pub(super) html: String,
}

impl Parts {
    /// The content of the page.
    pub(super) fn content(&self) -> String {
        let mut content = String::from("<div class=\"parts\">\n");
        for part in &self.all {
            for piece in ["<div id=\"", part.id, "\">", &part.html, "</div>\n"] {
                content.push_str(piece);
            }
        }
        content.push_str("</div>\n");
        content
    }

    /// The parts that are not as they were, as JSON; `None` where all are. `seen` has the parts as
    /// they were, and then as they are.
    pub(super) fn changes(&self, seen: &mut HashMap<&'static str, String>) -> Option<String> {
        let mut changed = serde_json::Map::new();
        for part in &self.all {
            if seen.get(part.id) != Some(&part.html) {
                seen.insert(part.id, part.html.clone());
                changed.insert(part.id.to_owned(), part.html.clone().into());
            }
        }
        (!changed.is_empty()).then(|| serde_json::Value::Object(changed).to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(figures: &str) -> Parts {
        let part = |id, html: &str| Part {
            id,
            html: html.into(),
        };
        Parts {
            title: "run".into(),
            all: vec![part("state", "<p>open</p>"), part("figures", figures)],
            is_over: false,
        }
    }

    #[test]
    fn only_what_is_new_is_told() {
        let mut seen = HashMap::new();
        let first = parts("1").changes(&mut seen).unwrap();
        assert_eq!(first, r#"{"figures":"1","state":"<p>open</p>"}"#);
        assert_eq!(parts("1").changes(&mut seen), None);
        let second = parts("2").changes(&mut seen).unwrap();
        assert_eq!(second, r#"{"figures":"2"}"#);
    }
}
