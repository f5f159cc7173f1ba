//! The five stacks: their names, templates and what cannot be seen in those.

use std::fmt;
use std::str::FromStr;

use crate::config::Config;

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
    /// The app, the gateway and the load balancer.
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
    pub const ALL: [Self; 5] = [
        Self::Vpc,
        Self::EcrRepositories,
        Self::Mesh,
        Self::EcsCluster,
        Self::EcsService,
    ];

    /// The end of the stack's name, and the name of its template's file.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Vpc => "vpc",
            Self::EcsCluster => "ecs-cluster",
            Self::EcrRepositories => "ecr-repositories",
            Self::Mesh => "mesh",
            Self::EcsService => "ecs-service",
        }
    }

    /// The stack's name: `<environment>-vpc` and so on, as in the walkthrough.
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
            Self::EcsService => "ecs-service.yaml",
        }
    }

    /// What its template does that CloudFormation wants to be told.
    pub fn capabilities(self) -> Vec<Capability> {
        match self {
            Self::EcsCluster => vec![Capability::Iam],
            Self::Vpc | Self::EcrRepositories | Self::Mesh | Self::EcsService => Vec::new(),
        }
    }

    /// Stacks that it needs although it imports nothing from them: a sidecar
    /// is healthy only once the mesh knows it.
    pub fn declared_needs(self) -> &'static [Self] {
        match self {
            Self::EcsService => &[Self::Mesh],
            Self::Vpc | Self::EcsCluster | Self::EcrRepositories | Self::Mesh => &[],
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
