//! What every [`Secrets`] keeps to.

use std::sync::Arc;

use tokio::sync::Barrier;

use crate::secrets::Secrets;

/// Asking twice, through any handle, gives one key.
pub async fn the_key_is_the_same_for_ever_after(handles: &[Arc<dyn Secrets>]) {
    let first = handles[0].pii_key().await.unwrap();
    for secrets in handles.iter().chain(handles) {
        assert!(secrets.pii_key().await.unwrap() == first, "the key changed");
    }
}

/// A key looks random and its id tells nothing of it.
pub async fn the_key_is_random_and_its_id_does_not_tell_it(handles: &[Arc<dyn Secrets>]) {
    let key = handles[0].pii_key().await.unwrap();
    let mut distinct = key.bytes.to_vec();
    distinct.sort_unstable();
    distinct.dedup();
    assert!(distinct.len() > 16, "32 random bytes have more than 16 distinct values");
    let hex = weir_model::keys::hex(&key.bytes);
    assert!(!key.id.is_empty() && key.id != hex, "the id names the key without telling it");
    for start in 0..=hex.len() - 8 {
        assert!(!key.id.contains(&hex[start..start + 8]), "the id holds a part of the key");
    }
    assert!(!format!("{key:?}").contains(&hex[..8]), "Debug holds a part of the key");
}

/// Of 32 that ask first at once, all get one key.
pub async fn of_32_first_askers_all_get_one_key(handles: &[Arc<dyn Secrets>]) {
    let barrier = Arc::new(Barrier::new(32));
    let askers: Vec<_> = (0..32)
        .map(|n: usize| {
            let (secrets, barrier) = (handles[n % handles.len()].clone(), barrier.clone());
            tokio::spawn(async move {
                barrier.wait().await;
                secrets.pii_key().await.unwrap()
            })
        })
        .collect();
    let mut keys = Vec::new();
    for asker in askers {
        keys.push(asker.await.unwrap());
    }
    assert!(keys.iter().all(|key| *key == keys[0]), "all get one key");
}

/// One test for each rule of this module.
///
/// The argument is an async function that gives `Vec<Arc<dyn Secrets>>`, or whatever dereferences to a
/// slice of such: one handle or several onto one keeper that holds no key yet.
#[macro_export]
macro_rules! secrets_conformance {
    ($fresh:path) => {
        $crate::secrets_conformance! { @tests $fresh;
            the_key_is_the_same_for_ever_after
            the_key_is_random_and_its_id_does_not_tell_it
            of_32_first_askers_all_get_one_key
        }
    };
    (@tests $fresh:path; $($rule:ident)*) => {$(
        #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
        async fn $rule() {
            $crate::conformance::secrets::$rule(&$fresh().await).await;
        }
    )*};
}
