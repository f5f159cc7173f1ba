//! What each stack is told.

use std::collections::BTreeMap;
use std::fmt;
use std::net::Ipv4Addr;

use super::Role;
use crate::config::{Cidr, Config, ImageReference, Nat, Target};
use crate::diag::{Diagnostic, Diagnostics};

/// The value of a template's parameter.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum ParameterValue {
    /// Known from the settings.
    Known(String),
    /// The app's image as `<repository>@sha256:…`, known once it is pushed.
    AppImage,
    /// An image of ours as `<repository>@<digest>`: the digest, which is known,
    /// while the repository is known once it is pushed.
    PushedImage(String),
}

/// The processor that a task runs on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Processor {
    /// 64-bit x86.
    X86_64,
    /// 64-bit Arm.
    Arm64,
}

/// Smallest subnet of a VPC.
const LONGEST_PREFIX: u8 = 28;

pub(super) fn parameters(
    role: Role,
    config: &Config,
) -> Result<BTreeMap<String, ParameterValue>, Diagnostics> {
    let mut parameters = match role {
        Role::Vpc => vpc(config)?,
        Role::EcsCluster => cluster(config),
        Role::EcrRepositories => vec![("ColorTellerImageName", known(&config.app.image_name))],
        Role::Mesh => mesh(config),
        Role::Ingress => vec![("EnvironmentName", known(&config.environment))],
        Role::Nat => nat(config),
        Role::EcsService => service(config),
    };
    // Every parameter that may be empty is empty by default.
    parameters.retain(|(_, value)| *value != known(""));
    Ok(parameters
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect())
}

/// The parameters that an image decides.
const IMAGE: &str = "ColorTellerImage";
const PROCESSOR: &str = "CpuArchitecture";

type Parameters = Vec<(&'static str, ParameterValue)>;

#[expect(
    clippy::needless_pass_by_value,
    reason = "callers give values and references alike"
)]
fn known(value: impl ToString) -> ParameterValue {
    ParameterValue::Known(value.to_string())
}

fn vpc(config: &Config) -> Result<Parameters, Diagnostics> {
    let [public_1, public_2, private_1, private_2] = subnets(config.vpc.cidr)?;
    Ok(vec![
        ("EnvironmentName", known(&config.environment)),
        ("VpcCIDR", known(config.vpc.cidr)),
        ("PublicSubnet1CIDR", public_1),
        ("PublicSubnet2CIDR", public_2),
        ("PrivateSubnet1CIDR", private_1),
        ("PrivateSubnet2CIDR", private_2),
    ])
}

fn nat(config: &Config) -> Parameters {
    vec![
        ("EnvironmentName", known(&config.environment)),
        ("NatGateways", known(config.vpc.nat)),
    ]
}

/// The first four eighths of the range, or its quarters where eighths are too
/// small for a subnet.
fn subnets(range: Cidr) -> Result<[ParameterValue; 4], Diagnostics> {
    let prefix = if range.prefix() + 3 <= LONGEST_PREFIX {
        range.prefix() + 3
    } else {
        range.prefix() + 2
    };
    if prefix > LONGEST_PREFIX {
        return Err(
            Diagnostic::error(format!("`{range}` has no room for four subnets"))
                .help(format!(
                    "write a range of at least a /{}",
                    LONGEST_PREFIX - 2
                ))
                .into(),
        );
    }
    let first = range.address().to_bits();
    Ok([0, 1, 2, 3].map(|index: u32| {
        let address = Ipv4Addr::from_bits(first + (index << (32 - prefix)));
        known(format_args!("{address}/{prefix}"))
    }))
}

fn cluster(config: &Config) -> Parameters {
    let bastion = &config.bastion;
    let key = config.key_pair.as_ref().filter(|_| bastion.enabled);
    vec![
        ("EnvironmentName", known(&config.environment)),
        ("ECSServicesDomain", known(&config.services_domain)),
        ("AppMeshMeshName", known(&config.mesh.name)),
        ("ColorTellerImageName", known(&config.app.image_name)),
        ("AppPort", known(config.app.port)),
        ("EgressFilter", known(config.mesh.egress)),
        ("BastionEnabled", known(bastion.enabled)),
        (
            "SshFrom",
            known(
                bastion
                    .ssh_from
                    .map(|range| range.to_string())
                    .unwrap_or_default(),
            ),
        ),
        (
            "KeyName",
            known(key.map(ToString::to_string).unwrap_or_default()),
        ),
    ]
}

fn mesh(config: &Config) -> Parameters {
    vec![
        ("MeshName", known(&config.mesh.name)),
        ("ServicesDomain", known(&config.services_domain)),
        ("EgressFilter", known(config.mesh.egress)),
        ("Matching", known(config.mesh.matching)),
        ("AppPort", known(config.app.port)),
        ("HealthCheckPath", known(&config.app.health_path)),
    ]
}

fn service(config: &Config) -> Parameters {
    let own = config.app.image.as_ref();
    // The colour app needs neither to be somebody nor to write.
    let (user, read_only) = match own {
        Some(_) => ("image", "false"),
        None => ("", ""),
    };
    // The local endpoint lets all callers forget a task before it ends it.
    let stop_delay = match config.target {
        Target::Local => "0",
        Target::Aws => "",
    };
    let public_address = match config.vpc.nat {
        Nat::None => "ENABLED",
        Nat::One | Nat::PerZone => "DISABLED",
    };
    vec![
        ("EnvironmentName", known(&config.environment)),
        ("AppMeshMeshName", known(&config.mesh.name)),
        ("ECSServicesDomain", known(&config.services_domain)),
        ("EnvoyImage", known(&config.envoy_image)),
        (IMAGE, own.map_or(ParameterValue::AppImage, known)),
        ("AppUser", known(user)),
        ("AppReadOnly", known(read_only)),
        ("AppPort", known(config.app.port)),
        ("Color", known(&config.app.color)),
        (PROCESSOR, known(Processor::of_this_machine())),
        ("AssignPublicIp", known(public_address)),
        ("StopDelay", known(stop_delay)),
    ]
}

/// What differs with the image.
pub(super) fn of_image(image: &str, processor: Processor) -> Parameters {
    vec![(IMAGE, known(image)), (PROCESSOR, known(processor))]
}

/// The repositories in ECR of the images that the settings name, which are
/// looked up, and which tasks pull.
pub fn image_repositories(config: &Config) -> Vec<String> {
    let images = std::iter::once(&config.envoy_image);
    let images = images.chain(&config.app.image);
    let images = images.chain(config.mesh.redirecting_image());
    images.filter_map(repository_arn).collect()
}

/// The repository of an image in ECR; none for an image elsewhere.
fn repository_arn(image: &ImageReference) -> Option<String> {
    let (registry, name) = image.as_str().split_once('/')?;
    let mut parts = registry.splitn(4, '.');
    let (account, service, api, rest) =
        (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    let (region, domain) = rest.split_once('.')?;
    let is_ecr = service == "dkr" && api == "ecr" && domain.starts_with("amazonaws.com");
    let is_account = account.len() == 12 && account.bytes().all(|byte| byte.is_ascii_digit());
    if !is_ecr || !is_account {
        return None;
    }
    let partition = match region {
        _ if region.starts_with("cn-") => "aws-cn",
        _ if region.starts_with("us-gov-") => "aws-us-gov",
        _ => "aws",
    };
    let repository = name.split([':', '@']).next()?;
    Some(format!(
        "arn:{partition}:ecr:{region}:{account}:repository/{repository}"
    ))
}

// === impl Processor ===

impl Processor {
    /// This machine's. The colour app is built beside this program, so it is
    /// for the same machines.
    pub fn of_this_machine() -> Self {
        match std::env::consts::ARCH {
            "aarch64" => Self::Arm64,
            _ => Self::X86_64,
        }
    }
}

impl fmt::Display for Processor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::X86_64 => "X86_64",
            Self::Arm64 => "ARM64",
        })
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    fn texts(range: &str) -> [String; 4] {
        subnets(range.parse().unwrap())
            .unwrap()
            .map(|value| match value {
                ParameterValue::Known(text) => text,
                ParameterValue::AppImage | ParameterValue::PushedImage(_) => {
                    unreachable!("subnets are known")
                }
            })
    }

    #[test]
    fn subnets_fit_into_the_range() {
        let expected = [
            "10.0.0.0/19",
            "10.0.32.0/19",
            "10.0.64.0/19",
            "10.0.96.0/19",
        ];
        assert_eq!(texts("10.0.0.0/16"), expected);
        let expected = [
            "10.1.2.0/28",
            "10.1.2.16/28",
            "10.1.2.32/28",
            "10.1.2.48/28",
        ];
        assert_eq!(texts("10.1.2.0/26"), expected);
        let error = subnets("10.1.2.0/27".parse().unwrap()).unwrap_err();
        assert!(error.to_string().contains("`10.1.2.0/27`"), "{error}");
    }

    #[test]
    fn an_image_of_the_users_own_may_be_pulled_from_its_repository() {
        let arn = |image: &str| repository_arn(&image.parse().unwrap());
        assert_eq!(
            arn("123456789012.dkr.ecr.eu-west-1.amazonaws.com/team/app@sha256:00").as_deref(),
            Some("arn:aws:ecr:eu-west-1:123456789012:repository/team/app")
        );
        assert_eq!(arn("docker.io/library/nginx:1"), None);
        assert_eq!(arn("nginx"), None);
    }

    #[test]
    fn without_nat_gateways_tasks_have_public_addresses() {
        let mut config = Config::default();
        config.vpc.nat = Nat::None;
        let parameters = parameters(Role::EcsService, &config).unwrap();
        assert_eq!(parameters["AssignPublicIp"], known("ENABLED"));
        assert_eq!(parameters["ColorTellerImage"], ParameterValue::AppImage);
    }

    #[test]
    fn without_a_bastion_no_key_is_asked_for() {
        let mut config = Config::default();
        config.bastion.enabled = false;
        let parameters = parameters(Role::EcsCluster, &config).unwrap();
        assert!(!parameters.contains_key("KeyName"));
        assert_eq!(parameters["BastionEnabled"], known("false"));
    }
}
