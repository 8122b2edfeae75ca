//! `fanline make-list`: a list of made-up people.

use std::io::{self, BufWriter, ErrorKind, Write};

use crate::args::MakeListArgs;
use crate::exit::CommandEnd;

/// How many shops there are. People of one shop share what only depends on the shop.
const SHOPS: u64 = 9;

/// Prints the list.
pub(crate) fn execute(args: &MakeListArgs) -> anyhow::Result<CommandEnd> {
    let mut out = BufWriter::with_capacity(1 << 16, io::stdout().lock());
    match write(&mut out, args).and_then(|()| out.flush()) {
        // It is no error when nobody reads on, as after `| head`.
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(CommandEnd::Complete),
    }
}

fn write(out: &mut impl Write, args: &MakeListArgs) -> io::Result<()> {
    writeln!(out, "to,name,code,shop")?;
    for n in 0..args.people {
        let id = spread(n);
        if args.personalised {
            let shop = n % SHOPS + 1;
            writeln!(out, "U{id:032x},Person {n},XM-{n:07},Shop {shop}")?;
        } else {
            writeln!(out, "U{id:032x},friend,XMAS,our shop")?;
        }
    }
    Ok(())
}

/// A number for each person, never the same one twice, and spread over all IDs as real ones are:
/// the multiplication by an odd number can be undone.
fn spread(n: u64) -> u128 {
    u128::from(n + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(people: u64, personalised: bool) -> String {
        let mut out = Vec::new();
        let args = MakeListArgs {
            people,
            personalised,
        };
        write(&mut out, &args).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn everybody_is_another_person() {
        let mut ids: Vec<u128> = (0..100_000).map(spread).collect();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), 100_000);
    }

    #[test]
    fn a_personalised_list_has_a_name_for_each_and_the_other_has_one_for_all() {
        let personalised = list(3, true);
        assert!(
            personalised.ends_with(",Person 2,XM-0000002,Shop 3\n"),
            "{personalised}"
        );
        assert_eq!(personalised.lines().count(), 4);
        let plain = list(2, false);
        assert_eq!(plain.matches(",friend,XMAS,our shop\n").count(), 2);
    }
}
