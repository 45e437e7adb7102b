//! A certificate authority of our own, and World behind TLS: a cold start pays for roots and handshakes, so the
//! benchmarks have it pay.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{AbortHandle, JoinSet};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};

/// Where distributions keep the roots that they trust, in one file.
const SYSTEM_ROOTS: [&str; 3] =
    ["/etc/ssl/certs/ca-certificates.crt", "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem", "/etc/ssl/cert.pem"];

/// The authority.
#[derive(Debug)]
pub struct Authority {
    bundle: PathBuf,
    roots: usize,
    server: Arc<ServerConfig>,
}

/// A port at which World is reached over TLS. Dropping it closes the port.
#[derive(Debug)]
pub struct Front {
    address: SocketAddr,
    server: AbortHandle,
}

impl Authority {
    /// Makes an authority, a certificate for `localhost`, and a file with the system's roots and the authority's.
    ///
    /// # Panics
    /// If the system keeps its roots elsewhere, or the file cannot be written.
    pub fn new(directory: &Path) -> Self {
        let mut root = CertificateParams::default();
        root.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        root.distinguished_name.push(DnType::CommonName, "Slipway's benchmarks");
        let issuer = CertifiedIssuer::self_signed(root, KeyPair::generate().expect("a key")).expect("a root");
        let key = KeyPair::generate().expect("a key");
        let server = CertificateParams::new(vec!["localhost".to_owned()]).expect("a name");
        let server = server.signed_by(&key, &issuer).expect("a certificate");

        let system = SYSTEM_ROOTS.iter().find_map(|path| std::fs::read_to_string(path).ok());
        let system = system.expect("the system's trusted roots, in one file");
        let bundle = directory.join("trusted-roots.pem");
        let trusted = format!("{system}\n{}", issuer.pem());
        std::fs::write(&bundle, &trusted).expect("a file beside the figures");
        Self {
            bundle,
            roots: trusted.matches("BEGIN CERTIFICATE").count(),
            server: Arc::new(configuration(server.der().clone(), &key)),
        }
    }

    /// What `SSL_CERT_FILE` is to be.
    pub fn bundle(&self) -> &Path {
        &self.bundle
    }

    /// How many roots the file holds.
    pub fn roots(&self) -> usize {
        self.roots
    }

    /// A port that speaks TLS, in front of this one that doesn't, `http://127.0.0.1:54321`.
    pub async fn front(&self, url: &str) -> Front {
        let behind = url.trim_start_matches("http://").to_owned();
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a free port on the loopback");
        let address = listener.local_addr().expect("the listener's address");
        let server = tokio::spawn(serve(listener, TlsAcceptor::from(Arc::clone(&self.server)), behind)).abort_handle();
        Front { address, server }
    }
}

impl Front {
    /// `https://localhost:54321`.
    pub fn url(&self) -> String {
        format!("https://localhost:{}", self.address.port())
    }
}

impl Drop for Front {
    fn drop(&mut self) {
        self.server.abort();
    }
}

fn configuration(certificate: CertificateDer<'static>, key: &KeyPair) -> ServerConfig {
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("protocol versions that the provider knows")
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)
        .expect("a key that fits the certificate")
}

async fn serve(listener: TcpListener, acceptor: TlsAcceptor, behind: String) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => if let Ok((stream, _)) = accepted {
                connections.spawn(pass_on(stream, acceptor.clone(), behind.clone()));
            },
            Some(_) = connections.join_next() => {}
        }
    }
}

/// A connection that ends badly is the function's to report.
async fn pass_on(stream: TcpStream, acceptor: TlsAcceptor, behind: String) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let mut stream = acceptor.accept(stream).await?;
    let mut behind = TcpStream::connect(behind).await?;
    behind.set_nodelay(true)?;
    copy_bidirectional(&mut stream, &mut behind).await?;
    Ok(())
}
