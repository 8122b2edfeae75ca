//! The flags of the commands that come before a campaign is sent.

use clap::Args;

use super::{CampaignArgs, LedgerPlace};

const PLAN_EXIT_CODES: &str = "\
Exit codes:
  0  the campaign can be sent as planned
  1  it can, but some rows can't be sent
  2  it can't: each line that begins with `problem` says why, and what would do";

/// Say what a campaign needs: requests, time, quota and money. Send nothing
///
/// With a token in `LINE_CHANNEL_ACCESS_TOKEN` it asks LINE for the quota that is left, and whether
/// LINE would take the messages. Without one it asks nobody.
#[derive(Debug, Args)]
#[command(after_help = PLAN_EXIT_CODES)]
pub(crate) struct PlanArgs {
    #[command(flatten)]
    pub(crate) campaign: CampaignArgs,
    /// Plan for the stack of this ledger: its consumers, the pace that is set, and the people of
    /// other open runs, who take from the month's quota too
    #[arg(long, value_name = "s3://BUCKET | DIR", env = "FANLINE_AT")]
    pub(crate) at: Option<LedgerPlace>,
    /// How many consumers the stack runs at once: its parameter `MaximumConcurrency`, or for an
    /// urgent campaign `UrgentConcurrency`. Without it: what the ledger says, or 40 and 2
    #[arg(
        long,
        value_name = "N",
        value_parser = clap::value_parser!(u32).range(1..=1000)
    )]
    pub(crate) concurrency: Option<u32>,
    /// How long LINE takes to answer, in milliseconds
    #[arg(
        long,
        value_name = "MS",
        default_value_t = 150,
        value_parser = clap::value_parser!(u64).range(1..=10_000)
    )]
    pub(crate) latency: u64,
    /// Plan for sealed deliveries, which are longer. With --at, the ledger says whether the stack
    /// seals
    #[arg(long)]
    pub(crate) seal: bool,
    /// What LINE charges for a message to one person, such as 3 for ¥3
    #[arg(long, value_name = "PRICE", env = "FANLINE_FEE", value_parser = price)]
    pub(crate) fee: Option<f64>,
    /// Also ask LINE for the IDs of the account's friends, 1,000 at a time, and count who of the
    /// list is none. Only for accounts that are verified or premium
    #[arg(long)]
    pub(crate) friends: bool,
    /// Print the plan as JSON on standard output
    #[arg(long)]
    pub(crate) json: bool,
}

fn price(text: &str) -> Result<f64, String> {
    let price: f64 = text.parse().map_err(|_| "is not a number")?;
    if price.is_finite() && price >= 0.0 {
        Ok(price)
    } else {
        Err("is not a price".into())
    }
}

/// Print a list of made-up people, to rehearse with: `fanline make-list 1000000 > list.csv`
///
/// It is CSV with the columns `to`, `name`, `code` and `shop`. Nobody has these user IDs. The same
/// number gives the same list.
#[derive(Debug, Args)]
pub(crate) struct MakeListArgs {
    /// How many people
    #[arg(value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) people: u64,
    /// Give everybody a name and a code of their own, so that a personalised message differs for
    /// each. Without it all have the same ones, and share requests
    #[arg(long)]
    pub(crate) personalised: bool,
}
