//! Key pairs through EC2.

use std::collections::BTreeMap;

use aws_sdk_ec2::primitives::Blob;
use aws_sdk_ec2::types::{ResourceType, Tag, TagSpecification};

use super::{Cloud, CloudError, KeyPair};

impl Cloud {
    /// Finds the key pair of that name.
    pub async fn key_pair(&self, name: &str) -> Result<Option<KeyPair>, CloudError> {
        let answer = self.ec2.describe_key_pairs().key_names(name).send().await;
        match answer.map_err(self.failure("ec2:DescribeKeyPairs")) {
            Ok(answer) => Ok(answer.key_pairs().first().map(|pair| KeyPair {
                id: pair.key_pair_id().map(str::to_owned),
                name: name.to_owned(),
                tags: pair
                    .tags()
                    .iter()
                    .filter_map(|tag| {
                        Some((
                            tag.key()?.to_owned(),
                            tag.value().unwrap_or_default().to_owned(),
                        ))
                    })
                    .collect(),
            })),
            Err(error) if error.is_absent() => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The public half that the account has under that name.
    pub async fn public_key(&self, name: &str) -> Result<Option<String>, CloudError> {
        let call = self.ec2.describe_key_pairs().key_names(name);
        let answer = call.include_public_key(true).send().await;
        match answer.map_err(self.failure("ec2:DescribeKeyPairs")) {
            Ok(answer) => {
                let pair = answer.key_pairs().first();
                Ok(pair.and_then(|pair| pair.public_key().map(str::to_owned)))
            }
            Err(error) if error.is_absent() => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Gives the account the public half of a key pair, in OpenSSH's format.
    pub async fn import_key_pair(
        &self,
        name: &str,
        public_key: &str,
        tags: &BTreeMap<String, String>,
    ) -> Result<(), CloudError> {
        let tags = tags
            .iter()
            .map(|(key, value)| Tag::builder().key(key).value(value).build())
            .collect();
        let tags = TagSpecification::builder()
            .resource_type(ResourceType::KeyPair)
            .set_tags(Some(tags))
            .build();
        self.ec2
            .import_key_pair()
            .key_name(name)
            .public_key_material(Blob::new(public_key.as_bytes()))
            .tag_specifications(tags)
            .send()
            .await
            .map(|_| ())
            .map_err(self.failure("ec2:ImportKeyPair"))
    }

    /// Removes the key pair of that name; it may be gone already.
    pub async fn delete_key_pair(&self, name: &str) -> Result<(), CloudError> {
        let answer = self.ec2.delete_key_pair().key_name(name).send().await;
        match answer.map_err(self.failure("ec2:DeleteKeyPair")) {
            Err(error) if !error.is_absent() => Err(error),
            Ok(_) | Err(_) => Ok(()),
        }
    }
}
