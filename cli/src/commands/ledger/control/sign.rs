//! Who changes something, and why.

use fanline_core::settings::variable;
use fanline_ledger::{Control, Edit, EditError};
use jiff::Timestamp;

use crate::args::SignArgs;

/// Where the systems keep the name of a user.
const USER_VARIABLES: [&str; 3] = ["USER", "LOGNAME", "USERNAME"];
/// Somebody without a name.
const NOBODY: &str = "an operator";

/// An edit of this control object, signed by whoever the flags and the environment say.
pub(crate) fn signed<'a>(
    sign: &'a SignArgs,
    by: &'a str,
    control: &'a Control,
) -> Result<Edit<'a>, EditError> {
    Edit::new(control, by, sign.why.as_deref(), Timestamp::now())
}

/// Who signs.
pub(crate) fn signer(sign: &SignArgs) -> String {
    let user = || USER_VARIABLES.into_iter().find_map(variable);
    let by = sign.by.clone().or_else(user);
    by.unwrap_or_else(|| NOBODY.into())
}
