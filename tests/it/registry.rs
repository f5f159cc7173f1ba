//! Images through the registry and ECR, with the real SDK.

use crate::elf::program;
use crate::local::Local;
use aws_sdk_ecr::Client;
use aws_sdk_ecr::types::ImageIdentifier;
use colormesh::image::{self, Digest, Image, Reference, Store};
use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper::{Method, Request, StatusCode};
use hyper_util::client::legacy::Client as Http;
use hyper_util::rt::TokioExecutor;

struct Answer {
    status: StatusCode,
    location: String,
    body: String,
}

async fn send(local: &Local, method: Method, path: &str, body: &[u8]) -> Answer {
    let http = Http::builder(TokioExecutor::new()).build_http();
    let request = Request::builder()
        .method(method)
        .uri(format!("http://{}{path}", local.address))
        .header("content-type", image::media::MANIFEST)
        .body(Full::new(Bytes::copy_from_slice(body)))
        .unwrap();
    let answer = http.request(request).await.unwrap();
    let (head, body) = answer.into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    let location = head.headers.get("location");
    Answer {
        status: head.status,
        location: location
            .map_or("", |value| value.to_str().unwrap())
            .to_owned(),
        body: String::from_utf8_lossy(&body).into_owned(),
    }
}

fn built(local: &Local, body: &str) -> Image {
    image::build(&program(local.folder.path(), body)).unwrap()
}

async fn with_repository(name: &str) -> (Local, Client) {
    let local = Local::start().await;
    let ecr = Client::new(&local.sdk().await);
    let made = ecr
        .create_repository()
        .repository_name(name)
        .send()
        .await
        .unwrap();
    let uri = made
        .repository()
        .unwrap()
        .repository_uri()
        .unwrap()
        .to_owned();
    assert_eq!(uri, format!("{}/{name}", local.address));
    (local, ecr)
}

#[tokio::test]
async fn an_image_is_pushed_once_and_pulled_whole() {
    let (local, ecr) = with_repository("team/colorteller").await;
    let target = local.target("team/colorteller").await;
    let image = built(&local, "body");
    let first = image::push(&image, &target).await.unwrap();
    assert!(first.uploaded);
    let again = image::push(&image, &target).await.unwrap();
    assert!(!again.uploaded);
    assert_eq!(
        (first.digest, again.digest),
        (image.digest.clone(), image.digest.clone())
    );

    let details = ecr
        .describe_images()
        .repository_name("team/colorteller")
        .send()
        .await
        .unwrap();
    let detail = &details.image_details()[0];
    assert_eq!(detail.image_digest(), Some(image.digest.as_str()));
    assert_eq!(detail.image_tags(), [image.digest.tag()]);

    let reference: Reference = format!("{}/team/colorteller@{}", local.address, image.digest)
        .parse()
        .unwrap();
    let store = Store::new(local.folder.path().join("pulled"));
    let pulled = image::pull(&reference, None, &store).await.unwrap();
    let root = image::unpack(&store, &pulled, &local.folder.path().join("roots")).unwrap();
    assert_eq!(
        std::fs::read(root.root.join("app")).unwrap(),
        std::fs::read(local.folder.path().join("program")).unwrap()
    );
}

#[tokio::test]
async fn a_tampered_blob_is_never_delivered() {
    let (local, _) = with_repository("colorteller").await;
    let image = built(&local, "honest");
    let target = local.target("colorteller").await;
    image::push(&image, &target).await.unwrap();
    let layer = local.account.images().path(&Digest::of(&image.layer));
    let mut bytes = std::fs::read(&layer).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    std::fs::write(&layer, bytes).unwrap();
    let reference: Reference = format!("{}/colorteller@{}", local.address, image.digest)
        .parse()
        .unwrap();
    let store = Store::new(local.folder.path().join("pulled"));
    let error = image::pull(&reference, None, &store).await.unwrap_err();
    assert!(error.to_string().contains("store"), "{error}");
    assert!(!store.contains(&Digest::of(&image.layer)));

    let manifest = local.account.images().path(&image.digest);
    std::fs::write(manifest, "{}").unwrap();
    let path = format!("/v2/colorteller/manifests/{}", image.digest);
    let answer = send(&local, Method::GET, &path, b"").await;
    assert_eq!(answer.status, StatusCode::INTERNAL_SERVER_ERROR);
}

#[tokio::test]
async fn blobs_come_whole_or_in_pieces_and_are_checked() {
    let (local, _) = with_repository("app").await;
    let digest = Digest::of(b"one two");
    let wrong = Digest::of(b"other");
    let uploads = "/v2/app/blobs/uploads/";

    let whole = format!("{uploads}?digest={wrong}");
    let refused = send(&local, Method::POST, &whole, b"one two").await;
    assert_eq!(refused.status, StatusCode::BAD_REQUEST);
    assert!(refused.body.contains("DIGEST_INVALID"), "{}", refused.body);

    let begun = send(&local, Method::POST, uploads, b"").await;
    assert_eq!(begun.status, StatusCode::ACCEPTED);
    let piece = send(&local, Method::PATCH, &begun.location, b"one ").await;
    assert_eq!(piece.status, StatusCode::ACCEPTED);
    let end = format!(
        "{}?digest={}",
        piece.location,
        digest.as_str().replace(':', "%3A")
    );
    let ended = send(&local, Method::PUT, &end, b"two").await;
    assert_eq!(ended.status, StatusCode::CREATED);
    let blob = send(&local, Method::GET, &ended.location, b"").await;
    assert_eq!(blob.body, "one two");
    let gone = send(&local, Method::PATCH, &begun.location, b"x").await;
    assert_eq!(gone.status, StatusCode::NOT_FOUND);

    let missing = format!("/v2/app/blobs/{wrong}");
    let missing = send(&local, Method::HEAD, &missing, b"").await;
    assert_eq!(missing.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_manifest_needs_its_blobs_its_name_and_a_repository() {
    let (local, _) = with_repository("app").await;
    let image = built(&local, "x");
    let put = |path: String| {
        let (local, manifest) = (&local, &image.manifest);
        async move { send(local, Method::PUT, &path, manifest).await }
    };
    let answer = put("/v2/app/manifests/v1".to_owned()).await;
    assert!(
        answer.body.contains("MANIFEST_BLOB_UNKNOWN"),
        "{}",
        answer.body
    );
    let answer = put("/v2/unknown/manifests/v1".to_owned()).await;
    assert_eq!(answer.status, StatusCode::NOT_FOUND);
    assert!(answer.body.contains("NAME_UNKNOWN"), "{}", answer.body);
    let answer = put(format!("/v2/app/manifests/{}", Digest::of(b"other"))).await;
    assert!(answer.body.contains("DIGEST_INVALID"), "{}", answer.body);
    let mut target = local.target("unknown").await;
    let error = image::push(&image, &target).await.unwrap_err();
    assert!(error.to_string().contains("NAME_UNKNOWN"), "{error}");
    target.authorization = Some("d3Jvbmc6dG9rZW4=".to_owned());
    let error = image::push(&image, &target).await.unwrap_err();
    assert!(error.to_string().contains("401"), "{error}");
}

#[tokio::test]
async fn images_are_listed_and_deleted() {
    let (local, ecr) = with_repository("app").await;
    let target = local.target("app").await;
    let images = [built(&local, "1"), built(&local, "2")];
    for image in &images {
        image::push(image, &target).await.unwrap();
    }
    let listed = ecr
        .list_images()
        .repository_name("app")
        .send()
        .await
        .unwrap();
    assert_eq!(listed.image_ids().len(), 2);
    let id = |image: &Image| {
        ImageIdentifier::builder()
            .image_digest(image.digest.as_str())
            .build()
    };
    let gotten = ecr
        .batch_get_image()
        .repository_name("app")
        .image_ids(id(&images[0]));
    let gotten = gotten.send().await.unwrap();
    let manifest = gotten.images()[0].image_manifest().unwrap();
    assert_eq!(manifest.as_bytes(), images[0].manifest);

    let refused = ecr
        .delete_repository()
        .repository_name("app")
        .send()
        .await
        .unwrap_err();
    assert!(
        refused
            .into_service_error()
            .is_repository_not_empty_exception()
    );
    let missing = ImageIdentifier::builder().image_tag("none").build();
    let deleted = ecr.batch_delete_image().repository_name("app");
    let deleted = deleted
        .image_ids(id(&images[0]))
        .image_ids(missing)
        .send()
        .await
        .unwrap();
    assert_eq!(
        deleted.image_ids()[0].image_tag(),
        Some(images[0].digest.tag())
    );
    assert_eq!(deleted.failures().len(), 1);
    let unknown = ecr
        .describe_images()
        .repository_name("app")
        .image_ids(id(&images[0]));
    let unknown = unknown.send().await.unwrap_err().into_service_error();
    assert!(unknown.is_image_not_found_exception(), "{unknown}");
    let force = ecr.delete_repository().repository_name("app").force(true);
    force.send().await.unwrap();
    let gone = ecr
        .describe_repositories()
        .repository_names("app")
        .send()
        .await
        .unwrap_err();
    assert!(
        gone.into_service_error()
            .is_repository_not_found_exception()
    );
    assert!(!local.account.images().contains(&images[1].digest));
}

#[tokio::test]
async fn put_image_adds_a_tag() {
    let (local, ecr) = with_repository("app").await;
    let image = built(&local, "1");
    image::push(&image, &local.target("app").await)
        .await
        .unwrap();
    let manifest = String::from_utf8(image.manifest.clone()).unwrap();
    let put = || {
        let put = ecr.put_image().repository_name("app").image_tag("v1");
        put.image_manifest(&manifest).send()
    };
    put().await.unwrap();
    let twice = put().await.unwrap_err().into_service_error();
    assert!(twice.is_image_already_exists_exception(), "{twice}");
    let listed = ecr
        .list_images()
        .repository_name("app")
        .send()
        .await
        .unwrap();
    assert_eq!(listed.image_ids().len(), 2);
}

#[tokio::test]
async fn tags_come_in_pages_and_manifests_go() {
    let (local, _) = with_repository("app").await;
    let image = built(&local, "1");
    image::push(&image, &local.target("app").await)
        .await
        .unwrap();
    for tag in ["a", "b"] {
        let path = format!("/v2/app/manifests/{tag}");
        let put = send(&local, Method::PUT, &path, &image.manifest).await;
        assert_eq!(put.status, StatusCode::CREATED);
    }
    let page = send(&local, Method::GET, "/v2/app/tags/list?n=1&last=a", b"").await;
    assert_eq!(page.body, r#"{"name":"app","tags":["b"]}"#);
    let wrong = send(&local, Method::GET, "/v2/app/tags/list?n=x", b"").await;
    assert_eq!(wrong.status, StatusCode::BAD_REQUEST);

    let path = format!("/v2/app/manifests/{}", image.digest);
    let deleted = send(&local, Method::DELETE, &path, b"").await;
    assert_eq!(deleted.status, StatusCode::ACCEPTED);
    let gone = send(&local, Method::GET, "/v2/app/manifests/a", b"").await;
    assert_eq!(gone.status, StatusCode::NOT_FOUND);
    assert!(gone.body.contains("MANIFEST_UNKNOWN"), "{}", gone.body);
    let again = send(&local, Method::DELETE, &path, b"").await;
    assert_eq!(again.status, StatusCode::NOT_FOUND);
}
