//! Which fate a delivery meets.

use crate::state::DeliveryId;

/// What is in store for the next deliveries, and those kept back.
#[derive(Debug, Default)]
pub(crate) struct WebhookFaults {
    pub(super) lose: u32,
    pub(super) duplicate: u32,
    pub(super) reorder: usize,
    pub(super) hold: bool,
    held: Vec<DeliveryId>,
    reordering: Vec<DeliveryId>,
}

/// What happens to one delivery.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum HookFate {
    /// Sent once, now.
    Send,
    /// Sent twice, now.
    SendTwice,
    /// Not sent.
    Lose,
    /// Kept back until released, or until the last of a reordered group is there.
    Keep,
    /// The last of a reordered group: send these one after another, in this order.
    SendInOrder(Vec<DeliveryId>),
}

impl WebhookFaults {
    /// Decides on one delivery.
    pub(crate) fn decide(&mut self, delivery: DeliveryId) -> HookFate {
        if self.lose > 0 {
            self.lose -= 1;
            HookFate::Lose
        } else if self.hold {
            self.held.push(delivery);
            HookFate::Keep
        } else if self.reorder > 0 {
            self.reorder -= 1;
            self.reordering.push(delivery);
            if self.reorder > 0 {
                return HookFate::Keep;
            }
            let mut group = std::mem::take(&mut self.reordering);
            group.reverse();
            HookFate::SendInOrder(group)
        } else if self.duplicate > 0 {
            self.duplicate -= 1;
            HookFate::SendTwice
        } else {
            HookFate::Send
        }
    }

    /// Ends the hold and hands out what was kept back, oldest first.
    pub(crate) fn release(&mut self) -> Vec<DeliveryId> {
        self.hold = false;
        self.reorder = 0;
        let mut released = std::mem::take(&mut self.held);
        released.append(&mut self.reordering);
        released.sort_unstable();
        released
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reordering_sends_the_group_last_first() {
        let mut faults = WebhookFaults {
            reorder: 3,
            ..WebhookFaults::default()
        };
        assert_eq!(faults.decide(DeliveryId(1)), HookFate::Keep);
        assert_eq!(faults.decide(DeliveryId(2)), HookFate::Keep);
        let group = vec![DeliveryId(3), DeliveryId(2), DeliveryId(1)];
        assert_eq!(faults.decide(DeliveryId(3)), HookFate::SendInOrder(group));
        assert_eq!(faults.decide(DeliveryId(4)), HookFate::Send);
    }

    #[test]
    fn a_release_hands_out_everything_kept_back_in_order() {
        let mut faults = WebhookFaults {
            hold: true,
            ..WebhookFaults::default()
        };
        assert_eq!(faults.decide(DeliveryId(1)), HookFate::Keep);
        assert_eq!(faults.decide(DeliveryId(2)), HookFate::Keep);
        assert_eq!(faults.release(), [DeliveryId(1), DeliveryId(2)]);
        assert_eq!(faults.decide(DeliveryId(3)), HookFate::Send);
    }
}
