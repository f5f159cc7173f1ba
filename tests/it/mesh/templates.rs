//! Whole templates, ours and others', from their text to Envoy.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::Arc;

use colormesh::config::{self, Input, Overrides};
use colormesh::diag::Source;
use colormesh::mesh::{Mesh, ProxyId, Resource};
use colormesh::stack::{self, ParameterValue, Role};
use colormesh::template::{LogicalId, Scope, StaticScope, Template};
use serde_json::{Value, json};

use super::{compile, filter, gateway, listener, mesh, names, node};

/// The answers that an account would give about a stack's mesh.
struct Names<'a> {
    template: &'a Template,
    fixed: StaticScope,
}

impl Scope for Names<'_> {
    fn parameter(&self, name: &str) -> Option<Value> {
        self.fixed.parameter(name)
    }

    fn pseudo(&self, name: &str) -> Option<String> {
        self.fixed.pseudo.get(name).cloned()
    }

    fn resource(&self, id: &LogicalId) -> Option<String> {
        Some(format!("arn:aws:appmesh:us-west-2:000000000000:mesh/{id}"))
    }

    /// A name is the property of that name, or the logical id.
    fn attribute(&self, id: &LogicalId, attribute: &str) -> Option<Value> {
        let properties = &self.template.resources.get(id)?.properties;
        let properties = self.template.evaluate(properties, self).ok()?;
        let named = properties.get(attribute).cloned();
        named.or_else(|| Some(json!(id.as_str())))
    }

    fn import(&self, name: &str) -> Option<String> {
        Some(name.to_owned())
    }

    fn zones(&self) -> Vec<String> {
        Vec::new()
    }
}

/// The App Mesh resources of a template, evaluated.
fn evaluate(template: &Template, given: &BTreeMap<String, String>) -> Vec<Resource> {
    let bound = template.check_parameters(given).unwrap();
    let fixed = StaticScope::new(&bound)
        .pseudo("AWS::Region", "us-west-2")
        .pseudo("AWS::AccountId", "000000000000")
        .pseudo("AWS::StackName", "mesh");
    let names = Names { template, fixed };
    let resources = template.resources.iter();
    let ours = resources.filter(|(_, body)| body.resource_type.starts_with("AWS::AppMesh::"));
    ours.map(|(id, body)| {
        let properties = template.evaluate(&body.properties, &names).unwrap();
        Resource::new(id.as_str(), &body.resource_type, properties)
    })
    .collect()
}

/// The mesh of our own stack, rendered for some settings.
fn our_mesh(settings: &str) -> Mesh {
    let file = Arc::new(Source::new("colormesh.yaml", settings));
    let input = Input {
        file: Some(file),
        environment: &|_| None,
        overrides: Overrides::default(),
    };
    let config = config::load(&input).unwrap_or_else(|found| panic!("{found}"));
    let stacks = stack::render(&config).unwrap();
    let stack = stacks
        .iter()
        .find(|stack| stack.role == Role::Mesh)
        .unwrap();
    let source = Arc::new(Source::new("mesh.yaml", stack.template.as_str()));
    let template = Template::parse(&source).unwrap();
    let known = stack
        .parameters
        .iter()
        .filter_map(|(name, value)| match value {
            ParameterValue::Known(value) => Some((name.clone(), value.clone())),
            ParameterValue::AppImage | ParameterValue::PushedImage(_) => None,
        });
    let mesh = mesh(&evaluate(&template, &known.collect()));
    assert_eq!(mesh.check(), []);
    mesh
}

#[test]
fn our_own_stack_is_the_walkthrough() {
    let mesh = our_mesh("region: us-west-2");
    let teller = compile(&mesh, &node("ColorTellerWhite"));
    let names: Vec<&str> = teller.names().keys().map(String::as_str).collect();
    assert_eq!(names, ["github.com", "go.dev"]);
    let config: Value = serde_json::from_str(&teller.static_rendering()).unwrap();
    let chains = &listener(&config, "lds_egress_0.0.0.0_15001")["filter_chains"];
    let ports: Vec<&Value> = chains
        .as_array()
        .unwrap()
        .iter()
        .map(|chain| &chain["filter_chain_match"]["destination_port"])
        .collect();
    assert_eq!(ports, [443, 444]);
    compile(&mesh, &gateway("ColorGateway"));
}

#[test]
fn our_own_stack_takes_every_kind_of_service() {
    let mesh = our_mesh(
        "mesh: { egress: ALLOW_ALL }
external_services:
  - { name: a, host: a.example, port: 80, protocol: http }
  - { name: b, host: b.example, port: 80, protocol: http }
  - { name: codetls, host: code.example, port: 443, protocol: tcp }
  - { name: codessh, host: code.example, port: 22, protocol: tcp }
  - { name: other, host: other.example, port: 443, protocol: tcp, via_port: 8000 }
  - { name: database, host: db.example, port: 5432, protocol: tcp }
",
    );
    let teller = compile(&mesh, &node("ColorTellerWhite"));
    let config: Value = serde_json::from_str(&teller.static_rendering()).unwrap();
    let chains = |name: &str| names(&listener(&config, name)["filter_chains"]);
    assert_eq!(
        chains("lds_egress_0.0.0.0_15001"),
        ["tcp_code.example_443", "tcp_other.example_8000", "http_80"],
    );
    assert_eq!(
        chains("lds_egress_0.0.0.0_15002"),
        ["tcp_code.example_22", "tcp_db.example_5432"],
    );
    let code = filter(&listener(&config, "lds_egress_0.0.0.0_15002")["filter_chains"][0]);
    assert_eq!(
        code["cluster"].as_str().unwrap().rsplit('_').next(),
        Some("22")
    );
}

#[test]
fn templates_that_others_synthesise_compile_or_say_what_they_lack() {
    let read = |name: &str| {
        let path = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("tests/corpus")
            .join(name);
        let text = fs::read_to_string(path).unwrap();
        let template = Template::parse(&Arc::new(Source::new(name, text))).unwrap();
        let bare = template
            .parameters
            .iter()
            .filter(|(_, it)| it.default.is_none());
        let given = bare
            .map(|(name, _)| (name.clone(), "9080".to_owned()))
            .collect();
        evaluate(&template, &given)
    };
    for name in [
        "cdk-synth__gateways.template.json",
        "cdk-synth__routes.template.json",
    ] {
        match Mesh::from_resources(&read(name)) {
            Ok(meshes) => {
                for mesh in meshes.values() {
                    for name in mesh.nodes.keys() {
                        compile(mesh, &ProxyId::VirtualNode(name.clone()));
                    }
                    for name in mesh.gateways.keys() {
                        compile(mesh, &ProxyId::VirtualGateway(name.clone()));
                    }
                }
            }
            Err(problems) => {
                let other = problems
                    .0
                    .iter()
                    .find(|problem| !problem.message.contains("not supported yet"));
                assert_eq!(other, None, "{name}");
            }
        }
    }
    let refused = Mesh::from_resources(&read("cdk-synth__tls.template.json")).unwrap_err();
    assert!(
        refused.to_string().contains("`TLS` is not supported yet"),
        "{refused}"
    );
}
