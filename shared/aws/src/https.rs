//! HTTPS for AWS's services and for Slack, and for what AWS gives a signed address of.
//!
//! The SDK would build its own: with AWS-LC, which spends 25 ms of CPU on its first random number (it gathers entropy by
//! itself where ring asks the kernel) and half a megabyte of the zip; and with one client for each service, each of which
//! parses the system's 140 or so roots twice.

use std::fmt;
use std::time::Duration;

use aws_smithy_http_client::Connector;
use aws_smithy_http_client::proxy::ProxyConfig;
use aws_smithy_http_client::tls::Provider;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_runtime_api::client::http::{
    HttpConnector, HttpConnectorSettings, SharedHttpClient, SharedHttpConnector, http_client_fn,
};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::byte_stream::ByteStream;

/// A connection that takes longer is lost.
const TO_CONNECT: Duration = Duration::from_secs(3);

/// A connector: one set of trusted roots, one pool of connections, one cache of TLS sessions.
///
/// The roots are the system's, or those of `SSL_CERT_FILE`: the endpoints of some partitions, and a proxy that opens
/// TLS, are signed by authorities of their own. `HTTPS_PROXY` and `NO_PROXY` are honoured.
pub fn connector() -> SharedHttpConnector {
    let connector = Connector::builder()
        .tls_provider(Provider::Rustls(CryptoMode::Ring))
        .proxy_config(ProxyConfig::from_env())
        .connector_settings(HttpConnectorSettings::builder().connect_timeout(TO_CONNECT).build())
        .build();
    SharedHttpConnector::new(connector)
}

/// A client for any number of the SDK's, which share its one connector.
pub fn client() -> SharedHttpClient {
    client_over(connector())
}

/// The same, over this connector.
pub(crate) fn client_over(connector: SharedHttpConnector) -> SharedHttpClient {
    http_client_fn(move |_, _| connector.clone())
}

/// Downloads what an AWS service gave a signed address of, if it has at most so many bytes.
///
/// No credentials go with it, no redirect is followed, and no error names the address: it is a credential itself.
pub(crate) async fn download(connector: &SharedHttpConnector, url: &str, most: usize) -> Result<Vec<u8>, Undownloaded> {
    let mut request = HttpRequest::new(SdkBody::empty());
    request.set_uri(url).map_err(|_| Undownloaded::Address)?;
    let response = connector.call(request).await.map_err(|_| Undownloaded::Connection)?;
    if response.status().as_u16() != 200 {
        return Err(Undownloaded::Status(response.status().as_u16()));
    }
    let mut body = ByteStream::new(response.into_body());
    let mut bytes = Vec::new();
    while let Some(chunk) = body.next().await {
        let chunk = chunk.map_err(|_| Undownloaded::Connection)?;
        if bytes.len() + chunk.len() > most {
            return Err(Undownloaded::Size(most));
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes)
}

/// Why something was not downloaded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Undownloaded {
    /// It has no address that one can go to.
    Address,
    /// Nobody could be reached there, or the connection broke.
    Connection,
    /// It was refused with this HTTP status.
    Status(u16),
    /// It has more bytes than this.
    Size(usize),
}

impl fmt::Display for Undownloaded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address => f.write_str("the address is none"),
            Self::Connection => f.write_str("the connection failed"),
            Self::Status(status) => write!(f, "HTTP {status}"),
            Self::Size(most) => write!(f, "it has more than {most} bytes"),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::TcpListener;

    use super::*;

    /// Downloads at most ten bytes from a server that gives this answer.
    async fn download_of(answer: String) -> Result<Vec<u8>, Undownloaded> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let url = format!("http://{}/layer?X-Amz-Signature=secret", listener.local_addr().unwrap());
        let server = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut request = [0; 4096];
            let length = stream.read(&mut request).unwrap();
            // Whoever has enough hangs up.
            let _ = stream.write_all(answer.as_bytes());
            String::from_utf8_lossy(&request[..length]).to_lowercase()
        });
        let downloaded = download(&connector(), &url, 10).await;
        let request = server.join().unwrap();
        assert!(request.starts_with("get /layer?x-amz-signature=secret http/1.1"), "{request}");
        assert!(!request.contains("authorization") && !request.contains("x-amz-security-token"), "{request}");
        downloaded
    }

    #[tokio::test]
    async fn what_is_too_large_or_elsewhere_is_not_downloaded() {
        let ok = |body: &str| format!("HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n{body}");
        assert_eq!(download_of(ok("0123456789")).await, Ok(b"0123456789".to_vec()));
        assert_eq!(download_of(ok(&"x".repeat(100_000))).await, Err(Undownloaded::Size(10)));
        let redirect = "HTTP/1.1 307 Temporary Redirect\r\nlocation: http://169.254.169.254/\r\n\r\n".to_owned();
        assert_eq!(download_of(redirect).await, Err(Undownloaded::Status(307)));
        let cut = "HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n0123".to_owned();
        assert_eq!(download_of(cut).await, Err(Undownloaded::Connection));
    }

    #[tokio::test]
    async fn no_error_names_the_address() {
        for url in ["", "no address", "ftp://127.0.0.1/secret", "http://127.0.0.1:1/secret", "file:///secret"] {
            let error = download(&connector(), url, 10).await.unwrap_err();
            assert!(!format!("{error} {error:?}").contains("secret"), "{error}");
        }
    }
}
