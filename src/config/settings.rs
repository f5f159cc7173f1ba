//! The one table of settings: what can be written, where, and what it means.
//!
//! The reader takes variables and flags from it, hints for unknown keys are
//! made from it, and so is the table in the README.

use std::fmt::Write as _;

use super::{
    Caller, Egress, Internet, IpPreference, Matching, MeshRuntime, Nat, Protocol, Redirect, Target,
};

/// One setting.
#[derive(Debug, Clone, Copy)]
pub struct Setting {
    /// Its path in the file, with dots between; `[]` stands for each item of a list.
    pub key: &'static str,
    /// What may be written.
    pub kind: Kind,
    /// What it is when nothing is written; empty when that is nothing.
    pub default: &'static str,
    /// The environment variables that set it, the stronger first.
    pub variables: &'static [&'static str],
    /// The flag that sets it.
    pub flag: Option<&'static str>,
    /// What it means, in one line.
    pub meaning: &'static str,
}

/// What may be written for a setting.
#[derive(Debug, Clone, Copy)]
pub enum Kind {
    /// A text that has a form of its own.
    Text(&'static str),
    /// A port number.
    Port,
    /// True or false.
    Switch,
    /// One of these words.
    Choice(&'static [&'static str]),
    /// A list of some of these words.
    Words(&'static [&'static str]),
    /// A list of texts that have a form of their own.
    Texts(&'static str),
    /// A map of names and texts that the user chooses.
    Tags,
    /// A list of maps.
    List,
}

const fn setting(
    key: &'static str,
    kind: Kind,
    default: &'static str,
    meaning: &'static str,
) -> Setting {
    Setting {
        key,
        kind,
        default,
        variables: &[],
        flag: None,
        meaning,
    }
}

impl Setting {
    const fn variables(mut self, variables: &'static [&'static str]) -> Self {
        self.variables = variables;
        self
    }

    const fn flag(mut self, flag: &'static str) -> Self {
        self.flag = Some(flag);
        self
    }

    /// The map that the key stands in, and its name there.
    pub(super) fn place(&self) -> (&'static str, &'static str) {
        self.key.rsplit_once('.').unwrap_or(("", self.key))
    }
}

/// Every setting, in the order in which a file has them.
pub const SETTINGS: &[Setting] = &[
    setting(
        "environment",
        Kind::Text("name"),
        "AppMeshExternalExample",
        "what the stacks' names start with",
    )
    .variables(&["ENVIRONMENT_NAME"])
    .flag("--environment"),
    setting(
        "target",
        Kind::Choice(Target::WORDS),
        "local",
        "where it is deployed",
    )
    .flag("--target"),
    setting(
        "region",
        Kind::Text("region"),
        "us-west-2",
        "the AWS region",
    )
    .variables(&["AWS_REGION", "AWS_DEFAULT_REGION"])
    .flag("--region"),
    setting(
        "account_id",
        Kind::Text("12 digits"),
        "",
        "the account that the caller's must be",
    )
    .variables(&["AWS_ACCOUNT_ID"])
    .flag("--account-id"),
    setting(
        "allowed_accounts",
        Kind::Texts("12 digits"),
        "",
        "the accounts one of which the caller's must be; `[]` for any",
    ),
    setting(
        "profile",
        Kind::Text("name"),
        "",
        "the profile of the AWS configuration to take credentials from",
    )
    .variables(&["AWS_PROFILE"])
    .flag("--profile"),
    setting(
        "mesh.name",
        Kind::Text("name"),
        "ColorApp-External-Traffic",
        "the name of the mesh",
    )
    .variables(&["MESH_NAME"])
    .flag("--mesh-name"),
    setting(
        "mesh.egress",
        Kind::Choice(Egress::WORDS),
        "DROP_ALL",
        "what becomes of connections to a host that is not modelled",
    )
    .flag("--egress"),
    setting(
        "mesh.matching",
        Kind::Choice(Matching::WORDS),
        "sni",
        "how `tcp` services are told apart: by TLS server name, or by port alone",
    ),
    setting(
        "mesh.runtime",
        Kind::Choice(MeshRuntime::WORDS),
        "auto",
        "who runs the mesh; `auto` asks whether App Mesh answers, and takes `envoy` where it does not",
    )
    .flag("--mesh-runtime"),
    setting(
        "mesh.redirect",
        Kind::Choice(Redirect::WORDS),
        "proxy-configuration",
        "how the app's connections come to its Envoy on ECS; all but the first need `mesh.runtime: envoy`, and take it for `auto`",
    )
    .flag("--mesh-redirect"),
    setting(
        "mesh.redirect_image",
        Kind::Text("image"),
        "840364872350.dkr.ecr.us-west-2.amazonaws.com/aws-appmesh-proxy-route-manager:v7-prod",
        "with `mesh.redirect: init-container`, the image that reads `APPMESH_*` variables and installs the redirection; on AWS its digest is looked up, and deployed",
    ),
    setting(
        "services_domain",
        Kind::Text("domain"),
        "default.svc.cluster.local",
        "the private DNS domain of the mesh's own services",
    )
    .variables(&["SERVICES_DOMAIN"])
    .flag("--services-domain"),
    setting(
        "app.image_name",
        Kind::Text("name"),
        "colorteller",
        "the ECR repository that the app's image is pushed to",
    )
    .variables(&["COLOR_TELLER_IMAGE_NAME"])
    .flag("--image-name"),
    setting(
        "app.image",
        Kind::Text("image"),
        "",
        "an image of your own instead of the colour app",
    )
    .flag("--image"),
    setting(
        "app.port",
        Kind::Port,
        "80",
        "the port that the app listens on",
    ),
    setting(
        "app.health_path",
        Kind::Text("path"),
        "/ping",
        "the path that answers 200 when the app is healthy",
    ),
    setting(
        "app.color",
        Kind::Text("word"),
        "white",
        "what the colour app answers",
    ),
    setting(
        "external_services",
        Kind::List,
        "`github` and `godev`",
        "the services outside that the app may reach; `[]` for none",
    ),
    setting(
        "external_services[].name",
        Kind::Text("name"),
        "",
        "what the colour app calls it: `/external_<name>`",
    ),
    setting(
        "external_services[].host",
        Kind::Text("host"),
        "",
        "the host, by its full name; `*.example.com` for every host below `example.com`",
    ),
    setting(
        "external_services[].port",
        Kind::Port,
        "443",
        "the port of the host",
    ),
    setting(
        "external_services[].protocol",
        Kind::Choice(Protocol::WORDS),
        "tcp",
        "`tcp` for HTTPS and all else, `http` for HTTP without TLS",
    ),
    setting(
        "external_services[].tls",
        Kind::Switch,
        "",
        "whether the app begins with TLS on that port; left out, `true` on 443, 8443 and the like",
    ),
    setting(
        "external_services[].nodes",
        Kind::Words(Caller::WORDS),
        "`[app]`",
        "which nodes may call it: `app`; `[]` for none yet",
    ),
    setting(
        "external_services[].ip_preference",
        Kind::Choice(IpPreference::WORDS),
        "IPv4_ONLY",
        "which addresses of the host are used",
    ),
    setting(
        "external_services[].via_port",
        Kind::Port,
        "",
        "the port that the app connects to instead, for a `tcp` service whose own is taken",
    ),
    setting(
        "external_services[].local_port",
        Kind::Port,
        "",
        "with `mesh.redirect: ports`, its port on 127.0.0.1; left out, one from 20000 to 29999 that its name decides",
    ),
    setting(
        "key_pair",
        Kind::Text("name"),
        "color-app",
        "the key pair of the bastion; `none` for no key",
    )
    .variables(&["KEY_PAIR_NAME"])
    .flag("--key-pair"),
    setting(
        "capacity_provider",
        Kind::Text("name"),
        "",
        "a capacity provider of your own, with EC2 instances in the environment's network that join its cluster; Fargate when left out",
    ),
    setting(
        "envoy_image",
        Kind::Text("image"),
        "docker.io/envoyproxy/envoy:v1.40.0",
        "the image of the sidecars; on AWS its digest is looked up, and deployed",
    )
    .variables(&["ENVOY_IMAGE"])
    .flag("--envoy-image"),
    setting(
        "bastion.enabled",
        Kind::Switch,
        "true",
        "whether there is a host through which the private subnets are reached",
    ),
    setting(
        "bastion.ssh_from",
        Kind::Text("CIDR"),
        "",
        "who may open SSH to it; nobody when left out, and Session Manager is the way in",
    )
    .flag("--ssh-from"),
    setting(
        "vpc.cidr",
        Kind::Text("CIDR"),
        "10.0.0.0/16",
        "the addresses of the network, from /16 to /24",
    ),
    setting(
        "vpc.nat",
        Kind::Choice(Nat::WORDS),
        "per_zone",
        "the NAT gateways of the private subnets",
    ),
    setting(
        "stacks.role_arn",
        Kind::Text("ARN"),
        "",
        "the role that CloudFormation acts as on AWS, instead of the caller; it can be changed, never taken away",
    )
    .flag("--role-arn"),
    setting(
        "stacks.notification_arns",
        Kind::Texts("ARNs"),
        "",
        "the SNS topics that are told of every event of a stack; left out, they stay as they are, `[]` for none; the \
         flag takes several with commas",
    )
    .flag("--notification-arn"),
    setting(
        "stacks.rollback_alarms",
        Kind::Texts("ARNs"),
        "",
        "the CloudWatch metric alarms that take a change back while it is made; left out, they stay as they are, `[]` for none",
    ),
    setting(
        "stacks.timeout",
        Kind::Text("time"),
        "",
        "how long an operation on one stack may take, such as `45m`; then it is called off",
    ),
    setting(
        "stacks.termination_protection",
        Kind::Switch,
        "",
        "whether stacks are protected from deletion; left out, that stays as it is",
    ),
    setting(
        "stacks.express",
        Kind::Switch,
        "false",
        "whether CloudFormation's express mode is used, where that is safe: not for the service",
    ),
    setting(
        "stacks.s3_bucket",
        Kind::Text("name"),
        "",
        "the account's bucket through which templates of more than 51,200 bytes go, up to 1,000,000",
    )
    .flag("--s3-bucket"),
    setting(
        "tags",
        Kind::Tags,
        "",
        "your own tags of every stack, which its resources inherit",
    ),
    setting(
        "internet",
        Kind::Choice(Internet::WORDS),
        "auto",
        "what the outside world is on the local target",
    )
    .flag("--internet"),
];

/// The setting of this key.
pub(super) fn find(key: &str) -> Option<&'static Setting> {
    SETTINGS.iter().find(|setting| setting.key == key)
}

/// The names that may stand in the map at this path: settings and maps of settings.
pub(super) fn names_in(path: &str) -> Vec<&'static str> {
    let mut names: Vec<&str> = Vec::new();
    for setting in SETTINGS {
        let rest = match path {
            "" => Some(setting.key),
            path => setting
                .key
                .strip_prefix(path)
                .and_then(|rest| rest.strip_prefix('.')),
        };
        let name = rest.and_then(|rest| rest.split(['.', '[']).next());
        names.extend(name.filter(|name| !names.contains(name)));
    }
    names
}

/// The table as Markdown, as it stands in the README.
pub fn markdown() -> String {
    let mut table =
        "| setting | what | default | variable | flag | meaning |\n|---|---|---|---|---|---|\n"
            .to_owned();
    for setting in SETTINGS {
        let variables: Vec<String> = setting.variables.iter().map(|name| code(name)).collect();
        let cells = [
            code(setting.key),
            setting.kind.describe(),
            if setting.default.contains('`') {
                setting.default.to_owned()
            } else {
                code(setting.default)
            },
            variables.join(", "),
            code(setting.flag.unwrap_or_default()),
            setting.meaning.to_owned(),
        ];
        writeln!(table, "| {} |", cells.join(" | ")).expect("a string takes every text");
    }
    table
}

fn code(text: &str) -> String {
    if text.is_empty() {
        String::new()
    } else {
        format!("`{text}`")
    }
}

// === impl Kind ===

impl Kind {
    fn describe(self) -> String {
        match self {
            Self::Text(form) => form.to_owned(),
            Self::Port => "port".to_owned(),
            Self::Switch => "`true` or `false`".to_owned(),
            Self::Choice(words) => words
                .iter()
                .map(|word| code(word))
                .collect::<Vec<_>>()
                .join(", "),
            Self::Texts(form) => format!("list of {form}"),
            Self::Tags => "map".to_owned(),
            Self::Words(_) | Self::List => "list".to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::super::Overrides;
    use super::super::tests::load_layers;
    use super::*;

    #[test]
    fn every_variable_and_flag_of_the_table_is_read() {
        for setting in SETTINGS {
            for variable in setting.variables {
                let loaded = load_layers("", &[(variable, "\u{7f}")], Overrides::default());
                let problems = loaded.unwrap_err().to_string();
                assert!(problems.contains(&format!("{variable}=")), "{problems}");
            }
            if let Some(flag) = setting.flag {
                assert_eq!(Overrides::default().given(flag), None);
            }
        }
    }

    #[test]
    fn the_names_in_a_map() {
        assert_eq!(
            names_in("mesh"),
            [
                "name",
                "egress",
                "matching",
                "runtime",
                "redirect",
                "redirect_image"
            ]
        );
        assert_eq!(names_in("external_services[]")[..2], ["name", "host"]);
        let top = names_in("");
        assert_eq!(
            top.iter()
                .filter(|name| **name == "external_services")
                .count(),
            1
        );
        assert!(top.contains(&"mesh") && top.contains(&"vpc"));
    }

    #[test]
    fn the_defaults_of_the_table_are_the_defaults() {
        let quoted = |default: &str| default.replace('`', "");
        for setting in SETTINGS
            .iter()
            .filter(|setting| !setting.default.is_empty() && !setting.key.contains("services[]"))
        {
            if matches!(setting.kind, Kind::List) {
                continue;
            }
            let (map, name) = setting.place();
            let value = quoted(setting.default);
            let file = if map.is_empty() {
                format!("{name}: {value}")
            } else {
                format!("{map}: {{ {name}: {value} }}")
            };
            let config = load_layers(&file, &[], Overrides::default()).unwrap();
            assert_eq!(config, super::super::Config::default(), "{file}");
        }
    }

    #[test]
    fn the_table_as_markdown_has_a_row_for_each_setting() {
        let table = markdown();
        assert_eq!(table.lines().count(), SETTINGS.len() + 2);
        assert!(table.contains("| `mesh.name` | name | `ColorApp-External-Traffic` | `MESH_NAME` | `--mesh-name` | the name of the mesh |"));
        let columns = |line: &str| line.matches('|').count();
        assert!(table.lines().all(|line| columns(line) == 7), "{table}");
    }
}
