//! EC2 networks. Recorded, and checked for what they refer to; only the
//! address ranges of the subnets have an effect: tasks get addresses there.

use super::family::{Failure, Family, Physical, Request};
use crate::account::inventory::Recorded;
use crate::account::store::State;
use serde_json::Value;
use std::net::Ipv4Addr;

pub(super) struct Network;

impl Family for Network {
    fn create(&self, state: &mut State, request: &Request<'_>) -> Result<Physical, Failure> {
        check_references(state, request)?;
        check_free(state, request)?;
        Ok(match request.resource_type {
            "AWS::EC2::VPC" => vpc(request)?,
            "AWS::EC2::Subnet" => subnet(state, request)?,
            "AWS::EC2::EIP" => address(state, request)?,
            "AWS::EC2::VPCGatewayAttachment" => {
                Physical::new(format!("IGW|{}", request.required("VpcId")?))
            }
            "AWS::EC2::Route" => route(request)?,
            "AWS::EC2::SecurityGroup" => security_group(request),
            "AWS::EC2::NetworkAclEntry" => Physical::new(request.name("-", 64)),
            other => simple(request, other),
        })
    }

    fn update(
        &self,
        state: &mut State,
        request: &Request<'_>,
        id: &str,
    ) -> Result<Physical, Failure> {
        check_references(state, request)?;
        Ok(Physical::new(id))
    }

    fn delete(&self, state: &mut State, resource_type: &str, id: &str) -> Result<(), Failure> {
        let (property, what) = match resource_type {
            "AWS::EC2::VPC" => ("VpcId", "vpc"),
            "AWS::EC2::Subnet" => ("SubnetId", "subnet"),
            "AWS::EC2::InternetGateway" => ("InternetGatewayId", "internetGateway"),
            "AWS::EC2::RouteTable" => ("RouteTableId", "routeTable"),
            _ => return Ok(()),
        };
        let mut resources = state.inventory.under("AWS::EC2::");
        if resources.any(|(_, _, recorded)| recorded.text(property) == Some(id)) {
            return Err(Failure::in_use(format!(
                "The {what} '{id}' has dependencies and cannot be deleted."
            )));
        }
        Ok(())
    }
}

/// Identifiers that are a prefix and digits.
fn simple(request: &Request<'_>, resource_type: &str) -> Physical {
    let (prefix, attribute) = match resource_type {
        "AWS::EC2::InternetGateway" => ("igw", "InternetGatewayId"),
        "AWS::EC2::NatGateway" => ("nat", "NatGatewayId"),
        "AWS::EC2::RouteTable" => ("rtb", "RouteTableId"),
        "AWS::EC2::SubnetRouteTableAssociation" => ("rtbassoc", "Id"),
        "AWS::EC2::VPCEndpoint" => ("vpce", "Id"),
        "AWS::EC2::FlowLog" => ("fl", "Id"),
        "AWS::EC2::NetworkAcl" => ("acl", "Id"),
        "AWS::EC2::SubnetNetworkAclAssociation" => ("aclassoc", "AssociationId"),
        _ => ("sgr", "Id"),
    };
    let id = request.prefixed(prefix);
    Physical::new(id.clone()).with(attribute, id)
}

fn vpc(request: &Request<'_>) -> Result<Physical, Failure> {
    let range = request.text("CidrBlock").unwrap_or_default();
    Range::parse(&range).ok_or_else(|| {
        Failure::invalid(format!(
            "Value ({range}) for parameter cidrBlock is invalid. This is not a valid CIDR block."
        ))
    })?;
    let id = request.prefixed("vpc");
    Ok(Physical::new(id.clone())
        .with("VpcId", id)
        .with("CidrBlock", range)
        .with("DefaultSecurityGroup", request.prefixed("sg"))
        .with("DefaultNetworkAcl", request.prefixed("acl"))
        .with("Ipv6CidrBlocks", Value::Array(Vec::new()))
        .with(
            "CidrBlockAssociations",
            vec![request.prefixed("vpc-cidr-assoc")],
        ))
}

fn subnet(state: &State, request: &Request<'_>) -> Result<Physical, Failure> {
    let (vpc, text) = (
        request.required("VpcId")?,
        request.text("CidrBlock").unwrap_or_default(),
    );
    let invalid = || Failure::invalid(format!("The CIDR '{text}' is invalid."));
    let range = Range::parse(&text).ok_or_else(invalid)?;
    let outer = state
        .inventory
        .get("AWS::EC2::VPC", &vpc)
        .and_then(|vpc| Range::parse(vpc.text("CidrBlock")?));
    if outer.is_some_and(|outer| !outer.contains(range)) {
        return Err(invalid());
    }
    for (_, other) in state.inventory.of("AWS::EC2::Subnet") {
        let theirs = other.text("CidrBlock").and_then(Range::parse);
        if other.text("VpcId") == Some(&vpc) && theirs.is_some_and(|theirs| theirs.overlaps(range))
        {
            return Err(Failure::invalid(format!(
                "The CIDR '{text}' conflicts with another subnet"
            )));
        }
    }
    let zone = request
        .text("AvailabilityZone")
        .unwrap_or_else(|| format!("{}a", request.options.region));
    let id = request.prefixed("subnet");
    Ok(Physical::new(id.clone())
        .with("SubnetId", id)
        .with("VpcId", vpc)
        .with("CidrBlock", text)
        .with("AvailabilityZone", zone)
        .with("NetworkAclAssociationId", request.prefixed("aclassoc"))
        .with("Ipv6CidrBlocks", Value::Array(Vec::new())))
}

/// The next address out of the ranges that are kept for documents.
fn address(state: &State, request: &Request<'_>) -> Result<Physical, Failure> {
    let ranges = [0xc633_6400_u32, 0xcb00_7100];
    let address = ranges
        .iter()
        .flat_map(|first| (1..255).map(move |host| Ipv4Addr::from(first + host).to_string()))
        .find(|address| state.inventory.get("AWS::EC2::EIP", address).is_none())
        .ok_or_else(|| Failure::invalid("The maximum number of addresses has been reached."))?;
    let allocation = request.prefixed("eipalloc");
    Ok(Physical::new(address.clone())
        .with("PublicIp", address)
        .with("AllocationId", allocation))
}

fn route(request: &Request<'_>) -> Result<Physical, Failure> {
    let destination = [
        "DestinationCidrBlock",
        "DestinationIpv6CidrBlock",
        "DestinationPrefixListId",
    ]
    .iter()
    .find_map(|name| request.text(name))
    .ok_or_else(|| Failure::invalid("The request must contain a destination"))?;
    Ok(Physical::new(format!(
        "{}|{destination}",
        request.required("RouteTableId")?
    ))
    .with("CidrBlock", destination))
}

fn security_group(request: &Request<'_>) -> Physical {
    let id = request.prefixed("sg");
    let physical = Physical::new(id.clone())
        .with("GroupId", id.clone())
        .with("Id", id);
    match request.text("VpcId") {
        Some(vpc) => physical.with("VpcId", vpc),
        None => physical,
    }
}

/// What the resource names must be there.
fn check_references(state: &State, request: &Request<'_>) -> Result<(), Failure> {
    for (property, resource_type, what) in [
        ("VpcId", "AWS::EC2::VPC", "vpc"),
        ("SubnetId", "AWS::EC2::Subnet", "subnet"),
        (
            "InternetGatewayId",
            "AWS::EC2::InternetGateway",
            "internetGateway",
        ),
        ("RouteTableId", "AWS::EC2::RouteTable", "routeTable"),
        ("NatGatewayId", "AWS::EC2::NatGateway", "natGateway"),
    ] {
        if let Some(id) = request.text(property) {
            must_exist(state, resource_type, &id, what)?;
        }
    }
    if let Some(id) = request.text("AllocationId") {
        let mut addresses = state.inventory.of("AWS::EC2::EIP");
        if !addresses.any(|(_, address)| address.attribute("AllocationId") == Some(&id)) {
            return Err(Failure::not_found(format!(
                "Elastic IP address '{id}' could not be found."
            )));
        }
    }
    Ok(())
}

/// What can be there once only: a route to one destination, a subnet's route
/// table, the gateway of an address. A resource may replace itself.
fn check_free(state: &State, request: &Request<'_>) -> Result<(), Failure> {
    let (keys, message): (&[&str], _) = match request.resource_type {
        "AWS::EC2::Route" => (
            &["RouteTableId", "DestinationCidrBlock"],
            "The route identified by {} already exists.",
        ),
        "AWS::EC2::SubnetRouteTableAssociation" => (
            &["SubnetId"],
            "The specified association conflicts with an existing association of {}.",
        ),
        "AWS::EC2::NatGateway" => (
            &["AllocationId"],
            "Elastic IP address [{}] is already associated",
        ),
        _ => return Ok(()),
    };
    let Some(wanted) = request.text(keys[keys.len() - 1]) else {
        return Ok(());
    };
    let taken = |recorded: &Recorded| {
        let own =
            recorded.stack_id == request.stack_id && recorded.logical_id == request.logical_id;
        let same = |key: &&str| recorded.text(key) == request.text(key).as_deref();
        !own && keys.iter().all(same)
    };
    let mut others = state.inventory.of(request.resource_type);
    if others.any(|(_, recorded)| taken(recorded)) {
        return Err(Failure::exists(message.replace("{}", &wanted)));
    }
    Ok(())
}

/// A failure in EC2's words when there is no such resource.
pub(super) fn must_exist(
    state: &State,
    resource_type: &str,
    id: &str,
    what: &str,
) -> Result<(), Failure> {
    match state.inventory.get(resource_type, id) {
        Some(_) => Ok(()),
        None => Err(Failure::not_found(format!(
            "The {what} ID '{id}' does not exist"
        ))),
    }
}

/// An address of the subnet, chosen by a number; the first four and the last
/// are AWS's own.
pub(super) fn spare_address(state: &State, subnet: &str, number: u64) -> Option<Ipv4Addr> {
    let recorded = state.inventory.get("AWS::EC2::Subnet", subnet)?;
    Range::parse(recorded.text("CidrBlock")?)?.host(number)
}

/// A range of IPv4 addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::account) struct Range {
    first: u32,
    bits: u32,
}

impl Range {
    /// Reads `10.0.0.0/16`.
    pub(in crate::account) fn parse(text: &str) -> Option<Self> {
        let (address, bits) = text.split_once('/')?;
        let (address, bits): (Ipv4Addr, u32) = (address.parse().ok()?, bits.parse().ok()?);
        (bits <= 32).then(|| Self {
            first: u32::from(address) & mask(bits),
            bits,
        })
    }

    fn contains(self, other: Self) -> bool {
        other.bits >= self.bits && other.first & mask(self.bits) == self.first
    }

    fn overlaps(self, other: Self) -> bool {
        self.contains(other) || other.contains(self)
    }

    /// How many hosts it has room for.
    pub(in crate::account) fn hosts(self) -> u64 {
        (1_u64 << (32 - self.bits)).saturating_sub(5)
    }

    /// The host with this number, counted round.
    pub(in crate::account) fn host(self, number: u64) -> Option<Ipv4Addr> {
        let offset = u32::try_from(4 + number.checked_rem(self.hosts())?).ok()?;
        Some(Ipv4Addr::from(self.first + offset))
    }
}

fn mask(bits: u32) -> u32 {
    u32::MAX.checked_shl(32 - bits).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn ranges() {
        let vpc = Range::parse("10.0.0.0/16").unwrap();
        let subnet = Range::parse("10.0.1.0/24").unwrap();
        assert!(vpc.contains(subnet) && !subnet.contains(vpc) && vpc.overlaps(subnet));
        assert_eq!(subnet.host(0), Some(Ipv4Addr::new(10, 0, 1, 4)));
        assert_eq!(subnet.host(250), Some(Ipv4Addr::new(10, 0, 1, 254)));
        assert_eq!(subnet.host(251), Some(Ipv4Addr::new(10, 0, 1, 4)));
        assert_eq!(Range::parse("10.0.0.0/33"), None);
    }
}
