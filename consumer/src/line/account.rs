//! Requests that send nothing: which account it is, what is left of its month, and whether LINE
//! would take messages.
//! <https://developers.line.biz/en/reference/messaging-api/#validate-message-objects-of-push-message>

use aws_config::SdkConfig;
use fanline_core::delivery::{AggregationUnit, Endpoint};
use fanline_core::surroundings::Clock;
use fanline_tls::{NoRootsError, require_roots};
use jiff::civil::Date;
use reqwest::RequestBuilder;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::channel::http::{self, HttpClient};
use crate::channel::response::{Failure, Response};
use crate::line::client::{ConsumptionBody, MonthlyQuota, QuotaBody};
use crate::line::error_body::quote;
use crate::line::token::Tokens;
use crate::settings::LineAccess;

/// The account that a token is of. Nothing here sends a message.
pub struct LineAccount {
    client: HttpClient,
    base: String,
    tokens: Tokens,
    clock: Clock,
}

/// The account's names.
/// <https://developers.line.biz/en/reference/messaging-api/#get-bot-info>
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AccountInfo {
    /// The name that people see.
    pub display_name: String,
    /// Its basic ID, such as `@216ru`.
    pub basic_id: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct UnitCountBody {
    num_of_custom_aggregation_units: u64,
}

/// The most IDs that LINE gives at a time.
/// <https://developers.line.biz/en/reference/messaging-api/#get-follower-ids>
const FRIENDS_AT_A_TIME: &str = "1000";

/// Some of the account's friends.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FriendsPage {
    /// Their user IDs.
    pub user_ids: Vec<String>,
    /// Where the next page begins. `None`: this is the last one.
    pub next: Option<String>,
}

/// What people did with the messages of an aggregation unit. LINE gives no number (`None`) where it
/// is of fewer than 20 people.
/// <https://developers.line.biz/en/reference/messaging-api/#get-statistics-per-unit>
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
pub struct UnitStatistics {
    /// People, over all messages.
    pub overview: UnitOverview,
    /// The links of the messages.
    #[serde(default)]
    pub clicks: Vec<UnitClicks>,
}

/// How many people did something with one of a unit's messages.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all(deserialize = "camelCase"))]
pub struct UnitOverview {
    /// They opened it.
    pub unique_impression: Option<u64>,
    /// They followed a link.
    pub unique_click: Option<u64>,
    /// They began a video or an audio.
    pub unique_media_played: Option<u64>,
    /// They played one to its end.
    pub unique_media_played100_percent: Option<u64>,
}

/// How often a link of a unit's messages was followed.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all(deserialize = "camelCase"))]
pub struct UnitClicks {
    /// The link.
    pub url: String,
    /// How often.
    pub click: Option<u64>,
    /// By how many people.
    pub unique_click: Option<u64>,
}

/// Why LINE did not answer what was asked.
#[derive(Debug, thiserror::Error)]
pub enum AccountError {
    /// LINE would refuse the messages. The text is what LINE says, without any ID.
    #[error("LINE refuses the messages: {0}")]
    Refused(String),
    /// LINE refuses the token.
    #[error("LINE refuses the channel access token (401)")]
    Token,
    /// There is no token.
    #[error("{0}")]
    NoToken(String),
    /// The account is not one to which LINE gives the IDs of its friends.
    #[error(
        "LINE gives the IDs of friends only to an account that is verified or premium (403), and \
         this one is neither"
    )]
    NotVerified,
    /// LINE can't be reached.
    #[error("LINE can't be reached at {base}: {failure}")]
    Unreachable {
        /// LINE's address.
        base: String,
        /// What happened.
        failure: &'static str,
    },
    /// LINE gave another answer.
    #[error("LINE answered with status {status}: {words}")]
    Answer {
        /// The HTTP status.
        status: u16,
        /// LINE's words.
        words: String,
    },
    /// There is no HTTP client.
    #[error("no HTTP client")]
    Http(#[source] reqwest::Error),
    /// LINE can't be reached from this machine.
    #[error("LINE can't be reached at `{base}`")]
    NoRoots {
        /// Where LINE was to be reached.
        base: String,
        /// What is missing.
        #[source]
        source: NoRootsError,
    },
}

impl LineAccount {
    /// The account that is reached by `access`. `config` is for a token in Secrets Manager.
    pub fn new(access: LineAccess, config: &SdkConfig) -> Result<Self, AccountError> {
        let client = HttpClient::new(access.request_timeout).map_err(AccountError::Http)?;
        let secrets = aws_sdk_secretsmanager::Client::new(&http::with_timeouts(config));
        let base = access.line_api_base;
        if base.starts_with("https:") {
            require_roots().map_err(|source| AccountError::NoRoots {
                base: base.clone(),
                source,
            })?;
        }
        Ok(Self {
            tokens: Tokens::new(access.token, &base, client.clone(), secrets),
            client,
            base,
            clock: Clock::default(),
        })
    }

    /// Where LINE is reached: `https://api.line.me`, or another address.
    pub fn base(&self) -> &str {
        &self.base
    }

    /// The account's names.
    pub async fn info(&self) -> Result<AccountInfo, AccountError> {
        self.get("/v2/bot/info").await
    }

    /// What LINE counts for this month. It is approximate.
    pub async fn quota(&self) -> Result<MonthlyQuota, AccountError> {
        let quota = self.get::<QuotaBody>("/v2/bot/message/quota").await?;
        let path = "/v2/bot/message/quota/consumption";
        let consumption = self.get::<ConsumptionBody>(path).await?;
        Ok(MonthlyQuota::of(&quota, &consumption))
    }

    /// How many names of aggregation units the account has used this month.
    pub async fn units(&self) -> Result<u64, AccountError> {
        let path = "/v2/bot/message/aggregation/info";
        let body: UnitCountBody = self.get(path).await?;
        Ok(body.num_of_custom_aggregation_units)
    }

    /// Up to 1,000 friends of the account, from the beginning or from where a page has its `next`.
    pub async fn friends(&self, start: Option<&str>) -> Result<FriendsPage, AccountError> {
        let path = "/v2/bot/followers/ids";
        let mut url = http::url(&self.base, path);
        url.query_pairs_mut()
            .append_pair("limit", FRIENDS_AT_A_TIME)
            .extend_pairs(start.map(|start| ("start", start)));
        match self.ask("GET", path, self.client.get(url)).await {
            Ok(response) => read(path, &response),
            Err(AccountError::Answer { status: 403, .. }) => Err(AccountError::NotVerified),
            Err(error) => Err(error),
        }
    }

    /// What people did with the messages of a unit, from one day to another: days of UTC+9, 30 at
    /// most.
    pub async fn statistics(
        &self,
        unit: &AggregationUnit,
        from: Date,
        to: Date,
    ) -> Result<UnitStatistics, AccountError> {
        let (from, to) = (from.strftime("%Y%m%d"), to.strftime("%Y%m%d"));
        self.get(&format!(
            "/v2/bot/insight/message/event/aggregation?customAggregationUnit={unit}&from={from}&to={to}"
        ))
        .await
    }

    /// Asks whether LINE would take `messages`, a JSON array of message objects, at `endpoint`.
    ///
    /// It may be asked any number of times: LINE sends nothing and counts nothing. The request has
    /// no retry key, which LINE refuses here.
    pub async fn validate(&self, endpoint: Endpoint, messages: &str) -> Result<(), AccountError> {
        let path = match endpoint {
            Endpoint::Push => "/v2/bot/message/validate/push",
            Endpoint::Multicast => "/v2/bot/message/validate/multicast",
        };
        let post = self
            .client
            .post(http::url(&self.base, path))
            .header(CONTENT_TYPE, "application/json")
            .body(format!("{{\"messages\":{messages}}}"));
        self.ask("POST", path, post).await.map(drop)
    }

    async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, AccountError> {
        let get = self.client.get(http::url(&self.base, path));
        let response = self.ask("GET", path, get).await?;
        read(path, &response)
    }

    /// Asks with the token. An answer other than 200 is an error.
    async fn ask(
        &self,
        method: &'static str,
        path: &str,
        request: RequestBuilder,
    ) -> Result<Response, AccountError> {
        let token = self.tokens.current(self.clock.now()).await;
        let token = token.map_err(|error| AccountError::NoToken(error.to_string()))?;
        let response = self
            .client
            .fetch(request.header(AUTHORIZATION, token))
            .await;
        tracing::info!(
            method,
            endpoint = path,
            status = response.as_ref().ok().map(|response| response.status),
            failure = response.as_ref().err().map(|failure| failure.as_str()),
            request_id = response.as_ref().ok().and_then(Response::request_id),
            "LINE request that sends nothing"
        );
        let response = response.map_err(|failure| AccountError::Unreachable {
            base: self.base.clone(),
            failure: words(failure),
        })?;
        match response.status {
            200 => Ok(response),
            400 if method == "POST" => Err(AccountError::Refused(quote(&response.text(), &[]))),
            401 => Err(AccountError::Token),
            status => Err(AccountError::Answer {
                status,
                words: quote(&response.text(), &[]),
            }),
        }
    }
}

fn read<T: DeserializeOwned>(path: &str, response: &Response) -> Result<T, AccountError> {
    serde_json::from_slice(response.body.as_deref().unwrap_or_default()).map_err(|_| {
        AccountError::Answer {
            status: response.status,
            words: format!("{path}: the body is not what LINE documents"),
        }
    })
}

fn words(failure: Failure) -> &'static str {
    match failure {
        Failure::NotConnected => {
            "no connection (no network, no such host, or nothing answers there)"
        }
        Failure::TimedOut => "no answer in time",
        Failure::Lost => "the connection broke, or the answer is not HTTP",
    }
}
