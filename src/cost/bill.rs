//! From resources and prices to a bill.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Serialize, Serializer};

use super::prices::{self, FIREWALL_NAME, HOSTED_ZONE, MONTH, PUBLIC_ADDRESS, Prices};
use super::resources::{Resource, number, resources, truth};
use crate::diag::Diagnostics;
use crate::stack::RenderedStack;

/// US dollars an hour.
#[derive(Debug, Clone, Copy, Default, PartialEq, PartialOrd)]
pub struct Usd(pub f64);

/// What one kind of resource costs.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Line {
    /// What it is, in the plural where there are several.
    pub what: String,
    /// How many.
    pub count: usize,
    /// What all of them cost an hour; `None` when their price is not known.
    pub hourly: Option<Usd>,
    /// The same a month of 730 hours.
    pub monthly: Option<Usd>,
}

/// What an environment costs that is there and does nothing.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Bill {
    /// The region whose prices these are.
    pub region: String,
    /// When the newest price was read.
    pub as_of: &'static str,
    /// What the lines with a known price come to an hour.
    pub hourly: Usd,
    /// The same a month of 730 hours.
    pub monthly: Usd,
    /// Whether the price of every line is known.
    pub is_complete: bool,
    /// The lines, the dearest first, unknown ones last.
    pub lines: Vec<Line>,
    /// What depends on use and is not counted.
    pub not_counted: Vec<&'static str>,
}

/// What is charged by use, with the types that it comes with.
const BY_USE: [(&str, &[&str]); 6] = [
    ("traffic", &["AWS::EC2::VPC"]),
    ("the NAT gateways' data", &["AWS::EC2::NatGateway"]),
    (
        "the load balancer's capacity units",
        &["AWS::ElasticLoadBalancingV2::LoadBalancer"],
    ),
    (
        "DNS queries",
        &[
            "AWS::ServiceDiscovery::PrivateDnsNamespace",
            "AWS::Route53Resolver::FirewallRuleGroup",
        ],
    ),
    ("logs", &["AWS::Logs::LogGroup"]),
    ("the images' storage", &["AWS::ECR::Repository"]),
];

// === impl Bill ===

impl Bill {
    /// What these stacks cost in a region.
    pub fn of(stacks: &[RenderedStack], region: &str) -> Result<Self, Diagnostics> {
        let all = resources(stacks)?;
        let mut lines = lines(&all, region);
        lines.sort_by(|one, other| {
            let price = |line: &Line| line.hourly.map_or(-1.0, |price| price.0);
            price(other).total_cmp(&price(one))
        });
        let hourly = lines.iter().filter_map(|line| line.hourly).map(|usd| usd.0);
        let hourly = Usd(hourly.sum());
        let has = |kinds: &[&str]| {
            all.iter()
                .any(|each| kinds.contains(&each.resource_type.as_str()))
        };
        let by_use = BY_USE.iter().filter(|(_, kinds)| has(kinds));
        Ok(Self {
            region: region.to_owned(),
            as_of: prices::AS_OF,
            hourly,
            monthly: hourly.monthly(),
            is_complete: lines.iter().all(|line| line.hourly.is_some()),
            not_counted: by_use.map(|(what, _)| *what).collect(),
            lines,
        })
    }
}

/// How many there are of a kind, and what all of them cost.
#[derive(Default)]
struct Sum {
    count: usize,
    hourly: Option<f64>,
}

/// Sums by what they are of.
#[derive(Default)]
struct Sums(BTreeMap<String, Sum>);

impl Sums {
    fn add(&mut self, what: impl Into<String>, count: usize, each: Option<f64>) {
        if count == 0 {
            return;
        }
        let first = Sum {
            count: 0,
            hourly: Some(0.0),
        };
        let sum = self.0.entry(what.into()).or_insert(first);
        sum.count += count;
        let each = each.map(|each| each * f64::from(u32::try_from(count).unwrap_or(u32::MAX)));
        sum.hourly = sum.hourly.zip(each).map(|(one, other)| one + other);
    }
}

fn lines(all: &[Resource], region: &str) -> Vec<Line> {
    let prices = prices::of(region);
    let everywhere = |price| prices::is_commercial(region).then_some(price);
    let definitions: BTreeMap<(&str, &str), &Resource> = all
        .iter()
        .filter(|each| each.resource_type == "AWS::ECS::TaskDefinition")
        .map(|each| ((each.stack.as_str(), each.logical_id.as_str()), each))
        .collect();
    let mut sums = Sums::default();
    for each in all {
        sums.add(
            "public IPv4 addresses",
            addresses(each),
            everywhere(PUBLIC_ADDRESS),
        );
        match each.resource_type.as_str() {
            "AWS::EC2::NatGateway" => sums.add("NAT gateways", 1, prices.nat_gateway),
            "AWS::ElasticLoadBalancingV2::LoadBalancer" => {
                sums.add("load balancers", 1, prices.load_balancer);
            }
            "AWS::ECS::Service" => {
                let name = each.text("TaskDefinition").unwrap_or_default();
                let definition = definitions.get(&(each.stack.as_str(), name)).copied();
                tasks(each, definition, &prices, &mut sums);
            }
            "AWS::EC2::Instance" => instance(each, &prices, &mut sums),
            "AWS::ServiceDiscovery::PrivateDnsNamespace" => {
                sums.add("private DNS zones", 1, everywhere(HOSTED_ZONE));
            }
            "AWS::Route53Resolver::FirewallDomainList" => {
                let names = each.list("Domains").len();
                sums.add(
                    "names in the DNS firewall",
                    names,
                    everywhere(FIREWALL_NAME),
                );
            }
            _ => {}
        }
    }
    let line = |(what, sum): (String, Sum)| Line {
        what,
        count: sum.count,
        hourly: sum.hourly.map(Usd),
        monthly: sum.hourly.map(|hourly| Usd(hourly).monthly()),
    };
    sums.0.into_iter().map(line).collect()
}

/// How many public addresses a resource has.
fn addresses(resource: &Resource) -> usize {
    match resource.resource_type.as_str() {
        "AWS::EC2::EIP" => 1,
        // One in each zone that it stands in.
        "AWS::ElasticLoadBalancingV2::LoadBalancer"
            if resource.text("Scheme") != Some("internal") =>
        {
            resource.list("Subnets").len()
        }
        "AWS::EC2::Instance" => {
            let interfaces = resource.list("NetworkInterfaces").iter();
            let public = |each: &&serde_json::Value| truth(&each["AssociatePublicIpAddress"]);
            interfaces.filter(public).count()
        }
        "AWS::ECS::Service" => {
            let network = &resource.properties["NetworkConfiguration"]["AwsvpcConfiguration"];
            let public = network["AssignPublicIp"] == "ENABLED";
            if public { wanted(resource) } else { 0 }
        }
        _ => 0,
    }
}

/// How many tasks a service wants.
fn wanted(service: &Resource) -> usize {
    let count = service.properties.get("DesiredCount").map(number);
    match count {
        None => 1,
        Some(count) => format!("{:.0}", count.unwrap_or(1.0)).parse().unwrap_or(1),
    }
}

fn tasks(service: &Resource, definition: Option<&Resource>, prices: &Prices, sums: &mut Sums) {
    if !service.list("CapacityProviderStrategy").is_empty() {
        return sums.add("tasks on EC2 instances of your own", wanted(service), None);
    }
    if service.text("LaunchType") != Some("FARGATE") {
        return;
    }
    let size = definition.and_then(|definition| {
        let (cpu, memory) = (definition.number("Cpu")?, definition.number("Memory")?);
        Some((cpu / 1024.0, memory / 1024.0))
    });
    let arm = definition.is_some_and(|definition| {
        definition.properties["RuntimePlatform"]["CpuArchitecture"] == "ARM64"
    });
    let (rates, processor) = if arm {
        (prices.fargate_arm, "Arm")
    } else {
        (prices.fargate, "x86")
    };
    let Some((cpu, memory)) = size else {
        return sums.add("Fargate tasks of unknown size", wanted(service), None);
    };
    let each = rates.map(|(vcpu, gigabyte)| cpu * vcpu + memory * gigabyte);
    let what = format!("Fargate tasks of {cpu} vCPU ({processor}) and {memory} GB");
    sums.add(what, wanted(service), each);
}

fn instance(resource: &Resource, prices: &Prices, sums: &mut Sums) {
    let kind = resource.text("InstanceType").unwrap_or("m1.small");
    sums.add(format!("{kind} instances"), 1, prices.instance(kind));
    for device in resource.list("BlockDeviceMappings") {
        let volume = &device["Ebs"];
        let (size, kind) = (number(&volume["VolumeSize"]), volume["VolumeType"].as_str());
        let price = prices.volume.filter(|_| kind == Some("gp3"));
        let each = size.zip(price).map(|(size, price)| size * price);
        let size = size.map_or_else(|| "unknown size".to_owned(), |size| format!("{size} GB"));
        sums.add(
            format!("{} volumes of {size}", kind.unwrap_or("gp2")),
            1,
            each,
        );
    }
}

// === impl Usd ===

impl Usd {
    /// What it comes to in a month.
    #[must_use]
    pub fn monthly(self) -> Self {
        Self(self.0 * MONTH)
    }
}

/// With two digits behind the point, or with as many as show something.
impl fmt::Display for Usd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = match self.0 {
            0.0 => "$0".to_owned(),
            tiny if tiny < 0.00005 => "<$0.0001".to_owned(),
            small if small < 0.095 => format!("${small:.4}"),
            usual => format!("${usual:.2}"),
        };
        f.pad(&text)
    }
}

/// To a hundred-thousandth of a dollar.
impl Serialize for Usd {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_f64((self.0 * 1e5).round() / 1e5)
    }
}
