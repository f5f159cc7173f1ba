//! The stacks: their names, templates and what cannot be seen in those.

use std::fmt;
use std::str::FromStr;

use crate::config::{Config, Nat};

/// What a stack is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// The network.
    Vpc,
    /// The cluster and what all its services share.
    EcsCluster,
    /// The repository of the app's image.
    EcrRepositories,
    /// The mesh.
    Mesh,
    /// The way in: the load balancer and the public subnets' routes.
    Ingress,
    /// The way out of the private subnets; only where there is one.
    Nat,
    /// The app and the gateway.
    EcsService,
}

/// What CloudFormation wants to be told that a template does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Capability {
    /// It makes roles, whose names CloudFormation chooses.
    Iam,
}

/// The name of a stack.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StackName(String);

/// Why a text is not the name of a stack.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is not a stack name: those are 1 to 128 letters, digits and hyphens, a letter first"
)]
pub struct InvalidStackName(String);

// === impl Role ===

impl Role {
    /// Every role. Each stack comes after those that it needs.
    pub const ALL: [Self; 7] = [
        Self::Vpc,
        Self::EcrRepositories,
        Self::Mesh,
        Self::Ingress,
        Self::Nat,
        Self::EcsCluster,
        Self::EcsService,
    ];

    /// Whether the settings want a stack of it.
    pub fn is_wanted(self, config: &Config) -> bool {
        match self {
            Self::Nat => config.vpc.nat != Nat::None,
            Self::Vpc
            | Self::EcsCluster
            | Self::EcrRepositories
            | Self::Mesh
            | Self::Ingress
            | Self::EcsService => true,
        }
    }

    /// The end of the stack's name, and the name of its template's file.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Vpc => "vpc",
            Self::EcsCluster => "ecs-cluster",
            Self::EcrRepositories => "ecr-repositories",
            Self::Mesh => "mesh",
            Self::Ingress => "ingress",
            Self::Nat => "nat",
            Self::EcsService => "ecs-service",
        }
    }

    /// The stack's name: `<environment>-vpc` and so on; the walkthrough's five
    /// as there.
    pub fn stack_name(self, config: &Config) -> StackName {
        StackName(format!("{}-{}", config.environment, self.as_str()))
    }

    /// The template as it stands in `templates/`.
    pub fn template(self) -> &'static str {
        match self {
            Self::Vpc => include_str!("../../templates/vpc.yaml"),
            Self::EcsCluster => include_str!("../../templates/ecs-cluster.yaml"),
            Self::EcrRepositories => include_str!("../../templates/ecr-repositories.yaml"),
            Self::Mesh => include_str!("../../templates/mesh.yaml"),
            Self::Ingress => include_str!("../../templates/ingress.yaml"),
            Self::Nat => include_str!("../../templates/nat.yaml"),
            Self::EcsService => include_str!("../../templates/ecs-service.yaml"),
        }
    }

    /// The name of the template's file.
    pub fn file_name(self) -> &'static str {
        match self {
            Self::Vpc => "vpc.yaml",
            Self::EcsCluster => "ecs-cluster.yaml",
            Self::EcrRepositories => "ecr-repositories.yaml",
            Self::Mesh => "mesh.yaml",
            Self::Ingress => "ingress.yaml",
            Self::Nat => "nat.yaml",
            Self::EcsService => "ecs-service.yaml",
        }
    }

    /// What its template does that CloudFormation wants to be told.
    pub fn capabilities(self) -> Vec<Capability> {
        match self {
            Self::EcsCluster => vec![Capability::Iam],
            Self::Vpc
            | Self::EcrRepositories
            | Self::Mesh
            | Self::Ingress
            | Self::Nat
            | Self::EcsService => Vec::new(),
        }
    }

    /// Stacks that it needs although it imports nothing from them: a sidecar
    /// is healthy only once the mesh knows it, and a task in a private subnet
    /// pulls its images through a NAT gateway.
    pub fn declared_needs(self) -> &'static [Self] {
        match self {
            Self::EcsService => &[Self::Mesh, Self::Nat],
            Self::Vpc
            | Self::EcsCluster
            | Self::EcrRepositories
            | Self::Mesh
            | Self::Ingress
            | Self::Nat => &[],
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

// === impl Capability ===

impl Capability {
    /// CloudFormation's word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Iam => "CAPABILITY_IAM",
        }
    }
}

impl fmt::Display for Capability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

// === impl StackName ===

impl StackName {
    /// The text of it.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for StackName {
    type Err = InvalidStackName;

    fn from_str(text: &str) -> Result<Self, InvalidStackName> {
        let well = text.len() <= 128
            && text.starts_with(|c: char| c.is_ascii_alphabetic())
            && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
        if well {
            Ok(Self(text.to_owned()))
        } else {
            Err(InvalidStackName(text.to_owned()))
        }
    }
}

impl fmt::Display for StackName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl AsRef<str> for StackName {
    fn as_ref(&self) -> &str {
        &self.0
    }
}
