//! Bills that were worked out by hand.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use super::{Bill, Usd, savings};
use crate::config::{Config, Nat};
use crate::stack::{ParameterValue, RenderedStack, Role, StackTerms, render};

/// The stacks for x86, whatever this machine is.
fn stacks(config: &Config, processor: &str) -> Vec<RenderedStack> {
    let mut stacks = render(config).unwrap();
    let service = stacks
        .iter_mut()
        .find(|stack| stack.role == Role::EcsService);
    let processor = ParameterValue::Known(processor.to_owned());
    let parameters = &mut service.unwrap().parameters;
    parameters.insert("CpuArchitecture".to_owned(), processor);
    stacks
}

fn bill(config: &Config, region: &str) -> Bill {
    Bill::of(&stacks(config, "X86_64"), region).unwrap()
}

/// One stack of one's own.
fn own(template: &str) -> Vec<RenderedStack> {
    vec![RenderedStack {
        name: "own".parse().unwrap(),
        role: Role::Vpc,
        template: template.to_owned(),
        parameters: BTreeMap::new(),
        capabilities: Vec::new(),
        tags: BTreeMap::new(),
        terms: StackTerms::default(),
        exports: BTreeSet::new(),
        imports: BTreeSet::new(),
    }]
}

fn table(bill: &Bill) -> String {
    let price = |usd: Option<Usd>| usd.map_or("unknown".to_owned(), |usd| usd.to_string());
    let line = |line: &super::Line| {
        let (hourly, monthly) = (price(line.hourly), price(line.monthly));
        format!("{} {}: {hourly}, {monthly}", line.count, line.what)
    };
    let lines: Vec<String> = bill.lines.iter().map(line).collect();
    lines.join("\n")
}

fn close(one: f64, other: f64) {
    assert!((one - other).abs() < 1e-9, "{one} is not {other}");
}

#[test]
fn the_walkthrough_costs_what_its_resources_do() {
    let bill = bill(&Config::default(), "us-west-2");
    insta::assert_snapshot!(table(&bill), @r"
    2 NAT gateways: $0.0900, $65.70
    5 public IPv4 addresses: $0.0250, $18.25
    2 Fargate tasks of 0.25 vCPU (x86) and 0.5 GB: $0.0247, $18.02
    1 load balancers: $0.0225, $16.43
    1 t3.micro instances: $0.0104, $7.59
    1 gp3 volumes of 8 GB: $0.0009, $0.64
    1 private DNS zones: $0.0007, $0.50
    21 names in the DNS firewall: <$0.0001, $0.0105
    ");
    // Two gateways with an address each, a load balancer in two zones and the
    // bastion; 0.25 vCPU and 0.5 GB for each of two tasks.
    let hand = 2.0 * 0.045
        + 5.0 * 0.005
        + 2.0 * (0.25 * 0.04048 + 0.5 * 0.004_445)
        + 0.0225
        + 0.0104
        + (8.0 * 0.08 + 0.5 + 21.0 * 0.0005) / 730.0;
    close(bill.hourly.0, hand);
    close(bill.monthly.0, hand * 730.0);
    assert!(bill.is_complete);
    assert_eq!(bill.not_counted.len(), 6);
}

#[test]
fn what_is_not_there_costs_nothing() {
    let mut config = Config::default();
    config.vpc.nat = Nat::None;
    config.bastion.enabled = false;
    config.mesh.egress = crate::config::Egress::AllowAll;
    let bill = bill(&config, "us-east-1");
    // The load balancer's two and one for each task.
    insta::assert_snapshot!(table(&bill), @r"
    2 Fargate tasks of 0.25 vCPU (x86) and 0.5 GB: $0.0247, $18.02
    1 load balancers: $0.0225, $16.43
    4 public IPv4 addresses: $0.0200, $14.60
    1 private DNS zones: $0.0007, $0.50
    ");
    assert!(!bill.not_counted.contains(&"the NAT gateways' data"));
}

#[test]
fn a_price_that_nobody_looked_up_is_unknown_and_not_another_regions() {
    let unknown = bill(&Config::default(), "ap-southeast-4");
    assert!(!unknown.is_complete);
    insta::assert_snapshot!(table(&unknown), @r"
    5 public IPv4 addresses: $0.0250, $18.25
    1 private DNS zones: $0.0007, $0.50
    21 names in the DNS firewall: <$0.0001, $0.0105
    2 Fargate tasks of 0.25 vCPU (x86) and 0.5 GB: unknown, unknown
    2 NAT gateways: unknown, unknown
    1 gp3 volumes of 8 GB: unknown, unknown
    1 load balancers: unknown, unknown
    1 t3.micro instances: unknown, unknown
    ");
    for region in ["us-gov-west-1", "cn-north-1"] {
        let bill = bill(&Config::default(), region);
        assert!(bill.lines.iter().all(|line| line.hourly.is_none()));
        assert_eq!(bill.hourly, Usd(0.0));
    }
    // Arm has prices of its own, which are known in one region only.
    let arm = stacks(&Config::default(), "ARM64");
    assert!(!Bill::of(&arm, "us-west-2").unwrap().is_complete);
    let arm = Bill::of(&arm, "us-east-1").unwrap();
    let x86 = bill(&Config::default(), "us-east-1");
    assert!(arm.is_complete && arm.hourly < x86.hourly);
}

/// The templates count, not the settings.
#[test]
fn resources_of_any_template_are_counted() {
    let template = r"
Conditions: {No: !Equals [a, b]}
Resources:
  A: {Type: AWS::EC2::NatGateway}
  B: {Type: AWS::EC2::NatGateway}
  C: {Type: AWS::EC2::NatGateway}
  Not: {Type: AWS::EC2::NatGateway, Condition: No}
  Inside: {Type: AWS::ElasticLoadBalancingV2::LoadBalancer, Properties: {Scheme: internal, Subnets: [a, b]}}
  Large:
    Type: AWS::ECS::TaskDefinition
    Properties: {Cpu: '1024', Memory: 2048}
  Four:
    Type: AWS::ECS::Service
    Properties: {LaunchType: FARGATE, TaskDefinition: !Ref Large, DesiredCount: '4'}
  Odd: {Type: AWS::EC2::Instance, Properties: {InstanceType: x9.huge}}
";
    let bill = Bill::of(&own(template), "us-east-1").unwrap();
    insta::assert_snapshot!(table(&bill), @r"
    4 Fargate tasks of 1 vCPU (x86) and 2 GB: $0.20, $144.16
    3 NAT gateways: $0.14, $98.55
    1 load balancers: $0.0225, $16.43
    1 x9.huge instances: unknown, unknown
    ");
}

#[test]
fn what_other_settings_save_is_the_difference() {
    let saved = |config: &Config| -> Vec<String> {
        let savings = savings(config).unwrap();
        let line = |each: &super::Saving| format!("{} {}", each.setting, each.monthly);
        savings.iter().map(line).collect()
    };
    let mut config = Config {
        region: "us-east-1".parse().unwrap(),
        ..Config::default()
    };
    // Two gateways and their addresses go, and two tasks get addresses; or one
    // gateway goes with its address; or the host with address, disk and names.
    let expected = [
        "vpc.nat: none $65.70",
        "vpc.nat: one $36.50",
        "bastion.enabled: false $11.88",
    ];
    assert_eq!(saved(&config), expected);
    config.vpc.nat = Nat::One;
    config.bastion.enabled = false;
    assert_eq!(saved(&config), ["vpc.nat: none $29.20"]);
    config.vpc.nat = Nat::None;
    assert_eq!(saved(&config), [""; 0]);
    // Unknown prices promise nothing.
    config.region = "eu-central-1".parse().unwrap();
    config.vpc.nat = Nat::PerZone;
    assert_eq!(saved(&config), [""; 0]);
}

#[test]
fn five_thousand_services_are_billed_at_once() {
    let mut config = Config::default();
    let like = config.external_services[0].clone();
    config.external_services = (0..5000)
        .map(|n| crate::config::ExternalService {
            name: format!("s{n}").parse().unwrap(),
            host: format!("h{n}.example.com").parse().unwrap(),
            ..like.clone()
        })
        .collect();
    let stacks = stacks(&config, "X86_64");
    let begun = Instant::now();
    let bill = Bill::of(&stacks, "us-west-2").unwrap();
    assert!(
        begun.elapsed() < Duration::from_secs(30),
        "{:?}",
        begun.elapsed()
    );
    let names = bill
        .lines
        .iter()
        .find(|line| line.what.starts_with("names"));
    // Those that are always there, and each host's.
    assert_eq!(names.unwrap().count, 19 + 5000);
}
