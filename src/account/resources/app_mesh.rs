//! App Mesh. Recorded, checked for what it refers to, and published to the
//! runtime, which compiles it for the running Envoys.

use super::family::{Failure, Family, Physical, Request};
use crate::account::inventory::MESH_TYPES;
use crate::account::store::State;

pub(super) struct AppMesh;

impl Family for AppMesh {
    fn create(&self, state: &mut State, request: &Request<'_>) -> Result<Physical, Failure> {
        check_references(state, request)?;
        let kind = Kind::of(request.resource_type);
        let name = request.name(kind.name_property, 255);
        let path = kind.path(request, &name)?;
        let (arn, uid) = (request.arn("appmesh", &path), request.options.ids.uuid());
        let account = &request.options.account_id;
        let mut physical = Physical::new(arn.clone())
            .with("Arn", arn.clone())
            .with("Id", arn)
            .with("Uid", uid)
            .with("MeshOwner", account.as_str())
            .with("ResourceOwner", account.as_str());
        for parent in ["MeshName", "VirtualRouterName", "VirtualGatewayName"] {
            if let Some(value) = request.text(parent) {
                physical = physical.with(parent, value);
            }
        }
        Ok(physical.with(kind.name_property, name))
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

    fn delete(&self, state: &mut State, _: &str, id: &str) -> Result<(), Failure> {
        // What stands below a mesh, a router or a gateway has an ARN that
        // begins with theirs.
        let below = format!("{id}/");
        match state.inventory.starting_with(MESH_TYPES, &below) {
            Some(other) => Err(Failure::in_use(format!(
                "{id} cannot be deleted while {other} exists"
            ))),
            None => Ok(()),
        }
    }
}

/// How a type is named.
struct Kind {
    name_property: &'static str,
    /// Between the parent's path and the name.
    segment: &'static str,
    parent: Option<(&'static str, &'static str)>,
}

impl Kind {
    fn of(resource_type: &str) -> Self {
        let (name_property, segment, parent) = match resource_type {
            "AWS::AppMesh::Mesh" => ("MeshName", "mesh", None),
            "AWS::AppMesh::VirtualNode" => ("VirtualNodeName", "virtualNode", None),
            "AWS::AppMesh::VirtualGateway" => ("VirtualGatewayName", "virtualGateway", None),
            "AWS::AppMesh::VirtualService" => ("VirtualServiceName", "virtualService", None),
            "AWS::AppMesh::VirtualRouter" => ("VirtualRouterName", "virtualRouter", None),
            "AWS::AppMesh::Route" => (
                "RouteName",
                "route",
                Some(("VirtualRouterName", "virtualRouter")),
            ),
            _ => (
                "GatewayRouteName",
                "gatewayRoute",
                Some(("VirtualGatewayName", "virtualGateway")),
            ),
        };
        Self {
            name_property,
            segment,
            parent,
        }
    }

    fn path(&self, request: &Request<'_>, name: &str) -> Result<String, Failure> {
        if self.segment == "mesh" {
            return Ok(format!("mesh/{name}"));
        }
        let mesh = request.required("MeshName")?;
        Ok(match self.parent {
            Some((property, segment)) => {
                format!(
                    "mesh/{mesh}/{segment}/{}/{}/{name}",
                    request.required(property)?,
                    self.segment
                )
            }
            None => format!("mesh/{mesh}/{}/{name}", self.segment),
        })
    }
}

fn check_references(state: &State, request: &Request<'_>) -> Result<(), Failure> {
    if request.resource_type == "AWS::AppMesh::Mesh" {
        return Ok(());
    }
    let mesh = request.required("MeshName")?;
    let arn = |path: String| request.arn("appmesh", &path);
    let exists =
        |kind: &str, id: String, what: &str, name: &str| match state.inventory.get(kind, &id) {
            Some(_) => Ok(()),
            None => Err(Failure::not_found(format!(
                "{what} with name {name} not found."
            ))),
        };
    exists(
        "AWS::AppMesh::Mesh",
        arn(format!("mesh/{mesh}")),
        "Mesh",
        &mesh,
    )?;
    match request.resource_type {
        "AWS::AppMesh::Route" => {
            let router = request.required("VirtualRouterName")?;
            let id = arn(format!("mesh/{mesh}/virtualRouter/{router}"));
            exists("AWS::AppMesh::VirtualRouter", id, "VirtualRouter", &router)
        }
        "AWS::AppMesh::GatewayRoute" => {
            let gateway = request.required("VirtualGatewayName")?;
            let id = arn(format!("mesh/{mesh}/virtualGateway/{gateway}"));
            exists(
                "AWS::AppMesh::VirtualGateway",
                id,
                "VirtualGateway",
                &gateway,
            )
        }
        _ => Ok(()),
    }
}
