//! Names of our own: what they stand in decides what they may be.

use super::Invalid;
use super::text::{example, only, text};

text! {
    /// The name that the stacks' names start with: `<environment>-vpc` and so on.
    EnvironmentName, check_environment
}
text! {
    /// The name of the mesh. It stands in the names of Envoy's clusters and statistics.
    MeshName, check_mesh
}
text! {
    /// The short name of an external service: a part of a URL path and, without
    /// its punctuation, of a logical id.
    ServiceName, check_service
}
text! {
    /// What the colour app answers.
    Color, check_color
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

fn check_environment(text: &str) -> Result<String, Invalid> {
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
    Ok(text.to_owned())
}

fn check_mesh(text: &str) -> Result<String, Invalid> {
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
    Ok(text.to_owned())
}

fn check_service(text: &str) -> Result<String, Invalid> {
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
    Ok(text.to_owned())
}

fn check_color(text: &str) -> Result<String, Invalid> {
    let word = !text.is_empty()
        && text.len() <= 32
        && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
    if word {
        return Ok(text.to_owned());
    }
    Err(Invalid::new(
        format!("`{text}` cannot be a color"),
        "write one word of at most 32 letters, such as `white`",
    ))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::super::text::tests::{accepted, refused};
    use super::*;

    #[test]
    fn environments_name_stacks_and_target_groups() {
        accepted::<EnvironmentName>(&["a", "AppMeshExternalExample", "a-1", &"a".repeat(28)]);
        refused::<EnvironmentName>(&[
            ("", "`AppMeshExternalExample`"),
            ("1st", "`st`"),
            ("my env", "`my-env`"),
            ("dev_1", "`dev-1`"),
            ("é", "`AppMeshExternalExample`"),
            ("internal-x", "`x`"),
            (&"a".repeat(29), "at most 28"),
        ]);
    }

    #[test]
    fn meshes_and_services() {
        accepted::<MeshName>(&["ColorApp-External-Traffic", "m", "1_a"]);
        refused::<MeshName>(&[("", "ColorApp"), ("a.b", "`a-b`"), ("a/b", "`a-b`")]);
        accepted::<ServiceName>(&["github", "my-api", "my_api2", &"a".repeat(64)]);
        refused::<ServiceName>(&[
            ("", "`github`"),
            ("2nd", "`nd`"),
            ("a b", "`a-b`"),
            ("a/b", "`a-b`"),
            ("git.hub", "`git-hub`"),
            (&"a".repeat(65), "at most 64"),
        ]);
    }

    #[test]
    fn a_service_name_becomes_a_part_of_a_logical_id() {
        for (name, part) in [
            ("github", "Github"),
            ("my-api", "MyApi"),
            ("x_1y", "X1y"),
            ("a--b-", "AB"),
        ] {
            assert_eq!(name.parse::<ServiceName>().unwrap().logical_part(), part);
        }
    }

    #[test]
    fn colors() {
        accepted::<Color>(&["white", "dark-red"]);
        refused::<Color>(&[("", "white"), ("a b", "white")]);
    }
}
