//! The layers over the defaults: file, environment variables, flags.

use std::sync::Arc;

use crate::diag::Source;

/// What [`super::load`] reads.
pub struct Input<'a> {
    /// The settings file, when there is one.
    pub file: Option<Arc<Source>>,
    /// Looks a variable up in the environment.
    pub environment: &'a dyn Fn(&str) -> Option<String>,
    /// What was given on the command line.
    pub overrides: Overrides,
}

/// The settings that flags set, as they were typed; the table of settings has each one's flag.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Overrides {
    /// `--environment`
    pub environment: Option<String>,
    /// `--target`
    pub target: Option<String>,
    /// `--region`
    pub region: Option<String>,
    /// `--account-id`
    pub account_id: Option<String>,
    /// `--profile`
    pub profile: Option<String>,
    /// `--mesh-name`
    pub mesh_name: Option<String>,
    /// `--egress`
    pub egress: Option<String>,
    /// `--mesh-runtime`
    pub mesh_runtime: Option<String>,
    /// `--mesh-redirect`
    pub mesh_redirect: Option<String>,
    /// `--services-domain`
    pub services_domain: Option<String>,
    /// `--image-name`
    pub image_name: Option<String>,
    /// `--image`
    pub image: Option<String>,
    /// `--key-pair`
    pub key_pair: Option<String>,
    /// `--envoy-image`
    pub envoy_image: Option<String>,
    /// `--ssh-from`
    pub ssh_from: Option<String>,
    /// `--role-arn`
    pub role_arn: Option<String>,
    /// `--s3-bucket`
    pub s3_bucket: Option<String>,
    /// `--notification-arn`
    pub notification_arn: Option<String>,
    /// `--internet`
    pub internet: Option<String>,
}

// === impl Overrides ===

impl Overrides {
    /// What was given with this flag.
    pub(super) fn given(&self, flag: &str) -> Option<&str> {
        let given = match flag {
            "--environment" => &self.environment,
            "--target" => &self.target,
            "--region" => &self.region,
            "--account-id" => &self.account_id,
            "--profile" => &self.profile,
            "--mesh-name" => &self.mesh_name,
            "--egress" => &self.egress,
            "--mesh-runtime" => &self.mesh_runtime,
            "--mesh-redirect" => &self.mesh_redirect,
            "--services-domain" => &self.services_domain,
            "--image-name" => &self.image_name,
            "--image" => &self.image,
            "--key-pair" => &self.key_pair,
            "--envoy-image" => &self.envoy_image,
            "--ssh-from" => &self.ssh_from,
            "--role-arn" => &self.role_arn,
            "--s3-bucket" => &self.s3_bucket,
            "--notification-arn" => &self.notification_arn,
            "--internet" => &self.internet,
            unknown => panic!("the flag `{unknown}` of the table of settings has a field here"),
        };
        given.as_deref()
    }
}
