//! Which entities a command or commit needs that may have left memory.

use super::{Command, Event, Key, PayoutItem, Procurement};
use crate::station::GoodsCollected;
use crate::{Commit, State, Subject, Terms, station};

pub(super) fn keys(state: &State<Procurement>, subject: &Subject<'_, Command>) -> Vec<Key> {
    let mut missing = Missing { state, keys: Vec::new() };
    match subject {
        Subject::Command(command) => missing.command(command),
        Subject::Own(commit) => missing.own(commit),
        Subject::Upstream(commit) => missing.upstream(commit),
    }
    missing.keys
}

/// Collects keys that nothing is known of.
struct Missing<'s> {
    state: &'s State<Procurement>,
    keys: Vec<Key>,
}

impl Missing<'_> {
    fn ask(&mut self, key: Key) {
        if !self.state.entities.is_known(&key) && !self.keys.contains(&key) {
            self.keys.push(key);
        }
    }

    fn command(&mut self, command: &Command) {
        match command {
            // Product codes are found in the index, which knows every product.
            Command::RegisterHousehold(_) | Command::RegisterParty(_) | Command::RegisterProduct(_) => {}
            Command::ChangeHouseholdCategory(c) => self.ask(Key::Party(c.household)),
            Command::AddHouseholdMember(c) => self.ask(Key::Party(c.household)),
            Command::RemoveHouseholdMember(c) => self.ask(Key::Party(c.household)),
            Command::RelocateHousehold(c) => self.ask(Key::Party(c.household)),
            Command::ContractLinkage(c) => {
                self.ask(Key::Party(c.firm));
                self.ask(Key::Station(c.station));
                self.ask(Key::Party(c.producer));
                self.ask(Key::Product(c.product));
            }
            Command::MakePayout(c) => {
                self.ask(Key::Party(c.payer));
                self.ask(Key::Party(c.payee));
                // What is open is in memory; what is named may be paid long since.
                for payable in &c.payables {
                    self.ask(Key::Payable(*payable));
                }
            }
            Command::FailPayout(c) => {
                self.ask(Key::Payout(c.payout));
                if let Some(payout) = self.state.payout(c.payout) {
                    self.items(&payout.made.items);
                }
            }
        }
    }

    fn own(&mut self, commit: &Commit) {
        for event in &commit.events {
            let crate::Event::Procurement(event) = event else { continue };
            match event {
                Event::HouseholdCategoryChanged(e) => self.ask(Key::Party(e.household)),
                Event::MemberJoined(e) => self.ask(Key::Party(e.household)),
                Event::MemberLeft(e) => self.ask(Key::Party(e.household)),
                Event::HouseholdRelocated(e) => self.ask(Key::Party(e.household)),
                Event::PurchaseAccepted(e) => self.ask_all(e.contract.map(Key::Contract)),
                Event::PayoutMade(e) => self.items(&e.items),
                Event::PayoutFailed(e) => {
                    self.ask(Key::Payout(e.original.payout));
                    self.items(&e.original.items);
                }
                // These create what they name, or change nothing.
                Event::HouseholdRegistered(_)
                | Event::PartyRegistered(_)
                | Event::ProductRegistered(_)
                | Event::LinkageContracted(_)
                | Event::PurchaseDeclined(_)
                | Event::PayableOpened(_)
                | Event::UpstreamIgnored(_)
                | Event::AnswerRepeated(_)
                | Event::TailLost(_) => {}
            }
        }
    }

    fn upstream(&mut self, commit: &Commit) {
        for event in commit.heard() {
            if let crate::Event::Station(station::Event::GoodsCollected(GoodsCollected { origin, .. })) = event {
                match origin.terms {
                    Terms::Outright { buyer, contract, .. } => {
                        self.ask(Key::Party(buyer.id));
                        self.ask(Key::Party(origin.producer.id));
                        self.ask_all(contract.map(Key::Contract));
                    }
                    Terms::AgreedPrice { contract, .. } | Terms::Commission { contract, .. } => {
                        self.ask_all(contract.map(Key::Consigned));
                    }
                }
            }
        }
    }

    fn items(&mut self, items: &[PayoutItem]) {
        self.ask_all(items.iter().map(|item| Key::Payable(item.payable)));
    }

    fn ask_all(&mut self, keys: impl IntoIterator<Item = Key>) {
        for key in keys {
            self.ask(key);
        }
    }
}
