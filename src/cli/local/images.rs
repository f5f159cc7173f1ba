//! Images of tasks, as folders: pulled once, unpacked once.

use std::path::PathBuf;
use std::sync::Arc;

use tokio::sync::Mutex;

use crate::diag::with_causes;
use crate::image::{self, Reference, Store, Unpacked};

/// Where images are kept and unpacked.
#[derive(Clone, Debug)]
pub(super) struct Images {
    store: Store,
    rootfs: PathBuf,
    /// One at a time: two tasks often want the same.
    turn: Arc<Mutex<()>>,
}

// === impl Images ===

impl Images {
    pub(super) fn new(store: Store, rootfs: PathBuf) -> Self {
        Self {
            store,
            rootfs,
            turn: Arc::default(),
        }
    }

    /// The image as a folder; the error is one line of why not.
    pub(super) async fn unpacked(&self, name: &str) -> Result<Unpacked, String> {
        let reference: Reference = name.parse().map_err(|error| format!("{error}"))?;
        let _turn = self.turn.lock().await;
        let digest = match &reference.digest {
            Some(digest) if self.store.contains(digest) => digest.clone(),
            Some(_) | None => {
                let pulled = image::pull(&reference, None, &self.store).await;
                pulled.map_err(|error| with_causes(&error))?
            }
        };
        let (store, into) = (self.store.clone(), self.rootfs.clone());
        let unpack = tokio::task::spawn_blocking(move || image::unpack(&store, &digest, &into));
        match unpack.await {
            Ok(unpacked) => unpacked.map_err(|error| with_causes(&error)),
            Err(panicked) => Err(panicked.to_string()),
        }
    }
}
