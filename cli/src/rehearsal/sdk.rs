//! The SDK's configuration for a run: the queue is here, everything else is where the environment says.

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_sqs::config::{Credentials, SharedCredentialsProvider};
use aws_types::service_config::{LoadServiceConfig, ServiceConfigKey};
use fanline_core::settings::variable;

/// The SDK with the queue at `endpoint`. Everything else is the environment's where the campaign has something in AWS, such
/// as its list; otherwise there are credentials that mean nothing, and no account is asked for.
pub(crate) async fn sdk_config(endpoint: String, needs_aws: bool) -> SdkConfig {
    let mut loader = aws_config::defaults(BehaviorVersion::latest());
    if !needs_aws {
        let credentials = Credentials::new("local", "local", None, None, "fanline");
        loader = loader
            .region(Region::new("us-east-1"))
            .credentials_provider(SharedCredentialsProvider::new(credentials));
    }
    let environment = loader.load().await;
    let mut sdk = environment.into_builder();
    sdk.set_service_config(Some(QueueAt { endpoint }));
    sdk.build()
}

/// Sends SQS, and SQS alone, to another endpoint: what `AWS_ENDPOINT_URL_SQS` does, for this process only.
#[derive(Debug)]
struct QueueAt {
    endpoint: String,
}

impl LoadServiceConfig for QueueAt {
    fn load_config(&self, key: ServiceConfigKey<'_>) -> Option<String> {
        let is_endpoint = key.env() == "AWS_ENDPOINT_URL";
        if is_endpoint && key.service_id() == "SQS" {
            return Some(self.endpoint.clone());
        }
        let service = key.service_id().replace(' ', "_").to_uppercase();
        variable(&format!("{}_{service}", key.env())).or_else(|| variable(key.env()))
    }
}
