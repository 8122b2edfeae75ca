//! `fanline who`: what became of people.

use std::collections::BTreeSet;
use std::io::{self, Cursor, IsTerminal};

use fanline_ledger::{At, Book, RollReader, RollRow, RowMark, RunKeys, RunRecord, SliceId};
use fanline_telemetry::fingerprint::Fingerprint;
use indicatif::HumanCount;
use serde::Serialize;

use crate::args::{RowOutcome, WhoArgs};
use crate::commands::ledger::find_run::find_run;
use crate::commands::ledger::people::joined::outcome_of;
use crate::commands::ledger::people::key::{RunKey, channel};
use crate::commands::ledger::people::settled::Endings;
use crate::commands::ledger::place::{Ledger, unusable};
use crate::exit::{CommandEnd, InputError};
use crate::print;

/// What became of one row of a person.
#[derive(Debug, Serialize)]
struct Answer {
    /// The line of standard input.
    line: usize,
    /// The row of the list; `None` where no row has the person.
    row: Option<u64>,
    /// Where it is sent.
    at: Option<String>,
    /// `None` where no row has the person.
    outcome: Option<&'static str>,
    reason: Option<&'static str>,
    status: Option<u16>,
    perhaps_taken: bool,
    request_id: Option<String>,
    time: Option<jiff::Timestamp>,
}

/// A line of standard input, and what stands for the recipient in it.
type Asked = (usize, Option<Fingerprint>);

/// A row of somebody who was asked for.
struct Found {
    slice: SliceId,
    row: RollRow,
    book: Option<std::sync::Arc<Book>>,
}

/// Reads IDs from standard input and says what became of each.
pub(super) async fn execute(args: &WhoArgs) -> anyhow::Result<CommandEnd> {
    let ledger = Ledger::open(&args.run.ledger).await?;
    let record = find_run(&ledger, &args.run.run).await?;
    if io::stdin().is_terminal() {
        print::note("IDs, one a line, and then Ctrl-D:");
    }
    let text = io::read_to_string(io::stdin())?;
    let (key, channel) = (RunKey::of(&record), channel(&record));
    let asked: Vec<Asked> = (1..)
        .zip(text.lines().map(str::trim))
        .filter(|(_, id)| !id.is_empty())
        .map(|(line, id)| (line, key.fingerprint(channel, id)))
        .collect();
    if asked.is_empty() {
        return Err(InputError("standard input has no ID in it".into()).into());
    }
    let found = find(&ledger, &record, &key, &asked).await?;
    let answers = answers(&ledger, &record, &asked, &found).await?;
    if args.json {
        print::json(&answers)?;
    } else {
        for answer in &answers {
            print::line(words(answer))?;
        }
    }
    let accepted = RowOutcome::Accepted.as_str();
    let everybody = asked.iter().all(|(line, _)| {
        let mut of_line = answers.iter().filter(|answer| answer.line == *line);
        of_line.any(|answer| answer.outcome == Some(accepted))
    });
    Ok(if everybody {
        CommandEnd::Complete
    } else {
        CommandEnd::Incomplete
    })
}

/// The rows of these people in all rolls of the run.
async fn find(
    ledger: &Ledger,
    record: &RunRecord,
    key: &RunKey,
    asked: &[Asked],
) -> anyhow::Result<Vec<Found>> {
    let keys = RunKeys::new(&record.run);
    let wanted: Vec<_> = asked
        .iter()
        .filter_map(|(_, fingerprint)| *fingerprint)
        .collect();
    let rolls = ledger.store.list(&format!("{}rolls/", keys.prefix())).await;
    let mut all = Vec::new();
    for listed in rolls.map_err(unusable)? {
        let roll = ledger.store.get(&listed.key).await.map_err(unusable)?;
        let (Some(slice), Some(roll)) = (keys.slice_of(&listed.key), roll) else {
            continue;
        };
        let roll = RollReader::new(Cursor::new(roll.bytes)).map_err(unusable)?;
        key.check(&roll)?;
        let rows = roll.find(&wanted).map_err(unusable)?;
        if rows.is_empty() {
            continue;
        }
        let book = ledger
            .store
            .get(&keys.book(slice))
            .await
            .map_err(unusable)?;
        let book = book.map(|book| Book::decode(&book.bytes));
        let book = book.transpose().map_err(unusable)?.map(std::sync::Arc::new);
        all.extend(rows.into_iter().map(|row| Found {
            slice,
            row,
            book: book.clone(),
        }));
    }
    all.sort_by_key(|found| found.row.row);
    Ok(all)
}

async fn answers(
    ledger: &Ledger,
    record: &RunRecord,
    asked: &[Asked],
    found: &[Found],
) -> anyhow::Result<Vec<Answer>> {
    let places: BTreeSet<(SliceId, u32)> = found
        .iter()
        .filter_map(|found| match found.row.mark {
            RowMark::Sent { delivery, .. } => Some((found.slice, delivery)),
            _ => None,
        })
        .collect();
    let keys = RunKeys::new(&record.run);
    let endings = if places.is_empty() {
        Endings::default()
    } else {
        let is_wanted = |at: &At| places.contains(&(at.slice(), at.delivery()));
        Endings::read(ledger, &keys, is_wanted).await?
    };
    let mut answers = Vec::new();
    for (line, fingerprint) in asked {
        let before = answers.len();
        let of_person = found
            .iter()
            .filter(|found| fingerprint.is_some() && found.row.fingerprint == *fingerprint);
        answers.extend(of_person.map(|found| answer(*line, found, &endings)));
        if answers.len() == before {
            answers.push(nobody(*line));
        }
    }
    Ok(answers)
}

fn nobody(line: usize) -> Answer {
    Answer {
        line,
        row: None,
        at: None,
        outcome: None,
        reason: None,
        status: None,
        perhaps_taken: false,
        request_id: None,
        time: None,
    }
}

fn answer(line: usize, found: &Found, endings: &Endings) -> Answer {
    let mut answer = Answer {
        row: Some(found.row.row),
        ..nobody(line)
    };
    let RowMark::Sent { delivery, position } = found.row.mark else {
        answer.outcome = Some(RowOutcome::Duplicate.as_str());
        return answer;
    };
    answer.at = Some(format!("{}:{delivery}:{position}", found.slice));
    let cell = found.book.as_ref();
    let cell = cell.and_then(|book| book.cell(delivery, position));
    let Some(cell) = cell else {
        answer.outcome = Some(RowOutcome::Waiting.as_str());
        return answer;
    };
    answer.outcome = Some(outcome_of(cell).as_str());
    answer.reason = cell.reason().as_str();
    answer.status = cell.status();
    answer.perhaps_taken = cell.is_perhaps_taken();
    if let Some(ending) = endings.of((found.slice, delivery, position), cell) {
        answer.request_id = ending.request_id;
        answer.time = ending.time;
    }
    answer
}

fn words(answer: &Answer) -> String {
    let line = answer.line;
    let (Some(row), Some(outcome)) = (answer.row, answer.outcome) else {
        return format!("line {line}: in no row that was sent, or in none that is read yet");
    };
    let mut words = format!(
        "line {line}: row {}, {}",
        HumanCount(row),
        outcome.replace('_', " ")
    );
    let reason = answer.reason.map(|reason| reason.replace('_', " "));
    let status = answer.status.map(|status| format!("status {status}"));
    let perhaps = answer.perhaps_taken && answer.reason != Some("unanswered");
    let perhaps = perhaps.then(|| "perhaps accepted".to_owned());
    let request = answer.request_id.as_ref();
    let request = request.map(|request| format!("request {request}"));
    let time = answer.time.map(|time| format!("at {time}"));
    for more in [reason, status, perhaps, request, time]
        .into_iter()
        .flatten()
    {
        words.push_str(", ");
        words.push_str(&more);
    }
    words
}
