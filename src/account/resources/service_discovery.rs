//! Cloud Map: namespaces and the names in them. The scheduler registers the
//! tasks.

use super::family::{Failure, Family, Physical, Request};
use super::network::must_exist;
use crate::account::desired::DnsName;
use crate::account::store::State;

const PRIVATE: &str = "AWS::ServiceDiscovery::PrivateDnsNamespace";
const HTTP: &str = "AWS::ServiceDiscovery::HttpNamespace";
const SERVICE: &str = "AWS::ServiceDiscovery::Service";

pub(super) struct Discovery;

impl Family for Discovery {
    fn create(&self, state: &mut State, request: &Request<'_>) -> Result<Physical, Failure> {
        match request.resource_type {
            SERVICE => service(state, request),
            _ => namespace(state, request),
        }
    }

    fn update(&self, _: &mut State, _: &Request<'_>, id: &str) -> Result<Physical, Failure> {
        Ok(Physical::new(id))
    }

    fn delete(&self, state: &mut State, resource_type: &str, id: &str) -> Result<(), Failure> {
        if resource_type == SERVICE {
            return still_registered(state, id);
        }
        let mut services = state.inventory.of(SERVICE);
        if services.any(|(_, service)| namespace_of(service) == Some(id)) {
            return Err(Failure::in_use(format!(
                "Namespace {id} cannot be deleted because it contains services"
            )));
        }
        Ok(())
    }
}

fn namespace(state: &State, request: &Request<'_>) -> Result<Physical, Failure> {
    let (name, id) = (request.required("Name")?, request.prefixed("ns"));
    if request.resource_type == PRIVATE {
        let vpc = request.required("Vpc")?;
        must_exist(state, "AWS::EC2::VPC", &vpc, "vpc")?;
        let mut namespaces = state.inventory.of(PRIVATE);
        if namespaces
            .any(|(_, other)| other.text("Name") == Some(&name) && other.text("Vpc") == Some(&vpc))
        {
            return Err(Failure::exists(format!(
                "CONFLICTING_DOMAIN_EXISTS: the VPC {vpc} has the domain {name} already"
            )));
        }
    }
    let arn = request.arn("servicediscovery", &format!("namespace/{id}"));
    let zone = format!("Z{}", request.options.ids.suffix(20));
    Ok(Physical::new(id.clone())
        .with("Id", id)
        .with("Arn", arn)
        .with("HostedZoneId", zone))
}

fn service(state: &State, request: &Request<'_>) -> Result<Physical, Failure> {
    let name = request.name("Name", 63);
    let records = request
        .properties
        .get("DnsConfig")
        .and_then(|config| config.get("NamespaceId"));
    let namespace = request
        .text("NamespaceId")
        .or_else(|| Some(records?.as_str()?.to_owned()));
    let namespace = namespace.ok_or_else(|| Failure::invalid("A namespace must be given"))?;
    let known = [PRIVATE, HTTP]
        .iter()
        .any(|kind| state.inventory.get(kind, &namespace).is_some());
    if !known {
        return Err(Failure::not_found(format!(
            "Namespace {namespace} not found"
        )));
    }
    let mut services = state.inventory.of(SERVICE);
    if services.any(|(_, other)| {
        namespace_of(other) == Some(&namespace) && other.attribute("Name") == Some(&name)
    }) {
        return Err(Failure::exists(format!(
            "Service {name} already exists in namespace {namespace}"
        )));
    }
    let id = format!("srv-{}", request.options.ids.hex(17));
    let arn = request.arn("servicediscovery", &format!("service/{id}"));
    Ok(Physical::new(id.clone())
        .with("Id", id)
        .with("Arn", arn)
        .with("Name", name))
}

/// The namespace of a discovery service.
fn namespace_of(service: &crate::account::inventory::Recorded) -> Option<&str> {
    let in_dns = || {
        service
            .properties
            .get("DnsConfig")?
            .get("NamespaceId")?
            .as_str()
    };
    service.text("NamespaceId").or_else(in_dns)
}

fn still_registered(state: &State, id: &str) -> Result<(), Failure> {
    let name = dns_name(state, id);
    let mut registered = state.ecs.tasks.values().flat_map(|task| task.spec.names());
    if registered.any(|each| Some(each) == name) {
        return Err(Failure::in_use(format!(
            "Service {id} contains registered instances; delete the instances first"
        )));
    }
    Ok(())
}

/// The whole DNS name of a discovery service; one of an HTTP namespace is known
/// in no VPC.
pub(in crate::account) fn dns_name(state: &State, service_id: &str) -> Option<DnsName> {
    let service = state.inventory.get(SERVICE, service_id)?;
    let namespace = namespace_of(service)?;
    let recorded = [PRIVATE, HTTP]
        .iter()
        .find_map(|kind| state.inventory.get(kind, namespace))?;
    Some(DnsName {
        vpc: recorded.text("Vpc").unwrap_or_default().to_owned(),
        name: format!("{}.{}", service.attribute("Name")?, recorded.text("Name")?),
    })
}
