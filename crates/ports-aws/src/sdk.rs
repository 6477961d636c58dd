//! What all clients of AWS share: region, credentials, and one HTTP client.

use aws_config::{BehaviorVersion, SdkConfig};
use aws_sdk_glue::config::SharedHttpClient;
use aws_smithy_http_client::Builder;
use aws_smithy_http_client::tls::Provider;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;

/// The settings that the process finds around it: environment, profile, role of the function or the container.
///
/// Make it once and make all clients of it: they then share connections and credentials. A missing region or
/// missing credentials show at the first call. `AWS_ENDPOINT_URL` leads all clients elsewhere.
pub async fn config() -> SdkConfig {
    aws_config::defaults(BehaviorVersion::latest()).http_client(http_client()).load().await
}

/// An HTTP client with the machine's own certificates, for a client that is not made of [`config`].
#[must_use]
pub fn http_client() -> SharedHttpClient {
    Builder::new().tls_provider(Provider::Rustls(CryptoMode::Ring)).build_https()
}
