//! `fanline doctor`: what is wrong with the deployed stack, and the command that mends it.

mod facts;
mod findings;

use jiff::Timestamp;

use crate::args::DoctorArgs;
use crate::exit::CommandEnd;
use crate::print;
use crate::stack::Stack;
use facts::Facts;

/// Reads the stack, and prints what is wrong with it. Changes nothing.
pub(crate) async fn execute(args: &DoctorArgs) -> anyhow::Result<CommandEnd> {
    let (stack, config) = Stack::read(&args.stack).await?;
    let (facts, stack) = Facts::of(stack, &config).await?;
    let found = findings::findings(&stack, &facts, Timestamp::now());
    if found.is_empty() {
        print::line(format_args!("{}: nothing is wrong", stack.name))?;
        return Ok(CommandEnd::Complete);
    }
    for one in found {
        print::line(one)?;
    }
    Ok(CommandEnd::Incomplete)
}
