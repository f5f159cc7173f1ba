//! The app's task definition without ECS's redirection. The template has it as
//! it should be where ECS makes it; here is what differs where it does not.

use crate::config::Redirect;

/// The service template with another way to Envoy.
pub(super) fn applied(template: &str, redirect: Redirect) -> String {
    match redirect {
        Redirect::ProxyConfiguration => template.to_owned(),
        Redirect::Ports => {
            let text = without_proxy_configuration(template);
            without(&text, EGRESS_MAPPING)
        }
    }
}

/// Where the app's TCP arrives when it is led to Envoy.
const EGRESS_MAPPING: &str = "            - ContainerPort: 15001
              Protocol: tcp
";

/// How ECS's redirection begins and ends in the template.
const FIRST: &str = "      # All TCP of the app goes through Envoy;";
const LAST: &str = "            Value: 169.254.170.2,169.254.169.254\n";

fn without_proxy_configuration(template: &str) -> String {
    let start = place(template, FIRST);
    let end = place(template, LAST) + LAST.len();
    [&template[..start], &template[end..]].concat()
}

fn without(text: &str, lines: &str) -> String {
    let start = place(text, lines);
    [&text[..start], &text[start + lines.len()..]].concat()
}

/// The template is ours, so that what is missing in it is a bug.
fn place(text: &str, part: &str) -> usize {
    text.find(part)
        .unwrap_or_else(|| panic!("the template has no `{part}`"))
}
