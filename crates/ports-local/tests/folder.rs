//! Rules of a folder as a bucket.

// Clippy knows test functions, not the functions that they call.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::collections::BTreeMap;
use std::fs;

use futures::TryStreamExt;
use object_store::path::Path;
use object_store::{ObjectStoreExt, PutMode, PutPayload};
use weir_ports::Bucket;
use weir_ports_local::folder;

fn lake() -> (tempfile::TempDir, Bucket) {
    let root = tempfile::tempdir().unwrap();
    let bucket = folder::bucket("lake", root.path().join("made/by/weir")).unwrap();
    (root, bucket)
}

async fn list(bucket: &Bucket) -> BTreeMap<String, String> {
    let objects: Vec<_> = bucket.store().list(None).try_collect().await.unwrap();
    objects.iter().map(|meta| (meta.location.to_string(), bucket.version_of(meta).unwrap())).collect()
}

const KEYS: [&str; 18] = [
    "raw/t/a b.csv",
    "raw/t/a+b.csv",
    "raw/t/a%20b.csv",
    "raw/t/a%2Bb.csv",
    "raw/t/a%252Bb.csv",
    "raw/t/ab.csv",
    "raw/t/a#b.csv",
    "raw/t/a?b&c=d.csv",
    "raw/t/\u{fc}.csv",
    "raw/t/u\u{308}.csv",
    "raw/t/雪/😀.csv.gz",
    "raw/t/2026/11/20/08/30/deep/deeper/deepest/a.csv",
    "raw/t/%2e%2e/a.csv",
    "raw/t/%2F/a.csv",
    "raw/t/a\\b.csv",
    "raw/t/[a]{b}^`|<c>\"'~*.csv",
    "raw/t/C:/a.csv",
    "raw/t/ a ",
];

#[tokio::test]
async fn keys_are_kept_letter_for_letter_as_distinct_objects() {
    let (_root, bucket) = lake();
    for key in KEYS {
        bucket.store().put(&bucket.path(key).unwrap(), PutPayload::from(key.to_owned())).await.unwrap();
    }
    let listed = list(&bucket).await;
    let mut expected = KEYS.map(str::to_owned).to_vec();
    expected.sort();
    assert_eq!(listed.keys().cloned().collect::<Vec<_>>(), expected);
    for key in KEYS {
        let object = bucket.store().get(&bucket.path(key).unwrap()).await.unwrap();
        assert_eq!(object.bytes().await.unwrap(), key.as_bytes(), "{key}");
    }
}

#[tokio::test]
async fn a_file_that_a_person_drops_in_is_found_under_its_own_name() {
    let (root, bucket) = lake();
    for key in KEYS {
        let file = root.path().join("made/by/weir").join(key);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(&file, key).unwrap();
    }
    for key in list(&bucket).await.keys() {
        let object = bucket.store().get(&bucket.path(key).unwrap()).await.unwrap();
        assert_eq!(object.bytes().await.unwrap(), key.as_bytes());
    }
    assert_eq!(list(&bucket).await.len(), KEYS.len());
}

#[tokio::test]
async fn no_key_leads_out_of_the_folder() {
    let (root, bucket) = lake();
    for key in ["../out", "raw/../../out", "/out/", "..", "raw/t/../../../../out", "./out"] {
        assert!(bucket.path(key).is_err(), "{key}");
        // Nor does a path that was made by another way, whether or not it can be written.
        let _ = bucket.store().put(&Path::from(key), PutPayload::from("x")).await;
    }
    let beside: Vec<_> = fs::read_dir(root.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(beside, ["made"], "nothing was written beside the folder");
}

#[cfg(unix)]
#[tokio::test]
async fn nothing_is_written_or_deleted_through_a_link_out_of_the_folder() {
    use std::os::unix::fs::symlink;
    let (root, bucket) = lake();
    let outside = root.path().join("outside");
    fs::create_dir(&outside).unwrap();
    fs::write(outside.join("a.csv"), "kept").unwrap();
    fs::create_dir(root.path().join("made/by/weir/raw")).unwrap();
    symlink(&outside, root.path().join("made/by/weir/raw/link")).unwrap();
    symlink(root.path().join("nowhere"), root.path().join("made/by/weir/raw/dangling")).unwrap();

    let store = bucket.store();
    let linked = bucket.path("raw/link/a.csv").unwrap();
    let inside = bucket.path("raw/b.csv").unwrap();
    store.put(&inside, PutPayload::from("x")).await.unwrap();
    let error = store.put(&linked, PutPayload::from("x")).await.unwrap_err();
    assert!(error.to_string().contains("remove the link"), "{error}");
    assert!(store.put(&bucket.path("raw/link/new/deep.csv").unwrap(), PutPayload::from("x")).await.is_err());
    assert!(store.put(&bucket.path("raw/dangling/a.csv").unwrap(), PutPayload::from("x")).await.is_err());
    assert!(store.put_multipart(&linked).await.is_err());
    assert!(store.copy(&inside, &linked).await.is_err());
    assert!(store.rename(&inside, &linked).await.is_err());
    assert!(store.delete(&linked).await.is_err());
    assert_eq!(fs::read_to_string(outside.join("a.csv")).unwrap(), "kept");
    assert_eq!(fs::read_dir(&outside).unwrap().count(), 1);
    assert!(!root.path().join("nowhere").exists());
    assert_eq!(store.get(&linked).await.unwrap().bytes().await.unwrap(), "kept", "reads follow links");

    // A file that is a link is replaced and not written through.
    symlink(outside.join("a.csv"), root.path().join("made/by/weir/raw/c.csv")).unwrap();
    store.put(&bucket.path("raw/c.csv").unwrap(), PutPayload::from("x")).await.unwrap();
    assert_eq!(fs::read_to_string(outside.join("a.csv")).unwrap(), "kept");
}

#[cfg(unix)]
#[tokio::test]
async fn a_folder_behind_a_link_is_a_bucket_like_any_other() {
    let (root, _) = lake();
    let link = root.path().join("link");
    std::os::unix::fs::symlink(root.path().join("made/by/weir"), &link).unwrap();
    let bucket = folder::bucket("lake", &link).unwrap();
    bucket.store().put(&bucket.path("raw/t/a.csv").unwrap(), PutPayload::from("x")).await.unwrap();
    assert_eq!(list(&bucket).await.len(), 1);
}

#[tokio::test]
async fn a_lake_that_is_copied_with_its_times_keeps_its_identities() {
    let (root, bucket) = lake();
    let path = bucket.path("raw/t/a.csv").unwrap();
    bucket.store().put(&path, PutPayload::from("1,2\n")).await.unwrap();
    let copy = folder::bucket("lake", root.path().join("copy")).unwrap();
    let from = root.path().join("made/by/weir/raw/t/a.csv");
    let to = root.path().join("copy/raw/t/a.csv");
    fs::create_dir_all(to.parent().unwrap()).unwrap();
    fs::copy(&from, &to).unwrap();
    let modified = fs::metadata(&from).unwrap().modified().unwrap();
    let file = fs::File::options().write(true).open(&to).unwrap();
    file.set_modified(modified).unwrap();
    assert_eq!(list(&copy).await, list(&bucket).await, "another inode, the same identity");

    file.set_modified(modified + std::time::Duration::from_micros(1)).unwrap();
    assert_ne!(list(&copy).await, list(&bucket).await, "a later file is another version");
    file.set_modified(modified).unwrap();
    file.set_len(3).unwrap();
    file.set_modified(modified).unwrap();
    assert_ne!(list(&copy).await, list(&bucket).await, "a shorter file is another version");
}

#[tokio::test]
async fn a_listing_a_head_and_a_get_agree_on_the_version() {
    let (_root, bucket) = lake();
    let path = bucket.path("raw/t/a.csv").unwrap();
    bucket.store().put(&path, PutPayload::from("1,2\n")).await.unwrap();
    let listed = list(&bucket).await["raw/t/a.csv"].clone();
    assert_eq!(bucket.version_of(&bucket.store().head(&path).await.unwrap()).unwrap(), listed);
    assert_eq!(bucket.version_of(&bucket.store().get(&path).await.unwrap().meta).unwrap(), listed);
}

#[tokio::test]
async fn an_upload_in_parts_appears_whole_or_not_at_all() {
    let (_root, bucket) = lake();
    let path = bucket.path("bronze/t/v1/a.parquet").unwrap();
    let mut upload = bucket.store().put_multipart(&path).await.unwrap();
    upload.put_part(PutPayload::from("one ")).await.unwrap();
    upload.put_part(PutPayload::from("two")).await.unwrap();
    assert!(list(&bucket).await.is_empty(), "an upload under way is no object");
    upload.complete().await.unwrap();
    assert_eq!(bucket.store().get(&path).await.unwrap().bytes().await.unwrap(), "one two");

    let mut upload = bucket.store().put_multipart(&path).await.unwrap();
    upload.put_part(PutPayload::from("never")).await.unwrap();
    upload.abort().await.unwrap();
    drop(bucket.store().put_multipart(&path).await.unwrap());
    assert_eq!(bucket.store().get(&path).await.unwrap().bytes().await.unwrap(), "one two");
    let again = bucket.store().put_opts(&path, PutPayload::from("x"), PutMode::Create.into()).await;
    assert!(matches!(again, Err(object_store::Error::AlreadyExists { .. })));
}

#[test]
fn a_root_that_is_a_file_says_so() {
    let root = tempfile::tempdir().unwrap();
    fs::write(root.path().join("file"), "").unwrap();
    let error = folder::bucket("lake", root.path().join("file")).unwrap_err();
    assert!(error.to_string().contains("cannot be used"), "{error}");
}
