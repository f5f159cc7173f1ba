//! Five small stacks with the walkthrough's edges, each of one quick resource.

use std::collections::{BTreeMap, BTreeSet};

use colormesh::stack::{ParameterValue, RenderedStack, Role, StackTerms};

pub(crate) fn stack(name: &str, role: Role, template: &str) -> RenderedStack {
    RenderedStack {
        name: name.parse().unwrap(),
        role,
        template: template.to_owned(),
        parameters: BTreeMap::new(),
        capabilities: Vec::new(),
        tags: BTreeMap::from([("colormesh:environment".to_owned(), "e".to_owned())]),
        terms: StackTerms::default(),
        exports: BTreeSet::new(),
        imports: BTreeSet::new(),
    }
}

/// Five stacks with the walkthrough's edges, each of one quick resource.
pub(crate) fn five() -> Vec<RenderedStack> {
    let set = |names: &[&str]| {
        names
            .iter()
            .map(ToString::to_string)
            .collect::<BTreeSet<_>>()
    };
    let mut vpc = stack("e-vpc", Role::Vpc, VPC);
    vpc.exports = set(&["e:VPC"]);
    let mut cluster = stack("e-ecs-cluster", Role::EcsCluster, CLUSTER);
    (cluster.exports, cluster.imports) = (set(&["e:Group"]), set(&["e:VPC"]));
    let repositories = stack("e-ecr-repositories", Role::EcrRepositories, REPOSITORIES);
    let mut mesh = stack("e-mesh", Role::Mesh, MESH);
    mesh.parameters
        .insert("Days".into(), ParameterValue::Known("7".into()));
    let mut service = stack("e-ecs-service", Role::EcsService, SERVICE);
    service.imports = set(&["e:VPC", "e:Group"]);
    service
        .parameters
        .insert("AppImage".into(), ParameterValue::AppImage);
    vec![vpc, cluster, repositories, mesh, service]
}

const VPC: &str = r"
Resources:
  Vpc: {Type: AWS::EC2::VPC, Properties: {CidrBlock: 10.0.0.0/16}}
Outputs:
  Vpc: {Value: !Ref Vpc, Export: {Name: 'e:VPC'}}
";

const CLUSTER: &str = r"
Resources:
  Group:
    Type: AWS::EC2::SecurityGroup
    Properties: {GroupDescription: tasks, VpcId: !ImportValue 'e:VPC'}
Outputs:
  Group: {Value: !Ref Group, Export: {Name: 'e:Group'}}
";

pub(crate) const REPOSITORIES: &str = r"
Resources:
  App: {Type: AWS::ECR::Repository, Properties: {RepositoryName: e-app}}
";

const MESH: &str = r"
Parameters:
  Days: {Type: String}
  Kept: {Type: String, Default: kept}
Resources:
  Log: {Type: AWS::Logs::LogGroup, Properties: {LogGroupName: e-mesh, RetentionInDays: !Ref Days}}
";

const SERVICE: &str = r"
Parameters:
  AppImage: {Type: String}
Resources:
  Log: {Type: AWS::Logs::LogGroup, Properties: {LogGroupName: e-service}}
Outputs:
  Vpc: {Value: !ImportValue 'e:VPC'}
  Group: {Value: !ImportValue 'e:Group'}
  Image: {Value: !Ref AppImage}
";
