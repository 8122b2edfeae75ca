//! Who the people of a run are.

use fanline_core::channel::Channel;

/// Who a person is on a channel: a LINE ID, or a LINE Notify token.
pub(crate) fn person(channel: Channel, number: u32) -> String {
    // A bijection, so that neighbours do not look alike.
    let mixed = u128::from(number).wrapping_mul(0x9E37_79B9_7F4A_7C15_F39C_C060_5CED_C835);
    match channel {
        Channel::Line => format!("U{mixed:032x}"),
        Channel::LineNotify => format!("N{mixed:042x}"),
    }
}
