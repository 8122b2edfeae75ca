//! What to do about recipients who got nothing.

/// What to do about recipients with this reason, or this outcome where that says it all.
pub(crate) fn advice(reason: &str) -> &'static str {
    match reason {
        "quota" => "Raise the month’s quota. The people can then be sent to again.",
        "unauthorized" => "Set a valid token. The people can then be sent to again.",
        "refused" | "unfit" => "LINE refuses it each time. Change the message or the row first.",
        "expired" => "It was too late. Send a new run with a later `expires_at`.",
        "unknown" | "unanswered" | "too_old" => {
            "LINE may have accepted it. Sending it again can send it twice."
        }
        "cancelled" => "Nothing was sent to them.",
        "not sent" => "Run it again within 23 hours: only they are sent to.",
        "rejected" => "Correct the rows, and send a list with them alone.",
        _ => "",
    }
}
