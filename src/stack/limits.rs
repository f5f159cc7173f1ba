//! What AWS takes of one stack. The local endpoint takes any size.

use std::sync::Arc;

use super::RenderedStack;
use crate::config::BucketName;
use crate::diag::{Diagnostic, Diagnostics, Source};
use crate::yaml;

/// The longest template that fits into a request, in bytes.
pub const LONGEST_TEMPLATE: usize = 51_200;
/// The longest template that CloudFormation reads from a bucket, in bytes.
pub const LONGEST_KEPT_TEMPLATE: usize = 1_000_000;
/// The most resources of a stack.
const MOST_RESOURCES: usize = 500;

/// Refuses stacks that CloudFormation on AWS would refuse for their size. Long
/// templates go through the bucket, if there is one.
pub fn check_limits(
    stacks: &[RenderedStack],
    bucket: Option<&BucketName>,
) -> Result<(), Diagnostics> {
    let mistake = |stack| too_large(stack, bucket);
    let mistakes: Vec<Diagnostic> = stacks.iter().filter_map(mistake).collect();
    if mistakes.is_empty() {
        Ok(())
    } else {
        Err(Diagnostics(mistakes))
    }
}

/// Whether a template is too long for a request, however it is written.
pub fn is_long(stack: &RenderedStack) -> bool {
    bytes(stack) > LONGEST_TEMPLATE
}

/// How long a template is that is written as short as possible, where that
/// matters.
fn bytes(stack: &RenderedStack) -> usize {
    if stack.template.len() > LONGEST_TEMPLATE {
        stack.minified().len()
    } else {
        stack.template.len()
    }
}

fn too_large(stack: &RenderedStack, bucket: Option<&BucketName>) -> Option<Diagnostic> {
    let (name, resources) = (&stack.name, resources(stack));
    let fewer = "name fewer `external_services`, or split them over several environments, each \
                 with settings of its own; `--target local` takes any number";
    if resources > MOST_RESOURCES {
        let message =
            format!("the stack `{name}` has {resources} resources, and AWS takes {MOST_RESOURCES}");
        return Some(Diagnostic::error(message).help(fewer));
    }
    let bytes = bytes(stack);
    let (longest, taken) = match bucket {
        Some(_) => (LONGEST_KEPT_TEMPLATE, " from a bucket"),
        None => (LONGEST_TEMPLATE, ""),
    };
    if bytes <= longest {
        return None;
    }
    let message = format!(
        "the stack `{name}` has a template of {bytes} bytes, and AWS takes {longest}{taken}"
    );
    let help = if bytes <= LONGEST_KEPT_TEMPLATE {
        format!(
            "name a bucket of the account that it can go through: `--s3-bucket NAME`, or `stacks: \
             {{ s3_bucket: NAME }}`; AWS takes {LONGEST_KEPT_TEMPLATE} bytes from there. Or {fewer}"
        )
    } else {
        fewer.to_owned()
    };
    Some(Diagnostic::error(message).help(help))
}

fn resources(stack: &RenderedStack) -> usize {
    let source = Arc::new(Source::new(stack.role.file_name(), stack.template.as_str()));
    let tree = yaml::parse(&source).expect("a rendered template is YAML");
    let resources = tree.get("Resources");
    resources.map_or(0, |resources| resources.entries().len())
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use crate::config::{Config, ExternalService};
    use crate::stack::{ParameterValue, Role, render};

    fn stacks(services: usize) -> Vec<RenderedStack> {
        let mut config = Config::default();
        let like = config.external_services[0].clone();
        let services = (0..services).map(|n| ExternalService {
            name: format!("s{n}").parse().unwrap(),
            host: format!("h{n}.example.com").parse().unwrap(),
            ..like.clone()
        });
        config.external_services = services.collect();
        render(&config).unwrap()
    }

    #[test]
    fn what_aws_takes_passes_and_what_it_does_not_says_why() {
        for few in [0, 2, 50] {
            check_limits(&stacks(few), None).unwrap();
        }
        let bytes = check_limits(&stacks(200), None).unwrap_err().to_string();
        assert!(bytes.contains("-mesh` has a template of"), "{bytes}");
        assert!(bytes.contains("AWS takes 51200"), "{bytes}");
        assert!(bytes.contains("`--s3-bucket NAME`"), "{bytes}");
        let resources = check_limits(&stacks(248), None).unwrap_err().to_string();
        // Five of the mesh's own, two for each service.
        assert!(resources.contains("has 501 resources"), "{resources}");
    }

    #[test]
    fn a_bucket_takes_what_is_too_long_for_a_request_up_to_a_limit_of_its_own() {
        let bucket: BucketName = "templates".parse().unwrap();
        let mut stacks = stacks(240);
        check_limits(&stacks, Some(&bucket)).unwrap();
        assert_eq!(stacks.iter().filter(|stack| is_long(stack)).count(), 1);
        // A bucket takes no more resources.
        let said = check_limits(&self::stacks(248), Some(&bucket)).unwrap_err();
        assert!(said.to_string().contains("has 501 resources"), "{said}");

        let text = format!("Description: {}\nResources: {{}}\n", "x".repeat(1_000_000));
        stacks[0].template = text;
        let said = check_limits(&stacks, Some(&bucket))
            .unwrap_err()
            .to_string();
        assert!(said.contains("AWS takes 1000000 from a bucket"), "{said}");
        assert!(!said.contains("--s3-bucket"), "{said}");
    }

    /// The names that may be asked for come as parameters then.
    #[test]
    fn the_names_of_five_thousand_services_leave_the_cluster_short_enough() {
        let mut stacks = stacks(5000);
        stacks.retain(|stack| stack.role == Role::EcsCluster);
        check_limits(&stacks, None).unwrap();
        let mut names: Vec<&str> = Vec::new();
        for (name, value) in &stacks[0].parameters {
            if let (true, ParameterValue::Known(value)) = (name.starts_with("ServiceHosts"), value)
            {
                assert!(value.len() <= 4096, "{name}: {}", value.len());
                names.extend(value.split(','));
            }
        }
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), 5000);
    }
}
