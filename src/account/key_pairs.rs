//! EC2 key pairs: only their public halves.

use super::clock::Timestamp;
use super::{Account, ApiError};
use base64ct::{Base64, Encoding};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use ssh_key::{Algorithm, PublicKey};
use std::collections::BTreeMap;

/// All key pairs of the account.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct KeyPairsState {
    /// Key pairs by name.
    pub pairs: BTreeMap<String, KeyPair>,
}

/// One key pair.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeyPair {
    /// Its identifier, `key-0123456789abcdef0`.
    pub id: String,
    /// Its name.
    pub name: String,
    /// What kind of key it is.
    pub kind: KeyKind,
    /// The SHA-256 of the public half in Base64, as EC2 shows it for ed25519.
    pub fingerprint: String,
    /// The public half in OpenSSH's format.
    pub public_key: String,
    /// When it was imported.
    pub created: Timestamp,
    /// Its tags.
    pub tags: BTreeMap<String, String>,
}

/// The kinds of keys that EC2 takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum KeyKind {
    /// RSA.
    Rsa,
    /// Ed25519.
    Ed25519,
}

// === impl KeyKind ===

impl KeyKind {
    /// The kind as EC2 writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Rsa => "rsa",
            Self::Ed25519 => "ed25519",
        }
    }
}

// === impl Account ===

impl Account {
    /// Takes in the public half of a key pair, in OpenSSH's format.
    pub fn import_key_pair(
        &self,
        name: &str,
        public_key: &str,
        tags: BTreeMap<String, String>,
    ) -> Result<KeyPair, ApiError> {
        let (kind, fingerprint) = read(public_key)?;
        let pair = KeyPair {
            id: format!("key-{}", self.ids().hex(17)),
            name: name.to_owned(),
            kind,
            fingerprint,
            public_key: public_key.trim().to_owned(),
            created: Timestamp::now(),
            tags,
        };
        self.update(|state| {
            if state.key_pairs.pairs.contains_key(name) {
                return Err(ApiError::new(
                    "InvalidKeyPair.Duplicate",
                    format!("The keypair '{name}' already exists."),
                ));
            }
            state.key_pairs.pairs.insert(name.to_owned(), pair.clone());
            Ok(pair)
        })
    }

    /// Removes the key pair of that name or identifier, if it is there.
    pub fn delete_key_pair(&self, name_or_id: &str) -> Option<KeyPair> {
        self.update(|state| {
            let pairs = &mut state.key_pairs.pairs;
            let name = pairs
                .values()
                .find(|pair| pair.name == name_or_id || pair.id == name_or_id)?
                .name
                .clone();
            pairs.remove(&name)
        })
    }
}

fn read(public_key: &str) -> Result<(KeyKind, String), ApiError> {
    let invalid = || {
        ApiError::new(
            "InvalidKey.Format",
            "Key is not in valid OpenSSH public key format",
        )
    };
    let key = PublicKey::from_openssh(public_key.trim()).map_err(|_| invalid())?;
    let kind = match key.algorithm() {
        Algorithm::Ed25519 => KeyKind::Ed25519,
        Algorithm::Rsa { .. } => KeyKind::Rsa,
        _ => return Err(invalid()),
    };
    let bytes = key.to_bytes().map_err(|_| invalid())?;
    Ok((kind, Base64::encode_string(&Sha256::digest(bytes))))
}
