//! Each of the statuses that a stack can have, truly reached.

use super::laboratory;
use colormesh::account::cloudformation::Submitted;
use colormesh::account::lab::{STATUSES, Stage};

/// The second drops `Old`, changes `Kept` and adds `New`.
const FIRST: &str = r"
Resources:
  Kept: {Type: AWS::Logs::LogGroup, Properties: {RetentionInDays: 1}}
  Old: {Type: AWS::Logs::LogGroup}
";
const SECOND: &str = r"
Resources:
  Kept: {Type: AWS::Logs::LogGroup, Properties: {RetentionInDays: 7}}
  New: {Type: AWS::Logs::LogGroup}
";

fn stage(name: &str) -> Stage {
    let submitted = |template: &str| Submitted {
        template: Some(template.to_owned()),
        ..Submitted::default()
    };
    Stage {
        name: name.to_owned(),
        first: submitted(FIRST),
        second: submitted(SECOND),
    }
}

#[tokio::test]
async fn a_stack_can_be_brought_into_each_status_and_stays_there() {
    let formation = laboratory("{}").await;
    let account = &formation.local.account;
    for (number, status) in STATUSES.iter().enumerate() {
        let id = stage(&format!("s{number}")).bring(account, status).await;
        let id = id.unwrap();
        tokio::time::sleep(std::time::Duration::from_millis(30)).await;
        let stack = formation.stack(&id).await;
        assert_eq!(stack.stack_status.unwrap().as_str(), *status);
    }
    // With the rules gone, what was stuck comes to its end.
    account.lab().heal();
    for (number, status) in STATUSES.iter().enumerate() {
        if status.ends_with("_IN_PROGRESS")
            && !status.starts_with("IMPORT")
            && *status != "REVIEW_IN_PROGRESS"
        {
            let name = format!("s{number}");
            let summaries = formation.client.list_stacks().send().await.unwrap();
            let summaries = summaries.stack_summaries.unwrap();
            let summary = summaries
                .iter()
                .find(|summary| summary.stack_name.as_deref() == Some(&name));
            let id = summary.unwrap().stack_id.clone().unwrap();
            let (end, _) = formation.rest(&id).await;
            let expected = match *status {
                "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS" => "UPDATE_COMPLETE".to_owned(),
                "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS" => {
                    "UPDATE_ROLLBACK_COMPLETE".to_owned()
                }
                other => other.replace("IN_PROGRESS", "COMPLETE"),
            };
            assert_eq!(end, expected, "{status}");
        }
    }
}

#[tokio::test]
async fn a_roll_back_that_failed_is_continued_without_what_is_skipped() {
    let formation = laboratory("{}").await;
    let account = &formation.local.account;
    stage("s")
        .bring(account, "UPDATE_ROLLBACK_FAILED")
        .await
        .unwrap();
    let again = || {
        let call = formation.client.continue_update_rollback();
        call.stack_name("s")
    };
    again().send().await.unwrap();
    assert_eq!(formation.rest("s").await.0, "UPDATE_ROLLBACK_FAILED");
    again().resources_to_skip("Kept").send().await.unwrap();
    assert_eq!(formation.rest("s").await.0, "UPDATE_ROLLBACK_COMPLETE");
}
