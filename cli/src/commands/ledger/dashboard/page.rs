//! The pages, and their addresses on this server.

use std::borrow::Cow;

use axum::http::Uri;
use form_urlencoded::Serializer;

/// A page that shows what goes on.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Page {
    /// The runs of all stacks.
    Runs,
    /// One run of a stack. The stack has the number of its flag, from 0.
    Run(NamedRun),
}

/// A run, and the number of its stack.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct NamedRun {
    pub(super) at: usize,
    pub(super) run: String,
}

impl Page {
    /// The page that an address names, also the address of its events. A name may have any letters,
    /// so it stands in the query and not in the path, where browsers resolve dots.
    pub(super) fn of(uri: &Uri) -> Option<Self> {
        let is_named = query(uri, "run").is_some();
        match uri.path() {
            "/" => Some(Self::Runs),
            "/events" if !is_named => Some(Self::Runs),
            "/run" | "/events" => Some(Self::Run(NamedRun::of(uri)?)),
            _ => None,
        }
    }

    /// The address of the page.
    pub(super) fn url(&self) -> String {
        match self {
            Self::Runs => "/".into(),
            Self::Run(run) => format!("/run?{}", run.query()),
        }
    }

    /// The address of its events.
    pub(super) fn events_url(&self) -> String {
        match self {
            Self::Runs => "/events".into(),
            Self::Run(run) => format!("/events?{}", run.query()),
        }
    }
}

impl NamedRun {
    /// The run that the query of an address names.
    pub(super) fn of(uri: &Uri) -> Option<Self> {
        Some(Self {
            at: query(uri, "at")?.parse().ok()?,
            run: query(uri, "run")?.into_owned(),
        })
    }

    pub(super) fn query(&self) -> String {
        let mut query = Serializer::new(String::new());
        query.append_pair("at", &self.at.to_string());
        query.append_pair("run", &self.run);
        query.finish()
    }
}

/// A value of the query.
pub(super) fn query<'a>(uri: &'a Uri, name: &str) -> Option<Cow<'a, str>> {
    let mut pairs = form_urlencoded::parse(uri.query()?.as_bytes());
    Some(pairs.find(|(known, _)| known == name)?.1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_page_has_an_address_of_its_own() {
        let run = |run: &str| {
            Page::Run(NamedRun {
                at: 3,
                run: run.into(),
            })
        };
        let pages = [
            Page::Runs,
            run("xmas@2026-12-25T00:00:00Z"),
            run(".."),
            run("a/b?c=d&at=9#%"),
            run("//evil.example"),
            run("<script>"),
        ];
        for page in pages {
            for url in [page.url(), page.events_url()] {
                let uri: Uri = url.parse().unwrap();
                assert_eq!(Page::of(&uri), Some(page.clone()), "{url}");
                assert!(!uri.path().contains(".."), "{url}");
            }
        }
    }

    #[test]
    fn other_addresses_are_no_page() {
        for url in [
            "/missing",
            "/run",
            "/run?at=0",
            "/run?run=a",
            "/run?at=-1&run=a",
            "/run?at=x&run=a",
            "//",
        ] {
            assert_eq!(Page::of(&url.parse().unwrap()), None, "{url}");
        }
    }
}
