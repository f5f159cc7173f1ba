//! ECR's images.

use crate::account::ecr::{ImageId, Repository, StoredImage};
use crate::account::{Account, ApiError};
use crate::endpoint::registry;
use crate::image::{Digest, media};
use serde::Deserialize;
use serde_json::{Value, json};

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Query {
    repository_name: String,
    #[serde(default)]
    image_ids: Option<Vec<ImageId>>,
    #[serde(default)]
    filter: Filter,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Filter {
    tag_status: Option<TagStatus>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
enum TagStatus {
    Tagged,
    Untagged,
    Any,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Put {
    repository_name: String,
    image_manifest: String,
    image_manifest_media_type: Option<String>,
    image_tag: Option<String>,
    image_digest: Option<String>,
}

pub(super) fn list(account: &Account, input: &Query) -> Result<Value, ApiError> {
    let ids = account.repository(&input.repository_name, |repository| {
        let all = repository.images.keys();
        let ids = all.flat_map(|digest| ids(repository, digest));
        ids.filter(|id| input.filter.takes(id.image_tag.is_some()))
            .collect::<Vec<_>>()
    })?;
    Ok(json!({ "imageIds": ids }))
}

pub(super) fn describe(account: &Account, input: &Query) -> Result<Value, ApiError> {
    let details = account.repository(&input.repository_name, |repository| {
        let digests: Vec<&Digest> = match &input.image_ids {
            Some(ids) => ids
                .iter()
                .map(|id| {
                    let found = repository.find_by_id(id);
                    found.ok_or_else(|| not_found(account, &repository.name, id))
                })
                .collect::<Result<_, _>>()?,
            None => repository.images.keys().collect(),
        };
        let details = digests.into_iter().filter_map(|digest| {
            let image = repository.images.get(digest)?;
            let tagged = repository.tags_of(digest).next().is_some();
            let taken = input.filter.takes(tagged);
            taken.then(|| detail(account, repository, digest, image))
        });
        Ok(details.collect::<Vec<_>>())
    })??;
    Ok(json!({ "imageDetails": details }))
}

pub(super) fn get(account: &Account, input: &Query) -> Result<Value, ApiError> {
    let name = &input.repository_name;
    let (mut images, mut failures) = (Vec::new(), Vec::new());
    for id in input.image_ids.iter().flatten() {
        let found = account.repository(name, |repository| {
            let digest = repository.find_by_id(id)?;
            let image = repository.images.get(digest)?;
            Some((digest.clone(), image.media_type.clone()))
        })?;
        match found {
            Some((digest, media_type)) => {
                let manifest = manifest(account, &digest)?;
                let image_id = json!({ "imageDigest": digest, "imageTag": id.image_tag });
                images.push(json!({
                    "registryId": account.options().account_id, "repositoryName": name,
                    "imageId": without_nulls(image_id), "imageManifest": manifest,
                    "imageManifestMediaType": media_type,
                }));
            }
            None => failures.push(failure(id)),
        }
    }
    Ok(json!({ "images": images, "failures": failures }))
}

pub(super) fn delete(account: &Account, input: &Query) -> Result<Value, ApiError> {
    let ids = input.image_ids.as_deref().unwrap_or_default();
    let answers = account.delete_images(&input.repository_name, ids)?;
    let (mut gone, mut failures) = (Vec::new(), Vec::new());
    for (id, answer) in ids.iter().zip(answers) {
        match answer {
            Some(ids) => gone.extend(ids),
            None => failures.push(failure(id)),
        }
    }
    Ok(json!({ "imageIds": gone, "failures": failures }))
}

pub(super) fn put(account: &Account, input: &Put) -> Result<Value, ApiError> {
    let name = &input.repository_name;
    let tag = input.image_tag.as_deref();
    let digest = Digest::of(input.image_manifest.as_bytes());
    if input
        .image_digest
        .as_ref()
        .is_some_and(|sent| sent != digest.as_str())
    {
        return Err(ApiError::new(
            "ImageDigestDoesNotMatchException",
            "The specified image digest does not match the digest of the image manifest",
        ));
    }
    let exists = account.repository(name, |repository| {
        repository.images.contains_key(&digest)
            && tag.is_none_or(|tag| repository.image_tags.get(tag) == Some(&digest))
    })?;
    if exists {
        let message = format!(
            "Image with digest '{digest}' and tag '{}' already exists in the repository with name '{name}' in registry with id '{}'",
            tag.unwrap_or("null"),
            account.options().account_id
        );
        return Err(ApiError::new("ImageAlreadyExistsException", message));
    }
    let media_type = input.image_manifest_media_type.clone();
    let media_type = media_type.unwrap_or_else(|| stated_media_type(&input.image_manifest));
    registry::put_image(account, name, tag, &media_type, &input.image_manifest)?;
    let image_id = json!({ "imageDigest": digest, "imageTag": tag });
    Ok(json!({ "image": {
        "registryId": account.options().account_id, "repositoryName": name,
        "imageId": without_nulls(image_id), "imageManifest": input.image_manifest,
        "imageManifestMediaType": media_type,
    } }))
}

fn stated_media_type(manifest: &str) -> String {
    let document: Value = serde_json::from_str(manifest).unwrap_or_default();
    let stated = document["mediaType"].as_str();
    stated.unwrap_or(media::MANIFEST).to_owned()
}

fn manifest(account: &Account, digest: &Digest) -> Result<String, ApiError> {
    let bytes = account.images().read(digest);
    let bytes = bytes.map_err(|error| ApiError::internal(error.to_string()))?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

fn ids(repository: &Repository, digest: &Digest) -> Vec<ImageId> {
    let id = |image_tag| ImageId {
        image_digest: Some(digest.to_string()),
        image_tag,
    };
    let tagged: Vec<_> = repository
        .tags_of(digest)
        .map(|tag| id(Some(tag.to_owned())))
        .collect();
    if tagged.is_empty() {
        vec![id(None)]
    } else {
        tagged
    }
}

fn detail(
    account: &Account,
    repository: &Repository,
    digest: &Digest,
    image: &StoredImage,
) -> Value {
    let tags: Vec<&str> = repository.tags_of(digest).collect();
    without_nulls(json!({
        "registryId": account.options().account_id,
        "repositoryName": repository.name,
        "imageDigest": digest,
        "imageTags": if tags.is_empty() { Value::Null } else { json!(tags) },
        "imageSizeInBytes": image.size,
        "imagePushedAt": image.pushed.seconds(),
        "imageManifestMediaType": image.media_type,
        "artifactMediaType": image.artifact_media_type,
        "lastRecordedPullTime": image.pulled.map(crate::account::clock::Timestamp::seconds),
    }))
}

fn failure(id: &ImageId) -> Value {
    let is_digest = |text: &String| text.parse::<Digest>().is_ok();
    let (code, reason) = match &id.image_digest {
        Some(text) if !is_digest(text) => (
            "InvalidImageDigest",
            "Invalid request parameters: image digest should satisfy the regex '[a-zA-Z0-9-_+.]+:[a-fA-F0-9]+'",
        ),
        None if id.image_tag.is_none() => (
            "MissingDigestAndTag",
            "Invalid request parameters: both tag and digest cannot be null",
        ),
        _ => ("ImageNotFound", "Requested image not found"),
    };
    json!({ "imageId": id, "failureCode": code, "failureReason": reason })
}

fn not_found(account: &Account, repository: &str, id: &ImageId) -> ApiError {
    let text = |value: &Option<String>| value.clone().unwrap_or_else(|| "null".to_owned());
    let message = format!(
        "The image with imageId {{imageDigest:'{}', imageTag:'{}'}} does not exist within the repository with name '{repository}' in the registry with id '{}'",
        text(&id.image_digest),
        text(&id.image_tag),
        account.options().account_id
    );
    ApiError::new("ImageNotFoundException", message)
}

fn without_nulls(mut value: Value) -> Value {
    if let Some(object) = value.as_object_mut() {
        object.retain(|_, value| !value.is_null());
    }
    value
}

// === impl Filter ===

impl Filter {
    fn takes(&self, tagged: bool) -> bool {
        match self.tag_status {
            Some(TagStatus::Tagged) => tagged,
            Some(TagStatus::Untagged) => !tagged,
            Some(TagStatus::Any) | None => true,
        }
    }
}
