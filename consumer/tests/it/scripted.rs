//! A server that answers as a test tells it to, and keeps the requests.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, Method, Response, Uri};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

#[derive(Debug, Clone)]
pub(crate) struct Asked {
    pub(crate) method: Method,
    pub(crate) path: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Asked {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map_or("", |value| value.to_str().unwrap())
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

pub(crate) struct Scripted {
    pub(crate) url: String,
    asked: Arc<Mutex<Vec<Asked>>>,
    serving: JoinHandle<()>,
}

/// Status, headers and body of an answer.
pub(crate) type Said = (u16, Vec<(&'static str, String)>, Vec<u8>);

/// An answer of LINE: it has a request ID.
pub(crate) fn said(status: u16, body: &str) -> Said {
    let id = ("x-line-request-id", "b3f7a1c2".to_owned());
    (status, vec![id], body.as_bytes().to_vec())
}

/// LINE's answer to a request that it accepts.
pub(crate) fn accepted() -> Said {
    said(200, "{}")
}

/// No answer ever comes.
pub(crate) fn silence() -> Said {
    (0, vec![], vec![])
}

impl Scripted {
    pub(crate) async fn start(answer: impl Fn(&Asked) -> Said + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let asked: Arc<Mutex<Vec<Asked>>> = Arc::default();
        let answer = Arc::new(answer);
        let kept = Arc::clone(&asked);
        let app = Router::new().fallback(
            move |method: Method, uri: Uri, headers: HeaderMap, body: Bytes| {
                let one = Asked {
                    method,
                    path: uri.path().to_owned(),
                    headers,
                    body,
                };
                let (status, headers, body) = answer(&one);
                kept.lock().unwrap().push(one);
                async move {
                    if status == 0 {
                        std::future::pending::<()>().await;
                    }
                    let mut response = Response::builder().status(status);
                    for (name, value) in headers {
                        response = response.header(name, value);
                    }
                    response.body(Body::from(body)).unwrap()
                }
            },
        );
        let serving = tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        Self {
            url,
            asked,
            serving,
        }
    }

    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }
}

impl Drop for Scripted {
    fn drop(&mut self) {
        self.serving.abort();
    }
}
