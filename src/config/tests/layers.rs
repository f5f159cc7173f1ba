//! Single settings, and which layer wins.

#![expect(clippy::unwrap_used, reason = "tests")]
use super::{load_file, load_layers, mistakes};
use crate::config::{
    AccountId, Config, Egress, Input, Internet, Matching, MeshRuntime, Nat, Overrides, Target, load,
};
use insta::assert_snapshot;

#[test]
fn nothing_written_is_the_walkthrough() {
    let nothing = load(&Input {
        file: None,
        environment: &|_| None,
        overrides: Overrides::default(),
    });
    assert_eq!(nothing.unwrap(), Config::default());
    for file in ["", "\n", "# nothing\n", "{}", "mesh:\n", "app: {}\nvpc:\n"] {
        assert_eq!(load_file(file).unwrap(), Config::default(), "{file:?}");
    }
}

#[test]
fn the_walkthrough_written_out_is_the_default() {
    let file = "
environment: AppMeshExternalExample
region: us-west-2
mesh:
  name: ColorApp-External-Traffic
  egress: DROP_ALL            # or ALLOW_ALL
services_domain: default.svc.cluster.local
app:
  image_name: colorteller
external_services:
  - { name: github, host: github.com, port: 443, protocol: tcp, ip_preference: IPv4_ONLY }
  - { name: godev,  host: go.dev,     port: 443, protocol: tcp, ip_preference: IPv4_ONLY, via_port: 444 }
";
    assert_eq!(load_file(file).unwrap(), Config::default());
}

#[test]
fn every_setting_can_be_written() {
    let file = "
environment: dev
target: aws
region: eu-central-1
account_id: 012345678901
allowed_accounts: [012345678901, '123456789012']
profile: me
mesh: { name: m, egress: ALLOW_ALL, matching: port, runtime: envoy }
services_domain: Mesh.Local
app: { image_name: team/app, image: nginx, port: 8080, health_path: /, color: red }
external_services: []
key_pair: none
envoy_image: envoy:1
bastion: { enabled: false, ssh_from: 192.0.2.0/24 }
vpc: { cidr: 10.9.0.0/20, nat: one }
internet: stand-in
";
    let config = load_file(file).unwrap();
    assert_eq!(
        (config.target, config.internet, config.vpc.nat),
        (Target::Aws, Internet::StandIn, Nat::One)
    );
    assert_eq!(
        (
            config.mesh.egress,
            config.mesh.matching,
            config.mesh.runtime
        ),
        (Egress::AllowAll, Matching::Port, MeshRuntime::Envoy)
    );
    assert_eq!(
        (config.environment.as_str(), config.region.as_str()),
        ("dev", "eu-central-1")
    );
    assert_eq!(config.account_id.unwrap().as_str(), "012345678901");
    let allowed = config.allowed_accounts.iter().map(AccountId::as_str);
    assert_eq!(
        allowed.collect::<Vec<_>>(),
        ["012345678901", "123456789012"]
    );
    assert_eq!(config.services_domain.as_str(), "mesh.local");
    assert_eq!(
        (
            config.app.port,
            config.app.color.as_str(),
            config.app.health_path.as_str()
        ),
        (8080, "red", "/")
    );
    assert_eq!(
        (
            config.bastion.enabled,
            config.bastion.ssh_from.unwrap().to_string()
        ),
        (false, "192.0.2.0/24".to_owned())
    );
    assert_eq!((config.key_pair, config.external_services.len()), (None, 0));
}

#[test]
fn a_later_layer_wins() {
    let region = |variables: &[(&str, &str)], flag: Option<&str>| {
        let overrides = Overrides {
            region: flag.map(str::to_owned),
            ..Overrides::default()
        };
        load_layers("region: eu-west-1", variables, overrides)
            .unwrap()
            .region
            .to_string()
    };
    let default = ("AWS_DEFAULT_REGION", "eu-west-2");
    let own = ("AWS_REGION", "eu-west-3");
    assert_eq!(region(&[], None), "eu-west-1");
    assert_eq!(region(&[default], None), "eu-west-2");
    assert_eq!(region(&[default, own], None), "eu-west-3");
    assert_eq!(region(&[default, ("AWS_REGION", "")], None), "eu-west-2");
    assert_eq!(region(&[default, own], Some("eu-north-1")), "eu-north-1");
}

#[test]
fn a_mistake_says_which_variable_or_flag_it_is_in() {
    let overrides = Overrides {
        egress: Some("drop".to_owned()),
        key_pair: Some("a/b".to_owned()),
        ..Overrides::default()
    };
    let variables = [
        ("AWS_REGION", "us-west"),
        ("AWS_ACCOUNT_ID", "12"),
        ("KEY_PAIR_NAME", "shadowed/by a flag"),
    ];
    let problems = load_layers("environment: a b", &variables, overrides).unwrap_err();
    assert_snapshot!(problems.to_string(), @r"
    error: `a b` cannot be an environment name
     --> colormesh.yaml:1:14
      |
    1 | environment: a b
      |              ^^^
      |
      = help: use letters, digits and hyphens, a letter first, as in `a-b`

    error: `us-west` is not an AWS region
     --> environment:1:12
      |
    1 | AWS_REGION=us-west
      |            ^^^^^^^
      |
      = help: write it as `us-west-2`

    error: `12` is not an AWS account id
     --> environment:1:16
      |
    1 | AWS_ACCOUNT_ID=12
      |                ^^
      |
      = help: write the account's twelve digits, which `aws sts get-caller-identity` shows

    error: `drop` is not an egress filter
     --> command line:1:10
      |
    1 | --egress=drop
      |          ^^^^
      |
      = help: write `DROP_ALL` or `ALLOW_ALL`

    error: `a/b` cannot be the name of a key pair: its private key is saved under `~/.ssh`
     --> command line:1:12
      |
    1 | --key-pair=a/b
      |            ^^^
      |
      = help: write the name alone, without a path, as in `a-b`
    ");
}

#[test]
fn all_mistakes_are_shown_at_once_in_the_order_of_the_file() {
    let file = "
enviroment: x
mesh:
  name: [a]
  egress: drop-all
  nat: one
bastion: true
vpc: { cidr: 10.0.0.0/8 }
egress: ALLOW_ALL
MESH_NAME: x
whatever: 1
app:
  port: 9901
region: !Ref X
profile:
";
    assert_snapshot!(mistakes(file), @r"
    error: unknown key `enviroment`
     --> colormesh.yaml:2:1
      |
    2 | enviroment: x
      | ^^^^^^^^^^
      |
      = help: did you mean `environment`?

    error: `mesh.name` must be one value
     --> colormesh.yaml:4:9
      |
    4 |   name: [a]
      |         ^^^ this is a list
      |
      = help: write `name: …` on one line

    error: `drop-all` is not an egress filter
     --> colormesh.yaml:5:11
      |
    5 |   egress: drop-all
      |           ^^^^^^^^
      |
      = help: write `DROP_ALL`

    error: unknown key `nat` in `mesh`
     --> colormesh.yaml:6:3
      |
    6 |   nat: one
      |   ^^^
      |
      = help: write it as `nat: …` under `vpc`

    error: `bastion` must be a map
     --> colormesh.yaml:7:10
      |
    7 | bastion: true
      |          ^^^^ this is true or false
      |
      = help: write keys and values, such as `enabled: …`

    error: a network of /8 cannot hold the four subnets
     --> colormesh.yaml:8:14
      |
    8 | vpc: { cidr: 10.0.0.0/8 }
      |              ^^^^^^^^^^
      |
      = help: write a range from /16 to /24, such as `10.0.0.0/16`

    error: unknown key `egress`
     --> colormesh.yaml:9:1
      |
    9 | egress: ALLOW_ALL
      | ^^^^^^
      |
      = help: write it as `egress: …` under `mesh`

    error: unknown key `MESH_NAME`
      --> colormesh.yaml:10:1
       |
    10 | MESH_NAME: x
       | ^^^^^^^^^
       |
       = help: write it as `name: …` under `mesh`

    error: unknown key `whatever`
      --> colormesh.yaml:11:1
       |
    11 | whatever: 1
       | ^^^^^^^^
       |
       = help: the keys are `environment`, `target`, `region`, `account_id`, `allowed_accounts`, `profile`, `mesh`, `services_domain`, `app`, `external_services`, `key_pair`, `capacity_provider`, `envoy_image`, `bastion`, `vpc`, `stacks`, `tags`, `internet`

    error: the sidecar listens on port 9901 itself
      --> colormesh.yaml:13:9
       |
    13 |   port: 9901
       |         ^^^^
       |
       = help: let the app listen on another, such as `8080`

    error: the tag `!Ref` means nothing in settings
      --> colormesh.yaml:14:14
       |
    14 | region: !Ref X
       |              ^
       |
       = help: write the value itself, without a tag

    error: `profile` has no value
      --> colormesh.yaml:15:8
       |
    15 | profile:
       |        ^
       |
       = help: write one, or delete the line to have the default
    ");
}

#[test]
fn single_values_that_are_wrong() {
    let cases = [
        "- a",
        "just text",
        "bastion: { enabled: yes }",
        "bastion: { ssh_from: 0.0.0.0/0 }",
        "bastion: { ssh_from: 192.0.2.1 }",
        "vpc: { cidr: 198.18.0.0/16 }",
        "app: { port: 0 }",
        "app: { port: 80/tcp }",
        "vpc: { nat: two }",
    ];
    let all: Vec<String> = cases.iter().map(|case| mistakes(case)).collect();
    assert_snapshot!(all.join("\n\n"), @r"
    error: the file must be a map
     --> colormesh.yaml:1:1
      |
    1 | - a
      | ^^^ this is a list
      |
      = help: write keys and values, such as `environment: …`

    error: the file must be a map
     --> colormesh.yaml:1:1
      |
    1 | just text
      | ^^^^^^^^^ this is text
      |
      = help: write keys and values, such as `environment: …`

    error: `yes` is neither true nor false
     --> colormesh.yaml:1:21
      |
    1 | bastion: { enabled: yes }
      |                     ^^^
      |
      = help: write `true`

    error: this opens SSH to the whole internet
     --> colormesh.yaml:1:22
      |
    1 | bastion: { ssh_from: 0.0.0.0/0 }
      |                      ^^^^^^^^^
      |
      = help: write your own address as `a.b.c.d/32`, or leave `ssh_from` out and come in through Session Manager

    error: `192.0.2.1` is not a range of IPv4 addresses
     --> colormesh.yaml:1:22
      |
    1 | bastion: { ssh_from: 192.0.2.1 }
      |                      ^^^^^^^^^
      |
      = help: write `192.0.2.1/32` for the one address

    error: `198.18.0.0/16` lies in `198.18.0.0/15`, which belongs to the virtual addresses of modelled services
     --> colormesh.yaml:1:14
      |
    1 | vpc: { cidr: 198.18.0.0/16 }
      |              ^^^^^^^^^^^^^
      |
      = help: write a private range, such as `10.0.0.0/16`

    error: `0` is not a port
     --> colormesh.yaml:1:14
      |
    1 | app: { port: 0 }
      |              ^
      |
      = help: write a number from 1 to 65535

    error: `80/tcp` is not a port
     --> colormesh.yaml:1:14
      |
    1 | app: { port: 80/tcp }
      |              ^^^^^^
      |
      = help: write `80`

    error: `two` is not a number of NAT gateways
     --> colormesh.yaml:1:13
      |
    1 | vpc: { nat: two }
      |             ^^^
      |
      = help: write `one`, `per_zone` or `none`
    ");
}

#[test]
fn a_file_that_is_no_yaml_does_not_hide_the_other_layers() {
    let problems =
        load_layers("mesh: [", &[("AWS_REGION", "x")], Overrides::default()).unwrap_err();
    assert_eq!(problems.0.len(), 2, "{problems}");
}
