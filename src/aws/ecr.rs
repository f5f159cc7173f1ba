//! The registry's account side: logging in, looking up and emptying a
//! repository. Manifests and layers go over the OCI API, which `image` speaks.

use std::collections::BTreeMap;
use std::fmt;

use aws_sdk_ecr::types::{ImageIdentifier, Tag};

use super::{Cloud, CloudError};

/// A login for the OCI API of a registry.
#[derive(Clone, PartialEq, Eq)]
pub struct RegistryLogin {
    /// The registry, with its scheme.
    pub endpoint: String,
    token: String,
}

// === impl RegistryLogin ===

impl RegistryLogin {
    /// `user:password` in Base64, as basic authentication takes it.
    pub fn token(&self) -> &str {
        &self.token
    }
}

impl fmt::Debug for RegistryLogin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RegistryLogin")
            .field("endpoint", &self.endpoint)
            .finish_non_exhaustive()
    }
}

/// A repository of images.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Repository {
    /// Its name.
    pub name: String,
    /// What image references begin with: registry and name.
    pub uri: String,
    /// Its ARN.
    pub arn: String,
}

impl Cloud {
    /// Logs in to the account's registry.
    pub async fn registry_login(&self) -> Result<RegistryLogin, CloudError> {
        let operation = "ecr:GetAuthorizationToken";
        let answer = self
            .ecr
            .get_authorization_token()
            .send()
            .await
            .map_err(self.failure(operation))?;
        let data = answer
            .authorization_data()
            .first()
            .ok_or(CloudError::Unreadable {
                operation,
                reason: "it holds no authorization".into(),
            })?;
        Ok(RegistryLogin {
            endpoint: data.proxy_endpoint().unwrap_or_default().to_owned(),
            token: data.authorization_token().unwrap_or_default().to_owned(),
        })
    }

    /// Finds a repository by name.
    pub async fn repository(&self, name: &str) -> Result<Option<Repository>, CloudError> {
        let answer = self
            .ecr
            .describe_repositories()
            .repository_names(name)
            .send()
            .await;
        match answer.map_err(self.failure("ecr:DescribeRepositories")) {
            Ok(answer) => Ok(answer.repositories().first().map(|repository| Repository {
                name: name.to_owned(),
                uri: repository.repository_uri().unwrap_or_default().to_owned(),
                arn: repository.repository_arn().unwrap_or_default().to_owned(),
            })),
            Err(error) if error.is_absent() => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The tags of a repository.
    pub async fn repository_tags(
        &self,
        repository: &Repository,
    ) -> Result<BTreeMap<String, String>, CloudError> {
        let call = self
            .ecr
            .list_tags_for_resource()
            .resource_arn(&repository.arn);
        let answer = call.send().await;
        let answer = answer.map_err(self.failure("ecr:ListTagsForResource"))?;
        let pair = |tag: &Tag| (tag.key().to_owned(), tag.value().to_owned());
        Ok(answer.tags().iter().map(pair).collect())
    }

    /// Removes a repository with all its images; it may be gone already.
    pub async fn delete_repository(&self, name: &str) -> Result<(), CloudError> {
        let call = self.ecr.delete_repository();
        let call = call.repository_name(name).force(true);
        match call
            .send()
            .await
            .map_err(self.failure("ecr:DeleteRepository"))
        {
            Err(error) if !error.is_absent() => Err(error),
            Ok(_) | Err(_) => Ok(()),
        }
    }

    /// Whether a repository holds the image of that digest.
    pub async fn has_image(&self, repository: &str, digest: &str) -> Result<bool, CloudError> {
        let image = ImageIdentifier::builder().image_digest(digest).build();
        let call = self
            .ecr
            .batch_get_image()
            .repository_name(repository)
            .image_ids(image);
        match call.send().await.map_err(self.failure("ecr:BatchGetImage")) {
            Ok(answer) => Ok(!answer.images().is_empty()),
            Err(error) if error.is_absent() => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Removes every image of a repository and says how many there were. A
    /// repository that is gone has none.
    pub async fn empty_repository(&self, repository: &str) -> Result<usize, CloudError> {
        let mut removed = 0;
        loop {
            let digests = match self.digests(repository).await {
                Ok(digests) => digests,
                Err(error) if error.is_absent() => return Ok(removed),
                Err(error) => return Err(error),
            };
            if digests.is_empty() {
                return Ok(removed);
            }
            let gone = self.remove_images(repository, digests).await?;
            if gone == 0 {
                return Err(CloudError::Unreadable {
                    operation: "ecr:BatchDeleteImage",
                    reason: format!("no image of `{repository}` could be removed"),
                });
            }
            removed += gone;
        }
    }

    /// How many images a repository holds.
    pub async fn images(&self, repository: &str) -> Result<usize, CloudError> {
        let mut digests = std::collections::BTreeSet::new();
        let mut next: Option<String> = None;
        loop {
            let call = self
                .ecr
                .list_images()
                .repository_name(repository)
                .set_next_token(next);
            let answer = match call.send().await.map_err(self.failure("ecr:ListImages")) {
                Ok(answer) => answer,
                Err(error) if error.is_absent() => return Ok(0),
                Err(error) => return Err(error),
            };
            let images = answer.image_ids().iter();
            digests.extend(images.filter_map(|image| image.image_digest().map(str::to_owned)));
            next = answer.next_token().map(str::to_owned);
            if next.is_none() {
                return Ok(digests.len());
            }
        }
    }

    /// The digests of up to a hundred images: as many as may be removed at once.
    async fn digests(&self, repository: &str) -> Result<Vec<String>, CloudError> {
        let call = self
            .ecr
            .list_images()
            .repository_name(repository)
            .max_results(100);
        let answer = call.send().await.map_err(self.failure("ecr:ListImages"))?;
        let mut digests: Vec<String> = answer
            .image_ids()
            .iter()
            .filter_map(|image| image.image_digest().map(str::to_owned))
            .collect();
        digests.sort();
        digests.dedup();
        Ok(digests)
    }

    async fn remove_images(
        &self,
        repository: &str,
        digests: Vec<String>,
    ) -> Result<usize, CloudError> {
        let images = digests
            .into_iter()
            .map(|digest| ImageIdentifier::builder().image_digest(digest).build());
        let call = self
            .ecr
            .batch_delete_image()
            .repository_name(repository)
            .set_image_ids(Some(images.collect()));
        let answer = call
            .send()
            .await
            .map_err(self.failure("ecr:BatchDeleteImage"))?;
        let mut gone: Vec<_> = answer
            .image_ids()
            .iter()
            .filter_map(ImageIdentifier::image_digest)
            .collect();
        gone.sort_unstable();
        gone.dedup();
        Ok(gone.len())
    }
}
