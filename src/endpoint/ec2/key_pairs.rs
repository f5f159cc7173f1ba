//! EC2's key pairs.

use super::filters::Filters;
use super::require;
use crate::account::key_pairs::KeyPair;
use crate::account::{Account, ApiError};
use crate::endpoint::query::Query;
use crate::endpoint::xml::Xml;
use base64ct::{Base64, Encoding};
use std::collections::BTreeMap;

pub(super) fn import(account: &Account, query: &Query) -> Result<Xml, ApiError> {
    let name = require(query, "KeyName")?;
    let material = require(query, "PublicKeyMaterial")?;
    let material = Base64::decode_vec(material).ok();
    let material = material
        .and_then(|bytes| String::from_utf8(bytes).ok())
        .ok_or_else(|| ApiError::new("InvalidKey.Format", "Key is not valid Base64"))?;
    let pair = account.import_key_pair(name, &material, tags(query))?;
    let mut xml = Xml::new();
    xml.text("keyName", &pair.name)
        .text("keyPairId", &pair.id)
        .text("keyFingerprint", &pair.fingerprint);
    tag_set(&mut xml, &pair);
    Ok(xml)
}

pub(super) fn describe(account: &Account, query: &Query) -> Result<Xml, ApiError> {
    let filters = Filters::read(query, is_filter)?;
    let names = query.list("KeyName");
    let ids = query.list("KeyPairId");
    let with_key = query.flag("IncludePublicKey");
    let pairs: Vec<KeyPair> =
        account.read(|state| state.key_pairs.pairs.values().cloned().collect());
    all_there("key pair", &names, pairs.iter().map(|pair| &pair.name))?;
    all_there("key pair ID", &ids, pairs.iter().map(|pair| &pair.id))?;
    let is_named = |pair: &&KeyPair| {
        (names.is_empty() && ids.is_empty())
            || names.contains(&pair.name.as_str())
            || ids.contains(&pair.id.as_str())
    };
    let taken = pairs.iter().filter(is_named);
    let taken = taken.filter(|pair| filters.take(|name| values(pair, name)));
    let mut xml = Xml::new();
    xml.list_of("keySet", "item", taken, |xml, pair| {
        write(xml, pair, with_key);
    });
    Ok(xml)
}

pub(super) fn delete(account: &Account, query: &Query) -> Result<Xml, ApiError> {
    let name = match query.get("KeyPairId") {
        Some(id) => id,
        None => require(query, "KeyName")?,
    };
    let gone = account.delete_key_pair(name);
    let mut xml = Xml::new();
    xml.text("return", "true")
        .maybe("keyPairId", gone.map(|pair| pair.id));
    Ok(xml)
}

fn write(xml: &mut Xml, pair: &KeyPair, with_key: bool) {
    xml.text("keyPairId", &pair.id)
        .text("keyFingerprint", &pair.fingerprint)
        .text("keyName", &pair.name)
        .text("keyType", pair.kind.as_str())
        .text("createTime", pair.created.to_string());
    if with_key {
        xml.text("publicKey", &pair.public_key);
    }
    tag_set(xml, pair);
}

fn tag_set(xml: &mut Xml, pair: &KeyPair) {
    xml.list_of("tagSet", "item", &pair.tags, |xml, (key, value)| {
        xml.text("key", key).text("value", value);
    });
}

fn tags(query: &Query) -> BTreeMap<String, String> {
    let specifications = query.members("TagSpecification");
    let of_pair = specifications
        .iter()
        .filter(|fields| fields.get("ResourceType") == Some("key-pair"));
    of_pair
        .flat_map(|fields| fields.members("Tag"))
        .filter_map(|tag| {
            let value = tag.get("Value").unwrap_or_default();
            Some((tag.get("Key")?.to_owned(), value.to_owned()))
        })
        .collect()
}

fn all_there<'a>(
    what: &str,
    wanted: &[&str],
    there: impl Iterator<Item = &'a String> + Clone,
) -> Result<(), ApiError> {
    let mut missing = wanted
        .iter()
        .filter(|wanted| !there.clone().any(|name| name == *wanted));
    missing.next().map_or(Ok(()), |name| {
        let message = format!("The {what} '{name}' does not exist");
        Err(ApiError::new("InvalidKeyPair.NotFound", message))
    })
}

fn is_filter(name: &str) -> bool {
    matches!(name, "key-name" | "key-pair-id" | "fingerprint" | "tag-key")
        || name.starts_with("tag:")
}

fn values(pair: &KeyPair, filter: &str) -> Vec<String> {
    match filter {
        "key-name" => vec![pair.name.clone()],
        "key-pair-id" => vec![pair.id.clone()],
        "fingerprint" => vec![pair.fingerprint.clone()],
        "tag-key" => pair.tags.keys().cloned().collect(),
        _ => {
            let key = filter.strip_prefix("tag:").unwrap_or_default();
            pair.tags.get(key).cloned().into_iter().collect()
        }
    }
}
