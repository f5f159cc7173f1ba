//! The image of the user's own: looked up before anything is changed, and from
//! then on named by its digest, so that what was checked is what runs.

use anyhow::{Result, anyhow};

use super::exit::Exit;
use super::printer::Printer;
use super::session::Session;
use crate::config::Target;
use crate::diag::with_causes;
use crate::image::{self, Architecture, Described, Reference, RegistryError};
use crate::stack::{Processor, Role};

/// The user that the proxy runs as on AWS; what else runs as it is let past
/// the proxy.
const PROXY_USER: &str = "1337";

/// An image that can run.
pub(crate) struct OwnImage {
    /// Its name, with its digest where it is known.
    pub(crate) reference: String,
    /// What it runs on.
    pub(crate) processor: Processor,
}

/// Looks up the image that the settings name, if they name one.
pub(crate) async fn find(session: &Session, printer: Printer) -> Result<Option<OwnImage>> {
    let Some(named) = &session.config.app.image else {
        return Ok(None);
    };
    let named = named.to_string();
    let reference = named
        .parse::<Reference>()
        .map_err(|error| refused(&named, &error.to_string(), "`app.image` names it"))?;
    let processors = processors(session.config.target)?;
    let login = login(session, &reference).await;
    match image::describe(&reference, login, &processors).await {
        Ok(described) => found(&named, &reference, &described).map(Some),
        Err(error) if error.is_unreachable() || error.is_denied() => {
            let why = with_causes(&error);
            let (kept, what_then) = kept(session, &named, &reference, &error).await?;
            printer.say(&format!("cannot look at `{named}`: {why}; {what_then}"));
            Ok(Some(kept))
        }
        Err(error) => Err(refused(&named, &with_causes(&error), hint(&error)).into()),
    }
}

/// What can run: here this machine's own alone, on Fargate either.
fn processors(target: Target) -> Result<Vec<Architecture>> {
    let here = Architecture::of_this_machine();
    let mut processors: Vec<Architecture> = here.into_iter().collect();
    if target == Target::Aws {
        let both = [Architecture::Amd64, Architecture::Arm64];
        processors.extend(both.into_iter().filter(|one| Some(*one) != here));
    }
    if processors.is_empty() {
        return Err(anyhow!("images for this machine's processor are not known"));
    }
    Ok(processors)
}

/// Registries of ECR want the caller's token; others are asked without.
pub(crate) async fn login(session: &Session, reference: &Reference) -> Option<String> {
    let login = match session.config.target {
        Target::Aws if reference.registry.contains(".dkr.ecr.") => {
            session.cloud.registry_login().await.ok()?
        }
        Target::Aws | Target::Local => return None,
    };
    knows_token_of(&reference.registry, &login.endpoint).then(|| login.token().to_owned())
}

/// Whether a registry is of the same service, in whatever account. The token
/// stands for the caller, and for every registry of the region that lets the
/// caller in.
fn knows_token_of(registry: &str, endpoint: &str) -> bool {
    let service = |host: &str| Some(host.split_once('.')?.1.to_owned());
    let is_account = |host: &str| {
        let account = host.split('.').next().unwrap_or_default();
        account.len() == 12 && account.bytes().all(|byte| byte.is_ascii_digit())
    };
    let endpoint = endpoint.trim_start_matches("https://");
    is_account(registry)
        && service(registry).is_some_and(|service| service.starts_with("dkr.ecr."))
        && service(registry) == service(endpoint)
}

/// Checks what a task would stumble over.
fn found(named: &str, reference: &Reference, described: &Described) -> Result<OwnImage> {
    let process = &described.config.config;
    if process.command().is_empty() {
        let why = "it has neither an entry point nor a command";
        let hint = "name the program in the image: `ENTRYPOINT` or `CMD`";
        return Err(refused(named, why, hint).into());
    }
    if process.user.split(':').next() == Some(PROXY_USER) {
        let why = "it runs as user 1337, which is the proxy's: its connections would pass by it";
        return Err(refused(named, why, "give the image another `USER`").into());
    }
    Ok(OwnImage {
        reference: reference.pinned(&described.digest),
        processor: match described.architecture {
            Architecture::Amd64 => Processor::X86_64,
            Architecture::Arm64 => Processor::Arm64,
        },
    })
}

/// What to go on with when the registry does not tell: what is deployed, when
/// it is that image; on AWS what was asked for, since tasks may reach what we
/// do not.
async fn kept(
    session: &Session,
    named: &str,
    reference: &Reference,
    error: &RegistryError,
) -> Result<(OwnImage, &'static str)> {
    if let Some(deployed) = deployed(session, reference).await {
        return Ok((deployed, "what is deployed stays"));
    }
    if session.config.target == Target::Aws {
        let image = OwnImage {
            reference: named.to_owned(),
            processor: Processor::of_this_machine(),
        };
        return Ok((image, "the first task shows whether it runs"));
    }
    if error.is_denied() {
        return Err(refused(named, &with_causes(error), hint(error)).into());
    }
    Err(anyhow!(
        "cannot look at the app's image `{named}`: {}\n\n\
         hint: nothing was changed; `up` goes on once the registry answers",
        with_causes(error)
    ))
}

async fn deployed(session: &Session, reference: &Reference) -> Option<OwnImage> {
    let name = Role::EcsService.stack_name(&session.config);
    let stack = session.cloud.stack(name.as_str()).await.ok()??;
    let image = OwnImage::of_parameters(&stack.parameters)?;
    let there: Reference = image.reference.parse().ok()?;
    let same = there.registry == reference.registry
        && there.repository == reference.repository
        && (reference.digest.is_none() || reference.digest == there.digest);
    same.then_some(image)
}

fn hint(error: &RegistryError) -> &'static str {
    if error.is_not_found() {
        "check the repository's name and the tag"
    } else if error.is_denied() {
        "the name is wrong, or the image is not public; it is asked for without a password"
    } else if matches!(error, RegistryError::Platform { .. }) {
        "build it for this processor too, or name one that is"
    } else {
        "`app.image` names it: `registry/name:tag` or `registry/name@sha256:…`"
    }
}

fn refused(named: &str, why: &str, hint: &str) -> Exit {
    Exit::usage(format!(
        "the app's image `{named}` cannot be used: {why}\n\nhint: {hint}; nothing was changed"
    ))
}

// === impl OwnImage ===

impl OwnImage {
    fn of_parameters(parameters: &std::collections::BTreeMap<String, String>) -> Option<Self> {
        Some(Self {
            reference: parameters.get("ColorTellerImage")?.clone(),
            processor: match parameters.get("CpuArchitecture")?.as_str() {
                "ARM64" => Processor::Arm64,
                _ => Processor::X86_64,
            },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::knows_token_of;

    #[test]
    fn the_callers_token_goes_to_the_registries_of_the_service_and_to_no_other() {
        let own = "https://123456789012.dkr.ecr.us-west-2.amazonaws.com";
        for (registry, knows) in [
            ("123456789012.dkr.ecr.us-west-2.amazonaws.com", true),
            ("840364872350.dkr.ecr.us-west-2.amazonaws.com", true),
            ("840364872350.dkr.ecr.eu-west-1.amazonaws.com", false),
            (
                "840364872350.dkr.ecr.us-west-2.amazonaws.com.evil.example",
                false,
            ),
            ("evil.dkr.ecr.us-west-2.amazonaws.com", false),
            ("evil.example/x.dkr.ecr.us-west-2.amazonaws.com", false),
            ("docker.io", false),
        ] {
            assert_eq!(knows_token_of(registry, own), knows, "{registry}");
        }
        // An account on this machine has no such service.
        let local = "http://127.0.0.1:9300";
        assert!(!knows_token_of(
            "123456789012.dkr.ecr.us-west-2.amazonaws.com",
            local
        ));
    }
}
