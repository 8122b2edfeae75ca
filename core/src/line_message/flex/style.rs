//! Flex Messages: sizes, colours and ratios.
//!
//! <https://developers.line.biz/en/docs/messaging-api/flex-message-layout/>

use super::super::text::Pattern;

/// LINE documents six digits and eight. Three and four mean the same in CSS.
pub(in super::super) static COLOUR: Pattern = Pattern {
    fits: |text| {
        text.strip_prefix('#').is_some_and(|digits| {
            matches!(digits.len(), 3 | 4 | 6 | 8) && digits.bytes().all(|b| b.is_ascii_hexdigit())
        })
    },
    takes: "a colour as `#RRGGBB` or `#RRGGBBAA`",
    is_doubtful: |text| text.len() < "#RRGGBB".len(),
};

/// Between components, and around a corner.
pub(super) static SPACE: Pattern = Pattern::new(
    |text| is_pixels(text) || STEPS.contains(&text),
    "pixels such as `5px`, or `none`, `xs`, `sm`, `md`, `lg`, `xl`, `xxl`",
);

pub(super) static PADDING: Pattern = Pattern::new(
    |text| is_pixels(text) || is_percentage(text) || STEPS.contains(&text),
    "pixels such as `5px`, a percentage such as `5%`, or `none`, `xs`, `sm`, `md`, `lg`, \
            `xl`, `xxl`",
);

/// An offset may go the other way.
pub(super) static OFFSET: Pattern = Pattern::new(
    |text| (PADDING.fits)(text.strip_prefix('-').unwrap_or(text)),
    PADDING.takes,
);

/// The width or height of a box.
pub(super) static WIDTH: Pattern = Pattern::new(
    |text| is_pixels(text) || is_percentage(text),
    "pixels such as `50px`, or a percentage such as `50%`",
);

pub(super) static BORDER_WIDTH: Pattern = Pattern::new(
    |text| {
        is_pixels(text)
            || ["none", "light", "normal", "medium", "semi-bold", "bold"].contains(&text)
    },
    "pixels such as `2px`, or `none`, `light`, `normal`, `medium`, `semi-bold`, `bold`",
);

pub(super) static IMAGE_SIZE: Pattern = Pattern::new(
    |text| is_pixels(text) || is_percentage(text) || SIZES.contains(&text) || text == "full",
    "pixels such as `50px`, a percentage such as `50%`, or `xxs`, `xs`, `sm`, `md`, `lg`, \
            `xl`, `xxl`, `3xl`, `4xl`, `5xl`, `full`",
);

/// LINE's guide takes no percentage for an icon, and its `messaging-api.yml` takes one.
pub(super) static ICON_SIZE: Pattern = Pattern::new(
    |text| (TEXT_SIZE.fits)(text) || is_percentage(text),
    TEXT_SIZE.takes,
);

pub(super) static TEXT_SIZE: Pattern = Pattern::new(
    |text| is_pixels(text) || SIZES.contains(&text),
    "pixels such as `50px`, or `xxs`, `xs`, `sm`, `md`, `lg`, `xl`, `xxl`, `3xl`, `4xl`, \
            `5xl`",
);

pub(super) static LINE_SPACING: Pattern = Pattern::new(is_pixels, "pixels such as `20px`");

/// <https://developers.line.biz/en/reference/messaging-api/#f-image>
pub(super) static ASPECT_RATIO: Pattern = Pattern::new(
    |text| {
        let side = |text| decimal(text).filter(|side| (1.0..=100_000.0).contains(side));
        text.split_once(':').is_some_and(|(width, height)| {
            matches!((side(width), side(height)), (Some(w), Some(h)) if h <= 3.0 * w)
        })
    },
    "`width:height` such as `20:13`, each from 1 to 100000, \
            and the height at most three times the width",
);

pub(super) static ANGLE: Pattern = Pattern::new(
    |text| {
        let degrees = text.strip_suffix("deg").and_then(decimal);
        degrees.is_some_and(|degrees| degrees < 360.0)
    },
    "degrees such as `90deg`, from `0deg` to less than `360deg`",
);

pub(super) static PERCENT: Pattern = Pattern::new(
    |text| {
        let percent = text.strip_suffix('%').and_then(decimal);
        percent.is_some_and(|percent| percent <= 100.0)
    },
    "a percentage from `0%` to `100%`",
);

const STEPS: [&str; 7] = ["none", "xs", "sm", "md", "lg", "xl", "xxl"];

const SIZES: [&str; 10] = [
    "xxs", "xs", "sm", "md", "lg", "xl", "xxl", "3xl", "4xl", "5xl",
];

fn is_pixels(text: &str) -> bool {
    text.strip_suffix("px").and_then(decimal).is_some()
}

fn is_percentage(text: &str) -> bool {
    text.strip_suffix('%').and_then(decimal).is_some()
}

/// A number without a sign or an exponent.
fn decimal(text: &str) -> Option<f64> {
    let is_plain = text.bytes().all(|b| b.is_ascii_digit() || b == b'.');
    is_plain.then(|| text.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(pattern: &Pattern, good: &[&str], bad: &[&str]) {
        for text in good {
            assert!((pattern.fits)(text), "{text}");
        }
        for text in bad.iter().chain(&["", " ", "早", "1px ", "NaN"]) {
            assert!(!(pattern.fits)(text), "{text}");
        }
    }

    #[test]
    fn each_style_takes_what_line_documents() {
        check(
            &COLOUR,
            &["#00ff00", "#FFFFFF80", "#fff", "#fff8"],
            &["red", "00ff00", "#00ff0", "#ggffff"],
        );
        check(
            &SPACE,
            &["none", "md", "xxl", "5px", "23.5px", "0px"],
            &["5", "5%", "3xl", "-5px", "px"],
        );
        check(&PADDING, &["none", "5px", "5%"], &["5", "-5px", "full"]);
        check(&OFFSET, &["none", "5px", "-5px", "10%"], &["5", "--5px"]);
        check(&WIDTH, &["50px", "50%", "33.3%"], &["md", "50"]);
        check(&BORDER_WIDTH, &["none", "semi-bold", "2px"], &["md", "2%"]);
        check(
            &IMAGE_SIZE,
            &["full", "5xl", "50px", "50%"],
            &["none", "6xl"],
        );
        check(&ICON_SIZE, &["xxs", "50px", "50%"], &["full", "none"]);
        check(&TEXT_SIZE, &["md", "3xl", "50px"], &["full", "50%"]);
        check(&LINE_SPACING, &["20px"], &["md", "20%"]);
        check(
            &ANGLE,
            &["0deg", "90deg", "359.9deg"],
            &["360deg", "90", "-1deg"],
        );
        check(&PERCENT, &["0%", "50%", "100%"], &["101%", "50", "-1%"]);
        check(
            &ASPECT_RATIO,
            &["1:1", "20:13", "1.91:1", "1:3", "100000:100000"],
            &["1", "0:1", "1:0.5", "1:4", "100001:1", "a:b", "1:1:1"],
        );
    }

    #[test]
    fn a_short_colour_is_doubtful() {
        for (colour, is_doubtful) in [("#fff", true), ("#ffff", true), ("#ffffff", false)] {
            assert_eq!((COLOUR.is_doubtful)(colour), is_doubtful, "{colour}");
        }
    }
}
