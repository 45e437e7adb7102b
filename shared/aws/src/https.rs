//! The way out over HTTPS, for AWS's services and for Slack.
//!
//! The SDK would build its own: with AWS-LC, which spends 25 ms of CPU on its first random number (it gathers entropy by
//! itself where ring asks the kernel) and half a megabyte of the zip; and with one client for each service, each of which
//! parses the system's 140 or so roots twice.

use std::time::Duration;

use aws_smithy_http_client::Connector;
use aws_smithy_http_client::proxy::ProxyConfig;
use aws_smithy_http_client::tls::Provider;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_runtime_api::client::http::{
    HttpConnectorSettings, SharedHttpClient, SharedHttpConnector, http_client_fn,
};

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
    let connector = connector();
    http_client_fn(move |_, _| connector.clone())
}
