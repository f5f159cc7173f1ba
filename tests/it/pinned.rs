//! Images beside the app's that the settings name by tags: on AWS they are
//! looked up, and deployed by their digests.

use serde_json::json;

use crate::as_aws::{AsAws, ENVIRONMENT};
use crate::own_image::image::{Image, Layer};
use crate::own_image::registry::{Registry, Token};
use crate::project::{Project, Said};

fn image(content: &[u8]) -> Image {
    let layer = Layer::new().file("program", 0o755, content);
    Image::new(vec![layer], &json!({ "Entrypoint": ["/program"] }))
}

/// A registry with an image for each container, and their digests.
async fn registry() -> (Registry, [String; 2]) {
    let (envoy, manager) = (image(b"envoy"), image(b"route manager"));
    let digests = [&envoy, &manager].map(Image::digest);
    let images = vec![("envoy:v1", envoy), ("route/manager:v7", manager)];
    let start = || Registry::start(Token::Wanted, images);
    let registry = tokio::task::spawn_blocking(start).await.unwrap();
    (registry, digests)
}

/// It has a runtime of its own, which may not end in another's.
async fn end(registry: Registry) {
    let ended = tokio::task::spawn_blocking(move || drop(registry));
    ended.await.unwrap();
}

fn settings(redirect: &str, envoy: &str, manager: &str) -> String {
    format!(
        "key_pair: none\nbastion: {{ enabled: false }}\ncapacity_provider: own\n\
         envoy_image: '{envoy}'\n\
         mesh: {{ runtime: envoy, redirect: {redirect}, redirect_image: '{manager}' }}\n"
    )
}

fn project(redirect: &str, envoy: &str, manager: &str) -> Project {
    Project::new().file("colormesh.yaml", &settings(redirect, envoy, manager))
}

#[track_caller]
fn told(said: &Said, words: &str) {
    assert!(
        said.stderr.contains(words),
        "no `{words}` in\n{}",
        said.stderr
    );
}

async fn service_template(aws: &AsAws) -> String {
    let name = format!("{ENVIRONMENT}-ecs-service");
    let answer = aws.client.get_template().stack_name(name).send().await;
    answer.unwrap().template_body.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_images_of_envoy_and_of_what_redirects_are_deployed_by_their_digests() {
    let (registry, [envoy, manager]) = registry().await;
    let address = registry.address;
    let [tagged, other] = ["envoy:v1", "route/manager:v7"].map(|name| registry.image(name));
    let project = project("init-container", &tagged, &other);
    let aws = AsAws::start().await;
    let (envoy, manager) = (
        format!("{address}/envoy@{envoy}"),
        format!("{address}/route/manager@{manager}"),
    );
    let plan = aws.run(&project, &["plan"]).await.code(0);
    told(
        &plan,
        &format!("the Envoy image `{tagged}` is `{envoy}` now"),
    );
    told(
        &plan,
        &format!("the redirecting image `{other}` is `{manager}` now"),
    );
    aws.run(&project, &["up", "--yes"]).await.code(0);
    let stack = aws.stack(&format!("{ENVIRONMENT}-ecs-service")).await;
    let mut parameters = stack.parameters.unwrap().into_iter();
    let deployed = parameters.find(|it| it.parameter_key() == Some("EnvoyImage"));
    assert_eq!(deployed.unwrap().parameter_value(), Some(envoy.as_str()));
    let template = service_template(&aws).await;
    assert!(template.contains(&manager), "{template}");
    assert!(!template.contains(&other), "{template}");
    // Nothing is left to change, and what is named by digest is not told.
    aws.run(&project, &["plan", "--exit-code"]).await.code(0);
    project.write(
        "colormesh.yaml",
        &settings("init-container", &envoy, &manager),
    );
    let plan = aws.run(&project, &["plan", "--exit-code"]).await.code(0);
    assert!(!plan.stderr.contains(" now"), "{}", plan.stderr);
    end(registry).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_image_that_redirects_and_is_not_there_is_refused() {
    let (registry, _) = registry().await;
    let [envoy, wrong] = ["envoy:v1", "route/manager:v8"].map(|name| registry.image(name));
    let aws = AsAws::start().await;
    let refused = project("init-container", &envoy, &wrong);
    let said = aws.run(&refused, &["up", "--yes"]).await.code(2);
    told(
        &said,
        &format!("the redirecting image `{wrong}` cannot be used"),
    );
    told(&said, "`mesh.redirect_image` names it; nothing was changed");
    assert!(aws.stacks().await.is_empty());
    // Where ECS redirects, nobody asks for it.
    let other = project("proxy-configuration", &envoy, &wrong);
    let said = aws.run(&other, &["plan"]).await.code(0);
    assert!(!said.stderr.contains("redirecting"), "{}", said.stderr);
    end(registry).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_registry_that_does_not_answer_leaves_the_names_as_they_are() {
    let unused = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = unused.local_addr().unwrap();
    drop(unused);
    let [envoy, manager] = ["envoy:v1", "manager:v7"].map(|name| format!("{address}/{name}"));
    let aws = AsAws::start().await;
    let project = project("init-container", &envoy, &manager);
    let said = aws.run(&project, &["up", "--yes"]).await.code(0);
    for (what, image) in [("Envoy", &envoy), ("redirecting", &manager)] {
        told(&said, &format!("cannot look at the {what} image `{image}`"));
    }
    told(&said, "the tasks take what the name stands for");
    let template = service_template(&aws).await;
    assert!(template.contains(&manager), "{template}");
}
