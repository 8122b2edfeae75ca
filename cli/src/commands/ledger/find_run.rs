//! The run that a command names: whole, or by the beginning of its name.

use fanline_ledger::{RunKeys, RunRecord, Store, StoreError};

use crate::commands::ledger::place::{Ledger, unusable};
use crate::exit::InputError;

/// So many runs are named where a name fits several.
const MAX_NAMED: usize = 8;
/// So many runs are proposed for a name that fits none.
const MAX_PROPOSED: usize = 3;
/// A proposal is at least this similar: 1 is equal, 0 has nothing in common.
const MIN_SIMILARITY: f64 = 0.7;

/// The run whose name is `wanted`, or begins so and no other's does.
pub(super) async fn find_run(ledger: &Ledger, wanted: &str) -> anyhow::Result<RunRecord> {
    // Without the right to list, a run can still be named whole. A store that does not answer is
    // not asked for a list then.
    match ledger.store.get(&RunKeys::new(wanted).record()).await {
        Err(error @ StoreError::Failed { .. }) => return Err(unusable(error)),
        Ok(Some(object)) => {
            if let Ok(record) = RunRecord::decode(&object.bytes) {
                return Ok(record);
            }
        }
        _ => {}
    }
    let names = ledger.run_names().await?;
    let run = choose(&names, wanted, &ledger.name)?;
    let record = read_record(&ledger.store, run).await?;
    record.ok_or_else(|| {
        InputError(format!(
            "the run `{run}` in `{}` has no record",
            ledger.name
        ))
        .into()
    })
}

/// The first run of the family of the run that is named.
pub(super) async fn find_root(ledger: &Ledger, named: RunRecord) -> anyhow::Result<RunRecord> {
    let Some(root) = &named.resend_of else {
        return Ok(named);
    };
    let record = read_record(&ledger.store, root).await?;
    record.ok_or_else(|| {
        let problem = format!(
            "`{}` is a resend of `{root}`, which has no record",
            named.run
        );
        InputError(problem).into()
    })
}

/// The record of a run; `None` where there is none.
pub(in crate::commands) async fn read_record(
    store: &Store,
    run: &str,
) -> anyhow::Result<Option<RunRecord>> {
    let object = store.get(&RunKeys::new(run).record()).await;
    let object = object.map_err(unusable)?;
    let record = object.map(|object| RunRecord::decode(&object.bytes));
    record.transpose().map_err(unusable)
}

/// The one of these names that is meant.
fn choose<'a>(names: &'a [String], wanted: &str, place: &str) -> Result<&'a str, InputError> {
    if let Some(name) = names.iter().find(|name| *name == wanted) {
        return Ok(name);
    }
    let alike: Vec<_> = names
        .iter()
        .filter(|name| name.starts_with(wanted))
        .collect();
    match alike[..] {
        [one] => Ok(one),
        [] => {
            let near = near(names, wanted);
            let cure = if near.is_empty() {
                "`fanline runs` lists them".to_owned()
            } else {
                format!("did you mean {}?", quoted(&near, " or "))
            };
            let problem = format!("there is no run `{wanted}` in `{place}`: {cure}");
            Err(InputError(problem))
        }
        _ => {
            let more = alike.len().saturating_sub(MAX_NAMED);
            let first: Vec<_> = alike
                .iter()
                .take(MAX_NAMED)
                .map(|name| name.as_str())
                .collect();
            let more = if more > 0 {
                format!(" and {more} more")
            } else {
                String::new()
            };
            Err(InputError(format!(
                "{} runs begin with `{wanted}`: {}{more}. Name one of them",
                alike.len(),
                quoted(&first, ", ")
            )))
        }
    }
}

/// The names most like the wanted one, the most similar first. Upper and lower case are alike.
fn near<'a>(names: &'a [String], wanted: &str) -> Vec<&'a str> {
    let wanted = wanted.to_lowercase();
    let similarity = |name: &str| {
        let name = name.to_lowercase();
        // `xmas` is meant where the run is `xmas@2026-12-25T00:00:00Z`.
        let campaign = name.split('@').next().unwrap_or(&name);
        let whole = strsim::normalized_damerau_levenshtein(&name, &wanted);
        whole.max(strsim::normalized_damerau_levenshtein(campaign, &wanted))
    };
    let mut near: Vec<_> = names
        .iter()
        .map(|name| (similarity(name), name.as_str()))
        .filter(|(similarity, _)| *similarity >= MIN_SIMILARITY)
        .collect();
    near.sort_by(|one, other| other.0.total_cmp(&one.0));
    let near = near.into_iter().map(|(_, name)| name);
    near.take(MAX_PROPOSED).collect()
}

fn quoted(names: &[&str], between: &str) -> String {
    let quoted: Vec<_> = names.iter().map(|name| format!("`{name}`")).collect();
    quoted.join(between)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_is_found_whole_or_by_a_beginning_that_no_other_has() {
        let names = [
            "new-year",
            "xmas",
            "xmas@2026-12-24T00:00:00Z",
            "xmas@2026-12-25T00:00:00Z",
        ];
        let names = names.map(str::to_owned);
        let chosen = |wanted: &str| choose(&names, wanted, "s3://b").map_err(|error| error.0);
        assert_eq!(chosen("xmas"), Ok("xmas"));
        assert_eq!(chosen("new"), Ok("new-year"));
        assert_eq!(chosen("xmas@2026-12-25"), Ok("xmas@2026-12-25T00:00:00Z"));
        for (wanted, problem) in [
            (
                "xmas@",
                "2 runs begin with `xmas@`: `xmas@2026-12-24T00:00:00Z`, \
                 `xmas@2026-12-25T00:00:00Z`. Name one of them",
            ),
            (
                "New-Years",
                "there is no run `New-Years` in `s3://b`: did you mean `new-year`?",
            ),
            (
                "easter",
                "there is no run `easter` in `s3://b`: `fanline runs` lists them",
            ),
        ] {
            assert_eq!(chosen(wanted), Err(problem.to_owned()));
        }
        let many: Vec<_> = (0..30).map(|n| format!("a{n:02}")).collect();
        let error = choose(&many, "a", "s3://b").unwrap_err().0;
        assert!(error.starts_with("30 runs begin with `a`"), "{error}");
        assert!(error.contains("`a07` and 22 more."), "{error}");
    }
}
