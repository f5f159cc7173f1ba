//! Exports in use hold what exports them.

use super::account::{Formation, told};

fn exporter(value: &str) -> String {
    format!(
        "Resources: {{C: {{Type: AWS::ECS::Cluster}}}}\n\
         Outputs: {{O: {{Value: {value}, Export: {{Name: shared}}}}}}"
    )
}

const IMPORTER: &str =
    "Resources: {L: {Type: AWS::Logs::LogGroup, Properties: {LogGroupName: !ImportValue shared}}}";
const BARE: &str = "Resources: {C: {Type: AWS::ECS::Cluster}, D: {Type: AWS::ECS::Cluster}}";

#[tokio::test]
async fn an_export_in_use_is_neither_changed_nor_dropped_nor_deleted() {
    let formation = Formation::start().await;
    formation.create("a", &exporter("one")).await;
    assert_eq!(
        told(
            formation
                .client
                .list_imports()
                .export_name("shared")
                .send()
                .await
        )
        .1,
        "Export 'shared' is not imported by any stack."
    );
    assert_eq!(formation.create("b", IMPORTER).await.0, "CREATE_COMPLETE");
    let imports = formation
        .client
        .list_imports()
        .export_name("shared")
        .send()
        .await
        .unwrap();
    assert_eq!(imports.imports(), ["b"]);

    assert_eq!(
        formation.update("a", &exporter("two")).await.0,
        "UPDATE_ROLLBACK_COMPLETE"
    );
    assert_eq!(
        formation.update("a", BARE).await.0,
        "UPDATE_ROLLBACK_COMPLETE"
    );
    let events = formation.events("a").await;
    let has = |line: &str| {
        assert!(
            events.contains(&line.to_owned()),
            "{line} is not in {events:#?}"
        );
    };
    has("a UPDATE_ROLLBACK_IN_PROGRESS Export shared cannot be updated as it is in use by b");
    has("a UPDATE_ROLLBACK_IN_PROGRESS Export shared cannot be deleted as it is in use by b");

    let (status, reason) = formation.delete("a").await;
    assert_eq!(status, "UPDATE_ROLLBACK_COMPLETE");
    assert_eq!(
        reason,
        "Delete canceled. Cannot delete export shared as it is in use by b."
    );
    assert_eq!(formation.output("a", "O").await.as_deref(), Some("one"));

    assert_eq!(formation.delete("b").await.0, "DELETE_COMPLETE");
    assert_eq!(formation.delete("a").await.0, "DELETE_COMPLETE");
    let exports = formation.client.list_exports().send().await.unwrap();
    assert!(exports.exports().is_empty());
}

#[tokio::test]
async fn a_name_is_exported_once_and_imported_only_when_it_is_there() {
    let formation = Formation::start().await;
    let (status, _) = formation.create("early", IMPORTER).await;
    assert_eq!(status, "ROLLBACK_COMPLETE");
    let events = formation.events("early").await;
    assert_eq!(
        events[1],
        "early ROLLBACK_IN_PROGRESS No export named shared found. Rollback requested by user."
    );
    formation.create("a", &exporter("one")).await;
    assert_eq!(
        formation.create("c", &exporter("two")).await.0,
        "ROLLBACK_COMPLETE"
    );
    let events = formation.events("c").await;
    assert!(events.contains(
        &"c ROLLBACK_IN_PROGRESS Export with name shared is already exported by stack a. Rollback requested by user."
            .to_owned()
    ));
}
