//! What there is.

use super::{NAMESPACE, etag};
use crate::account::s3::Object;
use crate::account::{Account, ApiError};
use crate::endpoint::xml::Xml;
use std::collections::{BTreeMap, BTreeSet};

/// How many objects one answer lists.
const PAGE: usize = 1000;

pub(super) fn buckets(account: &Account) -> Xml {
    let buckets = account.read(|state| state.s3.buckets.clone());
    let mut xml = Xml::new();
    xml.root("ListAllMyBucketsResult", NAMESPACE, |xml| {
        xml.list_of("Buckets", "Bucket", &buckets, |xml, (name, bucket)| {
            xml.text("Name", name)
                .text("CreationDate", bucket.created.to_string());
        });
    });
    xml
}

/// A page of objects, and of what their keys have in common up to a letter.
pub(super) fn objects(
    account: &Account,
    bucket: &str,
    query: &BTreeMap<String, String>,
) -> Result<Xml, ApiError> {
    let parameter = |name: &str| query.get(name).map_or("", String::as_str);
    let (prefix, delimiter) = (parameter("prefix"), parameter("delimiter"));
    let after = parameter("continuation-token")
        .max(parameter("start-after"))
        .max(parameter("marker"));
    let most = parameter("max-keys").parse().unwrap_or(PAGE).min(PAGE);
    let all: Vec<(String, Object)> = account.bucket(bucket, |bucket| {
        let objects = bucket.objects.iter();
        let wanted = objects.filter(|(key, _)| key.starts_with(prefix) && key.as_str() > after);
        wanted
            .map(|(key, object)| (key.clone(), object.clone()))
            .collect()
    })?;
    let page = &all[..all.len().min(most)];
    let folder = |key: &str| {
        let end = key[prefix.len()..].find(delimiter)?;
        Some(key[..prefix.len() + end + delimiter.len()].to_owned())
    };
    let is_split = !delimiter.is_empty();
    let folders: BTreeSet<String> = page
        .iter()
        .filter_map(|(key, _)| folder(key).filter(|_| is_split))
        .collect();
    let mut xml = Xml::new();
    xml.root("ListBucketResult", NAMESPACE, |xml| {
        xml.text("Name", bucket)
            .text("Prefix", prefix)
            .text("KeyCount", page.len().to_string())
            .text("MaxKeys", most.to_string())
            .text("IsTruncated", (page.len() < all.len()).to_string());
        let last = page.last().filter(|_| page.len() < all.len());
        xml.maybe("NextContinuationToken", last.map(|(key, _)| key));
        for (key, object) in page {
            if is_split && folder(key).is_some() {
                continue;
            }
            xml.element("Contents", |xml| {
                xml.text("Key", key)
                    .text("LastModified", object.modified.to_string())
                    .text("ETag", etag(object))
                    .text("Size", object.size.to_string())
                    .text("StorageClass", "STANDARD");
            });
        }
        for folder in &folders {
            xml.element("CommonPrefixes", |xml| {
                xml.text("Prefix", folder);
            });
        }
    });
    Ok(xml)
}
