//! What the books say agrees with LINE, and adds up.

use fanline_core::channel::Channel;

use crate::check::{Broken, Invariant, note};
use crate::lists::is_of;
use crate::person::person;
use crate::plan::Plan;
use crate::world::Ended;

pub(crate) fn check(plan: &Plan, ended: &Ended, broken: &mut Vec<Broken>) {
    for books in &ended.books {
        let campaign = &plan.campaigns[books.campaign];
        let Some(equation) = books.equation else {
            continue;
        };
        if equation.difference() != 0 {
            let what = format!("{}: {equation:?}", campaign.id);
            note(broken, Invariant::BooksAddUp, what);
        }
        // Other firings have books of their own, and an answer of LINE Notify can be lost for good.
        if campaign.firings.len() > 1 || campaign.channel == Channel::LineNotify {
            continue;
        }
        let got = (0..campaign.people).filter(|index| {
            let id = person(campaign.channel, campaign.first_person + index);
            let receipts = ended.line.receipts(&id);
            receipts.iter().any(|receipt| {
                let text = receipt.messages.as_deref();
                text.is_some_and(|text| is_of(campaign, text))
            })
        });
        let (got, said) = (got.count() as u64, equation.people.accepted + books.loose);
        // Whom SQS set aside with the last receive, nobody told the ledger of.
        let silent = ended.leftovers.dead_letters.iter();
        let silent = silent.filter(|letter| letter.reason.is_none());
        let silent: usize = silent.map(|letter| letter.recipients.len()).sum();
        if said > got || got - said > silent as u64 {
            let what = format!(
                "{}: LINE accepted {got}, the books say {said}; {equation:?}",
                campaign.id
            );
            note(broken, Invariant::BooksAgree, what);
        }
    }
}
