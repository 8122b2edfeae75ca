//! Who may see the dashboard and change runs with it: decided from the head of a request.
//!
//! It listens on this machine only, but every page that a browser shows can send requests here. So
//! a request must name this server as its host, carry the cookie that the printed address was
//! exchanged for, and not come from another site. A change needs the page's own origin, and a form
//! that only a page of this dashboard has.

use axum::http::header::{CONTENT_TYPE, COOKIE, HOST, ORIGIN};
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use uuid::Uuid;

use super::page::{Page, query};

/// What decides about requests: three secrets of 256 bits, drawn when the dashboard starts.
pub(super) struct Access {
    port: u16,
    /// In the address that is printed.
    token: String,
    /// In the cookie.
    session: String,
    /// In each form.
    form: String,
}

/// What becomes of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Admission {
    /// It is answered.
    Admitted,
    /// It has the token of the printed address: it gets the cookie, and goes on to this page.
    Exchange(String),
    /// It is refused.
    Refused(Refusal),
}

/// Why a request is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refusal {
    Host,
    Method,
    OtherSite,
    Token,
    Form,
}

impl Refusal {
    pub(super) fn status(self) -> StatusCode {
        match self {
            Self::Method => StatusCode::METHOD_NOT_ALLOWED,
            Self::Host | Self::OtherSite | Self::Token | Self::Form => StatusCode::FORBIDDEN,
        }
    }

    /// The answer, for a person.
    pub(super) fn words(self) -> &'static str {
        match self {
            Self::Host => "This dashboard answers at 127.0.0.1 and localhost only.",
            Self::Method => "This method is not allowed.",
            Self::OtherSite => "Another site asks for this page. Open the address yourself.",
            Self::Token => "Open the address that `fanline dashboard` has printed.",
            Self::Form => "This change was not sent by a page of this dashboard.",
        }
    }
}

impl Access {
    pub(super) fn new(port: u16) -> Self {
        Self {
            port,
            token: secret(),
            session: secret(),
            form: secret(),
        }
    }

    /// The address to print.
    pub(super) fn address(&self, page: &Page) -> String {
        let url = page.url();
        let joint = if url.contains('?') { '&' } else { '?' };
        let (port, token) = (self.port, &self.token);
        format!("http://127.0.0.1:{port}{url}{joint}token={token}")
    }

    /// The value of the header `Set-Cookie`. Cookies are shared by all ports of a host, so the name
    /// has the port.
    pub(super) fn cookie(&self) -> String {
        let (name, session) = (self.cookie_name(), &self.session);
        format!("{name}={session}; HttpOnly; SameSite=Strict; Path=/")
    }

    fn cookie_name(&self) -> String {
        format!("fanline-{}", self.port)
    }

    /// What each form carries.
    pub(super) fn form_token(&self) -> &str {
        &self.form
    }

    /// Decides about a request.
    pub(super) fn admit(&self, request: &Parts) -> Admission {
        match self.refusal(request) {
            Some(refusal) => Admission::Refused(refusal),
            None => match query(&request.uri, "token") {
                Some(_) => Admission::Exchange(without_token(&request.uri)),
                None => Admission::Admitted,
            },
        }
    }

    fn refusal(&self, request: &Parts) -> Option<Refusal> {
        let headers = &request.headers;
        let Some(host) = self.host(&request.uri, headers) else {
            return Some(Refusal::Host);
        };
        let is_change = request.method == Method::POST;
        if !is_change && request.method != Method::GET && request.method != Method::HEAD {
            return Some(Refusal::Method);
        }
        // A page on another port of this machine is of the same site, and not of the same origin.
        let is_own = |site: &str| site == "same-origin" || (!is_change && site == "none");
        let mut sites = headers.get_all("sec-fetch-site").iter();
        if !sites.all(|site| site.to_str().is_ok_and(is_own)) {
            return Some(Refusal::OtherSite);
        }
        if is_change {
            if only(headers, ORIGIN.as_str()) != Some(&format!("http://{host}")) {
                return Some(Refusal::OtherSite);
            }
            if only(headers, CONTENT_TYPE.as_str()) != Some("application/x-www-form-urlencoded") {
                return Some(Refusal::Form);
            }
        }
        let has_token = match query(&request.uri, "token") {
            Some(token) => !is_change && is_equal(&token, &self.token),
            None => self.has_cookie(headers),
        };
        (!has_token).then_some(Refusal::Token)
    }

    /// The host that the request names, if it is this server. Another name can lead to this machine
    /// too: then a foreign page would pass for one of ours (DNS rebinding).
    fn host<'a>(&self, uri: &Uri, headers: &'a HeaderMap) -> Option<&'a str> {
        let host = only(headers, HOST.as_str())?;
        let ours = ["127.0.0.1", "localhost"].map(|name| format!("{name}:{}", self.port));
        let is_ours = |host: &str| ours.iter().any(|ours| ours == host);
        let same = uri.authority().is_none_or(|named| is_ours(named.as_str()));
        (same && is_ours(host)).then_some(host)
    }

    fn has_cookie(&self, headers: &HeaderMap) -> bool {
        let name = self.cookie_name();
        let cookies = headers.get_all(COOKIE).iter();
        let cookies = cookies.filter_map(|cookies| cookies.to_str().ok());
        let mut pairs = cookies.flat_map(|cookies| cookies.split(';'));
        pairs.any(|pair| match pair.trim().split_once('=') {
            Some((known, value)) => known == name && is_equal(value, &self.session),
            None => false,
        })
    }

    /// Whether a form is one of this dashboard's.
    pub(super) fn is_own_form(&self, token: &str) -> bool {
        is_equal(token, &self.form)
    }
}

/// A header that is there once.
fn only<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let mut values = headers.get_all(name).iter();
    let value = values.next()?;
    values.next().is_none().then(|| value.to_str().ok())?
}

/// The page that was asked for, as a path on this server.
fn without_token(uri: &Uri) -> String {
    Page::of(uri).unwrap_or(Page::Runs).url()
}

fn secret() -> String {
    let half = || Uuid::from_bytes(rand::random()).simple().to_string();
    half() + &half()
}

/// Compares in a time that does not tell how much is equal.
fn is_equal(one: &str, other: &str) -> bool {
    let pairs = one.bytes().zip(other.bytes());
    one.len() == other.len() && pairs.fold(0, |different, (a, b)| different | (a ^ b)) == 0
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::Request;

    const PORT: u16 = 7_000;
    const HOST: (&str, &str) = ("host", "127.0.0.1:7000");

    fn access() -> Access {
        Access {
            port: PORT,
            token: "t".repeat(64),
            session: "s".repeat(64),
            form: "f".repeat(64),
        }
    }

    fn admit(method: &str, uri: &str, headers: &[(&str, &str)]) -> Admission {
        let mut request = Request::builder().method(method).uri(uri);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        access().admit(&request.body(()).unwrap().into_parts().0)
    }

    fn cookie() -> (&'static str, String) {
        (
            "cookie",
            format!("other=1; fanline-7000={}", "s".repeat(64)),
        )
    }

    #[test]
    fn only_this_server_is_a_host() {
        let cookie = cookie();
        for (host, is_ours) in [
            ("127.0.0.1:7000", true),
            ("localhost:7000", true),
            ("127.0.0.1", false),
            ("localhost", false),
            ("127.0.0.1:7001", false),
            ("localhost:70000", false),
            ("LOCALHOST:7000", false),
            ("localhost.:7000", false),
            ("[::1]:7000", false),
            ("0.0.0.0:7000", false),
            ("evil.example:7000", false),
            ("127.0.0.1:7000.evil.example", false),
            ("user@127.0.0.1:7000", false),
            ("", false),
        ] {
            let got = admit("GET", "/", &[("host", host), (cookie.0, &cookie.1)]);
            let expected = if is_ours {
                Admission::Admitted
            } else {
                Admission::Refused(Refusal::Host)
            };
            assert_eq!(got, expected, "{host}");
        }
        let refused = Admission::Refused(Refusal::Host);
        let cookie = (cookie.0, cookie.1.as_str());
        assert_eq!(admit("GET", "/", &[cookie]), refused, "none");
        assert_eq!(admit("GET", "/", &[HOST, HOST, cookie]), refused, "two");
        let absolute = admit("GET", "http://evil.example/", &[HOST, cookie]);
        assert_eq!(absolute, refused);
    }

    #[test]
    fn the_token_is_exchanged_for_a_cookie_and_leaves_the_address() {
        let token = "t".repeat(64);
        let exchange = |page: &str| admit("GET", &format!("{page}token={token}"), &[HOST]);
        let to = |page: &str| Admission::Exchange(page.into());
        assert_eq!(exchange("/?"), to("/"));
        assert_eq!(exchange("/run?at=0&run=a%26b&"), to("/run?at=0&run=a%26b"));
        assert_eq!(exchange("//evil.example/?"), to("/"));
        assert_eq!(exchange("/%2F%2Fevil.example?"), to("/"));
        let refused = Admission::Refused(Refusal::Token);
        for wrong in ["", "t", &"u".repeat(64), &"t".repeat(65)] {
            assert_eq!(
                admit("GET", &format!("/?token={wrong}"), &[HOST]),
                refused,
                "{wrong}"
            );
        }
        let cookie = cookie();
        let wrong = admit("GET", "/?token=t", &[HOST, (cookie.0, &cookie.1)]);
        assert_eq!(wrong, refused, "a wrong token is refused with a cookie too");
        assert!(
            access()
                .address(&Page::Runs)
                .ends_with(&format!(":7000/?token={token}"))
        );
        assert!(
            access()
                .cookie()
                .ends_with("; HttpOnly; SameSite=Strict; Path=/")
        );
    }

    #[test]
    fn nothing_is_answered_without_the_cookie() {
        let session = "s".repeat(64);
        for cookie in [
            String::new(),
            "fanline-7000=".into(),
            "fanline-7000".into(),
            format!("fanline-7001={session}"),
            format!("fanline-7000=x{session}"),
            format!("fanline-7000={}", "t".repeat(64)),
            format!("xfanline-7000={session}"),
        ] {
            for path in ["/", "/run?at=0&run=a", "/events", "/style.css", "/missing"] {
                let got = admit("GET", path, &[HOST, ("cookie", &cookie)]);
                assert_eq!(got, Admission::Refused(Refusal::Token), "{cookie} {path}");
            }
        }
    }

    #[test]
    fn another_site_is_refused_and_a_change_needs_our_origin() {
        let cookie = cookie();
        let cookie = (cookie.0, cookie.1.as_str());
        let form = ("content-type", "application/x-www-form-urlencoded");
        let site = |site| ("sec-fetch-site", site);
        let origin = |origin| ("origin", origin);
        let ours = origin("http://127.0.0.1:7000");
        let ok = Admission::Admitted;
        let other = Admission::Refused(Refusal::OtherSite);
        let no_form = Admission::Refused(Refusal::Form);
        for (method, headers, expected) in [
            ("GET", &[site("same-origin")][..], &ok),
            ("GET", &[site("none")], &ok),
            ("GET", &[site("same-site")], &other),
            ("GET", &[site("cross-site")], &other),
            ("GET", &[site("none"), site("cross-site")], &other),
            ("POST", &[ours, form, site("same-origin")], &ok),
            ("POST", &[ours, form], &ok),
            ("POST", &[ours, form, site("none")], &other),
            ("POST", &[ours, form, site("cross-site")], &other),
            ("POST", &[form], &other),
            ("POST", &[origin("null"), form], &other),
            ("POST", &[origin("http://localhost:7000"), form], &other),
            ("POST", &[origin("https://127.0.0.1:7000"), form], &other),
            ("POST", &[origin("http://127.0.0.1:7001"), form], &other),
            ("POST", &[origin("http://evil.example"), form], &other),
            ("POST", &[ours, ours, form], &other),
            ("POST", &[ours], &no_form),
            ("POST", &[ours, ("content-type", "text/plain")], &no_form),
            (
                "POST",
                &[ours, ("content-type", "multipart/form-data")],
                &no_form,
            ),
        ] {
            let headers = [&[HOST, cookie], headers].concat();
            assert_eq!(&admit(method, "/", &headers), expected, "{headers:?}");
        }
        for method in ["PUT", "DELETE", "OPTIONS", "TRACE", "PATCH", "CONNECT"] {
            let uri = if method == "CONNECT" {
                "127.0.0.1:7000"
            } else {
                "/"
            };
            let got = admit(method, uri, &[HOST, cookie]);
            assert_eq!(got, Admission::Refused(Refusal::Method), "{method}");
        }
        let token = format!("/?token={}", "t".repeat(64));
        let got = admit("POST", &token, &[HOST, cookie, ours, form]);
        assert_eq!(
            got,
            Admission::Refused(Refusal::Token),
            "no exchange by POST"
        );
    }

    #[test]
    fn the_secrets_are_drawn_anew_each_time() {
        let (one, other) = (Access::new(1), Access::new(1));
        let mut all = vec![one.token, one.session, one.form];
        all.extend([other.token, other.session, other.form]);
        assert!(all.iter().all(|secret| secret.len() == 64), "{all:?}");
        all.sort();
        all.dedup();
        assert_eq!(all.len(), 6);
    }
}
