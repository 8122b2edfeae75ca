//! A multicast that LINE refused as a whole, taken apart: pure, so that every attempt takes it apart alike.

use fanline_core::delivery::Delivery;

/// The parts of a delivery: who is to blame, each alone, and everybody else.
#[derive(Debug)]
pub(crate) struct Parts {
    /// Those that LINE named.
    pub blamed: Vec<Delivery>,
    /// Those that are asked again, under keys of their own.
    pub others: Vec<Delivery>,
}

/// Takes out the recipients at `positions`. Where none of them exists, halves instead.
pub(crate) fn take_out(delivery: &Delivery, positions: &[usize]) -> Parts {
    let (blamed, others): (Vec<_>, Vec<_>) = delivery
        .recipients
        .iter()
        .cloned()
        .enumerate()
        .partition(|(i, _)| positions.contains(i));
    if blamed.is_empty() {
        return halve(delivery);
    }
    let others: Vec<String> = others.into_iter().map(|(_, recipient)| recipient).collect();
    Parts {
        blamed: blamed
            .into_iter()
            .map(|(_, recipient)| delivery.with_recipients(vec![recipient]))
            .collect(),
        others: if others.is_empty() {
            Vec::new()
        } else {
            vec![delivery.with_recipients(others)]
        },
    }
}

/// Cuts in the middle; a delivery to one stays whole.
pub(crate) fn halve(delivery: &Delivery) -> Parts {
    let all = &delivery.recipients;
    let (left, right) = all.split_at(all.len() / 2);
    Parts {
        blamed: Vec::new(),
        others: [left, right]
            .into_iter()
            .filter(|half| !half.is_empty())
            .map(|half| delivery.with_recipients(half.to_vec()))
            .collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn delivery(n: usize) -> Delivery {
        let to = (0..n)
            .map(|i| format!("\"U{i:032x}\""))
            .collect::<Vec<_>>()
            .join(",");
        Delivery::decode(&format!(
            r#"{{"v":1,"run":"r","channel":"line","recipients":[{to}],"messages":[0],"started_at":"2026-01-01T00:00:00Z"}}"#
        ))
        .unwrap()
    }

    fn all(parts: &Parts) -> Vec<String> {
        let mut all: Vec<String> = parts
            .blamed
            .iter()
            .chain(&parts.others)
            .flat_map(|part| part.recipients.clone())
            .collect();
        all.sort();
        all
    }

    #[test]
    fn a_named_recipient_is_taken_out_and_the_rest_stay_together() {
        let whole = delivery(5);
        let parts = take_out(&whole, &[3]);
        assert_eq!(parts.blamed.len(), 1);
        assert_eq!(parts.blamed[0].recipients, [whole.recipients[3].clone()]);
        assert_eq!(parts.others.len(), 1);
        assert_eq!(parts.others[0].recipients.len(), 4);
        assert_ne!(
            parts.others[0].request().retry_key,
            whole.request().retry_key
        );
    }

    #[test]
    fn a_position_outside_the_list_blames_nobody() {
        let parts = take_out(&delivery(4), &[4, 500]);
        assert!(parts.blamed.is_empty());
        assert_eq!(parts.others.len(), 2);
    }

    proptest! {
        #[test]
        fn nobody_is_lost_or_doubled_and_every_part_is_smaller(n in 2usize..500, positions in prop::collection::vec(0usize..600, 0..8)) {
            let whole = delivery(n);
            for parts in [take_out(&whole, &positions), halve(&whole)] {
                prop_assert_eq!(all(&parts), whole.recipients.clone());
                prop_assert!(parts.blamed.iter().all(|part| part.recipients.len() == 1));
                prop_assert!(parts.others.iter().all(|part| (1..n).contains(&part.recipients.len())));
            }
        }

        #[test]
        fn the_same_delivery_is_always_taken_apart_alike(n in 2usize..500) {
            let keys = |parts: Parts| parts.others.iter().map(|part| part.request().retry_key).collect::<Vec<_>>();
            prop_assert_eq!(keys(halve(&delivery(n))), keys(halve(&delivery(n))));
        }
    }
}
