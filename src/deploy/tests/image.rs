//! The image, from the program to the repository and out of it.

use super::lab::{Lab, five};
use crate::deploy::{Event, Progress};

#[tokio::test]
async fn the_service_gets_the_pushed_image_and_down_removes_it() {
    let lab = Lab::start_with_app().await;
    let run = lab.up(five()).await;
    assert_eq!(run.outcome("image push"), "created");
    let service = lab.cloud.stack("e-ecs-service").await.unwrap().unwrap();
    let pushed = run.events.iter().find_map(|event| match event {
        Event::StepProgress {
            progress: Progress::ImagePushed { reference, .. },
            ..
        } => Some(reference.clone()),
        _ => None,
    });
    assert_eq!(service.parameters.get("AppImage"), pushed.as_ref());

    let again = lab.up(five()).await;
    assert_eq!(again.outcome("image push"), "unchanged");
    assert_eq!(again.outcome("e-ecs-service"), "unchanged");
    assert!(!again.report().has_changes());

    let down = lab.down(five()).await;
    assert_eq!(down.outcome("images"), "deleted");
    let removed = down.events.iter().any(|event| {
        matches!(
            event,
            Event::StepProgress {
                progress: Progress::ImagesRemoved { images: 1 },
                ..
            }
        )
    });
    assert!(removed);
}
