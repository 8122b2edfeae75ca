//! The configuration of the AWS clients: an account where a command reads something in AWS, and no
//! account where it does not.

use aws_config::identity::IdentityCache;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::provider::error::CredentialsError;
use aws_sdk_sqs::config::{
    ConfigBag, Credentials, ProvideCredentials, ResolveCachedIdentity, RuntimeComponents,
    SharedCredentialsProvider, SharedIdentityCache,
};
use aws_smithy_runtime_api::client::identity::{IdentityFuture, SharedIdentityResolver};
use aws_smithy_runtime_api::client::orchestrator::Metadata;
use aws_types::service_config::{LoadServiceConfig, ServiceConfigKey};
use fanline_core::campaign::{Campaign, Recipients};
use fanline_tls::SdkHttpClient;

use crate::exit::InputError;

/// Something in AWS that a command reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum AwsResource {
    /// The campaign's list, in S3.
    List,
    /// An image for LINE Notify, in S3.
    Image,
    /// The channel's token, in Secrets Manager.
    Token,
    /// The deployed stack, in CloudFormation.
    Stack,
    /// The ledger of a stack, in S3.
    Ledger,
    /// The key that sealed deliveries, in KMS.
    Key,
}

impl AwsResource {
    /// What checking this campaign needs. `has_secret`: the check reads its token from a secret.
    pub(crate) fn for_check(campaign: &Campaign, has_secret: bool) -> Option<Self> {
        let list = matches!(campaign.recipients, Recipients::S3(_)).then_some(Self::List);
        list.or(has_secret.then_some(Self::Token))
    }

    /// What running this campaign needs. `has_secret`: the run reads its token from a secret.
    pub(crate) fn for_run(campaign: &Campaign, has_secret: bool) -> Option<Self> {
        let image = campaign.messages.may_read_s3().then_some(Self::Image);
        let token = has_secret.then_some(Self::Token);
        Self::for_check(campaign, false).or(image).or(token)
    }

    fn is_where(self) -> &'static str {
        match self {
            Self::List => "the list is in S3",
            Self::Image => "an image may be in S3",
            Self::Token => "the token is in Secrets Manager",
            Self::Stack => "the stack is in AWS",
            Self::Ledger => "the ledger is in S3",
            Self::Key => "the key is in KMS",
        }
    }

    /// What else would do than an account.
    fn cure(self) -> &'static str {
        match self {
            Self::List => ", or name a copy of the list with --list",
            Self::Image | Self::Token | Self::Stack | Self::Ledger | Self::Key => "",
        }
    }
}

/// The configuration to read `resource`: that of the environment, with its region and credentials
/// checked. Without a resource, a configuration with local credentials, which needs no account.
pub(crate) async fn config(resource: Option<AwsResource>) -> anyhow::Result<SdkConfig> {
    let loader =
        aws_config::defaults(BehaviorVersion::latest()).http_client(SdkHttpClient::default());
    let Some(resource) = resource else {
        let local = loader
            .region(Region::new("us-east-1"))
            .credentials_provider(SharedCredentialsProvider::new(local_credentials()));
        return Ok(local.load().await);
    };
    let config = loader.load().await;
    let (is_where, cure) = (resource.is_where(), resource.cure());
    if config.region().is_none() {
        let problem = format!("{is_where}, and `AWS_REGION` is not set: set it{cure}");
        return Err(InputError(problem).into());
    }
    let problem = match credentials(&config).await {
        Ok(_) => return Ok(config),
        // Its cause is a list of all the places that have no credentials.
        Err(CredentialsError::CredentialsNotLoaded(_)) => "there are no AWS credentials".into(),
        Err(error) => format!(
            "the AWS credentials can't be used ({:#})",
            anyhow::Error::from(error)
        ),
    };
    Err(InputError(format!("{is_where}, and {problem}: set valid ones{cure}")).into())
}

/// The credentials of a configuration.
pub(crate) async fn credentials(config: &SdkConfig) -> Result<Credentials, CredentialsError> {
    let provider = config
        .credentials_provider()
        .ok_or_else(CredentialsError::not_loaded_no_source)?;
    provider.provide_credentials().await
}

/// Whether a service is at AWS, and not at a server of one's own.
pub(crate) fn is_of_aws(url: &str) -> bool {
    let host = url.split('/').nth(2).unwrap_or_default();
    host.ends_with(".amazonaws.com") || host.ends_with(".amazonaws.com.cn")
}

/// The same configuration with the queue server at `endpoint`. The server that is embedded in this
/// process gets local credentials, whatever the other services get.
pub(crate) fn with_queue(config: SdkConfig, endpoint: String, is_embedded: bool) -> SdkConfig {
    with_server("SQS", config, endpoint, is_embedded)
}

/// The same configuration with the stand-in for KMS at `endpoint`, in this process.
pub(crate) fn with_kms(config: SdkConfig, endpoint: String) -> SdkConfig {
    with_server("KMS", config, endpoint, true)
}

fn with_server(
    service: &'static str,
    config: SdkConfig,
    endpoint: String,
    is_embedded: bool,
) -> SdkConfig {
    let mut builder = config.clone().into_builder();
    if is_embedded {
        let others = config
            .identity_cache()
            .unwrap_or_else(|| IdentityCache::lazy().build());
        builder.set_identity_cache(Some(SharedIdentityCache::new(LocalService {
            service,
            others,
        })));
    }
    builder.set_service_config(Some(ServiceEndpoint {
        service,
        endpoint,
        others: config,
    }));
    builder.build()
}

fn local_credentials() -> Credentials {
    Credentials::new("local", "local", None, None, "fanline")
}

/// Gives local credentials to one service, and to every other one those of its provider.
///
/// A provider of credentials does not know for which service it is asked, and the producer and the
/// consumer take one configuration for all services. The cache in front of the provider knows it.
#[derive(Debug)]
struct LocalService {
    service: &'static str,
    others: SharedIdentityCache,
}

impl ResolveCachedIdentity for LocalService {
    fn resolve_cached_identity<'a>(
        &'a self,
        resolver: SharedIdentityResolver,
        components: &'a RuntimeComponents,
        config: &'a ConfigBag,
    ) -> IdentityFuture<'a> {
        let request = config.load::<Metadata>();
        if request.is_some_and(|request| request.service() == self.service) {
            return IdentityFuture::ready(Ok(local_credentials().into()));
        }
        self.others
            .resolve_cached_identity(resolver, components, config)
    }
}

/// Sends requests for one service to `endpoint`, as `AWS_ENDPOINT_URL_SQS` does for SQS, for this
/// process alone.
#[derive(Debug)]
struct ServiceEndpoint {
    service: &'static str,
    endpoint: String,
    others: SdkConfig,
}

impl LoadServiceConfig for ServiceEndpoint {
    fn load_config(&self, key: ServiceConfigKey<'_>) -> Option<String> {
        if key.env() == "AWS_ENDPOINT_URL" && key.service_id() == self.service {
            return Some(self.endpoint.clone());
        }
        self.others.service_config()?.load_config(key)
    }
}

#[cfg(test)]
mod tests {
    use std::io::{BufRead, BufReader, Write};
    use std::net::TcpListener;
    use std::thread::JoinHandle;

    use super::*;

    #[test]
    fn queues_of_aws_are_told_from_others() {
        for (url, is_theirs) in [
            ("https://sqs.us-east-1.amazonaws.com/0/q", true),
            ("https://sqs.cn-north-1.amazonaws.com.cn/0/q", true),
            ("http://127.0.0.1:9324/0/q", false),
            ("https://amazonaws.com.example.org/0/q", false),
            ("", false),
        ] {
            assert_eq!(is_of_aws(url), is_theirs, "{url}");
        }
    }

    /// A server that answers one request with an error, and the `Authorization` of that request.
    fn server() -> (String, JoinHandle<String>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let serving = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let lines = BufReader::new(stream.try_clone().unwrap()).lines();
            let head: Vec<_> = lines
                .map(Result::unwrap)
                .take_while(|line| !line.is_empty())
                .collect();
            stream
                .write_all(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")
                .unwrap();
            let authorization = head.iter().find(|line| line.starts_with("authorization:"));
            authorization.unwrap().clone()
        });
        (url, serving)
    }

    /// Whose credentials SQS and S3 get.
    async fn signed_with(is_embedded: bool) -> [String; 2] {
        let (queue, asked_queue) = server();
        let (s3, asked_s3) = server();
        let account = Credentials::new("ACCOUNT", "secret", None, None, "test");
        let environment = aws_config::defaults(BehaviorVersion::latest())
            .region(Region::new("ap-northeast-1"))
            .credentials_provider(SharedCredentialsProvider::new(account))
            .load()
            .await;
        let config = with_queue(environment, queue, is_embedded);
        let refused = aws_sdk_sqs::Client::new(&config).list_queues().send().await;
        assert!(refused.is_err());
        let s3_config = aws_sdk_s3::config::Builder::from(&config)
            .endpoint_url(s3)
            .build();
        let refused = aws_sdk_s3::Client::from_conf(s3_config)
            .list_buckets()
            .send()
            .await;
        assert!(refused.is_err());
        [asked_queue, asked_s3].map(|asked| {
            let authorization = asked.join().unwrap();
            let (_, credential) = authorization.split_once("Credential=").unwrap();
            credential.split('/').next().unwrap().to_owned()
        })
    }

    #[test]
    fn only_a_campaign_that_reads_something_in_aws_needs_an_account() {
        use AwsResource::{Image, List, Token};
        let local = r#"[{"token": "aaaaaaaa"}]"#;
        let s3 = r#""s3://bucket/list.csv""#;
        let text = r#"{"message": "hello"}"#;
        let image = r#"{"message": "hello", "image_file": "s3://bucket/image.png"}"#;
        for (recipients, message, has_secret, resource) in [
            (local, text, false, None),
            (local, text, true, Some(Token)),
            (local, image, false, Some(Image)),
            (s3, text, false, Some(List)),
            (s3, image, true, Some(List)),
        ] {
            let campaign = format!(
                r#"{{"campaign": "c", "channel": "line-notify", "recipients": {recipients},
                    "messages": [{message}]}}"#
            );
            let campaign = Campaign::parse(&campaign).unwrap();
            let needed = AwsResource::for_run(&campaign, has_secret);
            assert_eq!(needed, resource, "{recipients} {message} {has_secret}");
        }
    }

    #[tokio::test]
    async fn the_embedded_queue_gets_local_credentials_and_s3_those_of_the_environment() {
        assert_eq!(signed_with(true).await, ["local", "ACCOUNT"]);
    }

    #[tokio::test]
    async fn a_queue_server_elsewhere_gets_the_credentials_of_the_environment() {
        assert_eq!(signed_with(false).await, ["ACCOUNT", "ACCOUNT"]);
    }
}
