//! What LINE has counted of a run, asked for once in a while and never waited for.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use fanline_consumer::LineAccess;
use fanline_core::settings::variable;
use fanline_ledger::{RunKind, RunRecord};
use parking_lot::Mutex;
use serde::Serialize;
use tokio::runtime::Handle;

use super::page::NamedRun;
use crate::commands::ledger::status::stats::{self, AskedStatistics, REMARK, overview, people};

/// LINE is asked about a run once in this time.
const INTERVAL: Duration = Duration::from_mins(15);

/// Said where no token is set.
const NO_TOKEN: &str = "LINE counts who opens the messages of this run. To see it here, start the \
     dashboard with `LINE_CHANNEL_ACCESS_TOKEN` set, as for `fanline stats`.";

/// What LINE has answered.
#[derive(Default)]
pub(super) struct Statistics(Mutex<HashMap<NamedRun, Asked>>);

struct Asked {
    at: Instant,
    /// `None` until it has answered.
    answer: Option<Result<AskedStatistics, String>>,
}

/// The statistics as a page shows them.
#[derive(Debug, Default, Serialize)]
pub(super) struct StatisticsView {
    words: String,
    counts: Vec<(&'static str, String)>,
    links: Vec<(String, String)>,
    remark: &'static str,
}

impl Statistics {
    /// What is known of a run. Asks LINE where that is due. `None`: LINE does not count the run.
    pub(super) fn of_run(
        self: &Arc<Self>,
        named: &NamedRun,
        record: &RunRecord,
    ) -> Option<StatisticsView> {
        // LINE has never heard of a rehearsal.
        if !stats::is_counted(record) || record.kind == RunKind::Test {
            return None;
        }
        if LineAccess::from_lookup(variable).is_err() {
            return Some(StatisticsView::of_words(NO_TOKEN.into()));
        }
        let mut known = self.0.lock();
        let asked = known.get(named);
        if asked.is_none_or(|asked| asked.at.elapsed() > INTERVAL) {
            let before = known.remove(named).and_then(|asked| asked.answer);
            let asked = Asked {
                at: Instant::now(),
                answer: before,
            };
            known.insert(named.clone(), asked);
            self.ask(named.clone(), record.clone());
        }
        known.get(named).map(StatisticsView::of)
    }

    /// Asks LINE on a thread of its own.
    fn ask(self: &Arc<Self>, named: NamedRun, record: RunRecord) {
        let statistics = Arc::clone(self);
        tokio::task::spawn_blocking(move || {
            let answer = Handle::current().block_on(stats::ask(&record));
            let answer = answer.map_err(|error| format!("{error:#}"));
            if let Some(asked) = statistics.0.lock().get_mut(&named) {
                asked.answer = Some(answer);
            }
        });
    }
}

impl StatisticsView {
    fn of(asked: &Asked) -> Self {
        match &asked.answer {
            None => Self::of_words("LINE is asked.".into()),
            Some(Err(problem)) => {
                let again = "It is asked again in 15 minutes.";
                Self::of_words(format!("LINE did not say: {problem}. {again}"))
            }
            Some(Ok(asked)) => Self::of_answer(asked),
        }
    }

    fn of_answer(asked: &AskedStatistics) -> Self {
        let links = asked.statistics.clicks.iter();
        let counts = overview(&asked.statistics);
        Self {
            words: format!("From {} to {}, days of Tokyo.", asked.from, asked.to),
            counts: counts.map(|(name, count)| (name, people(count))).to_vec(),
            links: links
                .map(|link| (link.url.clone(), people(link.unique_click)))
                .collect(),
            remark: REMARK,
        }
    }

    fn of_words(words: String) -> Self {
        Self {
            words,
            ..Self::default()
        }
    }
}
