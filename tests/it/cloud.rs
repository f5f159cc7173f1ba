//! The account's services through the client that the commands use.

use crate::elf::program;
use crate::local::Local;
use colormesh::account::clock::Timestamp;
use colormesh::account::ecr::Repository;
use colormesh::aws::{Cloud, CredentialSource, Options};
use colormesh::image::{self, Digest, Reference, Store, Target};

async fn cloud(local: &Local) -> Cloud {
    Cloud::connect(Options {
        region: "us-west-2".to_owned(),
        profile: None,
        endpoint_url: Some(format!("http://{}", local.address)),
        credentials: CredentialSource::Local,
    })
    .await
}

async fn target(cloud: &Cloud, repository: &str) -> Target {
    let login = cloud.registry_login().await.unwrap();
    Target {
        registry: login.endpoint.clone(),
        repository: repository.to_owned(),
        authorization: Some(login.token().to_owned()),
    }
}

#[tokio::test]
async fn the_caller_is_the_accounts_owner() {
    let local = Local::start().await;
    let identity = cloud(&local).await.identity().await.unwrap();
    assert_eq!(identity.account, "123456789012");
    assert_eq!(identity.arn, "arn:aws:iam::123456789012:user/colormesh");
}

#[tokio::test]
async fn an_image_goes_there_and_back() {
    let local = Local::start().await;
    let cloud = cloud(&local).await;
    assert_eq!(cloud.repository("colorteller").await.unwrap(), None);
    // As CloudFormation does it: straight into the state.
    let repository = Repository {
        name: "colorteller".to_owned(),
        created: Timestamp::now(),
        ..Repository::default()
    };
    local.account.update(|state| {
        let repositories = &mut state.ecr.repositories;
        repositories.insert("colorteller".to_owned(), repository);
    });
    let found = cloud.repository("colorteller").await.unwrap().unwrap();
    assert_eq!(found.uri, format!("{}/colorteller", local.address));

    let file = program(local.folder.path(), "body");
    let image = image::build(&file).unwrap();
    let digest = image.digest.as_str();
    assert!(!cloud.has_image("colorteller", digest).await.unwrap());
    let target = target(&cloud, "colorteller").await;
    assert!(image::push(&image, &target).await.unwrap().uploaded);
    assert!(!image::push(&image, &target).await.unwrap().uploaded);
    assert!(cloud.has_image("colorteller", digest).await.unwrap());

    let reference: Reference = format!("{}@{digest}", found.uri).parse().unwrap();
    let store = Store::new(local.folder.path().join("pulled"));
    let pulled = image::pull(&reference, target.authorization.clone(), &store)
        .await
        .unwrap();
    let unpacked = image::unpack(&store, &pulled, &local.folder.path().join("roots")).unwrap();
    assert_eq!(
        std::fs::read(unpacked.root.join("app")).unwrap(),
        std::fs::read(file).unwrap()
    );

    assert_eq!(cloud.empty_repository("colorteller").await.unwrap(), 1);
    assert!(!cloud.has_image("colorteller", digest).await.unwrap());
    let layer = Digest::of(&image.layer);
    assert!(!local.account.images().contains(&layer));
    assert_eq!(cloud.empty_repository("unknown").await.unwrap(), 0);
}

#[cfg(feature = "ec2")]
#[tokio::test]
async fn a_key_pair_comes_and_goes() {
    const KEY: &str =
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f color";
    let local = Local::start().await;
    let cloud = cloud(&local).await;
    assert_eq!(cloud.key_pair("color-app").await.unwrap(), None);
    let tags = [("colormesh:environment".to_owned(), "demo".to_owned())].into();
    cloud
        .import_key_pair("color-app", KEY, &tags)
        .await
        .unwrap();
    let found = cloud.key_pair("color-app").await.unwrap().unwrap();
    assert_eq!(found.tags, tags);
    assert!(found.id.unwrap().starts_with("key-"));
    let twice = cloud.import_key_pair("color-app", KEY, &tags).await;
    assert_eq!(twice.unwrap_err().code(), Some("InvalidKeyPair.Duplicate"));
    let wrong = cloud.import_key_pair("other", "no key", &tags).await;
    assert_eq!(wrong.unwrap_err().code(), Some("InvalidKey.Format"));
    cloud.delete_key_pair("color-app").await.unwrap();
    cloud.delete_key_pair("color-app").await.unwrap();
    assert_eq!(cloud.key_pair("color-app").await.unwrap(), None);
}

#[cfg(feature = "ec2")]
#[tokio::test]
async fn ec2_answers_what_the_sdk_asks() {
    use aws_sdk_ec2::types::Filter;
    let local = Local::start().await;
    let ec2 = aws_sdk_ec2::Client::new(&local.sdk().await);
    for name in ["one", "two"] {
        let key =
            "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f";
        let key = aws_sdk_ec2::primitives::Blob::new(key);
        let call = ec2.import_key_pair().key_name(name);
        let answer = call.public_key_material(key).send().await.unwrap();
        assert_eq!(answer.key_fingerprint().map(str::len), Some(44));
    }
    let filter = |name: &str, value: &str| Filter::builder().name(name).values(value).build();
    let call = ec2.describe_key_pairs().filters(filter("key-name", "t*"));
    let found = call.include_public_key(true).send().await.unwrap();
    assert_eq!(found.key_pairs().len(), 1);
    assert_eq!(found.key_pairs()[0].key_name(), Some("two"));
    assert!(found.key_pairs()[0].create_time().is_some());
    assert!(found.key_pairs()[0].public_key().is_some());
    let wrong = ec2.describe_key_pairs().filters(filter("colour", "red"));
    assert!(wrong.send().await.is_err());

    let zones = ec2.describe_availability_zones();
    let zones = zones.filters(filter("state", "available")).send().await;
    let names: Vec<_> = zones
        .unwrap()
        .availability_zones()
        .iter()
        .map(|zone| zone.zone_name().unwrap().to_owned())
        .collect();
    assert_eq!(names, ["us-west-2a", "us-west-2b", "us-west-2c"]);
    let regions = ec2.describe_regions().send().await.unwrap();
    assert_eq!(regions.regions()[0].region_name(), Some("us-west-2"));
}
