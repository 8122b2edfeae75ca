//! The HTTP client of all clients of the AWS SDKs.

use std::time::Duration;

use aws_config::{BehaviorVersion, SdkConfig};
use aws_smithy_http_client::Connector;
use aws_smithy_http_client::proxy::ProxyConfig;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_http_client::tls::{Provider, TlsContext, TrustStore};
use aws_smithy_runtime_api::client::connector_metadata::ConnectorMetadata;
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use parking_lot::Mutex;

use crate::roots::roots;

/// The SDK's settings from the environment, with one HTTP client for all of its clients.
pub async fn sdk_config() -> SdkConfig {
    aws_config::defaults(BehaviorVersion::latest())
        .http_client(SdkHttpClient::default())
        .load()
        .await
}

/// An HTTP client for clients of the AWS SDKs, as the SDKs make it themselves, but when the first
/// request is made and not when a client is.
///
/// Clients that share it also share its connections, where their time-outs are the same.
#[derive(Debug, Default)]
pub struct SdkHttpClient {
    connectors: Mutex<Vec<(Timeouts, SharedHttpConnector)>>,
}

/// A connector has time-outs of its own: for connecting, and for reading.
type Timeouts = (Option<Duration>, Option<Duration>);

impl HttpClient for SdkHttpClient {
    fn http_connector(
        &self,
        settings: &HttpConnectorSettings,
        components: &RuntimeComponents,
    ) -> SharedHttpConnector {
        let timeouts = (settings.connect_timeout(), settings.read_timeout());
        let mut connectors = self.connectors.lock();
        let known = connectors.iter().find(|(of, _)| *of == timeouts);
        if let Some((_, connector)) = known {
            return connector.clone();
        }
        let connector = SharedHttpConnector::new(connector(settings, components));
        connectors.push((timeouts, connector.clone()));
        connector
    }

    fn connector_metadata(&self) -> Option<ConnectorMetadata> {
        Some(ConnectorMetadata::new("hyper", Some("1.x".into())))
    }
}

fn connector(settings: &HttpConnectorSettings, components: &RuntimeComponents) -> Connector {
    let mut builder = Connector::builder()
        .tls_provider(Provider::Rustls(CryptoMode::AwsLc))
        .tls_context(tls_context())
        .connector_settings(settings.clone())
        .proxy_config(ProxyConfig::from_env());
    builder.set_sleep_impl(components.sleep_impl());
    builder.build()
}

/// The SDK takes root certificates only as it would read them from a file.
fn tls_context() -> TlsContext {
    let mut file = String::new();
    for certificate in &roots().certificates {
        file.push_str("-----BEGIN CERTIFICATE-----\n");
        BASE64.encode_string(certificate, &mut file);
        file.push_str("\n-----END CERTIFICATE-----\n");
    }
    let store = TrustStore::empty().with_pem_certificate(file);
    let context = TlsContext::builder().with_trust_store(store).build();
    // It has no way to fail yet.
    context.unwrap_or_default()
}
