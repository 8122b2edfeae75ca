//! What LINE takes for a URL.

use super::super::problem::{Fault, Refusal};

/// The schemes of a link outside a Flex Message.
/// <https://developers.line.biz/en/reference/messaging-api/#uri-action>
const LINK_SCHEMES: [&str; 4] = ["http", "https", "line", "tel"];

/// What LINE takes for a URL in one place.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(in super::super) struct Url {
    schemes: Schemes,
    max: usize,
    may_be_empty: bool,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Schemes {
    /// What LINE fetches: an image, a video.
    Https,
    /// What a tap opens.
    Link,
    /// What a tap in a Flex Message opens: another app's scheme is taken too.
    /// <https://developers.line.biz/en/docs/messaging-api/using-line-url-scheme/>
    Any,
}

impl Url {
    pub(in super::super) const HTTPS: Self = Self {
        schemes: Schemes::Https,
        max: 2000,
        may_be_empty: false,
    };
    pub(in super::super) const LINK: Self = Self {
        schemes: Schemes::Link,
        max: 1000,
        may_be_empty: false,
    };
    pub(in super::super) const ANY_LINK: Self = Self {
        schemes: Schemes::Any,
        max: 1000,
        may_be_empty: false,
    };

    /// LINE's `messaging-api.yml` gives `altUri.desktop` a smallest length of 0.
    pub(in super::super) const fn or_empty(self) -> Self {
        Self {
            may_be_empty: true,
            ..self
        }
    }

    pub(in super::super) fn check(self, url: &str) -> Result<(), Refusal> {
        if url.is_empty() {
            return if self.may_be_empty {
                Ok(())
            } else {
                Err(Refusal::of(Fault::Empty, "is empty; LINE takes a URL here"))
            };
        }
        let Some((scheme, rest)) = url.split_once(':').filter(|(scheme, _)| is_scheme(scheme))
        else {
            return Err(self.wrong_scheme());
        };
        if !self.takes(scheme) {
            return Err(self.wrong_scheme());
        }
        if is_web(scheme) && !has_host(rest) {
            return Err(Refusal::of(
                Fault::Url,
                "has no host; write it as `https://example.com/path`",
            ));
        }
        check_encoding(url)?;
        if url.len() > self.max {
            return Err(Refusal::of(
                Fault::UrlTooLong(self.max),
                format!(
                    "has {} characters; LINE takes a URL of up to {}",
                    url.len(),
                    self.max
                ),
            ));
        }
        Ok(())
    }

    /// What is wrong with every URL that begins with `prefix`.
    pub(in super::super) fn check_prefix(self, prefix: &str) -> Result<(), Refusal> {
        if let Some((scheme, _)) = prefix.split_once(':')
            && !(is_scheme(scheme) && self.takes(scheme))
        {
            return Err(self.wrong_scheme());
        }
        check_encoding(prefix)
    }

    /// What LINE may refuse in a URL that passes [`Self::check`].
    pub(in super::super) fn doubt(url: &str) -> Option<&'static str> {
        let mut bytes = url.bytes();
        while let Some(byte) = bytes.next() {
            if b"\"<>\\^`{|}".contains(&byte) {
                return Some(
                    "holds a character that has to be percent-encoded in a URL; \
                     LINE may refuse it",
                );
            }
            let mut is_hex = || bytes.next().is_some_and(|b| b.is_ascii_hexdigit());
            if byte == b'%' && !(is_hex() && is_hex()) {
                return Some(
                    "has a `%` without two hexadecimal digits after it; LINE may refuse it. \
                     Write `%` itself as `%25`",
                );
            }
        }
        None
    }

    fn takes(self, scheme: &str) -> bool {
        match self.schemes {
            Schemes::Https => scheme.eq_ignore_ascii_case("https"),
            Schemes::Link => LINK_SCHEMES
                .iter()
                .any(|known| scheme.eq_ignore_ascii_case(known)),
            Schemes::Any => true,
        }
    }

    fn wrong_scheme(self) -> Refusal {
        Refusal::of(
            Fault::Scheme,
            match self.schemes {
                Schemes::Https => "is not `https://`; LINE takes no other URL here",
                Schemes::Link => {
                    "does not begin with `https:`, `http:`, `tel:` or `line:`; \
                     LINE takes no other link here"
                }
                Schemes::Any => "has no scheme; begin it with `https://`, for example",
            },
        )
    }
}

/// <https://www.rfc-editor.org/rfc/rfc3986#section-3.1>
fn is_scheme(text: &str) -> bool {
    let mut bytes = text.bytes();
    bytes.next().is_some_and(|b| b.is_ascii_alphabetic())
        && bytes.all(|b| b.is_ascii_alphanumeric() || b"+-.".contains(&b))
}

fn is_web(scheme: &str) -> bool {
    scheme.eq_ignore_ascii_case("https") || scheme.eq_ignore_ascii_case("http")
}

fn has_host(rest: &str) -> bool {
    rest.strip_prefix("//")
        .is_some_and(|host| !host.is_empty() && !host.starts_with(['/', '?', '#', ':']))
}

/// <https://developers.line.biz/en/reference/messaging-api/#url-encoding>
fn check_encoding(url: &str) -> Result<(), Refusal> {
    if url.bytes().all(|b| b.is_ascii_graphic()) {
        Ok(())
    } else {
        Err(Refusal::of(
            Fault::Url,
            "is not percent-encoded; write a space as `%20` and `早` as `%E6%97%A9`",
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A word for what is found, so that a table shows it.
    fn found(url: Url, text: &str) -> &'static str {
        match url.check(text).map_err(|refusal| refusal.fault) {
            Ok(()) => "-",
            Err(Fault::Empty) => "empty",
            Err(Fault::Scheme) => "scheme",
            Err(Fault::Url) => "url",
            Err(Fault::UrlTooLong(_)) => "long",
            Err(other) => panic!("{other:?}"),
        }
    }

    #[test]
    fn each_place_takes_its_schemes() {
        for row in "
            https://example.com/a%20b.jpg?c=%E6#d  -      -      -
            HTTPS://example.com                    -      -      -
            http://example.com/                    scheme -      -
            tel:0901234567                         scheme -      -
            line://nv/location                     scheme -      -
            mailto:a@example.com                   scheme scheme -
            myapp://open?x=1                       scheme scheme -
            example.com/a.jpg                      scheme scheme scheme
            https                                  scheme scheme scheme
            ://x                                   scheme scheme scheme
            https://                               url    url    url
            https:///a                             url    url    url
            https:/a                               url    url    url
            https://a.jp/早.jpg                    url    url    url
        "
        .lines()
        {
            let words: Vec<_> = row.split_whitespace().collect();
            let Some((text, expected)) = words.split_first() else {
                continue;
            };
            let found = [Url::HTTPS, Url::LINK, Url::ANY_LINK].map(|url| found(url, text));
            assert_eq!(found, *expected, "{text}");
        }
    }

    #[test]
    fn each_place_takes_percent_encoded_urls_of_its_length() {
        let long = |n: usize| format!("https://a.jp/{}", "a".repeat(n - 13));
        for (text, https, link) in [
            (long(1000), "-", "-"),
            (long(1001), "-", "long"),
            (long(2000), "-", "long"),
            (long(2001), "long", "long"),
            ("https://a.jp/a b".into(), "url", "url"),
            ("https://a.jp/\n".into(), "url", "url"),
            (String::new(), "empty", "empty"),
        ] {
            let found = [Url::HTTPS, Url::LINK, Url::ANY_LINK].map(|url| found(url, &text));
            assert_eq!(found, [https, link, link], "{text:.40}");
        }
        assert_eq!(Url::LINK.or_empty().check(""), Ok(()));
    }

    #[test]
    fn a_wrong_beginning_is_refused_before_the_rest_is_known() {
        for (prefix, fits) in [
            ("", true),
            ("htt", true),
            ("https:", true),
            ("https://example.com/", true),
            ("http://example.com/", false),
            ("https://example.com/早", false),
        ] {
            assert_eq!(Url::HTTPS.check_prefix(prefix).is_ok(), fits, "{prefix}");
        }
        assert!(Url::ANY_LINK.check_prefix("myapp://").is_ok());
        assert!(Url::LINK.check_prefix("myapp://").is_err());
    }

    #[test]
    fn what_other_parsers_refuse_is_doubtful() {
        for (url, is_doubtful) in [
            ("https://a.jp/%E6%97%A9?a=1&b=2#c", false),
            ("https://a.jp/{name}", true),
            ("https://a.jp/a|b", true),
            ("https://a.jp/100%", true),
            ("https://a.jp/%4", true),
            ("https://a.jp/%zz", true),
        ] {
            assert_eq!(Url::doubt(url).is_some(), is_doubtful, "{url}");
        }
    }
}
