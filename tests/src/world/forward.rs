//! Hands a request on to the emulator as it came, and its answer back.

use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper::header::{CONNECTION, HeaderName, TRANSFER_ENCODING};
use hyper::http::request::Parts;
use hyper::{Request, Response, Uri};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;

/// The way to the emulator.
#[derive(Clone, Debug)]
pub(crate) struct Upstream {
    url: String,
    client: Client<HttpConnector, Full<Bytes>>,
}

impl Upstream {
    /// The emulator at this address, `http://127.0.0.1:4566`.
    pub(crate) fn at(url: &str) -> Self {
        let client = Client::builder(TokioExecutor::new()).build_http();
        Self { url: url.trim_end_matches('/').to_owned(), client }
    }

    /// Sends a request on. The `Host` header stays, because the emulator finds buckets by it.
    pub(crate) async fn send(&self, head: &Parts, body: Bytes) -> Result<Response<Full<Bytes>>, String> {
        let path = head.uri.path_and_query().map_or("/", |path| path.as_str());
        let uri: Uri = format!("{}{path}", self.url).parse().map_err(|error| format!("{path}: {error}"))?;
        let mut request = Request::new(Full::new(body));
        *request.method_mut() = head.method.clone();
        *request.uri_mut() = uri;
        *request.headers_mut() = head.headers.clone();
        for of_the_connection in [CONNECTION, TRANSFER_ENCODING, HeaderName::from_static("expect")] {
            request.headers_mut().remove(of_the_connection);
        }
        let answer = self.client.request(request).await.map_err(|error| format!("{}: {error}", self.url))?;
        let (mut head, body) = answer.into_parts();
        let body = body.collect().await.map_err(|error| format!("{}: {error}", self.url))?.to_bytes();
        head.headers.remove(CONNECTION);
        head.headers.remove(TRANSFER_ENCODING);
        Ok(Response::from_parts(head, Full::new(body)))
    }
}
