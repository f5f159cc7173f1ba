//! EC2 key pairs: only their public halves.

use serde::{Deserialize, Serialize};

/// All key pairs of the account.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct KeyPairsState {}
