//! ministack: change sets, outputs, exports and imports as AWS has them, for
//! some of the types that our templates have.

use colormesh::config::Config;
use colormesh::stack::{self, Role};

use super::engine::{Engine, assert_ends};
use super::process::Emulator;
use super::projection::{Lacks, project};

/// What ministack's CloudFormation does not know of our templates.
const LACKS: Lacks = Lacks {
    types: &[
        "AWS::AppMesh::GatewayRoute",
        "AWS::AppMesh::Mesh",
        "AWS::AppMesh::Route",
        "AWS::AppMesh::VirtualGateway",
        "AWS::AppMesh::VirtualNode",
        "AWS::AppMesh::VirtualRouter",
        "AWS::AppMesh::VirtualService",
        "AWS::EC2::EIP",
        "AWS::EC2::Instance",
        "AWS::EC2::NatGateway",
        "AWS::EC2::SecurityGroupIngress",
        "AWS::Route53Resolver::FirewallDomainList",
        "AWS::Route53Resolver::FirewallRuleGroup",
        "AWS::Route53Resolver::FirewallRuleGroupAssociation",
    ],
    attributes: &["AWS::EC2::VPC.CidrBlock"],
};

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the emulators"]
async fn our_engine_takes_ministack_up_on_and_down() {
    let emulator = Emulator::start("ministack", |command, address| {
        command
            .env("BIND_HOST", "127.0.0.1")
            .env("GATEWAY_PORT", address.port().to_string())
            .env("IOT_MTLS_ENABLED", "0");
    });
    let engine = Engine::new(&emulator, None).await;
    let (stacks, left_out) = project(stack::render(&Config::default()).unwrap(), &LACKS);
    assert_eq!(
        left_out,
        CANNOT.iter().map(|name| (*name).to_owned()).collect()
    );
    let names = [
        "ecr-repositories",
        "ecs-cluster",
        "ecs-service",
        "ingress",
        "nat",
        "vpc",
    ];
    let each = |word| names.map(|name| (name, word));
    assert_ends(&engine.up(&stacks).await, &each("created"));
    assert_ends(&engine.up(&stacks).await, &each("unchanged"));
    // A change of one stack, which others import from.
    let mut changed = stacks.clone();
    let vpc = changed
        .iter_mut()
        .find(|stack| stack.role == Role::Vpc)
        .unwrap();
    assert!(vpc.template.contains("PrivateSubnet2"), "{}", vpc.template);
    vpc.template = vpc.template.replace(r#""Resources":{"#, MORE);
    let mut ends = each("unchanged");
    ends[5].1 = "updated";
    assert_ends(&engine.up(&changed).await, &ends);
    let mut ends = each("deleted").to_vec();
    ends.insert(3, ("images", "absent"));
    assert_ends(&engine.down(&changed).await, &ends);
    let gone = engine.down(&changed).await;
    assert!(gone.values().all(|end| end == "absent"), "{gone:?}");
}

/// A security group more.
const MORE: &str = r#""Resources":{"Another":{"Type":"AWS::EC2::SecurityGroup","Properties":{"GroupDescription":"another","VpcId":{"Ref":"VPC"}}},"#;

/// What therefore is not tried there: the mesh as a whole, and of the other
/// stacks these resources and outputs, which are of those types or need one.
const CANNOT: &[&str] = &[
    "ecs-cluster/AppPortIngress",
    "ecs-cluster/AwsNames",
    "ecs-cluster/BastionHost",
    "ecs-cluster/BastionIP",
    "ecs-cluster/BastionNames",
    "ecs-cluster/BastionSecurityGroup",
    "ecs-cluster/ECSServiceSecurityGroup",
    "ecs-cluster/EveryName",
    "ecs-cluster/NameFirewall",
    "ecs-cluster/NameFirewallAssociation",
    "ecs-cluster/RegistryNames",
    "ecs-cluster/ServiceNames1",
    "ecs-service/ColorGatewayService",
    "ecs-service/ColorTellerWhiteService",
    "ecs-service/ReadinessIngress",
    "mesh",
    "nat/DefaultPrivateRoute1",
    "nat/DefaultPrivateRoute2",
    "nat/NatGateway1",
    "nat/NatGateway1Address",
    "nat/NatGateway1EIP",
    "nat/NatGateway2",
    "nat/NatGateway2Address",
    "nat/NatGateway2EIP",
    "vpc/VpcCIDR",
];
