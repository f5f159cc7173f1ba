//! What a request to S3 asks for, by method, path and query.

use crate::endpoint::query::decoded;
use axum::http::{Method, Uri};
use std::collections::BTreeMap;

/// Parameters that change what an operation shows, not which it is. All
/// others ask for something that is not here.
const PLAIN: &[&str] = &[
    "x-id",
    "list-type",
    "prefix",
    "delimiter",
    "max-keys",
    "encoding-type",
    "continuation-token",
    "start-after",
    "fetch-owner",
    "marker",
];

/// What can be asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operation {
    ListBuckets,
    CreateBucket,
    DeleteBucket,
    HeadBucket,
    GetBucketLocation,
    ListObjects,
    PutObject,
    HeadObject,
    GetObject,
    DeleteObject,
}

/// A request, taken apart.
#[derive(Debug)]
pub(super) struct Route {
    /// Nothing for what is not answered.
    pub(super) operation: Option<Operation>,
    pub(super) bucket: String,
    pub(super) key: String,
    pub(super) query: BTreeMap<String, String>,
}

// === impl Operation ===

impl Operation {
    /// Its name at S3.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::ListBuckets => "ListBuckets",
            Self::CreateBucket => "CreateBucket",
            Self::DeleteBucket => "DeleteBucket",
            Self::HeadBucket => "HeadBucket",
            Self::GetBucketLocation => "GetBucketLocation",
            Self::ListObjects => "ListObjectsV2",
            Self::PutObject => "PutObject",
            Self::HeadObject => "HeadObject",
            Self::GetObject => "GetObject",
            Self::DeleteObject => "DeleteObject",
        }
    }

    pub(super) fn changes(self) -> bool {
        match self {
            Self::CreateBucket | Self::DeleteBucket | Self::PutObject | Self::DeleteObject => true,
            Self::ListBuckets
            | Self::HeadBucket
            | Self::GetBucketLocation
            | Self::ListObjects
            | Self::HeadObject
            | Self::GetObject => false,
        }
    }
}

// === impl Route ===

impl Route {
    pub(super) fn of(method: &Method, uri: &Uri) -> Self {
        let path = uri.path().trim_start_matches('/');
        let (bucket, key) = path.split_once('/').unwrap_or((path, ""));
        let query = parameters(uri.query().unwrap_or_default());
        let mut route = Self {
            operation: None,
            bucket: decoded(bucket),
            key: decoded(key),
            query,
        };
        route.operation = route.find(method);
        route
    }

    fn find(&self, method: &Method) -> Option<Operation> {
        let is_plain =
            |name: &&String| PLAIN.contains(&name.as_str()) || name.starts_with("X-Amz-");
        let special: Vec<&String> = self.query.keys().filter(|name| !is_plain(name)).collect();
        let is = |wanted: Method| *method == wanted;
        match (self.bucket.as_str(), self.key.as_str(), special.as_slice()) {
            ("", "", []) if is(Method::GET) => Some(Operation::ListBuckets),
            ("", ..) => None,
            (_, "", []) if is(Method::PUT) => Some(Operation::CreateBucket),
            (_, "", []) if is(Method::DELETE) => Some(Operation::DeleteBucket),
            (_, "", []) if is(Method::HEAD) => Some(Operation::HeadBucket),
            (_, "", []) if is(Method::GET) => Some(Operation::ListObjects),
            (_, "", [name]) if is(Method::GET) && *name == "location" => {
                Some(Operation::GetBucketLocation)
            }
            (_, "", _) => None,
            (_, _, []) if is(Method::PUT) => Some(Operation::PutObject),
            (_, _, []) if is(Method::HEAD) => Some(Operation::HeadObject),
            (_, _, []) if is(Method::GET) => Some(Operation::GetObject),
            (_, _, []) if is(Method::DELETE) => Some(Operation::DeleteObject),
            _ => None,
        }
    }
}

fn parameters(query: &str) -> BTreeMap<String, String> {
    let pairs = query.split('&').filter(|pair| !pair.is_empty());
    pairs
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
        .map(|(name, value)| (decoded(name), decoded(value)))
        .collect()
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn requests_are_told_apart() {
        for (method, uri, expected) in [
            ("GET", "/?x-id=ListBuckets", Some(Operation::ListBuckets)),
            ("PUT", "/b", Some(Operation::CreateBucket)),
            ("GET", "/b/?location", Some(Operation::GetBucketLocation)),
            (
                "GET",
                "/b?list-type=2&prefix=a%2F",
                Some(Operation::ListObjects),
            ),
            ("PUT", "/b/a/c%20d", Some(Operation::PutObject)),
            ("POST", "/b/k?uploads", None),
            ("GET", "/b/k?tagging", None),
            ("POST", "/b?delete", None),
        ] {
            let route = Route::of(&method.parse().unwrap(), &uri.parse().unwrap());
            assert_eq!(route.operation, expected, "{method} {uri}");
        }
        let route = Route::of(&Method::GET, &"/b/a/c%20d+e?prefix=a%2F".parse().unwrap());
        assert_eq!(
            (route.bucket.as_str(), route.key.as_str()),
            ("b", "a/c d+e")
        );
        assert_eq!(route.query["prefix"], "a/");
    }
}
