//! Names that AWS, registries and the AWS configuration gave their form.

use super::Invalid;
use super::text::{example, only, text};

text! {
    /// An AWS account: twelve digits.
    AccountId, check_account
}
text! {
    /// An AWS region, such as `us-west-2`.
    Region, check_region
}
text! {
    /// A profile of the AWS configuration.
    ProfileName, check_profile
}
text! {
    /// The name of an EC2 key pair, and of the private key's file.
    KeyPairName, check_key_pair
}
text! {
    /// The name of an ECS capacity provider.
    CapacityProviderName, check_capacity_provider
}
text! {
    /// The name of an ECR repository.
    ImageName, check_image_name
}
text! {
    /// A reference to a container image: `registry/name:tag` or `registry/name@sha256:…`.
    ImageReference, check_image_reference
}

// === impl ImageReference ===

impl ImageReference {
    /// The registry, read as Docker reads it; none is Docker Hub.
    pub fn registry(&self) -> Option<&str> {
        let (first, _) = self.as_str().split_once('/')?;
        (first.contains(['.', ':']) || first == "localhost").then_some(first)
    }

    /// The port of the registry, where one is named.
    pub fn registry_port(&self) -> Option<u16> {
        let (_host, port) = self.registry()?.rsplit_once(':')?;
        port.parse().ok()
    }
}

fn check_account(text: &str) -> Result<String, Invalid> {
    if text.len() == 12 && text.chars().all(|c| c.is_ascii_digit()) {
        return Ok(text.to_owned());
    }
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    let help = if digits.len() == 12 {
        format!("write the digits alone: `{digits}`")
    } else {
        "write the account's twelve digits, which `aws sts get-caller-identity` shows".to_owned()
    };
    Err(Invalid::new(
        format!("`{text}` is not an AWS account id"),
        help,
    ))
}

fn check_region(text: &str) -> Result<String, Invalid> {
    if is_region(text) {
        return Ok(text.to_owned());
    }
    let mended = text.to_ascii_lowercase().replace('_', "-");
    let region = mended.trim_end_matches(|c: char| c.is_ascii_lowercase());
    let help = if is_region(&mended) {
        format!("write `{mended}`")
    } else if is_region(region) {
        format!("that is a zone; write its region, `{region}`")
    } else {
        "write it as `us-west-2`".to_owned()
    };
    Err(Invalid::new(format!("`{text}` is not an AWS region"), help))
}

fn is_region(text: &str) -> bool {
    let parts: Vec<&str> = text.split('-').collect();
    let [area, middle @ .., number] = parts.as_slice() else {
        return false;
    };
    let letters = |part: &&str| !part.is_empty() && part.chars().all(|c| c.is_ascii_lowercase());
    area.len() == 2
        && !middle.is_empty()
        && letters(area)
        && middle.iter().all(letters)
        && matches!(number.as_bytes(), [b'0'..=b'9'])
}

fn check_profile(text: &str) -> Result<String, Invalid> {
    if text.trim().is_empty() || text.contains(char::is_control) {
        return Err(Invalid::new(
            format!("`{text}` is not a profile"),
            "write a name that `aws configure list-profiles` shows",
        ));
    }
    Ok(text.to_owned())
}

fn check_key_pair(text: &str) -> Result<String, Invalid> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || " ._-+@".contains(c);
    let suggestion = only(text, allowed, '-');
    if text.is_empty()
        || text.len() > 250
        || suggestion != text
        || text.starts_with(['.', '-', ' '])
        || text.ends_with(' ')
    {
        let name = suggestion.trim_start_matches(['.', '-', ' ']).trim_end();
        return Err(Invalid::new(
            format!(
                "`{text}` cannot be the name of a key pair: its private key is saved under `~/.ssh`"
            ),
            format_args!(
                "write the name alone, without a path, as in {}",
                example(name, "color-app")
            ),
        ));
    }
    Ok(text.to_owned())
}

fn check_capacity_provider(text: &str) -> Result<String, Invalid> {
    if text.to_ascii_uppercase().starts_with("FARGATE") {
        return Err(Invalid::new(
            format!("`{text}` is AWS's own capacity, which tasks run on without this setting"),
            "leave it out, or name a capacity provider of EC2 instances",
        ));
    }
    let allowed = |c: char| c.is_ascii_alphanumeric() || "_-".contains(c);
    let reserved = ["aws", "ecs"].iter().any(|it| text.starts_with(it));
    if text.is_empty() || text.len() > 255 || reserved || !text.chars().all(allowed) {
        return Err(Invalid::new(
            format!("`{text}` cannot be the name of a capacity provider"),
            "use up to 255 letters, digits, `_` and `-`, not with `aws` or `ecs` in front",
        ));
    }
    Ok(text.to_owned())
}

fn check_image_name(text: &str) -> Result<String, Invalid> {
    let parts_are_well = text.split('/').all(|part| {
        part.split(['.', '_', '-']).all(|word| {
            !word.is_empty()
                && word
                    .chars()
                    .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit())
        })
    });
    if (2..=256).contains(&text.len())
        && text.starts_with(|c: char| c.is_ascii_lowercase())
        && parts_are_well
    {
        return Ok(text.to_owned());
    }
    let without_tag = text
        .split([':', '@'])
        .next()
        .unwrap_or_default()
        .to_ascii_lowercase();
    let help = if text.contains([':', '@']) {
        format!(
            "write the repository's name alone, without a tag or digest: {}",
            example(&without_tag, "colorteller")
        )
    } else {
        format!(
            "use 2 to 256 lower-case letters, digits, and single `.`, `_`, `-`, `/` between them, as in {}",
            example(&without_tag, "colorteller")
        )
    };
    Err(Invalid::new(
        format!("`{text}` cannot be the name of an ECR repository"),
        help,
    ))
}

fn check_image_reference(text: &str) -> Result<String, Invalid> {
    if let Some((scheme, rest)) = text.split_once("://") {
        return Err(Invalid::new(
            format!("an image reference has no scheme, and this one has `{scheme}://`"),
            format_args!("write `{rest}`"),
        ));
    }
    if text.is_empty() || text.contains(|c: char| c.is_whitespace() || c.is_control()) {
        return Err(Invalid::new(
            format!("`{text}` is not an image reference"),
            "write `registry/name:tag` or `registry/name@sha256:…`",
        ));
    }
    Ok(text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::super::text::tests::{accepted, refused};
    use super::*;

    #[test]
    fn accounts_and_regions() {
        accepted::<AccountId>(&["123456789012", "000000000000"]);
        refused::<AccountId>(&[
            ("1234-5678-9012", "`123456789012`"),
            ("12345678901", "twelve"),
            ("me", "twelve"),
        ]);
        accepted::<Region>(&[
            "us-west-2",
            "us-gov-east-1",
            "ap-southeast-7",
            "us-iso-east-1",
        ]);
        refused::<Region>(&[
            ("us-west-2a", "`us-west-2`"),
            ("eu_central_1", "`eu-central-1`"),
            ("US-WEST-2", "`us-west-2`"),
            ("us-west", "`us-west-2`"),
            ("", "`us-west-2`"),
            ("oregon", "`us-west-2`"),
        ]);
        accepted::<ProfileName>(&["default", "my profile"]);
        refused::<ProfileName>(&[(" ", "list-profiles")]);
    }

    #[test]
    fn images_and_key_pairs() {
        accepted::<ImageName>(&["colorteller", "team/app", "a-b_c.d/e", "a1"]);
        refused::<ImageName>(&[
            ("colorteller:latest", "`colorteller`"),
            ("Color", "`color`"),
            ("a", "2 to 256"),
            ("a//b", "2 to 256"),
            ("a..b", "2 to 256"),
            ("1a", "a"),
            ("", "`colorteller`"),
        ]);
        accepted::<ImageReference>(&["nginx", "ghcr.io/a/b:1@sha256:00", "localhost:5000/a"]);
        refused::<ImageReference>(&[
            ("", "registry"),
            ("a b", "registry"),
            ("https://ghcr.io/a", "`ghcr.io/a`"),
        ]);
        accepted::<KeyPairName>(&["color-app", "My key", "a.b@c"]);
        refused::<KeyPairName>(&[
            ("", "`color-app`"),
            ("../id", "`id`"),
            (".ssh", "`ssh`"),
            ("a/b", "`a-b`"),
        ]);
    }
}
