//! All layers to one [`Config`].

use std::str::FromStr;

use super::reader::{Placed, Reader, Section};
use super::{
    App, Bastion, Cidr, Config, ImageReference, Input, Invalid, KeyPairName, MeshConfig, Vpc,
    external_services, local_ports, sharing::ToldApart, values,
};
use crate::diag::Diagnostics;
use crate::yaml::{self, Node};

/// Reads and checks the settings; every mistake is in the error.
pub fn load(input: &Input<'_>) -> Result<Config, Diagnostics> {
    load_with_warnings(input).map(|(config, _)| config)
}

/// Reads and checks the settings; beside them stands what can be done but may
/// not be meant.
pub fn load_with_warnings(input: &Input<'_>) -> Result<(Config, Diagnostics), Diagnostics> {
    let parsed = input.file.as_ref().map(yaml::parse);
    let mut reader = Reader::new(input);
    let tree = parsed.and_then(|parsed| {
        let refused = |problems: Diagnostics| reader.problems.extend(problems.0);
        parsed.map_err(refused).ok()
    });
    let config = reader.config(tree.as_ref());
    reader.sort_problems();
    let found = reader.problems;
    if found.has_errors() {
        return Err(found);
    }
    Ok((config, found))
}

impl Reader<'_> {
    fn config(&mut self, tree: Option<&Node>) -> Config {
        let default = Config::default();
        let root = self.section(tree, "");
        let environment = self.value_or(root, "environment", default.environment);
        let target = self.value_or(root, "target", default.target);
        let region = self.value_or(root, "region", default.region);
        let account_id = self.value(root, "account_id");
        let allowed_accounts = self.written_list(root, "allowed_accounts");
        let profile = self.value(root, "profile");
        let mesh = self.mesh(root, default.mesh);
        let services_domain = self.value_or(root, "services_domain", default.services_domain);
        let app = self.app(root, default.app);
        let key_pair = self
            .value(root, "key_pair")
            .map_or(default.key_pair, |KeyPair(name)| name);
        let capacity_provider = self.setting(root, "capacity_provider");
        let envoy_image = self.value_or(root, "envoy_image", default.envoy_image);
        let bastion = self.bastion(root, default.bastion);
        let vpc = self.vpc(root, default.vpc);
        self.check_capacity(root, &mesh, capacity_provider.as_ref(), vpc);
        let stacks = self.stacks(root);
        let tags = self.tags(root.get("tags"));
        let internet = self.value_or(root, "internet", default.internet);
        let images = mesh.redirecting_image().into_iter().chain(&app.image);
        let images = images.chain([&envoy_image]);
        let registry_ports: Vec<u16> = images.filter_map(ImageReference::registry_port).collect();
        let surroundings = external_services::Surroundings {
            services_domain: &services_domain,
            told_apart: ToldApart::by(&mesh, target),
            target,
            redirect: mesh.redirect,
            app_port: app.port,
            is_own_image: app.image.is_some(),
            registry_ports: &registry_ports,
        };
        let mut external_services = match root.get("external_services") {
            Some(node) => external_services::read(self, node, &surroundings),
            None => default.external_services,
        };
        local_ports::assign(&mut external_services, mesh.redirect, app.port);
        self.warn_of_ports(root, &mesh, &external_services);
        Config {
            environment,
            target,
            region,
            account_id,
            allowed_accounts: allowed_accounts.unwrap_or_default(),
            profile,
            mesh,
            services_domain,
            app,
            external_services,
            key_pair,
            capacity_provider: capacity_provider.map(Placed::into_value),
            envoy_image,
            bastion,
            vpc,
            stacks,
            tags,
            internet,
        }
    }

    fn mesh(&mut self, root: Section<'_>, default: MeshConfig) -> MeshConfig {
        let mesh = self.section(root.get("mesh"), "mesh");
        let config = MeshConfig {
            name: self.value_or(mesh, "name", default.name),
            egress: self.value_or(mesh, "egress", default.egress),
            matching: self.value_or(mesh, "matching", default.matching),
            runtime: self.value_or(mesh, "runtime", default.runtime),
            redirect: default.redirect,
            redirect_image: self.value_or(mesh, "redirect_image", default.redirect_image),
        };
        self.redirect(mesh, config)
    }

    fn app(&mut self, root: Section<'_>, default: App) -> App {
        let app = self.section(root.get("app"), "app");
        App {
            image_name: self.value_or(app, "image_name", default.image_name),
            image: self.value(app, "image"),
            port: self
                .checked(app, "port", values::check_app_port)
                .map_or(default.port, u16::from),
            health_path: self.value_or(app, "health_path", default.health_path),
            color: self.value_or(app, "color", default.color),
        }
    }

    fn bastion(&mut self, root: Section<'_>, default: Bastion) -> Bastion {
        let bastion = self.section(root.get("bastion"), "bastion");
        Bastion {
            enabled: self
                .value(bastion, "enabled")
                .map_or(default.enabled, |values::Switch(on)| on),
            ssh_from: self.checked(bastion, "ssh_from", values::check_ssh_from),
        }
    }

    fn vpc(&mut self, root: Section<'_>, default: Vpc) -> Vpc {
        let vpc = self.section(root.get("vpc"), "vpc");
        Vpc {
            cidr: self
                .checked::<Cidr>(vpc, "cidr", values::check_vpc)
                .unwrap_or(default.cidr),
            nat: self.value_or(vpc, "nat", default.nat),
        }
    }

    fn value<T: FromStr<Err = Invalid>>(&mut self, section: Section<'_>, name: &str) -> Option<T> {
        self.setting(section, name).map(Placed::into_value)
    }

    fn value_or<T: FromStr<Err = Invalid>>(
        &mut self,
        section: Section<'_>,
        name: &str,
        default: T,
    ) -> T {
        self.value(section, name).unwrap_or(default)
    }

    /// A value that has more to pass than its own type's check.
    fn checked<T: FromStr<Err = Invalid> + Copy>(
        &mut self,
        section: Section<'_>,
        name: &str,
        check: fn(T) -> Result<(), Invalid>,
    ) -> Option<T> {
        let placed = self.setting::<T>(section, name)?;
        if let Err(invalid) = check(placed.value) {
            self.refuse(&placed.place, invalid);
        }
        Some(placed.value)
    }
}

/// A key pair's name, or `none`.
struct KeyPair(Option<KeyPairName>);

impl FromStr for KeyPair {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        match text {
            "none" => Ok(Self(None)),
            name => name.parse().map(Some).map(Self),
        }
    }
}
