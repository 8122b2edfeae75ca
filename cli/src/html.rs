//! The look of every page: the layout, the styles and the chart that the dashboard and the report
//! share. Whatever a template shows is escaped, unless it is HTML that a template made.

use indicatif::HumanCount;
use minijinja::syntax::SyntaxConfig;
use minijinja::value::Serde;
use minijinja::{AutoEscape, Environment, Error, UndefinedBehavior, Value};
use serde::Serialize;

pub(crate) mod chart;

/// The styles of every page.
pub(crate) const STYLE: &str = include_str!("html/style.css");

const LAYOUT: &str = "layout";

/// The templates of one kind of page.
pub(crate) struct Templates(Environment<'static>);

/// What is around the content of a page.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Frame<'a> {
    /// What the browser's tab says.
    pub(crate) title: &'a str,
    /// Whether the styles stand in the page, for a page that is a file.
    pub(crate) is_file: bool,
    /// Where the page hears what is new; `None` for a page that stays as it is.
    pub(crate) events: Option<&'a str>,
    /// The page above this one, and its name.
    pub(crate) up: Option<(&'a str, &'a str)>,
}

impl Templates {
    /// The templates that every page has, and these by their names.
    pub(crate) fn new(own: &[(&'static str, &'static str)]) -> Result<Self, Error> {
        let mut environment = Environment::new();
        let syntax = SyntaxConfig::builder()
            .trim_blocks(true)
            .lstrip_blocks(true)
            .build()?;
        environment.set_syntax(syntax);
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        environment.set_auto_escape_callback(|_| AutoEscape::Html);
        environment.add_filter("number", |n: u64| HumanCount(n).to_string());
        environment.add_template(LAYOUT, include_str!("html/layout.html.j2"))?;
        environment.add_template(chart::TEMPLATE, include_str!("html/chart.html.j2"))?;
        for (name, template) in own {
            environment.add_template(name, template)?;
        }
        Ok(Self(environment))
    }

    /// A part of a page.
    pub(crate) fn part(&self, name: &str, data: &impl Serialize) -> Result<String, Error> {
        self.0.get_template(name)?.render(Serde(data))
    }

    /// A whole page around its content, which is HTML.
    pub(crate) fn page(&self, frame: &Frame<'_>, content: String) -> Result<String, Error> {
        let style = frame.is_file.then_some(STYLE);
        let page = minijinja::context! {
            style => style.map(|style| Value::from_safe_string(style.to_owned())),
            content => Value::from_safe_string(content),
            ..Serde(frame)
        };
        self.0.get_template(LAYOUT)?.render(page)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MARKUP: &str = "<script>alert(1)</script>\"'&amp;";

    #[test]
    fn what_is_shown_stays_text() {
        let templates = Templates::new(&[("part", "<p title=\"{{ text }}\">{{ text }}</p>")]);
        let templates = templates.unwrap();
        let part = templates
            .part("part", &serde_json::json!({"text": MARKUP}))
            .unwrap();
        let frame = Frame {
            title: MARKUP,
            events: Some(MARKUP),
            up: Some((MARKUP, MARKUP)),
            ..Frame::default()
        };
        let page = templates.page(&frame, part).unwrap();
        assert!(!page.contains("<script>"), "{page}");
        assert_eq!(page.matches("&lt;script&gt;").count(), 6, "{page}");
        assert!(page.contains("<p title=\"&lt;"), "{page}");
    }

    #[test]
    fn a_page_that_is_a_file_needs_no_other_file() {
        let templates = Templates::new(&[]).unwrap();
        let frame = Frame {
            title: "run",
            is_file: true,
            ..Frame::default()
        };
        let page = templates.page(&frame, String::new()).unwrap();
        for other in ["src=", "href=\"/", "url(", "@import", "<script"] {
            assert!(!page.contains(other), "{other}: {page}");
        }
        assert!(page.contains("--ink"), "{page}");
    }
}
