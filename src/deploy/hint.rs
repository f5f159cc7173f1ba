//! Advice for the reasons that are met most.

/// Words of a reason, of which one must be there, and what to do then. The
/// first that applies counts.
const ADVICE: &[(&[&str], &str)] = &[
    (
        &["no space left on device"],
        "the disk is full: make room, then run the command again",
    ),
    (
        &[
            "as it is in use by",
            "cannot delete export",
            "cannot update export",
        ],
        "delete or change the stack that is named there first: it imports the value",
    ),
    (
        &["terminationprotection", "termination protection"],
        "somebody protected the stack: take the protection away if it may go",
    ),
    (
        &[
            "invalidkeypair.notfound",
            "the key pair",
            "parameter name keyname does not exist",
        ],
        "the key pair is not in this account and region: make it (`aws ec2 create-key-pair`), name another \
         with `key_pair`, or write `key_pair: none`",
    ),
    (
        &[
            "invalidamiid",
            "the image id '[",
            "the image id \"[",
            "from parameter store for this account",
        ],
        "the bastion's machine image is not in this region: choose another `region`, or go without with \
         `bastion: { enabled: false }`",
    ),
    (
        &[
            "cannotpullcontainer",
            "cannotpullimage",
            "pull access denied",
            "manifest unknown",
            "image not found",
            "imagenotfound",
        ],
        "the image cannot be pulled: check its reference (`--image`, `--envoy-image`), its processor, and that \
         the task can reach the registry (`vpc.nat`)",
    ),
    (
        &["capacity provider is in use"],
        "no service may use it when it goes: leave `capacity_provider` out for one `colormesh up` (without \
         `redirect: init-container`), which moves them to Fargate, then name the other",
    ),
    (
        &["container instances are active"],
        "the cluster has EC2 instances: end them, with their Auto Scaling group, then run `colormesh down` again",
    ),
    (
        &["is invalid or cannot be assumed"],
        "the role is not there, or does not trust `cloudformation.amazonaws.com`: name another with \
         `--role-arn`, or make it again",
    ),
    (
        &["no export named"],
        "the stack that exports the value is not there: look at its own failure",
    ),
    (
        &[
            "limit exceeded",
            "limitexceeded",
            "servicelimitexceeded",
            "addresslimitexceeded",
            "quota",
            "maximum number of",
            "vcpu capacity than your current",
        ],
        "a quota of the account is used up: remove what is not needed, ask AWS for more, or need less \
         (`vpc.nat: one`, `bastion: { enabled: false }`)",
    ),
    (
        &[
            "already exists",
            "alreadyexists",
            "is already in use",
            "already in the stack",
        ],
        "something of that name is there already and belongs to no stack of ours: remove it, or choose another \
         name",
    ),
    (
        &["aws::appmesh", "app mesh", "appmesh"],
        "AWS ended App Mesh on 30 September 2026: `mesh.runtime: envoy` needs none of it",
    ),
    (
        &[
            "notstabilized",
            "did not stabilize",
            "circuit breaker was triggered",
            "exceeded attempts to wait",
        ],
        "the tasks do not stay up: the reasons for which they stopped stand above, `colormesh logs` has more",
    ),
];

/// What to do about a reason.
pub(super) fn hint_for(reason: &str) -> Option<String> {
    let text = reason.to_ascii_lowercase();
    if let Some(hint) = permission(reason, &text) {
        return Some(hint);
    }
    let applies = |words: &&[&str]| words.iter().any(|word| text.contains(word));
    ADVICE
        .iter()
        .find(|(words, _)| applies(words))
        .map(|(_, advice)| (*advice).to_owned())
}

/// Names the permission that is missing, where the reason does.
fn permission(reason: &str, text: &str) -> Option<String> {
    let denied = [
        "not authorized",
        "accessdenied",
        "access denied",
        "unauthorizedoperation",
        "unauthorizedtaggingoperation",
    ];
    if !denied.iter().any(|word| text.contains(word)) {
        return None;
    }
    let named = reason.split_once("perform: ").map(|(_, rest)| rest);
    let action = named.and_then(|rest| rest.split([' ', ',', ';']).next());
    Some(match action {
        Some(action) => format!(
            "the caller, or the role of the stack, lacks the permission `{action}`: add it, or deploy with a \
             role that has it (`--role-arn`)"
        ),
        None => "the caller, or the role of the stack, lacks the permission that is named there"
            .to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Reasons in AWS's own words.
    #[test]
    fn the_usual_causes_have_advice() {
        for (reason, advice) in [
            (
                "Resource handler returned message: \"User: arn:aws:iam::1:user/u is not authorized to perform: \
                 ec2:CreateVpc on resource: * because no identity-based policy allows it\" (HandlerErrorCode: \
                 AccessDenied)",
                "the permission `ec2:CreateVpc`",
            ),
            (
                "Resource handler returned message: \"The maximum number of VPCs has been reached. (Service: Ec2, \
                 Status Code: 400)\" (HandlerErrorCode: ServiceLimitExceeded)",
                "a quota of the account",
            ),
            (
                "The maximum number of addresses has been reached. (AddressLimitExceeded)",
                "`vpc.nat: one`",
            ),
            (
                "Resource of type 'AWS::ECR::Repository' with identifier 'colorteller' already exists.",
                "choose another name",
            ),
            (
                "Resource handler returned message: \"The key pair 'color-app' does not exist (Service: Ec2)\"",
                "`key_pair: none`",
            ),
            (
                "Delete canceled. Cannot delete export e:VPC as it is in use by other.",
                "it imports the value",
            ),
            (
                "The image id '[ami-0123]' does not exist (Service: Ec2, Status Code: 400)",
                "the bastion's machine image",
            ),
            (
                "Unable to fetch parameters [/aws/service/ami-amazon-linux-latest/x] from parameter store for this \
                 account.",
                "the bastion's machine image",
            ),
            (
                "a task stopped: CannotPullContainerError: pull image manifest has been retried 5 time(s): \
                 docker.io/x: not found",
                "the image cannot be pulled",
            ),
            ("No export named e:VPC found.", "look at its own failure"),
            (
                "Resource handler returned message: \"Error occurred during operation 'ECS Deployment Circuit \
                 Breaker was triggered'.\"",
                "the tasks do not stay up",
            ),
            (
                "Stack [e-vpc] cannot be deleted while TerminationProtection is enabled",
                "take the protection away",
            ),
        ] {
            let hint = hint_for(reason).unwrap_or_default();
            assert!(hint.contains(advice), "{reason}\n{hint}");
        }
        assert_eq!(hint_for("Internal failure"), None);
    }
}
