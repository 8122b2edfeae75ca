//! `fanline dead-letters`: what of a run was set aside, and why.

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashSet};
use std::fs::File;
use std::io::{BufWriter, Write as _};

use anyhow::Context as _;
use aws_sdk_sqs::types::{Message, MessageAttributeValue};
use clap::ValueEnum as _;
use fanline_bookkeeper::run_of;
use fanline_core::delivery::is_sealed;
use fanline_ledger::read_control;
use fanline_seal::{KeyArn, KeyService, OpenError, Opener, Outline};
use jiff::Timestamp;
use parking_lot::Mutex;
use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::args::{DeadLettersArgs, LetterReason};
use crate::aws::{self, AwsResource};
use crate::commands::ledger::find_run::find_run;
use crate::commands::ledger::place::Ledger;
use crate::commands::ledger::queues::{open, required};
use crate::commands::ledger::words::{count, people};
use crate::exit::{CommandEnd, InputError};
use crate::print;

/// Deliveries that were set aside for the same reason, in the same words.
#[derive(Debug, Serialize)]
struct Group {
    reason: String,
    status: Option<String>,
    words: String,
    deliveries: u64,
    people: u64,
}

/// What makes two dead letters alike.
type Alike = (String, Option<String>, String);

/// The dead letters of a run so far.
#[derive(Default)]
struct Letters {
    groups: BTreeMap<Alike, (u64, u64)>,
    /// A dead letter can be on the queue twice.
    seen: HashSet<String>,
    lines: Vec<Line>,
}

/// A line of the file: what is known about a dead letter, and its body.
struct Line {
    about: Map<String, Value>,
    body: String,
}

/// Counts the dead letters of a run, and writes them down where the flags say.
pub(super) async fn execute(args: &DeadLettersArgs) -> anyhow::Result<CommandEnd> {
    let ledger = Ledger::open(&args.run.ledger).await?;
    let run = find_run(&ledger, &args.run.run).await?.run;
    let control = read_control(&ledger.store, None).await;
    let control = control.map_err(|error| ledger.not_controlled(error))?;
    let control = control.unwrap_or_default().0;
    let stack_key = control.stack().seal_key.as_ref();
    let stack_key = stack_key.and_then(|arn| arn.parse().ok());
    let dead = required(control.stack().dead_letters.as_deref(), "dead-letter queue")?;
    let dead = open(&ledger, dead).await?;
    // A wrong path must be known before the queue is read.
    let file = args.out.as_ref().map(|path| {
        let file = File::create(path);
        file.map_err(|error| InputError(format!("--out: {}: {error}", path.display())))
    });
    let file = file.transpose()?;
    let letters = Mutex::new(Letters::default());
    let look = |message: &mut Message| {
        if run_of(message)? == run && is_wanted(message, args.reason) {
            letters.lock().add(message, file.is_some());
        }
        None
    };
    dead.sift(&look, None).await?;
    let mut letters = letters.into_inner();
    if let (Some(file), Some(path)) = (file, &args.out) {
        let key = args.seal_key.as_ref().or(stack_key.as_ref());
        open_all(&ledger, key, &mut letters.lines).await?;
        let mut file = BufWriter::new(file);
        let written = letters.lines.iter().try_for_each(|line| {
            let mut about = line.about.clone();
            let body = serde_json::from_str(&line.body);
            about.insert("body".into(), body.unwrap_or_else(|_| json!(line.body)));
            writeln!(file, "{}", Value::Object(about))
        });
        let written = written.and_then(|()| file.flush());
        written.with_context(|| format!("writing {}", path.display()))?;
    }
    print_groups(&run, &letters.groups(), args.json)
}

/// Opens the bodies that are sealed. One that is not what the producer sealed stays as it is.
async fn open_all(ledger: &Ledger, key: Option<&KeyArn>, lines: &mut [Line]) -> anyhow::Result<()> {
    let sealed = lines.iter_mut().filter(|line| is_sealed(&line.body));
    let sealed: Vec<_> = sealed.collect();
    if sealed.is_empty() {
        return Ok(());
    }
    let Some(key) = key else {
        let number = count(sealed.len() as u64, "dead letter is", "dead letters are");
        let problem = format!("{number} sealed: name their key with --seal-key, or leave --out");
        return Err(InputError(problem).into());
    };
    let config = match &ledger.account {
        Some(account) => account.clone(),
        None => aws::config(Some(AwsResource::Key)).await?,
    };
    let opener = Opener::new(KeyService::new(&config, key.clone()));
    for line in sealed {
        match opener.open(&line.body, Timestamp::now()).await {
            Ok(plain) => line.body = plain.body,
            Err(OpenError::Key(error)) => return Err(InputError(error.to_string()).into()),
            Err(_) => {}
        }
    }
    Ok(())
}

fn print_groups(run: &str, groups: &[Group], json: bool) -> anyhow::Result<CommandEnd> {
    let end = if groups.is_empty() {
        CommandEnd::Complete
    } else {
        CommandEnd::Incomplete
    };
    if json {
        print::json(&groups)?;
        return Ok(end);
    }
    let sum = |of: fn(&Group) -> u64| groups.iter().map(of).sum::<u64>();
    let deliveries = count(sum(|group| group.deliveries), "dead letter", "dead letters");
    print::line(format_args!(
        "{run}: {deliveries}, {}",
        people(sum(|group| group.people))
    ))?;
    for group in groups {
        let status = match &group.status {
            None => String::new(),
            Some(status) => format!(" (status {status})"),
        };
        let words = match group.words.as_str() {
            "" => String::new(),
            words => format!(": {words}"),
        };
        let reason = group.reason.replace(['_', '-'], " ");
        print::line(format_args!(
            "  {} {reason}{status}{words}",
            people(group.people)
        ))?;
    }
    Ok(end)
}

fn is_wanted(message: &Message, wanted: Option<LetterReason>) -> bool {
    wanted.is_none_or(|wanted| reason(message) == Some(wanted))
}

/// Why a message is a dead letter; `None` for a reason that this build does not know.
pub(super) fn reason(message: &Message) -> Option<LetterReason> {
    LetterReason::of_attribute(attribute(message, "reason"))
}

fn outline(message: &Message) -> Option<Outline> {
    message.body().and_then(Outline::of)
}

/// A text attribute of a message.
fn attribute<'a>(message: &'a Message, name: &str) -> Option<&'a str> {
    let attribute = message.message_attributes()?.get(name);
    attribute.and_then(MessageAttributeValue::string_value)
}

impl Letters {
    fn add(&mut self, message: &Message, with_body: bool) {
        let id = message.message_id().unwrap_or_default();
        // Two looks at one message are one, and so are two letters of one delivery.
        let outline = outline(message);
        let key = outline.as_ref().map(|outline| outline.identity.clone());
        let key = key.unwrap_or_else(|| id.to_owned());
        if !self.seen.insert(key) {
            return;
        }
        let text = |name: &str| attribute(message, name).map(str::to_owned);
        let known = reason(message).and_then(|reason| reason.to_possible_value());
        let known = known.map(|reason| reason.get_name().to_owned());
        let reason = known.or_else(|| text("reason")).unwrap_or_default();
        let (status, words) = (text("status"), text("line_message").unwrap_or_default());
        if with_body {
            let about = [
                ("reason", json!(reason)),
                ("status", json!(status)),
                ("words", json!(words)),
                ("request_id", json!(text("request_id"))),
                ("receive_count", json!(text("receive_count"))),
            ];
            let about = about.map(|(name, value)| (name.to_owned(), value));
            let about = about.into_iter().collect();
            let body = message.body().unwrap_or_default().to_owned();
            self.lines.push(Line { about, body });
        }
        // Nobody can say how many people a body has that is no delivery: it counts as one.
        let people = outline.map_or(1, |outline| outline.people);
        let sum = self.groups.entry((reason, status, words)).or_default();
        *sum = (sum.0 + 1, sum.1 + people);
    }

    /// The groups, those with most people first.
    fn groups(self) -> Vec<Group> {
        let groups = self.groups.into_iter();
        let mut groups: Vec<_> = groups
            .map(|((reason, status, words), (deliveries, people))| Group {
                reason,
                status,
                words,
                deliveries,
                people,
            })
            .collect();
        groups.sort_by_key(|group| Reverse(group.people));
        groups
    }
}
