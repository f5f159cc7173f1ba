//! In place of key pairs through EC2, in a build without it.

use std::collections::BTreeMap;

use super::{Cloud, CloudError, KeyPair};

#[expect(
    clippy::unused_async,
    clippy::unused_self,
    reason = "the shape of the real ones"
)]
impl Cloud {
    /// Says that this build cannot look for key pairs.
    pub async fn key_pair(&self, _name: &str) -> Result<Option<KeyPair>, CloudError> {
        Err(CloudError::NotBuilt {
            operation: "ec2:DescribeKeyPairs",
        })
    }

    /// Says that this build cannot look for key pairs.
    pub async fn public_key(&self, _name: &str) -> Result<Option<String>, CloudError> {
        Err(CloudError::NotBuilt {
            operation: "ec2:DescribeKeyPairs",
        })
    }

    /// Says that this build cannot import key pairs.
    pub async fn import_key_pair(
        &self,
        _name: &str,
        _public_key: &str,
        _tags: &BTreeMap<String, String>,
    ) -> Result<(), CloudError> {
        Err(CloudError::NotBuilt {
            operation: "ec2:ImportKeyPair",
        })
    }

    /// Says that this build cannot remove key pairs.
    pub async fn delete_key_pair(&self, _name: &str) -> Result<(), CloudError> {
        Err(CloudError::NotBuilt {
            operation: "ec2:DeleteKeyPair",
        })
    }
}
