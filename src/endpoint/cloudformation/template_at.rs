//! A template that a client names by its place in a bucket.

use crate::account::{Account, ApiError};

/// Reads it. Only the account's own buckets are there to be read.
pub(super) fn read(account: &Account, url: &str) -> Result<String, ApiError> {
    let (bucket, key) =
        place(url).ok_or_else(|| ApiError::validation("TemplateURL must be a supported URL."))?;
    let found = account.object(bucket, key);
    let bytes = found.and_then(|object| account.object_bytes(&object));
    let bytes = bytes.map_err(|error| {
        ApiError::validation(format!(
            "S3 error: {}\nFor more information check \
             http://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html",
            error.message
        ))
    })?;
    String::from_utf8(bytes)
        .map_err(|_| ApiError::validation("Template format error: YAML not well-formed."))
}

/// Bucket and key, wherever the bucket's name stands.
fn place(url: &str) -> Option<(&str, &str)> {
    let rest = url
        .strip_prefix("https://")
        .or_else(|| url.strip_prefix("http://"))?;
    let (host, path) = rest.split('?').next()?.split_once('/')?;
    let is_aws = [".amazonaws.com", ".amazonaws.com.cn"]
        .iter()
        .any(|suffix| host.ends_with(suffix));
    let bucket = [".s3.", ".s3-"]
        .iter()
        .find_map(|mark| host.find(mark))
        .filter(|_| is_aws)
        .map(|end| &host[..end]);
    let (bucket, key) = match bucket {
        Some(bucket) => (bucket, path),
        None => path.split_once('/')?,
    };
    (!bucket.is_empty() && !key.is_empty()).then_some((bucket, key))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_read_in_each_form() {
        for (url, expected) in [
            (
                "https://b.s3.us-west-2.amazonaws.com/a/k",
                Some(("b", "a/k")),
            ),
            (
                "https://b.c.s3-eu-west-1.amazonaws.com/k",
                Some(("b.c", "k")),
            ),
            (
                "https://s3.us-west-2.amazonaws.com/b/a/k",
                Some(("b", "a/k")),
            ),
            (
                "http://127.0.0.1:9300/b/a/k?versionId=1",
                Some(("b", "a/k")),
            ),
            ("http://127.0.0.1:9300/b", None),
            ("s3://b/k", None),
        ] {
            assert_eq!(place(url), expected, "{url}");
        }
    }
}
