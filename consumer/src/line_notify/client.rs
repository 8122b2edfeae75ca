//! The request to LINE Notify: one form, to the holder of one token.

use jiff::Timestamp;
use reqwest::header::{AUTHORIZATION, HeaderValue};
use reqwest::multipart::{Form, Part};
use reqwest::{Body, Url};

use crate::channel::attempt::Exchange;
use crate::channel::http::{self, HttpClient};
use crate::channel::route::Route;
use crate::line_notify::form::Field;
use crate::line_notify::image::Image;

/// A LINE Notify server at one base URL.
pub(crate) struct NotifyClient {
    client: HttpClient,
    url: Url,
}

impl NotifyClient {
    /// The server at `base`.
    pub(crate) fn new(client: HttpClient, base: &str) -> Self {
        let url = http::url(base, Route::LineNotify.path());
        Self { client, url }
    }

    /// Sends one message.
    pub(crate) async fn send(
        &self,
        authorization: HeaderValue,
        fields: &[Field<'_>],
        image: Option<&Image>,
        departed: Timestamp,
    ) -> Exchange {
        let post = self
            .client
            .post(self.url.clone())
            .header(AUTHORIZATION, authorization);
        let post = match image {
            None => post.form(fields),
            Some(image) => post.multipart(multipart(fields, image)),
        };
        self.client
            .exchange(Route::LineNotify, departed, post)
            .await
    }
}

fn multipart(fields: &[Field<'_>], image: &Image) -> Form {
    let form = fields.iter().fold(Form::new(), |form, (name, value)| {
        form.text(*name, value.clone().into_owned())
    });
    form.part("imageFile", file(image))
}

#[expect(
    clippy::expect_used,
    reason = "the types of `ImageKind` are valid, and its tests say so"
)]
fn file(image: &Image) -> Part {
    let length = image.bytes.len() as u64;
    Part::stream_with_length(Body::from(image.bytes.clone()), length)
        .file_name(image.kind.file_name())
        .mime_str(image.kind.media_type())
        .expect("a media type")
}
