//! The calls that colormesh makes itself.

use super::scope::Scope;

/// Each call, as IAM names it, and what it is made on. That a call needs no
/// permission is no reason to leave it out of here.
pub(super) const CALLS: &[(&str, &[Scope])] = &[
    // Without a name it reads the stacks of the account, a page for all.
    ("cloudformation:DescribeStacks", &[Scope::Looks]),
    ("cloudformation:ListImports", &[Scope::Looks]),
    // In an account with many stacks, those that something is done to.
    ("cloudformation:ListStacks", &[Scope::Looks]),
    (
        "cloudformation:DescribeStackDriftDetectionStatus",
        &[Scope::Looks],
    ),
    ("cloudformation:ValidateTemplate", &[Scope::Looks]),
    ("cloudformation:CancelUpdateStack", &[Scope::Stacks]),
    ("cloudformation:ContinueUpdateRollback", &[Scope::Stacks]),
    ("cloudformation:CreateChangeSet", &[Scope::Stacks]),
    ("cloudformation:CreateStack", &[Scope::Stacks]),
    ("cloudformation:DeleteChangeSet", &[Scope::Stacks]),
    ("cloudformation:DeleteStack", &[Scope::Stacks]),
    ("cloudformation:DescribeChangeSet", &[Scope::Stacks]),
    ("cloudformation:DescribeEvents", &[Scope::Stacks]),
    ("cloudformation:DescribeStackEvents", &[Scope::Stacks]),
    (
        "cloudformation:DescribeStackResourceDrifts",
        &[Scope::Stacks],
    ),
    ("cloudformation:DetectStackDrift", &[Scope::Stacks]),
    ("cloudformation:ExecuteChangeSet", &[Scope::Stacks]),
    ("cloudformation:GetTemplate", &[Scope::Stacks]),
    ("cloudformation:ListChangeSets", &[Scope::Stacks]),
    ("cloudformation:ListStackResources", &[Scope::Stacks]),
    ("cloudformation:RollbackStack", &[Scope::Stacks]),
    (
        "cloudformation:UpdateTerminationProtection",
        &[Scope::Stacks],
    ),
    ("ec2:DescribeKeyPairs", &[Scope::Looks]),
    ("ec2:DeleteKeyPair", &[Scope::KeyPair]),
    ("ec2:ImportKeyPair", &[Scope::KeyPair]),
    ("ecr:GetAuthorizationToken", &[Scope::Looks]),
    ("ecr:BatchDeleteImage", &[Scope::Repository]),
    ("ecr:BatchGetImage", &[Scope::Repository]),
    ("ecr:DeleteRepository", &[Scope::OwnedRepositories]),
    (
        "ecr:DescribeRepositories",
        &[Scope::Repository, Scope::OwnedRepositories],
    ),
    (
        "ecr:ListImages",
        &[Scope::Repository, Scope::OwnedRepositories],
    ),
    ("ecr:ListTagsForResource", &[Scope::OwnedRepositories]),
    ("ecs:ListServices", &[Scope::Looks]),
    ("ecs:ListTasks", &[Scope::Looks]),
    ("ecs:DescribeServices", &[Scope::Cluster]),
    ("ecs:DescribeTasks", &[Scope::Cluster]),
    ("appmesh:ListMeshes", &[Scope::Looks]),
    ("s3:DeleteObject", &[Scope::Templates]),
    ("s3:GetObject", &[Scope::Templates]),
    ("s3:ListBucket", &[Scope::TemplateBucket]),
    ("s3:PutObject", &[Scope::Templates]),
    // Everybody may.
    ("sts:GetCallerIdentity", &[]),
];

/// What a change set with topics takes. Which of the two tells them once a role
/// acts is nowhere written, so that both are allowed it.
pub(super) const PUBLISH: &str = "sns:Publish";

/// What AWS asks for besides those: what a tag on a new key pair takes, the
/// requests to the image registry, and the calls that go by another's name.
pub(super) const IMPLIED: &[(&str, Scope)] = &[
    ("cloudformation:TagResource", Scope::Stacks),
    ("cloudformation:UntagResource", Scope::Stacks),
    // What `DetectStackDrift` does to each resource.
    (
        "cloudformation:BatchDescribeTypeConfigurations",
        Scope::Looks,
    ),
    ("cloudformation:DetectStackResourceDrift", Scope::Stacks),
    ("iam:PassRole", Scope::Acting),
    (PUBLISH, Scope::Topics),
    ("ec2:CreateTags", Scope::KeyPair),
    ("ecr:BatchCheckLayerAvailability", Scope::Repository),
    ("ecr:BatchGetImage", Scope::LookedUp),
    ("ecr:GetDownloadUrlForLayer", Scope::LookedUp),
    ("ecr:CompleteLayerUpload", Scope::Repository),
    ("ecr:InitiateLayerUpload", Scope::Repository),
    ("ecr:PutImage", Scope::Repository),
    ("ecr:UploadLayerPart", Scope::Repository),
];
