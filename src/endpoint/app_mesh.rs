//! App Mesh, as far as it is asked whether it is there: which meshes it has.

use super::reply::{Protocol, Reply};
use crate::account::{Account, ApiError};
use serde_json::{Value, json};

const MESHES: &str = "/v20190125/meshes";

/// Whether a path is App Mesh's.
pub(super) fn owns(path: &str) -> bool {
    path.starts_with("/v20190125/")
}

/// Its answer.
pub(super) fn answer(account: &Account, is_get: bool, path: &str) -> Reply {
    if is_get && path == MESHES {
        return Reply::Json(json!({ "meshes": meshes(account) }));
    }
    let message = "meshes are made with CloudFormation here, and only listed otherwise";
    let error = ApiError::new("UnknownOperationException", message).with_status(501);
    Reply::Error(Protocol::Json, error)
}

fn meshes(account: &Account) -> Vec<Value> {
    let owner = &account.options().account_id;
    account.read(|state| {
        let meshes = state.inventory.of("AWS::AppMesh::Mesh");
        meshes
            .map(|(arn, recorded)| {
                json!({
                    "arn": arn,
                    "meshName": recorded.attribute("MeshName"),
                    "meshOwner": owner,
                    "resourceOwner": owner,
                    "version": 1,
                })
            })
            .collect()
    })
}
