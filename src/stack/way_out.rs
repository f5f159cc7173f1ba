//! What may leave the network on AWS, as lines of the cluster's template: the
//! ports of the security group, and the names that the resolver answers.
//!
//! Both stand behind Envoy, for what gets past it. Neither knows more than the
//! services and the images that the settings name.

use std::fmt::Write as _;
use std::net::IpAddr;
use std::ops::RangeInclusive;

use indexmap::IndexSet;
use sha2::{Digest, Sha256};

use super::section::scalar;
use crate::config::{Config, ExternalService, ImageReference, port_ranges};
use crate::diag::{Diagnostic, Diagnostics};

/// Most names in one list: what the service takes in one request.
const LONGEST_LIST: usize = 1000;

/// As many bytes of names stand in the template, which may have 51,200 of them.
/// More come as parameters, which do not count for that.
const LONGEST_IN_TEMPLATE: usize = 8 * 1024;

/// The longest value of a parameter, in bytes.
const LONGEST_PARAMETER: usize = 4096;

/// Most lists of services: a rule group has 100 rules, a rule has one list,
/// and the template's own rules come on top.
const MOST_LISTS: usize = 64;

/// The priority of the first rule that is written here.
const FIRST_PRIORITY: usize = 10;

const HTTPS: u16 = 443;

/// The rules of the security group, as lines of its list.
pub(super) fn ports(config: &Config) -> String {
    let services = config.external_services.iter().map(|service| service.port);
    let registries = images(config).filter_map(ImageReference::registry_port);
    port_ranges(services.chain(registries).chain([HTTPS]))
        .iter()
        .map(port_rule)
        .collect()
}

fn port_rule(range: &RangeInclusive<u16>) -> String {
    let what = if range.contains(&HTTPS) {
        "Registries, logs, and services outside"
    } else {
        "Services outside"
    };
    let (first, last) = (range.start(), range.end());
    format!(
        "          - Description: {what}
            IpProtocol: tcp
            FromPort: {first}
            ToPort: {last}
            CidrIp: 0.0.0.0/0
"
    )
}

/// A list of names, with its logical id.
pub(super) struct NameList {
    id: String,
    names: Vec<String>,
    /// The parameter that has the names, where they are not in the template.
    parameter: Option<String>,
}

/// The lists of the registries and of the services.
pub(super) fn lists(config: &Config) -> Result<Vec<NameList>, Diagnostics> {
    let registries: IndexSet<String> = images(config)
        .flat_map(|image| Registry::of(image).names())
        .collect();
    let mut lists = vec![NameList {
        id: "RegistryNames".to_owned(),
        names: registries.into_iter().collect(),
        parameter: None,
    }];
    let (buckets, are_parameters) = buckets(&config.external_services)?;
    for (index, names) in buckets.into_iter().enumerate() {
        lists.push(NameList {
            id: format!("ServiceNames{}", index + 1),
            names,
            parameter: are_parameters.then(|| format!("ServiceHosts{}", index + 1)),
        });
    }
    lists.retain(|list| !list.names.is_empty());
    Ok(lists)
}

/// The lists as resources, as lines under `Resources`.
pub(super) fn resources(lists: &[NameList]) -> String {
    let mut lines = String::from("\n");
    for list in lists {
        let id = &list.id;
        let domains = match &list.parameter {
            Some(parameter) => format!(" !Ref {parameter}\n"),
            None => list.names.iter().fold("\n".to_owned(), |lines, name| {
                format!("{lines}        - {}\n", scalar(name))
            }),
        };
        writeln!(
            lines,
            "  {id}:
    Type: AWS::Route53Resolver::FirewallDomainList
    Condition: DropsAll
    Properties:
      Domains:{domains}"
        )
        .expect("writing to a string succeeds");
    }
    lines
}

/// The parameters that have names, as lines under `Parameters`.
pub(super) fn declarations(lists: &[NameList]) -> String {
    let names = lists.iter().filter_map(|list| list.parameter.as_deref());
    let lines = names.map(|name| format!("  {name}:\n    Type: CommaDelimitedList\n\n"));
    lines.fold("\n".to_owned(), |all, lines| all + &lines)
}

/// The values of those parameters.
pub(super) fn values(lists: &[NameList]) -> impl Iterator<Item = (String, String)> {
    let value = |list: &NameList| Some((list.parameter.clone()?, list.names.join(",")));
    lists.iter().filter_map(value)
}

/// A rule for each list, as lines of the rule group.
pub(super) fn rules(lists: &[NameList]) -> String {
    let rule = |(index, list): (usize, &NameList)| {
        let (id, priority) = (&list.id, FIRST_PRIORITY + index);
        format!(
            "        - Priority: {priority}
          Action: ALLOW
          FirewallDomainListId: !GetAtt {id}.Id
          FirewallDomainRedirectionAction: TRUST_REDIRECTION_DOMAIN
"
        )
    };
    lists.iter().enumerate().map(rule).collect()
}

/// The hosts in as few lists as hold them, a power of two.
///
/// Each host's place depends on its name alone, so that a service that comes
/// or goes moves no other into another list, which would be changed later or
/// sooner than the one that it leaves. Told as well is whether they are to come
/// as parameters.
fn buckets(services: &[ExternalService]) -> Result<(Vec<Vec<String>>, bool), Diagnostics> {
    let hosts: IndexSet<&str> = services.iter().map(|each| each.host.as_str()).collect();
    let placed: Vec<(usize, &str)> = hosts.iter().map(|host| (place(host), *host)).collect();
    let length = |names: usize, bytes: usize| bytes + names.saturating_sub(1);
    let bytes = hosts.iter().map(|host| host.len()).sum();
    let are_parameters = length(hosts.len(), bytes) > LONGEST_IN_TEMPLATE;
    let fits = |bucket: &Vec<String>| {
        let bytes = bucket.iter().map(String::len).sum();
        bucket.len() <= LONGEST_LIST
            && (!are_parameters || length(bucket.len(), bytes) <= LONGEST_PARAMETER)
    };
    let mut count = 1;
    while count <= MOST_LISTS {
        let mut buckets = vec![Vec::new(); count];
        for (place, host) in &placed {
            buckets[place % count].push((*host).to_owned());
        }
        if buckets.iter().all(fits) {
            return Ok((buckets, are_parameters));
        }
        count *= 2;
    }
    Err(Diagnostic::error(format!(
        "{} hosts are more than the lists of a DNS firewall hold",
        hosts.len()
    ))
    .help("split the services between several environments")
    .into())
}

fn place(host: &str) -> usize {
    let hash = Sha256::digest(host);
    usize::from(hash[0])
}

fn images(config: &Config) -> impl Iterator<Item = &ImageReference> {
    let envoy = std::iter::once(&config.envoy_image);
    let two = envoy.chain(&config.app.image);
    two.chain(config.mesh.redirecting_image())
}

/// The host that an image is pulled from.
struct Registry<'a>(&'a str);

// === impl Registry ===

impl<'a> Registry<'a> {
    fn of(image: &'a ImageReference) -> Self {
        let Some(named) = image.registry() else {
            return Self("docker.io");
        };
        Self(named.rsplit_once(':').map_or(named, |(host, _)| host))
    }

    /// The names that a pull asks for: the registry's own, who lets in, and
    /// where the layers are.
    fn names(&self) -> Vec<String> {
        let fixed: &[&str] = match self.0 {
            "docker.io" | "index.docker.io" | "registry-1.docker.io" => &[
                "registry-1.docker.io",
                "auth.docker.io",
                "production.cloudflare.docker.com",
                "production.cloudfront.docker.com",
                "docker-images-prod.6aa30f8b08e16409b46e0173d6de2f56.r2.cloudflarestorage.com",
            ],
            "ghcr.io" => &["ghcr.io", "pkg-containers.githubusercontent.com"],
            "quay.io" => &["quay.io", "*.quay.io"],
            host if host.parse::<IpAddr>().is_ok() || host == "localhost" => &[],
            host => return ecr_names(host).unwrap_or_else(|| vec![host.to_owned()]),
        };
        fixed.iter().map(|name| (*name).to_owned()).collect()
    }
}

/// A registry of ECR in whatever account and region: itself, the API that lets
/// in, and the bucket of its layers.
fn ecr_names(host: &str) -> Option<Vec<String>> {
    let (_account, rest) = host.split_once(".dkr.ecr.")?;
    let (region, suffix) = rest.split_once('.')?;
    Some(vec![
        host.to_owned(),
        format!("api.ecr.{region}.{suffix}"),
        format!("prod-{region}-starport-layer-bucket.s3.{region}.{suffix}"),
    ])
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn a_pull_asks_for_these_names() {
        let asked = |image: &str| {
            let image: ImageReference = image.parse().unwrap();
            let registry = Registry::of(&image);
            (registry.names(), image.registry_port())
        };
        for hub in ["nginx", "library/nginx:1", "docker.io/envoyproxy/envoy:v1"] {
            let (names, port) = asked(hub);
            assert!(names.contains(&"registry-1.docker.io".to_owned()), "{hub}");
            assert!(names.contains(&"auth.docker.io".to_owned()), "{hub}");
            assert_eq!(port, None);
        }
        assert_eq!(
            asked("registry.example.com:5000/a/b@sha256:00"),
            (vec!["registry.example.com".to_owned()], Some(5000))
        );
        assert_eq!(asked("127.0.0.1:5000/a"), (vec![], Some(5000)));
        let (names, _) = asked("123456789012.dkr.ecr.eu-west-1.amazonaws.com/team/app:1");
        assert_eq!(
            names,
            [
                "123456789012.dkr.ecr.eu-west-1.amazonaws.com",
                "api.ecr.eu-west-1.amazonaws.com",
                "prod-eu-west-1-starport-layer-bucket.s3.eu-west-1.amazonaws.com",
            ]
        );
    }
}
