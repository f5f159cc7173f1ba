//! Images with Envoy and its configuration, through registries.

use colormesh::image::{self, Digest, Reference, Store};

use crate::elf::program;
use crate::local::Local;
use crate::pull::public_registry;

const FILE: &str = "etc/colormesh/envoy.json";

#[tokio::test]
async fn a_configuration_over_an_image_of_another_registry() {
    let local = Local::start().await;
    let folder = local.folder.path();
    let ecr = aws_sdk_ecr::Client::new(&local.sdk().await);
    let made = ecr.create_repository().repository_name("colorteller");
    made.send().await.unwrap();
    let below = image::build(&program(folder, "envoy")).unwrap();
    let (address, list) = public_registry(below.clone()).await;
    let reference: Reference = format!("{address}/a/b:v1").parse().unwrap();
    let processor = image::Architecture::of_this_machine().unwrap();

    let base = image::base(&reference, None, processor).await.unwrap();
    assert_eq!(
        base.digest, list,
        "the list's, which every processor shares"
    );
    let derived = image::derive(Some(&base), "unused", FILE, b"{}");
    let target = local.target("colorteller").await;
    assert!(
        image::push_derived(&derived, &target)
            .await
            .unwrap()
            .uploaded
    );
    assert!(
        !image::push_derived(&derived, &target)
            .await
            .unwrap()
            .uploaded
    );

    let name = format!("{}/colorteller:{}", local.address, derived.tag());
    let name: Reference = name.parse().unwrap();
    let store = Store::new(folder.join("pulled"));
    let pulled = image::pull(&name, target.authorization.clone(), &store);
    let pulled = pulled.await.unwrap();
    assert_eq!(pulled, *derived.digest());
    let root = image::unpack(&store, &pulled, &folder.join("roots"))
        .unwrap()
        .root;
    assert_eq!(std::fs::read(root.join(FILE)).unwrap(), b"{}");
    assert!(root.join("app").is_file(), "what was below is still there");
}

#[tokio::test]
async fn a_layer_that_is_not_what_the_image_says_is_not_pushed() {
    let local = Local::start().await;
    let folder = local.folder.path();
    let ecr = aws_sdk_ecr::Client::new(&local.sdk().await);
    let made = ecr.create_repository().repository_name("colorteller");
    made.send().await.unwrap();
    let mut below = image::build(&program(folder, "envoy")).unwrap();
    below.layer = b"another".to_vec();
    let (address, _) = public_registry(below).await;
    let reference: Reference = format!("{address}/a/b:v1").parse().unwrap();
    let processor = image::Architecture::of_this_machine().unwrap();
    let base = image::base(&reference, None, processor).await.unwrap();
    let derived = image::derive(Some(&base), "unused", FILE, b"{}");
    let target = local.target("colorteller").await;
    assert!(image::push_derived(&derived, &target).await.is_err());
    let store = local.account.images();
    assert!(!store.contains(derived.digest()));
    assert!(!store.contains(&Digest::of(b"another")));
}
