//! The chart of a run: a bar for each second, and LINE's limit. Coordinates only; the page draws
//! them.

use serde::Serialize;

/// The height of the plot, from the axis to the top of the chart.
const PLOT_HEIGHT: f64 = 140.0;
/// The height of the highest bar. The rest of the plot is for the label of the limit.
const MAX_BAR_HEIGHT: f64 = PLOT_HEIGHT - 16.0;
/// The room below the axis, for its labels.
const AXIS_HEIGHT: f64 = 24.0;
/// The room to the left of the bars, for the number of the limit.
const LEFT: f64 = 44.0;
const WIDTH: f64 = 360.0;
/// The share of a second's place that its bar takes.
const BAR_SHARE: f64 = 0.92;
/// The narrowest bar that a screen still shows.
const MIN_BAR_WIDTH: f64 = 0.4;

/// A chart. Coordinates are units of its view box, from the top left.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Chart {
    pub(crate) width: f64,
    pub(crate) height: f64,
    /// The left end of the axis.
    pub(crate) left: f64,
    /// The height of the axis, and of the labels below it.
    pub(crate) axis_y: f64,
    pub(crate) label_y: f64,
    /// The right end of the axis, in seconds.
    pub(crate) seconds: usize,
    pub(crate) bars: Vec<Bar>,
    pub(crate) limit: Option<LimitLine>,
}

/// The recipients accepted in one second.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Bar {
    pub(crate) x: f64,
    pub(crate) y: f64,
    pub(crate) width: f64,
    pub(crate) height: f64,
    pub(crate) recipients: u64,
}

/// The line of LINE's limit, in recipients a second.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct LimitLine {
    pub(crate) recipients: u64,
    pub(crate) y: f64,
    /// The height of the number at its left end, and of the label at its right end.
    pub(crate) number_y: f64,
    pub(crate) label_y: f64,
}

impl Chart {
    /// The chart of recipients accepted in each second, and of the limit where there is one.
    pub(crate) fn new(accepted_by_second: &[u64], limit: Option<u64>) -> Self {
        let most = accepted_by_second.iter().copied().chain(limit).max();
        let scale = MAX_BAR_HEIGHT / as_f64(most.unwrap_or(0).max(1));
        let step = (WIDTH - LEFT) / as_f64(accepted_by_second.len().max(1) as u64);
        let bar = |(second, recipients): (u64, &u64)| {
            let height = round(as_f64(*recipients) * scale);
            Bar {
                x: round(LEFT + as_f64(second) * step),
                y: round(PLOT_HEIGHT - height),
                width: round((step * BAR_SHARE).max(MIN_BAR_WIDTH)),
                height,
                recipients: *recipients,
            }
        };
        Self {
            width: WIDTH,
            height: PLOT_HEIGHT + AXIS_HEIGHT,
            left: LEFT,
            axis_y: PLOT_HEIGHT,
            label_y: PLOT_HEIGHT + 18.0,
            seconds: accepted_by_second.len(),
            bars: (0..).zip(accepted_by_second).map(bar).collect(),
            limit: limit.map(|recipients| {
                let y = round(PLOT_HEIGHT - as_f64(recipients) * scale);
                LimitLine {
                    recipients,
                    y,
                    number_y: y + 4.0,
                    label_y: (y - 4.0).max(11.0),
                }
            }),
        }
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

    #[test]
    fn bars_are_as_high_as_their_share_of_the_most() {
        let chart = Chart::new(&[500, 1_000, 0], None);
        let places: Vec<_> = chart
            .bars
            .iter()
            .map(|bar| (bar.x, bar.y, bar.width, bar.height))
            .collect();
        assert_eq!(
            places,
            [
                (44.0, 78.0, 96.91, 62.0),
                (149.33, 16.0, 96.91, 124.0),
                (254.67, 140.0, 96.91, 0.0)
            ]
        );
        assert_eq!(chart.limit, None);
    }

    #[test]
    fn the_limit_stands_above_the_bars_that_keep_to_it() {
        let chart = Chart::new(&[1_000], Some(2_000));
        let limit = chart.limit.unwrap();
        assert_eq!((limit.y, limit.number_y, limit.label_y), (16.0, 20.0, 12.0));
        assert!((chart.bars[0].y - 78.0).abs() < f64::EPSILON);
    }

    #[test]
    fn a_run_without_a_second_has_an_empty_chart() {
        let chart = Chart::new(&[], None);
        assert!(chart.bars.is_empty());
        assert!(chart.width > chart.left && chart.height > chart.axis_y);
    }

    proptest! {
        #[test]
        fn everything_stands_inside_the_chart(
            seconds in prop::collection::vec(0_u64..200_000, 0..500),
            limit in prop::option::of(0_u64..200_000),
        ) {
            let chart = Chart::new(&seconds, limit);
            prop_assert_eq!(chart.bars.len(), seconds.len());
            for bar in &chart.bars {
                prop_assert!(bar.x >= chart.left && bar.y >= 0.0, "{bar:?}");
                prop_assert!(bar.x + bar.width <= chart.width + 0.02, "{bar:?}");
                prop_assert!(bar.y + bar.height <= chart.axis_y + 0.01, "{bar:?}");
            }
            if let Some(limit) = &chart.limit {
                prop_assert!((0.0..=chart.axis_y).contains(&limit.y), "{limit:?}");
                prop_assert!(limit.label_y > 10.0, "{limit:?}");
            }
        }
    }
}
