//! Which part of the interface a path names. Repository names have slashes,
//! so a path is read from its end.

/// A path under `/v2/`.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Route<'a> {
    /// `/v2/` itself: is there a registry?
    Ping,
    /// The repositories.
    Catalog,
    /// Something in a repository.
    Repository(&'a str, Place<'a>),
}

/// A place in a repository.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Place<'a> {
    Tags,
    Referrers,
    Blob(&'a str),
    Manifest(&'a str),
    Uploads,
    Upload(&'a str),
}

// === impl Route ===

impl<'a> Route<'a> {
    pub(super) fn parse(path: &'a str) -> Option<Self> {
        let rest = path.strip_prefix("/v2")?;
        let rest = rest.strip_prefix('/').unwrap_or(rest);
        match rest {
            "" => return Some(Self::Ping),
            "_catalog" => return Some(Self::Catalog),
            _ => {}
        }
        if let Some(repository) = rest.strip_suffix("/tags/list") {
            return Some(Self::Repository(repository, Place::Tags));
        }
        let (before, last) = rest.rsplit_once('/')?;
        let (repository, place) = match before.rsplit_once('/')? {
            (repository, "manifests") => (repository, Place::Manifest(last)),
            (repository, "referrers") => (repository, Place::Referrers),
            (repository, "blobs") if last == "uploads" => (repository, Place::Uploads),
            (repository, "blobs") => (repository, Place::Blob(last)),
            (before, "uploads") => {
                let repository = before.strip_suffix("/blobs")?;
                let place = if last.is_empty() {
                    Place::Uploads
                } else {
                    Place::Upload(last)
                };
                (repository, place)
            }
            _ => return None,
        };
        Some(Self::Repository(repository, place))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_may_have_slashes() {
        for (path, expected) in [
            ("/v2", Some(Route::Ping)),
            ("/v2/", Some(Route::Ping)),
            ("/v2/_catalog", Some(Route::Catalog)),
            ("/v2/a/tags/list", Some(Route::Repository("a", Place::Tags))),
            (
                "/v2/a/b/c/manifests/v1",
                Some(Route::Repository("a/b/c", Place::Manifest("v1"))),
            ),
            (
                "/v2/a/blobs/manifests/x",
                Some(Route::Repository("a/blobs", Place::Manifest("x"))),
            ),
            (
                "/v2/a/blobs/sha256:0",
                Some(Route::Repository("a", Place::Blob("sha256:0"))),
            ),
            (
                "/v2/a/blobs/uploads/",
                Some(Route::Repository("a", Place::Uploads)),
            ),
            (
                "/v2/a/blobs/uploads",
                Some(Route::Repository("a", Place::Uploads)),
            ),
            (
                "/v2/a/blobs/uploads/1-2",
                Some(Route::Repository("a", Place::Upload("1-2"))),
            ),
            ("/v2/a/other/x", None),
        ] {
            assert_eq!(Route::parse(path), expected, "{path}");
        }
    }
}
