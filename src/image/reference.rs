//! What names an image: `host/repository:tag@sha256:…`.

use std::fmt;
use std::str::FromStr;

use super::{Digest, InvalidDigest};

/// The name of an image in a registry.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Reference {
    /// The registry: a host, and a port where it is not the usual one.
    pub registry: String,
    /// The repository in the registry; may hold slashes.
    pub repository: String,
    /// The tag; a registry takes `latest` when there is neither tag nor digest.
    pub tag: Option<String>,
    /// The digest, which always names the same image.
    pub digest: Option<Digest>,
}

/// Text that does not name an image.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum InvalidReference {
    /// The repository has letters that registries do not take.
    #[error(
        "`{0}` is not a repository name: lower-case letters, digits, and single `.`, `_`, `-`, `/` between them"
    )]
    Repository(String),
    /// The tag has letters that registries do not take, or too many.
    #[error("`{0}` is not a tag: up to 128 letters, digits, `.`, `_` and `-`")]
    Tag(String),
    /// What follows the `@` is no digest.
    #[error(transparent)]
    Digest(#[from] InvalidDigest),
}

const DOCKER_HUB: &str = "registry-1.docker.io";

// === impl Reference ===

impl Reference {
    /// What a registry is asked for: the digest, else the tag, else `latest`.
    pub fn version(&self) -> &str {
        match (&self.digest, &self.tag) {
            (Some(digest), _) => digest.as_str(),
            (None, Some(tag)) => tag,
            (None, None) => "latest",
        }
    }

    /// The same repository's image of this digest, as container tools write it.
    pub fn pinned(&self, digest: &Digest) -> String {
        let registry = match self.registry.as_str() {
            DOCKER_HUB => "docker.io",
            registry => registry,
        };
        format!("{registry}/{}@{digest}", self.repository)
    }

    /// Whether a name may be a repository's.
    pub fn is_repository(name: &str) -> bool {
        let separator = |byte: u8| matches!(byte, b'.' | b'_' | b'-');
        let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
        let part = |part: &str| {
            let bytes = part.as_bytes();
            bytes.first().is_some_and(|byte| plain(*byte))
                && bytes.last().is_some_and(|byte| plain(*byte))
                && bytes.iter().all(|byte| plain(*byte) || separator(*byte))
        };
        name.len() <= 256 && name.split('/').all(part)
    }

    /// Whether a name may be a tag.
    pub fn is_tag(name: &str) -> bool {
        let letter = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
        let bytes = name.as_bytes();
        bytes.first().is_some_and(|byte| letter(*byte))
            && bytes.len() <= 128
            && bytes
                .iter()
                .all(|byte| letter(*byte) || matches!(byte, b'.' | b'-'))
    }
}

impl FromStr for Reference {
    type Err = InvalidReference;

    fn from_str(text: &str) -> Result<Self, InvalidReference> {
        let (rest, digest) = match text.split_once('@') {
            Some((rest, digest)) => (rest, Some(digest.parse()?)),
            None => (text, None),
        };
        let (registry, rest) = split_registry(rest);
        let (repository, tag) = match rest.split_once(':') {
            Some((repository, tag)) => (repository, Some(tag.to_owned())),
            None => (rest, None),
        };
        let repository = match registry {
            DOCKER_HUB if !repository.contains('/') => format!("library/{repository}"),
            _ => repository.to_owned(),
        };
        if !Self::is_repository(&repository) {
            return Err(InvalidReference::Repository(repository));
        }
        if let Some(tag) = tag.as_ref().filter(|tag| !Self::is_tag(tag)) {
            return Err(InvalidReference::Tag(tag.clone()));
        }
        Ok(Self {
            registry: registry.to_owned(),
            repository,
            tag,
            digest,
        })
    }
}

// The first part is a registry when it looks like a host; else the image is
// on Docker Hub, as every other tool has it.
fn split_registry(text: &str) -> (&str, &str) {
    match text.split_once('/') {
        Some(("docker.io", rest)) => (DOCKER_HUB, rest),
        Some((host, rest)) if host.contains(['.', ':']) || host == "localhost" => (host, rest),
        _ => (DOCKER_HUB, text),
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.registry, self.repository)?;
        if let Some(tag) = &self.tag {
            write!(f, ":{tag}")?;
        }
        if let Some(digest) = &self.digest {
            write!(f, "@{digest}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn parts(text: &str) -> (String, String, String) {
        let reference: Reference = text.parse().unwrap();
        let version = reference.version().to_owned();
        (reference.registry, reference.repository, version)
    }

    #[test]
    fn takes_the_forms_that_people_write() {
        let digest = Digest::of(b"");
        for (text, registry, repository, version) in [
            ("127.0.0.1:4567/a/b:v1", "127.0.0.1:4567", "a/b", "v1"),
            ("localhost/a", "localhost", "a", "latest"),
            ("nginx:1.29", DOCKER_HUB, "library/nginx", "1.29"),
            ("envoyproxy/envoy", DOCKER_HUB, "envoyproxy/envoy", "latest"),
            (
                &format!("public.ecr.aws/x/y:t@{digest}"),
                "public.ecr.aws",
                "x/y",
                digest.as_str(),
            ),
        ] {
            let expected = (registry.into(), repository.into(), version.into());
            assert_eq!(parts(text), expected, "{text}");
        }
    }

    #[test]
    fn prints_what_it_read() {
        let text = format!("127.0.0.1:4567/colorteller:abc@{}", Digest::of(b""));
        assert_eq!(text.parse::<Reference>().unwrap().to_string(), text);
    }

    #[test]
    fn a_pinned_image_has_its_digest_and_no_tag() {
        let digest = Digest::of(b"");
        for (text, pinned) in [
            ("127.0.0.1:4567/a/b:v1", "127.0.0.1:4567/a/b"),
            ("nginx", "docker.io/library/nginx"),
        ] {
            let reference: Reference = text.parse().unwrap();
            assert_eq!(reference.pinned(&digest), format!("{pinned}@{digest}"));
        }
    }

    #[test]
    fn refuses_what_no_registry_takes() {
        for text in [
            "",
            "127.0.0.1:1/",
            "a.b/C",
            "a.b/../c",
            "a.b/c:",
            "a.b/c:-x",
            "a.b/c@sha256:1",
        ] {
            assert!(text.parse::<Reference>().is_err(), "{text}");
        }
    }
}
