//! The bookkeeper's environment variables, read once at the cold start.

use std::path::PathBuf;
use std::str::FromStr;

use fanline_core::limits::sqs::is_fifo;
use fanline_core::s3_uri::S3Uri;
use fanline_core::settings::{Reader, SettingsError};
use fanline_ledger::{Stack, UrgentLane};
use fanline_seal::KeyArn;

/// Environments where no setting says so: the template's `MaximumConcurrency`.
const DEFAULT_ENVIRONMENTS: u32 = 10;
/// The template's `UrgentConcurrency`.
const DEFAULT_URGENT_ENVIRONMENTS: u32 = 2;

/// What the bookkeeper needs to know before its first call.
#[derive(Debug, Clone)]
pub struct Settings {
    /// `LEDGER_URI`: where the ledger lies, as for the producer: `s3://BUCKET/ledger/`, or on one
    /// machine `file://FOLDER`.
    pub(crate) ledger: LedgerPlace,
    /// `OUTCOME_QUEUE_URL`, `SLICE_QUEUE_URL`, `DELIVERY_QUEUE_URL`, `PARKED_QUEUE_URL`,
    /// `DEAD_LETTER_QUEUE_URL` and `ENVIRONMENTS` (how many consumers the delivery queue can have
    /// at once), and where there is an urgent lane, `URGENT_QUEUE_URL` and `URGENT_ENVIRONMENTS`,
    /// and where deliveries are sealed, `SEAL_KEY_ARN`: what the control object says of the stack.
    /// The outcome and the delivery queue have to be named. Without a slice queue nothing can be
    /// swept and no canary be released.
    pub(crate) stack: Stack,
    /// `DELIVERY_MAPPING_ID` and `URGENT_MAPPING_ID`: the UUIDs of the event source mappings that
    /// the bookkeeper switches off and on. Without one it leaves that lane's consumers alone.
    pub(crate) mappings: MappingIds,
    /// `AWS_LAMBDA_FUNCTION_NAME`: a dimension of the metrics. Lambda sets it.
    pub(crate) function: String,
}

/// Where the ledger lies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum LedgerPlace {
    /// In a bucket, below a prefix.
    Bucket(S3Uri),
    /// In a folder of this machine.
    Folder(PathBuf),
}

/// The UUIDs of the event source mappings by lane.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct MappingIds {
    pub(crate) bulk: Option<String>,
    pub(crate) urgent: Option<String>,
}

impl FromStr for LedgerPlace {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Some(folder) = text.strip_prefix("file://") {
            let folder = PathBuf::from(folder);
            return if folder.is_absolute() {
                Ok(Self::Folder(folder))
            } else {
                Err("the folder is not named from the root".into())
            };
        }
        let place = text.parse().map(Self::Bucket);
        place.map_err(|_| "it is not `s3://BUCKET`, `s3://BUCKET/PREFIX` or `file://FOLDER`".into())
    }
}

impl Settings {
    /// Reads every variable through `lookup` and reports all problems together.
    pub fn from_lookup(lookup: impl Fn(&str) -> Option<String>) -> Result<Self, SettingsError> {
        let mut reader = Reader::new(lookup);
        let ledger = reader.required("LEDGER_URI");
        let outcomes: Option<String> = reader.required("OUTCOME_QUEUE_URL");
        let deliveries: Option<String> = reader.required("DELIVERY_QUEUE_URL");
        let environments = reader
            .optional("ENVIRONMENTS")
            .unwrap_or(DEFAULT_ENVIRONMENTS);
        if environments == 0 {
            reader.problem("`ENVIRONMENTS` is 0".into());
        }
        let urgent = read_urgent(&mut reader);
        let urgent_environments = urgent.as_ref().map_or(0, |urgent| urgent.environments);
        let stack = Stack {
            fifo: deliveries.as_deref().is_some_and(is_fifo),
            outcomes,
            deliveries,
            slices: reader.optional("SLICE_QUEUE_URL"),
            parked: reader.optional("PARKED_QUEUE_URL"),
            dead_letters: reader.optional("DEAD_LETTER_QUEUE_URL"),
            environments: Some(environments.saturating_add(urgent_environments)),
            urgent,
            seal_key: reader
                .optional::<KeyArn>("SEAL_KEY_ARN")
                .map(|arn| arn.to_string()),
        };
        let mappings = MappingIds {
            bulk: reader.optional("DELIVERY_MAPPING_ID"),
            urgent: reader.optional("URGENT_MAPPING_ID"),
        };
        let function = reader.optional("AWS_LAMBDA_FUNCTION_NAME");
        let settings = ledger.map(|ledger| Self {
            ledger,
            stack,
            mappings,
            function: function.unwrap_or_else(|| "bookkeeper".into()),
        });
        reader.finish(settings)
    }
}

fn read_urgent<F: Fn(&str) -> Option<String>>(reader: &mut Reader<F>) -> Option<UrgentLane> {
    let deliveries: Option<String> = reader.optional("URGENT_QUEUE_URL");
    let environments: Option<u32> = reader.optional("URGENT_ENVIRONMENTS");
    let deliveries = deliveries?;
    let environments = environments.unwrap_or(DEFAULT_URGENT_ENVIRONMENTS);
    if environments == 0 {
        reader.problem("`URGENT_ENVIRONMENTS` is 0, but `URGENT_QUEUE_URL` names a queue".into());
    }
    Some(UrgentLane {
        deliveries,
        environments,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(variables: &[(&str, &str)]) -> Result<Settings, SettingsError> {
        Settings::from_lookup(|name| {
            let set = variables.iter().find(|(known, _)| *known == name);
            set.map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn the_ledger_and_two_queues_have_to_be_named() {
        let error = read(&[("ENVIRONMENTS", "0")]).unwrap_err().to_string();
        for name in [
            "LEDGER_URI",
            "OUTCOME_QUEUE_URL",
            "DELIVERY_QUEUE_URL",
            "ENVIRONMENTS",
        ] {
            assert!(error.contains(name), "{name}: {error}");
        }
        let settings = read(&[
            ("LEDGER_URI", "s3://bucket/stack"),
            ("OUTCOME_QUEUE_URL", "http://q/outcomes"),
            ("DELIVERY_QUEUE_URL", "http://q/deliveries.fifo"),
        ]);
        let settings = settings.unwrap();
        assert!(settings.stack.fifo);
        assert_eq!(settings.stack.environments, Some(10));
        assert_eq!(settings.stack.urgent, None);
        assert_eq!(settings.stack.seal_key, None);
        assert_eq!(settings.mappings, MappingIds::default());
    }

    #[test]
    fn the_key_of_sealed_deliveries_is_kept_and_a_name_that_is_none_is_refused() {
        let read = |key| {
            read(&[
                ("LEDGER_URI", "s3://bucket/stack"),
                ("OUTCOME_QUEUE_URL", "http://q/outcomes"),
                ("DELIVERY_QUEUE_URL", "http://q/deliveries"),
                ("SEAL_KEY_ARN", key),
            ])
        };
        let arn = "arn:aws:kms:eu-west-1:123456789012:key/1";
        assert_eq!(read(arn).unwrap().stack.seal_key.as_deref(), Some(arn));
        assert_eq!(read("").unwrap().stack.seal_key, None);
        let error = read("alias/mine").unwrap_err().to_string();
        assert!(error.contains("`SEAL_KEY_ARN` is not valid"), "{error}");
    }

    #[test]
    fn a_ledger_lies_in_a_bucket_or_in_a_folder_and_a_mistyped_one_nowhere() {
        let folder = LedgerPlace::Folder("/var/ledger".into());
        assert_eq!("file:///var/ledger".parse(), Ok(folder));
        let bucket = S3Uri {
            bucket: "b".into(),
            key: String::new(),
        };
        assert_eq!("s3://b".parse(), Ok(LedgerPlace::Bucket(bucket)));
        for wrong in ["b/ledger", "s3:/b", "/var/ledger", "file://ledger"] {
            assert!(wrong.parse::<LedgerPlace>().is_err(), "{wrong}");
        }
    }
}
