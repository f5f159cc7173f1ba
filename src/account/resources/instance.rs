//! EC2 instances and what they start from. Recorded; no machine starts.

use super::family::{Failure, Family, Physical, Request};
use super::network::{must_exist, spare_address};
use crate::account::store::State;
use std::net::Ipv4Addr;

pub(super) struct Computers;

impl Family for Computers {
    fn create(&self, state: &mut State, request: &Request<'_>) -> Result<Physical, Failure> {
        match request.resource_type {
            "AWS::EC2::Instance" => instance(state, request),
            "AWS::EC2::LaunchTemplate" => {
                let id = request.prefixed("lt");
                Ok(Physical::new(id.clone())
                    .with("LaunchTemplateId", id)
                    .with("DefaultVersionNumber", "1")
                    .with("LatestVersionNumber", "1"))
            }
            _ => {
                let id = request.prefixed("key");
                Ok(Physical::new(request.required("KeyName")?)
                    .with("KeyPairId", id)
                    .with("KeyFingerprint", request.options.ids.hex(40)))
            }
        }
    }

    fn update(&self, _: &mut State, _: &Request<'_>, id: &str) -> Result<Physical, Failure> {
        Ok(Physical::new(id))
    }
}

fn instance(state: &State, request: &Request<'_>) -> Result<Physical, Failure> {
    let ids = &request.options.ids;
    let subnet = request.text("SubnetId").or_else(|| {
        let interfaces = request.properties.get("NetworkInterfaces")?;
        interfaces
            .get(0)?
            .get("SubnetId")?
            .as_str()
            .map(str::to_owned)
    });
    let mut address = Ipv4Addr::new(172, 31, 0, 10);
    let mut physical = Physical::new(request.prefixed("i"));
    if let Some(subnet) = subnet {
        must_exist(state, "AWS::EC2::Subnet", &subnet, "subnet")?;
        address = spare_address(state, &subnet, ids.number()).unwrap_or(address);
        let recorded = state.inventory.get("AWS::EC2::Subnet", &subnet);
        if let Some(vpc) = recorded.and_then(|subnet| subnet.text("VpcId")) {
            physical = physical.with("VpcId", vpc);
        }
        if let Some(zone) = recorded.and_then(|subnet| subnet.attribute("AvailabilityZone")) {
            physical = physical.with("AvailabilityZone", zone);
        }
    }
    let id = physical.id.clone();
    let region = &request.options.region;
    let dashed = address.to_string().replace('.', "-");
    Ok(physical
        .with("InstanceId", id)
        .with("PrivateIp", address.to_string())
        .with(
            "PrivateDnsName",
            format!("ip-{dashed}.{region}.compute.internal"),
        )
        .with("PublicIp", "203.0.113.10")
        .with(
            "PublicDnsName",
            format!("ec2-203-0-113-10.{region}.compute.amazonaws.com"),
        ))
}
