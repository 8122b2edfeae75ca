//! A chart of people over time, stacked by outcome. Coordinates only; the template draws them.

use indicatif::HumanCount;
use serde::Serialize;

/// The name of the chart's template.
pub(crate) const TEMPLATE: &str = "chart";

/// The plot in its own units. The page stretches it to its place.
const WIDTH: f64 = 1_000.0;
const HEIGHT: f64 = 100.0;
/// More bars than this are narrower than a pixel of a phone, so neighbours become one.
const MAX_BARS: usize = 240;

/// One outcome of the stack.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub(crate) struct Series {
    pub(crate) name: &'static str,
    /// The class that colours it.
    pub(crate) class: &'static str,
}

/// What the bars of a run are made of, from the axis upwards.
pub(crate) const OUTCOMES: [Series; 5] = [
    Series {
        name: "accepted",
        class: "accepted",
    },
    Series {
        name: "already accepted",
        class: "again",
    },
    Series {
        name: "expired or cancelled",
        class: "late",
    },
    Series {
        name: "set aside",
        class: "aside",
    },
    Series {
        name: "refused or unknown",
        class: "nothing",
    },
];

/// People over time: for each interval the people of each series.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct OverTime<'a> {
    pub(crate) series: &'a [Series],
    /// The people of the series, in the order of the series, for each interval.
    pub(crate) intervals: Vec<Vec<u64>>,
    /// How long an interval is.
    pub(crate) seconds: u64,
    /// People a second that LINE's limits allow.
    pub(crate) limit: Option<u64>,
}

/// A chart.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Chart {
    /// The chart in a sentence, for who can't see it.
    summary: String,
    /// The numbers at the top and in the middle of the axis, in people a second.
    most: u64,
    half: u64,
    bars: Vec<Bar>,
    limit: Option<LimitLine>,
    /// The two ends of the axis of time.
    from: String,
    to: String,
    legend: Vec<Series>,
}

/// The people of one interval.
#[derive(Debug, Clone, PartialEq, Serialize)]
struct Bar {
    x: f64,
    width: f64,
    title: String,
    /// From the axis upwards.
    parts: Vec<Part>,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
struct Part {
    y: f64,
    height: f64,
    class: &'static str,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
struct LimitLine {
    y: f64,
    people: u64,
}

impl Chart {
    /// The chart, with the names of both ends of its time.
    pub(crate) fn new(data: &OverTime<'_>, from: String, to: String) -> Self {
        let (intervals, seconds) = widened(&data.intervals, data.seconds.max(1));
        let rate = |people: u64| as_f64(people) / as_f64(seconds);
        let highest = intervals.iter().map(|people| people.iter().sum::<u64>());
        let highest = highest.max().unwrap_or(0);
        let most = round_up(highest.div_ceil(seconds).max(data.limit.unwrap_or(0)));
        let scale = HEIGHT / as_f64(most);
        let width = WIDTH / as_f64(intervals.len().max(1) as u64);
        let bars = (0..).zip(&intervals).map(|(n, people)| Bar {
            x: round(as_f64(n) * width),
            width: round(width),
            title: title(data.series, people, n * seconds, seconds),
            parts: parts(data.series, people, |people| rate(people) * scale),
        });
        let has_people = |n: usize| intervals.iter().any(|people| people.get(n) > Some(&0));
        let legend = data.series.iter().enumerate();
        Self {
            summary: format!(
                "People a second over the whole time, {} at most in any {}",
                HumanCount(highest.div_ceil(seconds)),
                length(seconds)
            ),
            most,
            half: most / 2,
            bars: bars.filter(|bar| !bar.parts.is_empty()).collect(),
            limit: data.limit.map(|people| LimitLine {
                y: round(HEIGHT - as_f64(people) * scale),
                people,
            }),
            from,
            to,
            legend: legend
                .filter(|(n, _)| has_people(*n))
                .map(|(_, series)| *series)
                .collect(),
        }
    }
}

/// The intervals, neighbours taken together until a screen can show each; and their new length.
fn widened(intervals: &[Vec<u64>], seconds: u64) -> (Vec<Vec<u64>>, u64) {
    let together = intervals.len().div_ceil(MAX_BARS).max(1);
    let sum = |chunk: &[Vec<u64>]| {
        let mut sums = Vec::new();
        for people in chunk {
            sums.resize(people.len().max(sums.len()), 0);
            for (sum, people) in sums.iter_mut().zip(people) {
                *sum += people;
            }
        }
        sums
    };
    let widened = intervals.chunks(together).map(sum).collect();
    (widened, seconds * together as u64)
}

fn parts(series: &[Series], people: &[u64], height: impl Fn(u64) -> f64) -> Vec<Part> {
    let mut below = 0;
    let mut parts = Vec::new();
    for (series, people) in series.iter().zip(people).filter(|(_, people)| **people > 0) {
        below += people;
        parts.push(Part {
            y: round(HEIGHT - height(below)),
            height: round(height(*people)),
            class: series.class,
        });
    }
    parts
}

fn title(series: &[Series], people: &[u64], from: u64, seconds: u64) -> String {
    let parts = series.iter().zip(people).filter(|(_, people)| **people > 0);
    let parts: Vec<_> = parts
        .map(|(series, people)| format!("{} {}", HumanCount(*people), series.name))
        .collect();
    format!(
        "{} from second {from}: {}",
        length(seconds),
        parts.join(", ")
    )
}

fn length(seconds: u64) -> String {
    match seconds {
        1 => "1 second".into(),
        _ => format!("{seconds} seconds"),
    }
}

/// The next number that is easy to halve and to read: 2, 4, 10, 20, 40, 50 and so on with zeros.
fn round_up(number: u64) -> u64 {
    let mut unit: u64 = 1;
    loop {
        for step in [2, 4, 6, 8, 10] {
            let round = unit.saturating_mul(step);
            if round >= number {
                return round;
            }
        }
        unit = unit.saturating_mul(10);
    }
}

/// Hundredths are finer than any screen.
fn round(coordinate: f64) -> f64 {
    (coordinate * 100.0).round() / 100.0
}

#[expect(
    clippy::cast_precision_loss,
    reason = "a pixel more or less does not matter"
)]
fn as_f64(n: u64) -> f64 {
    n as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const SERIES: [Series; 2] = [
        Series {
            name: "accepted",
            class: "accepted",
        },
        Series {
            name: "refused",
            class: "nothing",
        },
    ];

    fn chart(intervals: &[[u64; 2]], seconds: u64, limit: Option<u64>) -> Chart {
        let data = OverTime {
            series: &SERIES,
            intervals: intervals.iter().map(|people| people.to_vec()).collect(),
            seconds,
            limit,
        };
        Chart::new(&data, "from".into(), "to".into())
    }

    #[test]
    fn the_parts_of_a_bar_stand_on_each_other() {
        let chart = chart(&[[5_000, 0], [2_500, 2_500], [0, 0]], 5, None);
        assert_eq!((chart.most, chart.half), (1_000, 500));
        let bars: Vec<_> = chart
            .bars
            .iter()
            .map(|bar| {
                let parts = bar.parts.iter().map(|part| (part.y, part.height));
                (bar.x, bar.width, parts.collect::<Vec<_>>())
            })
            .collect();
        assert_eq!(
            bars,
            [
                (0.0, 333.33, vec![(0.0, 100.0)]),
                (333.33, 333.33, vec![(50.0, 50.0), (0.0, 50.0)]),
            ]
        );
        assert_eq!(
            chart.bars[1].title,
            "5 seconds from second 5: 2,500 accepted, 2,500 refused"
        );
        assert_eq!(chart.legend, SERIES);
    }

    #[test]
    fn the_limit_stands_inside_the_chart_and_nobody_has_no_legend() {
        let chart = chart(&[[1_000, 0]], 1, Some(2_000));
        assert_eq!(chart.most, 2_000);
        assert_eq!(chart.limit.as_ref().map(|limit| limit.y), Some(0.0));
        assert_eq!(chart.legend, SERIES[..1]);
        assert_eq!(
            chart.summary,
            "People a second over the whole time, 1,000 at most in any 1 second"
        );
    }

    #[test]
    fn the_top_of_the_axis_is_a_round_number() {
        for (number, round) in [(0, 2), (1, 2), (3, 4), (9, 10), (11, 20), (2_001, 4_000)] {
            assert_eq!(round_up(number), round, "{number}");
        }
        assert!(round_up(u64::MAX) == u64::MAX);
    }

    proptest! {
        #[test]
        fn everything_stands_inside_the_chart_and_nobody_is_lost(
            intervals in prop::collection::vec(prop::array::uniform2(0_u64..200_000), 0..1_500),
            seconds in 1_u64..100,
            limit in prop::option::of(0_u64..200_000),
        ) {
            let (wide, width) = widened(
                &intervals.iter().map(|people| people.to_vec()).collect::<Vec<_>>(), seconds,
            );
            prop_assert!(wide.len() <= MAX_BARS && width >= seconds);
            let all = |intervals: Vec<u64>| intervals.into_iter().sum::<u64>();
            prop_assert_eq!(all(intervals.concat()), all(wide.concat()));
            let chart = chart(&intervals, seconds, limit);
            for bar in &chart.bars {
                prop_assert!(bar.x >= 0.0 && bar.x + bar.width <= WIDTH + 0.1, "{bar:?}");
                for part in &bar.parts {
                    prop_assert!(part.y >= -0.01, "{bar:?}");
                    prop_assert!(part.y + part.height <= HEIGHT + 0.02, "{bar:?}");
                }
            }
            if let Some(limit) = &chart.limit {
                prop_assert!((0.0..=HEIGHT).contains(&limit.y), "{limit:?}");
            }
        }
    }
}
