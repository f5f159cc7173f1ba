//! An account that ends in the middle of an operation, and comes back.

use super::account::Formation;
use crate::local::Local;
use std::time::Duration;

fn many(count: usize) -> String {
    let mut template = "Resources:\n".to_owned();
    for index in 0..count {
        let before = index
            .checked_sub(1)
            .map(|before| format!(", DependsOn: R{before}"))
            .unwrap_or_default();
        template.push_str(&format!(
            "  R{index}: {{Type: AWS::ECS::Cluster{before}}}\n"
        ));
    }
    template
}

#[tokio::test]
async fn an_operation_goes_on_after_a_kill() {
    let formation = Formation::start().await;
    let call = formation
        .client
        .create_stack()
        .stack_name("s")
        .template_body(many(40));
    call.send().await.unwrap();
    tokio::time::sleep(Duration::from_millis(120)).await;
    let made = formation
        .local
        .account
        .read(|state| state.inventory.of("AWS::ECS::Cluster").count());
    assert!((1..40).contains(&made), "{made}");
    // What a kill leaves is the file, and nothing of the rest.
    let state = formation.local.folder.path().join("state");
    let left = tempfile::tempdir().unwrap();
    std::fs::copy(state.join("state.json"), left.path().join("state.json")).unwrap();
    let path = left.path().to_owned();
    formation.local.account.shutdown().await;

    let again = Formation::over(Local::start_in(left, &path).await).await;
    assert_eq!(again.rest("s").await.0, "CREATE_COMPLETE");
    let made = again
        .local
        .account
        .read(|state| state.inventory.of("AWS::ECS::Cluster").count());
    assert_eq!(made, 40);
    let events = again.events("s").await;
    for index in 0..40 {
        let initiated = format!("R{index} CREATE_IN_PROGRESS Resource creation Initiated");
        assert_eq!(
            events.iter().filter(|line| **line == initiated).count(),
            1,
            "{initiated}"
        );
    }
}

#[tokio::test]
async fn a_delete_goes_on_after_a_shutdown() {
    let formation = Formation::start().await;
    formation.create("s", &many(30)).await;
    let id = formation.stack("s").await.stack_id.unwrap();
    formation
        .client
        .delete_stack()
        .stack_name("s")
        .send()
        .await
        .unwrap();
    formation.local.account.shutdown().await;
    let state = formation.local.folder.path().join("state");
    let Local { folder, .. } = formation.local;
    let again = Formation::over(Local::start_in(folder, &state).await).await;
    assert_eq!(again.rest(&id).await.0, "DELETE_COMPLETE");
}
