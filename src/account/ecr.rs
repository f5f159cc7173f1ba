//! ECR: repositories, and the images that were pushed to them.
//!
//! The state holds what an image is called and which blobs it needs; the
//! blobs are files in an [`image::Store`] beside the state. A blob is removed
//! with the last image that needs it.

use super::clock::Timestamp;
use super::{Account, ApiError};
use crate::image::{self, Digest, Reference};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// All repositories of the account.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct EcrState {
    /// Repositories by name.
    pub repositories: BTreeMap<String, Repository>,
}

/// One repository.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Repository {
    /// Its name.
    pub name: String,
    /// When it was made.
    pub created: Timestamp,
    /// Tags, as in `Key` and `Value`.
    pub tags: BTreeMap<String, String>,
    /// True for `IMMUTABLE` image tags.
    pub immutable: bool,
    /// Images by digest.
    pub images: BTreeMap<Digest, StoredImage>,
    /// Which image each image tag names.
    pub image_tags: BTreeMap<String, Digest>,
}

/// One image of a repository; also a list of images for several platforms.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StoredImage {
    /// What its manifest is.
    pub media_type: String,
    /// What its configuration is, for a single image.
    pub artifact_media_type: Option<String>,
    /// The bytes of its blobs together.
    pub size: u64,
    /// When it was pushed.
    pub pushed: Timestamp,
    /// When it was last pulled.
    pub pulled: Option<Timestamp>,
    /// The blobs it needs, besides its manifest.
    pub blobs: BTreeSet<Digest>,
}

/// Names an image in a repository: by digest, by tag, or by both.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ImageId {
    /// The digest, which may be no digest at all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image_digest: Option<String>,
    /// The tag.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image_tag: Option<String>,
}

/// Name and password for the registry, as ECR gives them. No secret: the
/// registry is open to everybody on this machine.
pub fn credentials() -> &'static str {
    "AWS:colormesh-local"
}

// === impl EcrState ===

impl EcrState {
    /// The blobs that some image needs, manifests included.
    fn used_blobs(&self) -> BTreeSet<&Digest> {
        let images = self.repositories.values().flat_map(|r| &r.images);
        images
            .flat_map(|(digest, image)| std::iter::once(digest).chain(&image.blobs))
            .collect()
    }
}

// === impl Repository ===

impl Repository {
    /// Whether it holds no image.
    pub fn is_empty(&self) -> bool {
        self.images.is_empty()
    }

    /// The image that a digest or a tag names.
    pub fn find(&self, version: &str) -> Option<&Digest> {
        match version.parse::<Digest>() {
            Ok(digest) => self.images.get_key_value(&digest).map(|(digest, _)| digest),
            Err(_) => self.image_tags.get(version),
        }
    }

    /// The image that an identifier names; where it gives both, they agree.
    pub fn find_by_id(&self, id: &ImageId) -> Option<&Digest> {
        let by = |version: &Option<String>| version.as_ref().map(|version| self.find(version));
        match (by(&id.image_digest), by(&id.image_tag)) {
            (Some(digest), Some(tag)) => digest.filter(|digest| Some(*digest) == tag),
            (Some(found), None) | (None, Some(found)) => found,
            (None, None) => None,
        }
    }

    /// The tags of an image.
    pub fn tags_of<'a>(&'a self, digest: &'a Digest) -> impl Iterator<Item = &'a str> {
        let named = self.image_tags.iter().filter(move |(_, d)| *d == digest);
        named.map(|(tag, _)| tag.as_str())
    }

    /// Adds an image, and moves the tag to it.
    pub fn put(
        &mut self,
        digest: &Digest,
        tag: Option<&str>,
        image: StoredImage,
    ) -> Result<(), ApiError> {
        if let Some(tag) = tag {
            let before = self.image_tags.get(tag);
            if self.immutable && before.is_some_and(|before| before != digest) {
                return Err(tag_exists(&self.name, tag));
            }
            self.image_tags.insert(tag.to_owned(), digest.clone());
        }
        self.images.entry(digest.clone()).or_insert(image);
        Ok(())
    }

    /// Removes a tag, or an image with all its tags. Says what is gone.
    fn delete(&mut self, id: &ImageId) -> Option<Vec<ImageId>> {
        let digest = self.find_by_id(id)?.clone();
        let tags: Vec<String> = match (&id.image_digest, &id.image_tag) {
            (None, Some(tag)) => vec![tag.clone()],
            _ => self.tags_of(&digest).map(str::to_owned).collect(),
        };
        for tag in &tags {
            self.image_tags.remove(tag);
        }
        // ECR removes an image with its last tag.
        if self.tags_of(&digest).next().is_none() {
            self.images.remove(&digest);
        }
        let gone = |image_tag| ImageId {
            image_digest: Some(digest.to_string()),
            image_tag,
        };
        Some(if tags.is_empty() {
            vec![gone(None)]
        } else {
            tags.into_iter().map(|tag| gone(Some(tag))).collect()
        })
    }
}

// === impl Account ===

impl Account {
    /// The blobs of all images.
    pub fn images(&self) -> image::Store {
        image::Store::new(self.options().state_dir.join("images"))
    }

    /// What stands before the tag in the name of an image.
    pub fn repository_uri(&self, repository: &str) -> String {
        format!("{}/{repository}", self.options().registry_host)
    }

    /// Looks at a repository.
    pub fn repository<T>(
        &self,
        name: &str,
        look: impl FnOnce(&Repository) -> T,
    ) -> Result<T, ApiError> {
        let found = self.read(|state| state.ecr.repositories.get(name).map(look));
        found.ok_or_else(|| self.no_repository(name))
    }

    /// Changes the settings of a repository.
    pub fn change_repository(
        &self,
        name: &str,
        change: impl FnOnce(&mut Repository),
    ) -> Result<(), ApiError> {
        let found = self.update(|state| state.ecr.repositories.get_mut(name).map(change));
        found.ok_or_else(|| self.no_repository(name))
    }

    /// Makes a repository.
    pub fn create_repository(&self, repository: Repository) -> Result<(), ApiError> {
        let name = repository.name.clone();
        if !Reference::is_repository(&name) || name.len() < 2 {
            return Err(ApiError::new(
                "InvalidParameterException",
                format!(
                    "Invalid parameter at 'repositoryName' failed to satisfy constraint: 'must satisfy regular expression '(?:[a-z0-9]+(?:[._-][a-z0-9]+)*/)*[a-z0-9]+(?:[._-][a-z0-9]+)*'' ({name})"
                ),
            ));
        }
        self.update(|state| {
            if state.ecr.repositories.contains_key(&name) {
                return Err(ApiError::new(
                    "RepositoryAlreadyExistsException",
                    format!(
                        "The repository with name '{name}' already exists in the registry with id '{}'",
                        self.options().account_id
                    ),
                ));
            }
            state.ecr.repositories.insert(name.clone(), repository);
            Ok(())
        })
    }

    /// Removes a repository. With images in it, only when `force` says so.
    pub fn delete_repository(&self, name: &str, force: bool) -> Result<Repository, ApiError> {
        let removed = self.update(|state| {
            let repositories = &mut state.ecr.repositories;
            match repositories.get(name) {
                None => Err(self.no_repository(name)),
                Some(repository) if !force && !repository.images.is_empty() => Err(ApiError::new(
                    "RepositoryNotEmptyException",
                    format!(
                        "The repository with name '{name}' in registry with id '{}' cannot be deleted because it still contains images",
                        self.options().account_id
                    ),
                )),
                Some(_) => Ok(repositories.remove(name).unwrap_or_default()),
            }
        })?;
        self.remove_unused(removed.images.iter());
        Ok(removed)
    }

    /// Adds an image to a repository. Its blobs are stored already.
    pub fn put_image(
        &self,
        repository: &str,
        digest: &Digest,
        tag: Option<&str>,
        image: StoredImage,
    ) -> Result<(), ApiError> {
        self.update(|state| match state.ecr.repositories.get_mut(repository) {
            Some(repository) => repository.put(digest, tag, image),
            None => Err(self.no_repository(repository)),
        })
    }

    /// Removes images; gives for each the identifiers that are gone, or
    /// nothing where there was no such image.
    pub fn delete_images(
        &self,
        repository: &str,
        ids: &[ImageId],
    ) -> Result<Vec<Option<Vec<ImageId>>>, ApiError> {
        let (answers, gone) = self.update(|state| {
            let Some(repository) = state.ecr.repositories.get_mut(repository) else {
                return Err(self.no_repository(repository));
            };
            let before = repository.images.clone();
            let answers = ids.iter().map(|id| repository.delete(id)).collect();
            let is_gone = |(digest, _): &(Digest, _)| !repository.images.contains_key(digest);
            let gone: Vec<_> = before.into_iter().filter(is_gone).collect();
            Ok((answers, gone))
        })?;
        self.remove_unused(gone.iter().map(|(digest, image)| (digest, image)));
        Ok(answers)
    }

    /// Notes that an image was pulled.
    pub fn image_pulled(&self, repository: &str, digest: &Digest) {
        self.update(|state| {
            let repository = state.ecr.repositories.get_mut(repository);
            if let Some(image) = repository.and_then(|r| r.images.get_mut(digest)) {
                image.pulled = Some(Timestamp::now());
            }
        });
    }

    /// The error for a repository that is not there.
    pub fn no_repository(&self, name: &str) -> ApiError {
        ApiError::new(
            "RepositoryNotFoundException",
            format!(
                "The repository with name '{name}' does not exist in the registry with id '{}'",
                self.options().account_id
            ),
        )
    }

    // A blob that cannot be removed costs space and nothing else.
    pub(super) fn remove_unused<'a>(
        &self,
        gone: impl Iterator<Item = (&'a Digest, &'a StoredImage)>,
    ) {
        let store = self.images();
        self.read(|state| {
            let used = state.ecr.used_blobs();
            for digest in
                gone.flat_map(|(digest, image)| std::iter::once(digest).chain(&image.blobs))
            {
                if !used.contains(digest) {
                    let _ = store.remove(digest);
                }
            }
        });
    }
}

fn tag_exists(repository: &str, tag: &str) -> ApiError {
    ApiError::new(
        "ImageTagAlreadyExistsException",
        format!(
            "The image tag '{tag}' already exists in the '{repository}' repository and cannot be overwritten because the tag is immutable."
        ),
    )
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn image(blob: &[u8]) -> StoredImage {
        StoredImage {
            media_type: image::media::MANIFEST.to_owned(),
            artifact_media_type: None,
            size: 1,
            pushed: Timestamp(0),
            pulled: None,
            blobs: BTreeSet::from([Digest::of(blob)]),
        }
    }

    fn by_tag(tag: &str) -> ImageId {
        ImageId {
            image_digest: None,
            image_tag: Some(tag.to_owned()),
        }
    }

    #[test]
    fn an_image_goes_with_its_last_tag() {
        let mut repository = Repository::default();
        let digest = Digest::of(b"1");
        repository.put(&digest, Some("a"), image(b"x")).unwrap();
        repository.put(&digest, Some("b"), image(b"x")).unwrap();
        assert_eq!(repository.delete(&by_tag("a")).unwrap().len(), 1);
        assert_eq!(repository.find("b"), Some(&digest));
        repository.delete(&by_tag("b")).unwrap();
        assert!(repository.images.is_empty());
        assert_eq!(repository.delete(&by_tag("b")), None);
    }

    #[test]
    fn immutable_tags_stay_with_their_image() {
        let mut repository = Repository {
            immutable: true,
            ..Repository::default()
        };
        let (one, two) = (Digest::of(b"1"), Digest::of(b"2"));
        repository.put(&one, Some("a"), image(b"x")).unwrap();
        repository.put(&one, Some("a"), image(b"x")).unwrap();
        let error = repository.put(&two, Some("a"), image(b"x")).unwrap_err();
        assert_eq!(error.code, "ImageTagAlreadyExistsException");
        assert_eq!(repository.images.len(), 1);
    }

    #[tokio::test]
    async fn blobs_go_with_the_last_image_that_needs_them() {
        let folder = tempfile::tempdir().unwrap();
        let account = Account::open(super::super::Options::new(folder.path())).unwrap();
        let blob = account.images().write(b"shared").unwrap();
        for name in ["one", "two"] {
            let repository = Repository {
                name: name.to_owned(),
                ..Repository::default()
            };
            account.create_repository(repository).unwrap();
            let digest = Digest::of(name.as_bytes());
            account
                .put_image(name, &digest, None, image(b"shared"))
                .unwrap();
        }
        let refused = account.delete_repository("one", false).unwrap_err();
        assert_eq!(refused.code, "RepositoryNotEmptyException");
        account.delete_repository("one", true).unwrap();
        assert!(account.images().contains(&blob));
        let id = ImageId {
            image_digest: Some(Digest::of(b"two").to_string()),
            image_tag: None,
        };
        account.delete_images("two", &[id]).unwrap();
        assert!(!account.images().contains(&blob));
    }
}
