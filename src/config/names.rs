//! Names as AWS, URLs and file systems take them.

use std::fmt;
use std::str::FromStr;

use super::Invalid;

/// A newtype over text that only [`FromStr`] makes, through the given check.
macro_rules! text {
    ($(#[$doc:meta])* $name:ident, $check:expr) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(String);

        impl $name {
            /// The text of it.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = Invalid;

            fn from_str(text: &str) -> Result<Self, Invalid> {
                let check: fn(&str) -> Result<(), Invalid> = $check;
                check(text).map(|()| Self(text.to_owned()))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }

        impl PartialEq<str> for $name {
            fn eq(&self, other: &str) -> bool {
                self.0 == other
            }
        }

        impl PartialEq<&str> for $name {
            fn eq(&self, other: &&str) -> bool {
                self.0 == *other
            }
        }
    };
}

text! {
    /// The name that the stacks' names start with: `<environment>-vpc` and so on.
    EnvironmentName, check_environment
}
text! {
    /// The name of the mesh. It stands in the names of Envoy's clusters and statistics.
    MeshName, check_mesh
}
text! {
    /// The short name of an external service: a part of a URL path and, without its punctuation, of a logical id.
    ServiceName, check_service
}
text! {
    /// The name of an ECR repository.
    ImageName, check_image_name
}
text! {
    /// A reference to a container image: `registry/name:tag` or `registry/name@sha256:…`.
    ImageReference, check_image_reference
}
text! {
    /// The name of an EC2 key pair, and of the private key's file.
    KeyPairName, check_key_pair
}
text! {
    /// A profile of the AWS configuration.
    ProfileName, check_profile
}
text! {
    /// What the colour app answers.
    Color, check_color
}
text! {
    /// An AWS account: twelve digits.
    AccountId, check_account
}
text! {
    /// An AWS region, such as `us-west-2`.
    Region, check_region
}

// === impl ServiceName ===

impl ServiceName {
    /// The name as a part of a CloudFormation logical id: `my-api` is `MyApi`.
    ///
    /// Unique among the services of one [`super::Config`], even without regard to case.
    pub fn logical_part(&self) -> String {
        self.0.split(['-', '_']).map(capitalized).collect()
    }

    /// What two names may not have in common.
    pub(super) fn unique_key(&self) -> String {
        self.0
            .chars()
            .filter(char::is_ascii_alphanumeric)
            .map(|c| c.to_ascii_lowercase())
            .collect()
    }
}

fn capitalized(word: &str) -> String {
    let mut letters = word.chars();
    letters
        .next()
        .map(|first| first.to_ascii_uppercase().to_string() + letters.as_str())
        .unwrap_or_default()
}

// === the checks ===

/// `<environment>-web` names a target group, whose name has at most 32 characters.
const ENVIRONMENT_LONGEST: usize = 32 - "-web".len();
const SERVICE_LONGEST: usize = 64;

fn check_environment(text: &str) -> Result<(), Invalid> {
    let what = "environment name";
    let suggestion = only(text, |c| c.is_ascii_alphanumeric() || c == '-', '-');
    if text.is_empty() || !text.starts_with(|c: char| c.is_ascii_alphabetic()) || suggestion != text
    {
        return Err(Invalid::new(
            format!("`{text}` cannot be an {what}"),
            format_args!(
                "use letters, digits and hyphens, a letter first, as in {}",
                example(&suggestion, "AppMeshExternalExample")
            ),
        ));
    }
    if text.len() > ENVIRONMENT_LONGEST {
        return Err(Invalid::new(
            format!("the {what} `{text}` has {} characters", text.len()),
            format_args!(
                "use at most {ENVIRONMENT_LONGEST}, since `<environment>-web` names a target group"
            ),
        ));
    }
    if text.to_ascii_lowercase().starts_with("internal-") {
        return Err(Invalid::new(
            format!(
                "the {what} `{text}` starts with `internal-`, which load balancers keep for themselves"
            ),
            format_args!("use another name, such as `{}`", &text["internal-".len()..]),
        ));
    }
    Ok(())
}

fn check_mesh(text: &str) -> Result<(), Invalid> {
    let suggestion = only(
        text,
        |c| c.is_ascii_alphanumeric() || c == '-' || c == '_',
        '-',
    );
    if text.is_empty() || text.len() > 255 || suggestion != text {
        return Err(Invalid::new(
            format!("`{text}` cannot be a mesh name"),
            format_args!(
                "use 1 to 255 letters, digits, hyphens and underscores, as in {}",
                example(&suggestion, "ColorApp-External-Traffic")
            ),
        ));
    }
    Ok(())
}

fn check_service(text: &str) -> Result<(), Invalid> {
    let suggestion = only(
        text,
        |c| c.is_ascii_alphanumeric() || c == '-' || c == '_',
        '-',
    );
    if text.len() > SERVICE_LONGEST {
        return Err(Invalid::new(
            format!("the service name `{text}` has {} characters", text.len()),
            format_args!("use at most {SERVICE_LONGEST}"),
        ));
    }
    if !text.starts_with(|c: char| c.is_ascii_alphabetic()) || suggestion != text {
        return Err(Invalid::new(
            format!(
                "`{text}` cannot be a service name: it is a part of a URL path and of a CloudFormation logical id"
            ),
            format_args!(
                "use letters, digits, hyphens and underscores, a letter first, as in {}",
                example(&suggestion, "github")
            ),
        ));
    }
    Ok(())
}

fn check_image_name(text: &str) -> Result<(), Invalid> {
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
        return Ok(());
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

fn check_image_reference(text: &str) -> Result<(), Invalid> {
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
    Ok(())
}

fn check_key_pair(text: &str) -> Result<(), Invalid> {
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
    Ok(())
}

fn check_profile(text: &str) -> Result<(), Invalid> {
    if text.trim().is_empty() || text.contains(char::is_control) {
        return Err(Invalid::new(
            format!("`{text}` is not a profile"),
            "write a name that `aws configure list-profiles` shows",
        ));
    }
    Ok(())
}

fn check_color(text: &str) -> Result<(), Invalid> {
    let word = !text.is_empty()
        && text.len() <= 32
        && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
    if word {
        return Ok(());
    }
    Err(Invalid::new(
        format!("`{text}` cannot be a color"),
        "write one word of at most 32 letters, such as `white`",
    ))
}

fn check_account(text: &str) -> Result<(), Invalid> {
    if text.len() == 12 && text.chars().all(|c| c.is_ascii_digit()) {
        return Ok(());
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

fn check_region(text: &str) -> Result<(), Invalid> {
    if is_region(text) {
        return Ok(());
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

/// The text with every character that is not allowed replaced.
fn only(text: &str, allowed: impl Fn(char) -> bool, instead: char) -> String {
    text.chars()
        .map(|c| if allowed(c) { c } else { instead })
        .collect()
}

/// The mended text in backticks when there is something left of it, else the given example.
fn example(mended: &str, otherwise: &str) -> String {
    let mended = mended
        .trim_matches(|c: char| !c.is_ascii_alphanumeric())
        .trim_start_matches(|c: char| c.is_ascii_digit());
    let mended = mended.trim_start_matches(|c: char| !c.is_ascii_alphanumeric());
    format!("`{}`", if mended.is_empty() { otherwise } else { mended })
}
