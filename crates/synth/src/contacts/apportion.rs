//! Exact totals, shared out without looking at all contacts.

use super::params::Totals;

/// Contacts that share out a part of the totals among themselves.
pub(crate) const BLOCK: usize = 64;

/// What the contacts before some contact that begins a block have together; the first ids of the block follow.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Before {
    pub(crate) leads: usize,
    /// Conversations out of which no lead comes.
    pub(crate) others: usize,
    pub(crate) messages: usize,
}

impl Totals {
    /// Messages that every conversation has.
    pub(crate) fn least_messages(&self) -> usize {
        (self.messages / self.conversations.max(1)).min(3)
    }

    /// Of the first `contacts` contacts, each total in proportion and rounded down, so that the last contact
    /// completes it. Messages beyond the least go by conversations.
    pub(crate) fn before(&self, contacts: usize) -> Before {
        let part =
            |total: usize, of: usize, all: usize| (total as u128 * of as u128 / all.max(1) as u128) as usize;
        let leads = part(self.leads, contacts, self.contacts);
        let others = part(self.conversations - self.leads, contacts, self.contacts);
        let (conversations, least) = (leads + others, self.least_messages());
        let further = part(self.messages - least * self.conversations, conversations, self.conversations);
        Before { leads, others, messages: least * conversations + further }
    }
}

/// Shares `total` out in proportion to weights above 0: each has its quota rounded down, what is left goes one
/// each to the largest remainders (Hamilton's method), the earlier one where two are equal.
pub(crate) fn apportion(total: usize, weights: &[f64]) -> Vec<usize> {
    let sum: f64 = weights.iter().sum();
    let quotas: Vec<f64> = weights.iter().map(|w| total as f64 * w / sum).collect();
    let mut shares: Vec<usize> = quotas.iter().map(|q| *q as usize).collect();
    let mut order: Vec<usize> = (0..weights.len()).collect();
    order.sort_by(|&a, &b| quotas[b].fract().total_cmp(&quotas[a].fract()));
    let left = total.saturating_sub(shares.iter().sum());
    order.into_iter().cycle().take(left).for_each(|place| shares[place] += 1);
    shares
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_quotas_rounded_and_complete() {
        assert_eq!(apportion(10, &[1.0, 1.0, 1.0]), [4, 3, 3]);
        assert_eq!(apportion(7, &[6.0, 3.0, 5.0]), [3, 2, 2]);
        assert_eq!(apportion(0, &[1.0, 2.0]), [0, 0]);
        assert_eq!(apportion(2, &[0.9, 1.1, 1.0, 0.95]), [0, 1, 1, 0]);
    }

    #[test]
    fn every_block_can_give_each_conversation_its_least() {
        for (contacts, leads, conversations, messages) in
            [(200, 120, 150, 612), (1000, 0, 1, 1000), (65, 60, 65, 66), (1000, 1, 7, 7), (10, 0, 0, 0)]
        {
            let totals = Totals { contacts, leads, conversations, messages };
            let mut last = totals.before(0);
            assert_eq!(last, Before { leads: 0, others: 0, messages: 0 });
            for contact in 1..=contacts {
                let next = totals.before(contact);
                let conversations = next.leads + next.others - last.leads - last.others;
                assert!(next.messages - last.messages >= conversations * totals.least_messages());
                assert!(conversations > 0 || next.messages == last.messages);
                last = next;
            }
            assert_eq!(
                (last.leads, last.leads + last.others, last.messages),
                (leads, conversations, messages)
            );
        }
    }
}
