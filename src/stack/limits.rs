//! What AWS takes of one stack. The local endpoint takes any size.

use std::sync::Arc;

use super::RenderedStack;
use crate::diag::{Diagnostic, Diagnostics, Source};
use crate::yaml;

/// The longest template that fits into a request, in bytes.
pub const LONGEST_TEMPLATE: usize = 51_200;
/// The most resources of a stack.
const MOST_RESOURCES: usize = 500;

/// Refuses stacks that CloudFormation on AWS would refuse for their size.
pub fn check_limits(stacks: &[RenderedStack]) -> Result<(), Diagnostics> {
    let mistakes: Vec<Diagnostic> = stacks.iter().filter_map(too_large).collect();
    if mistakes.is_empty() {
        Ok(())
    } else {
        Err(Diagnostics(mistakes))
    }
}

fn too_large(stack: &RenderedStack) -> Option<Diagnostic> {
    let name = &stack.name;
    let resources = resources(stack);
    let message = if resources > MOST_RESOURCES {
        format!("the stack `{name}` has {resources} resources, and AWS takes {MOST_RESOURCES}")
    } else if stack.template.len() > LONGEST_TEMPLATE {
        let bytes = stack.minified().len();
        if bytes <= LONGEST_TEMPLATE {
            return None;
        }
        format!(
            "the stack `{name}` has a template of {bytes} bytes, and AWS takes {LONGEST_TEMPLATE}"
        )
    } else {
        return None;
    };
    let help = "name fewer `external_services`, or split them over several environments, each \
                with settings of its own; `--target local` takes any number";
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
            check_limits(&stacks(few)).unwrap();
        }
        let bytes = check_limits(&stacks(200)).unwrap_err().to_string();
        assert!(bytes.contains("-mesh` has a template of"), "{bytes}");
        let resources = check_limits(&stacks(248)).unwrap_err().to_string();
        // Five of the mesh's own, two for each service.
        assert!(resources.contains("has 501 resources"), "{resources}");
    }

    /// The names that may be asked for come as parameters then.
    #[test]
    fn the_names_of_five_thousand_services_leave_the_cluster_short_enough() {
        let mut stacks = stacks(5000);
        stacks.retain(|stack| stack.role == Role::EcsCluster);
        check_limits(&stacks).unwrap();
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
