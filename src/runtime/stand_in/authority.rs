//! A throw-away certificate authority: its key never leaves memory, and a
//! certificate is made the first time a name is asked for.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, KeyUsagePurpose};
use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;

/// The authority and the certificates it has given out.
pub(super) struct Authority {
    issuer: Issuer<'static, KeyPair>,
    certificate: String,
    allowed: Mutex<BTreeSet<String>>,
    given: Mutex<BTreeMap<String, Arc<CertifiedKey>>>,
}

// === impl Authority ===

impl Authority {
    pub(super) fn new() -> Result<Self, rcgen::Error> {
        let key = KeyPair::generate()?;
        let mut settings = CertificateParams::new(Vec::new())?;
        settings.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        settings.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let name = "colormesh stand-in authority (of this run only)";
        settings.distinguished_name.push(DnType::CommonName, name);
        let certificate = settings.self_signed(&key)?.pem();
        let issuer = Issuer::new(settings, key);
        Ok(Self {
            issuer,
            certificate,
            allowed: Mutex::default(),
            given: Mutex::default(),
        })
    }

    /// Its certificate, as PEM.
    pub(super) fn certificate(&self) -> &str {
        &self.certificate
    }

    /// The names it vouches for from here on.
    pub(super) fn allow(&self, names: BTreeSet<String>) {
        let mut given = self.given.lock().unwrap_or_else(PoisonError::into_inner);
        given.retain(|name, _| names.contains(name));
        *self.allowed.lock().unwrap_or_else(PoisonError::into_inner) = names;
    }

    fn allows(&self, name: &str) -> bool {
        let allowed = self.allowed.lock().unwrap_or_else(PoisonError::into_inner);
        let mut above = name.match_indices('.').map(|(at, _)| &name[at..]);
        allowed.contains(name) || above.any(|rest| allowed.contains(&format!("*{rest}")))
    }

    fn vouch(&self, name: &str) -> Option<Arc<CertifiedKey>> {
        if !self.allows(name) {
            return None;
        }
        let mut given = self.given.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = given.get(name) {
            return Some(Arc::clone(known));
        }
        let made = Arc::new(self.make(name).ok()?);
        given.insert(name.to_owned(), Arc::clone(&made));
        Some(made)
    }

    fn make(&self, name: &str) -> Result<CertifiedKey, rcgen::Error> {
        let key = KeyPair::generate()?;
        let mut settings = CertificateParams::new(vec![name.to_owned()])?;
        settings.distinguished_name.push(DnType::CommonName, name);
        settings.use_authority_key_identifier_extension = true;
        let certificate = settings.signed_by(&key, &self.issuer)?;
        let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let key = ring::sign::any_supported_type(&key).expect("ring signs with its own keys");
        Ok(CertifiedKey::new(vec![certificate.der().clone()], key))
    }
}

impl std::fmt::Debug for Authority {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Authority")
    }
}

impl ResolvesServerCert for Authority {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        self.vouch(&hello.server_name()?.to_ascii_lowercase())
    }
}

/// TLS as the authority's servers speak it.
pub(super) fn acceptor(
    authority: &Arc<Authority>,
) -> Result<tokio_rustls::TlsAcceptor, rustls::Error> {
    let builder = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()));
    let resolver: Arc<dyn ResolvesServerCert> = Arc::<Authority>::clone(authority);
    let mut settings = builder
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_cert_resolver(resolver);
    settings.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(settings).into())
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn only_known_names_are_vouched_for_and_only_once_made() {
        let authority = Authority::new().unwrap();
        authority.allow(["github.com".to_owned()].into());
        let first = authority.vouch("github.com").unwrap();
        assert!(Arc::ptr_eq(&first, &authority.vouch("github.com").unwrap()));
        assert!(authority.vouch("go.dev").is_none());
        authority.allow(["*.a.test".to_owned()].into());
        assert!(authority.vouch("x.a.test").is_some());
        assert!(authority.vouch("a.test").is_none());
        assert!(
            authority
                .certificate()
                .starts_with("-----BEGIN CERTIFICATE-----")
        );
    }
}
