//! A question before something that can't be undone.

use std::io::{self, BufRead, IsTerminal};

use crate::exit::InputError;
use crate::print;

/// Asks on the terminal, unless `yes` says that it is not to be asked. Anything but `yes` ends the
/// command before it has changed something.
pub(crate) fn ask(what: &str, yes: bool) -> anyhow::Result<()> {
    if yes {
        return Ok(());
    }
    if !io::stdin().is_terminal() {
        let problem = format!("{what}, and standard input is no terminal to ask on: add --yes");
        return Err(InputError(problem).into());
    }
    print::note(format_args!("{what}. Go on? Type `yes`:"));
    let mut answer = String::new();
    io::stdin().lock().read_line(&mut answer)?;
    if answer.trim() == "yes" {
        Ok(())
    } else {
        Err(InputError("nothing was changed".into()).into())
    }
}
