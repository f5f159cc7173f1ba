//! What an action is allowed on.

use serde_json::{Value, json};

use super::Whose;
use crate::stack::OWNER_TAG;

/// The names that the permissions of one environment are made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Names {
    /// What the stacks' names start with.
    pub environment: String,
    /// The region.
    pub region: String,
    /// The account's twelve digits; `None` for whichever it is.
    pub account: Option<String>,
    /// The repository of the app's image.
    pub repository: String,
    /// The mesh.
    pub mesh: String,
    /// The key pair, if one is wanted.
    pub key_pair: Option<String>,
    /// The role that CloudFormation acts as instead of the caller, if any.
    pub role_arn: Option<String>,
    /// The bucket that long templates go through, if any.
    pub bucket: Option<String>,
    /// The repositories of images that are looked up, where ECR has them.
    pub looked_up: Vec<String>,
    /// The topics that are told of the stacks' events.
    pub topics: Vec<String>,
}

/// A statement of the policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Scope {
    /// The environment's stacks.
    Stacks,
    /// What has no narrower resource, and is only looked at.
    Looks,
    /// The app's repository.
    Repository,
    /// The repositories of images that are only looked up.
    LookedUp,
    /// The environment's repositories, by its mark: replaced ones have other
    /// names.
    OwnedRepositories,
    /// The environment's cluster and what is in it.
    Cluster,
    /// The key pair.
    KeyPair,
    /// Whatever CloudFormation makes in the region: the ids are not known
    /// before.
    Region,
    /// The same for services that have no regions.
    Global,
    /// The roles and instance profiles of the cluster stack.
    Roles,
    /// Handing those roles to tasks and instances.
    Handing,
    /// Handing CloudFormation the role that it acts as.
    Acting,
    /// The long templates of the environment, which CloudFormation reads as
    /// the caller.
    Templates,
    /// The bucket that they are in.
    TemplateBucket,
    /// The topics that are told of the stacks' events.
    Topics,
    /// Log groups of the environment.
    Logs,
    /// The mesh.
    Mesh,
    /// The roles that AWS's own services have in each account.
    ServiceRoles,
    /// AWS's public parameters, which name machine images.
    PublicParameters,
}

/// How many characters of an environment's name surely begin the name of a
/// role: CloudFormation shortens what comes to more than 64.
const ROLE_PREFIX: usize = 20;

// === impl Scope ===

impl Scope {
    /// The statement's name.
    pub(super) fn sid(self, whose: Whose) -> &'static str {
        match self {
            Self::Stacks => "Stacks",
            Self::Looks => "Looks",
            Self::Repository => "Repository",
            Self::LookedUp => "ImagesLookedUp",
            Self::OwnedRepositories => "RepositoriesByTag",
            Self::Cluster => "Cluster",
            Self::KeyPair => "KeyPair",
            Self::Region if whose == Whose::ServiceRole => "InTheRegion",
            Self::Global if whose == Whose::ServiceRole => "WithoutRegions",
            Self::Region => "ThroughCloudFormation",
            Self::Global => "ThroughCloudFormationGlobal",
            Self::Roles => "Roles",
            Self::Handing => "HandRolesToTasksAndInstances",
            Self::Acting => "HandARoleToCloudFormation",
            Self::Templates => "LongTemplates",
            Self::TemplateBucket => "BucketOfLongTemplates",
            Self::Topics => "TopicsOfTheStacks",
            Self::Logs => "LogGroups",
            Self::Mesh => "Mesh",
            Self::ServiceRoles => "ServiceRoles",
            Self::PublicParameters => "PublicParameters",
        }
    }

    /// Whether there is anything to allow it on.
    pub(super) fn is_wanted(self, names: &Names) -> bool {
        match self {
            Self::KeyPair => names.key_pair.is_some(),
            Self::Acting => names.role_arn.is_some(),
            Self::Templates | Self::TemplateBucket => names.bucket.is_some(),
            Self::LookedUp => !names.looked_up.is_empty(),
            Self::Topics => !names.topics.is_empty(),
            Self::Stacks
            | Self::Looks
            | Self::Repository
            | Self::OwnedRepositories
            | Self::Cluster
            | Self::Region
            | Self::Global
            | Self::Roles
            | Self::Handing
            | Self::Logs
            | Self::Mesh
            | Self::ServiceRoles
            | Self::PublicParameters => true,
        }
    }

    /// What the actions are allowed on.
    pub(super) fn resources(self, names: &Names) -> Vec<String> {
        let environment = &names.environment;
        match self {
            Self::Looks | Self::Region | Self::Global => vec!["*".to_owned()],
            Self::Stacks => vec![names.arn("cloudformation", &format!("stack/{environment}-*/*"))],
            Self::Repository => vec![names.arn("ecr", &format!("repository/{}", names.repository))],
            Self::LookedUp => names.looked_up.clone(),
            Self::OwnedRepositories => vec![names.arn("ecr", "repository/*")],
            Self::Cluster => [
                "cluster/{}",
                "service/{}/*",
                "service-deployment/{}/*",
                "task/{}/*",
                "task-definition/*",
            ]
            .iter()
            .map(|resource| names.arn("ecs", &resource.replace("{}", environment)))
            .collect(),
            Self::KeyPair => {
                let key_pair = names.key_pair.as_deref().unwrap_or_default();
                vec![names.arn("ec2", &format!("key-pair/{key_pair}"))]
            }
            Self::Roles => ["role", "instance-profile"]
                .iter()
                .map(|kind| names.global_arn(&format!("{kind}/{}*", names.role_prefix())))
                .collect(),
            Self::Handing => vec![names.global_arn(&format!("role/{}*", names.role_prefix()))],
            Self::Acting => names.role_arn.iter().cloned().collect(),
            Self::Templates => {
                let folder = format!("colormesh/{environment}/*");
                vec![names.bucket_arn(&format!("/{folder}"))]
            }
            Self::TemplateBucket => vec![names.bucket_arn("")],
            Self::Topics => names.topics.clone(),
            Self::Logs => vec![names.arn("logs", &format!("log-group:{environment}-*"))],
            Self::Mesh => ["mesh/{}", "mesh/{}/*"]
                .iter()
                .map(|resource| names.arn("appmesh", &resource.replace("{}", &names.mesh)))
                .collect(),
            Self::ServiceRoles => vec![names.global_arn("role/aws-service-role/*")],
            Self::PublicParameters => vec![format!(
                "arn:{}:ssm:{}::parameter/aws/service/*",
                names.partition(),
                names.region
            )],
        }
    }

    /// Under which condition.
    pub(super) fn condition(self, names: &Names, whose: Whose) -> Option<Value> {
        let through = json!({ "aws:CalledVia": "cloudformation.amazonaws.com" });
        let region = json!({ "aws:RequestedRegion": names.region });
        match self {
            // Nobody is called by way of another where a role acts by itself.
            Self::Region if whose == Whose::ServiceRole => Some(json!({ "StringEquals": region })),
            Self::Global | Self::Roles | Self::Logs | Self::Mesh if whose == Whose::ServiceRole => {
                None
            }
            Self::Region => Some(json!({
                "ForAnyValue:StringEquals": through,
                "StringEquals": region,
            })),
            Self::Global | Self::Roles | Self::Logs | Self::Mesh => {
                Some(json!({ "ForAnyValue:StringEquals": through }))
            }
            Self::Looks => Some(json!({ "StringEquals": region })),
            Self::Handing => Some(json!({ "StringEquals": {
                "iam:PassedToService": ["ecs-tasks.amazonaws.com", "ec2.amazonaws.com"],
            } })),
            Self::Acting => Some(json!({ "StringEquals": {
                "iam:PassedToService": "cloudformation.amazonaws.com",
            } })),
            Self::ServiceRoles => Some(json!({ "StringEquals": {
                "iam:AWSServiceName": [
                    "ecs.amazonaws.com",
                    "elasticloadbalancing.amazonaws.com",
                    "appmesh.amazonaws.com",
                ],
            } })),
            Self::OwnedRepositories => Some(json!({ "StringEquals": {
                (format!("aws:ResourceTag/{OWNER_TAG}")): names.environment,
            } })),
            Self::TemplateBucket => Some(json!({ "StringLike": {
                "s3:prefix": format!("colormesh/{}/*", names.environment),
            } })),
            Self::Stacks
            | Self::Templates
            | Self::Topics
            | Self::Repository
            | Self::LookedUp
            | Self::Cluster
            | Self::KeyPair
            | Self::PublicParameters => None,
        }
    }
}

// === impl Names ===

impl Names {
    fn account(&self) -> &str {
        self.account.as_deref().unwrap_or("*")
    }

    fn partition(&self) -> &'static str {
        if self.region.starts_with("cn-") {
            "aws-cn"
        } else if self.region.starts_with("us-gov-") {
            "aws-us-gov"
        } else {
            "aws"
        }
    }

    fn arn(&self, service: &str, resource: &str) -> String {
        format!(
            "arn:{}:{service}:{}:{}:{resource}",
            self.partition(),
            self.region,
            self.account()
        )
    }

    fn bucket_arn(&self, rest: &str) -> String {
        let bucket = self.bucket.as_deref().unwrap_or_default();
        format!("arn:{}:s3:::{bucket}{rest}", self.partition())
    }

    fn global_arn(&self, resource: &str) -> String {
        format!(
            "arn:{}:iam::{}:{resource}",
            self.partition(),
            self.account()
        )
    }

    fn role_prefix(&self) -> String {
        let whole = format!("{}-", self.environment);
        whole.chars().take(ROLE_PREFIX).collect()
    }
}
