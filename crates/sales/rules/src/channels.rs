//! Channels: through whom orders come, online or not.

use loopledger_facts::sales::ChannelOpened;
use loopledger_facts::{Medium, Occasion, PartyRef};
use loopledger_rules::stock::{Checks, trades};
use loopledger_rules::{Context, Decide, Evolve, Missing, Rejection, State};
use loopledger_types::{BusinessDate, ChannelId, PartyId};

use crate::reference::party;
use crate::{Entity, Key, Sales};

/// Creates a channel (`ChannelId` index 0).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenChannel {
    pub occasion: Occasion,
    pub medium: Medium,
    pub operator: PartyId,
    pub label: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Channel {
    /// The day on which it opened.
    pub since: BusinessDate,
    pub medium: Medium,
    pub operator: PartyRef,
    pub label: Box<str>,
}

impl Decide<Sales> for OpenChannel {
    type Fact = ChannelOpened;

    fn keys(&self, missing: &mut Missing<'_, Sales>) {
        missing.ask(Key::Party(self.operator));
    }

    fn decide(&self, state: &State<Sales>, context: &Context) -> Result<ChannelOpened, Rejection> {
        let mut checks = Checks::new(&self.occasion, context);
        checks.pass()?;
        let operator = party(&mut checks, state, self.operator)?;
        checks.pass()?;
        let operator = trades(operator)?;
        Ok(ChannelOpened {
            occasion: self.occasion,
            channel: ChannelId::derive(context.request_id, context.stream, 0),
            medium: self.medium,
            operator,
            label: self.label.clone(),
        })
    }
}

impl Evolve<Sales> for ChannelOpened {
    // It creates a channel.
    fn keys(&self, _: &mut Missing<'_, Sales>) {}

    fn evolve(&self, state: &mut State<Sales>) {
        let channel = Channel {
            since: self.occasion.business_date,
            medium: self.medium,
            operator: self.operator,
            label: self.label.as_str().into(),
        };
        state.entities.put(Key::Channel(self.channel), Entity::Channel(Box::new(channel)));
    }
}
