//! What LINE counts stands on the page of the run, with a token only, and is asked for rarely.

use fanline_local::{LineOptions, LineServer};

use super::{Dashboard, RUN};
use crate::support::{Folder, PERSONAL, campaign, list};

/// Requests for statistics that LINE has answered.
fn asked(line: &LineServer) -> u64 {
    let requests = line.ledger().requests;
    let insights = requests.iter().filter(|(path, _)| path.contains("insight"));
    insights.flat_map(|(_, by_status)| by_status.values()).sum()
}

fn page_until(dashboard: &Dashboard, text: &str) -> String {
    loop {
        let page = dashboard.get(RUN);
        assert_eq!(page.status, 200, "{page:?}");
        if page.body.contains(text) {
            return page.body;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn statistics_are_on_the_page_and_line_is_asked_once() {
    let options = LineOptions {
        opened_share: 0.5,
        ..LineOptions::default()
    };
    let line = LineServer::start(options).await.unwrap();
    let counted =
        campaign(PERSONAL).replace("{\"campaign\"", "{\"statistics\": true, \"campaign\"");
    let folder = Folder::new()
        .with("campaign.json", counted)
        .with("list.csv", list(90));
    let variables = [
        ("LINE_CHANNEL_ACCESS_TOKEN", "a-token"),
        ("LINE_API_BASE", line.url()),
    ];
    let args = ["run", "campaign.json", "--live", "--yes", "--at", "records"];
    let sent = folder.fanline_with(&args, &variables);
    assert_eq!(sent.code, Some(0), "{sent:?}");
    let without = Dashboard::start(&folder);
    let page = without.get(RUN);
    let how = "start the dashboard with `LINE_CHANNEL_ACCESS_TOKEN` set";
    assert!(page.body.contains(how), "{page:?}");
    assert_eq!(asked(&line), 0, "nothing is asked without a token");
    let dashboard = Dashboard::start_with(&folder, "records", &variables);
    let page = page_until(&dashboard, "opened");
    assert!(page.contains("<td class=\"people\">45</td>"), "{page}");
    assert!(page.contains("change for 14 days"), "{page}");
    let once = asked(&line);
    assert!(once > 0);
    // Parts of a run that is over are made anew after five seconds: a second page has its own.
    let other = format!("{RUN}&again=1");
    assert_eq!(dashboard.get(&other).status, 200);
    assert_eq!(asked(&line), once, "LINE is asked once in 15 minutes");
}
