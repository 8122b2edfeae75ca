//! The tags of a template as its author sees them: `{{ … }}`, `{% … %}` and `{# … #}`.
//!
//! The engine reads templates by itself. This reading is for sentences about what it can't read.

/// A tag, or the beginning of one that is never closed.
#[derive(Debug, PartialEq)]
pub(super) struct Tag<'s> {
    pub(super) kind: TagKind,
    /// Where the tag begins, in bytes.
    pub(super) start: usize,
    /// What stands between the marks, without white space and `-`.
    pub(super) inside: &'s str,
    /// What closes the tag, or what it lacks.
    pub(super) end: TagEnd,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum TagKind {
    Value,
    Statement,
    Comment,
}

#[derive(Debug, PartialEq)]
pub(super) enum TagEnd {
    Closed,
    /// The tag's closing mark is not there.
    Missing,
    /// A quotation mark in the tag has no partner.
    OpenQuote(char),
}

impl TagKind {
    pub(super) fn opening(self) -> &'static str {
        match self {
            Self::Value => "{{",
            Self::Statement => "{%",
            Self::Comment => "{#",
        }
    }

    pub(super) fn closing(self) -> &'static str {
        match self {
            Self::Value => "}}",
            Self::Statement => "%}",
            Self::Comment => "#}",
        }
    }

    fn of(text: &str) -> Option<Self> {
        [Self::Value, Self::Statement, Self::Comment]
            .into_iter()
            .find(|kind| text.starts_with(kind.opening()))
    }
}

/// The tags of `source`, up to one that is not closed.
pub(super) fn tags(source: &str) -> Vec<Tag<'_>> {
    let mut tags = Vec::new();
    let mut at = 0;
    while let Some((start, kind)) = next_opening(source, at) {
        let inside_start = start + kind.opening().len();
        let (inside_end, end) = inside_end(source, inside_start, kind);
        let is_closed = end == TagEnd::Closed;
        let inside = trimmed(source.get(inside_start..inside_end).unwrap_or_default());
        tags.push(Tag {
            kind,
            start,
            inside,
            end,
        });
        if !is_closed {
            break;
        }
        at = inside_end + kind.closing().len();
        if kind == TagKind::Statement && inside == "raw" {
            at = end_of_raw(source, at);
        }
    }
    tags
}

fn next_opening(source: &str, from: usize) -> Option<(usize, TagKind)> {
    let rest = source.get(from..)?;
    rest.match_indices('{')
        .find_map(|(i, _)| Some((from + i, TagKind::of(rest.get(i..)?)?)))
}

fn inside_end(source: &str, from: usize, kind: TagKind) -> (usize, TagEnd) {
    let rest = source.get(from..).unwrap_or_default();
    if kind == TagKind::Comment {
        return match rest.find(kind.closing()) {
            Some(at) => (from + at, TagEnd::Closed),
            None => (source.len(), TagEnd::Missing),
        };
    }
    let mut quote = None;
    let mut letters = rest.char_indices();
    while let Some((at, letter)) = letters.next() {
        match (quote, letter) {
            (Some(_), '\\') => drop(letters.next()),
            (Some((_, open)), letter) if letter == open => quote = None,
            (Some(_), _) => {}
            (None, '"' | '\'') => quote = Some((at, letter)),
            (None, _) => {
                let here = rest.get(at..).unwrap_or_default();
                if here.starts_with(kind.closing()) {
                    return (from + at, TagEnd::Closed);
                }
                if TagKind::of(here).is_some() {
                    return (from + at, TagEnd::Missing);
                }
            }
        }
    }
    match quote {
        Some((at, open)) => {
            let after = rest.get(at..).and_then(|after| after.find(kind.closing()));
            let end = after.map_or(source.len(), |after| from + at + after);
            (end, TagEnd::OpenQuote(open))
        }
        None => (source.len(), TagEnd::Missing),
    }
}

fn trimmed(inside: &str) -> &str {
    let inside = inside.strip_prefix(['-', '+']).unwrap_or(inside);
    inside.strip_suffix(['-', '+']).unwrap_or(inside).trim()
}

/// Where the text goes on behind `{% raw %}`, which shows tags as they are.
fn end_of_raw(source: &str, from: usize) -> usize {
    let rest = source.get(from..).unwrap_or_default();
    rest.find("endraw")
        .and_then(|at| Some(at + rest.get(at..)?.find("%}")? + "%}".len()))
        .map_or(source.len(), |at| from + at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_found_with_what_is_in_them() {
        let source = "a {{ b }}{%- if c == '}}' -%}{# {{ #}{{ d|e(\"%}\") }} }} { {%raw%}{{ f }}{% \
                      endraw %}{{g}}";
        let found: Vec<_> = tags(source).iter().map(|tag| tag.inside).collect();
        assert_eq!(
            found,
            ["b", "if c == '}}'", "{{", "d|e(\"%}\")", "raw", "g"]
        );
        assert!(tags(source).iter().all(|tag| tag.end == TagEnd::Closed));
    }

    #[test]
    fn a_tag_that_is_not_closed_is_the_last() {
        for (source, inside, end) in [
            ("{{ a", "a", TagEnd::Missing),
            ("{{ a }", "a }", TagEnd::Missing),
            ("{{ a {{ b }}", "a", TagEnd::Missing),
            ("{{ a %}", "a %}", TagEnd::Missing),
            ("{% if a }}", "if a }}", TagEnd::Missing),
            ("{# a", "a", TagEnd::Missing),
            ("{{ 'a }} b", "'a", TagEnd::OpenQuote('\'')),
            ("{{ \"a", "\"a", TagEnd::OpenQuote('"')),
        ] {
            let found = tags(source).pop().unwrap();
            assert_eq!((found.inside, found.end), (inside, end), "{source}");
        }
    }
}
