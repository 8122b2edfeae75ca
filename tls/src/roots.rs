//! The root certificates of this machine.

use std::sync::{Arc, LazyLock};

use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;

/// The root certificates of this machine, or of `SSL_CERT_FILE` and `SSL_CERT_DIR`.
pub(crate) struct Roots {
    /// Each as it was read.
    pub(crate) certificates: Vec<CertificateDer<'static>>,
    /// What is left of them to check a server's certificate.
    pub(crate) store: Arc<RootCertStore>,
}

static ROOTS: LazyLock<Roots> = LazyLock::new(read);

/// The root certificates. The first call reads them.
pub(crate) fn roots() -> &'static Roots {
    &ROOTS
}

/// There are no root certificates, so no HTTPS server can be reached.
#[derive(Debug, thiserror::Error)]
#[error("there are no root certificates: install `ca-certificates`, or set `SSL_CERT_FILE`")]
pub struct NoRootsError;

/// Says before the first connection that none can be made. It reads the root certificates.
pub fn require_roots() -> Result<(), NoRootsError> {
    if roots().certificates.is_empty() {
        return Err(NoRootsError);
    }
    Ok(())
}

fn read() -> Roots {
    let read = rustls_native_certs::load_native_certs();
    for error in &read.errors {
        tracing::warn!(%error, "root certificates not read");
    }
    let mut store = RootCertStore::empty();
    let mut certificates = read.certs;
    // Some are so old that rustls can't use them.
    certificates.retain(|certificate| store.add(certificate.clone()).is_ok());
    if certificates.is_empty() {
        tracing::error!(error = %NoRootsError, "no HTTPS server can be reached");
    }
    Roots {
        certificates,
        store: Arc::new(store),
    }
}
