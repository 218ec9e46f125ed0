//! Sends a file of commands: pipelined within a stretch, nothing in flight across a barrier, answers in file order.

use std::collections::{BTreeMap, VecDeque};

use loopledger_proto::client::v1::RecordLine;
use loopledger_proto::client::v1::record_line::Line;
use loopledger_proto::common::v1::Position;
use loopledger_proto::ledger::v1::AwaitRequest;
use loopledger_types::Service;
use tokio::sync::mpsc;

use super::answer::Answer;
use super::lane::{Lane, Reply, rest_on, service_of};
use crate::client::Client;
use crate::exit::Failure;

/// Lines sent and not answered: bounds what a lost connection makes us send again, and the memory of the reorder buffer.
const IN_FLIGHT_MAX: usize = 8_192;

/// Counts of one run.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Tally {
    pub(crate) recorded: u64,
    pub(crate) refused: u64,
    pub(crate) barriers: u64,
}

/// A run over one file.
#[derive(Debug)]
pub(crate) struct Recorder<'a, F> {
    client: &'a Client,
    lanes: BTreeMap<Service, Lane>,
    replies: (mpsc::UnboundedSender<Reply>, mpsc::UnboundedReceiver<Reply>),
    /// Per service the numbers of the lines that are unanswered, in the order sent.
    unanswered: BTreeMap<Service, VecDeque<u64>>,
    in_flight: usize,
    /// Answers that came before those of earlier lines.
    early: BTreeMap<u64, Answer>,
    next_to_tell: u64,
    /// Newest position of each stream that this run has written.
    written: BTreeMap<String, Position>,
    /// What the last barrier reached.
    heads: Vec<Position>,
    tally: Tally,
    /// Hears every answer, in file order.
    tell: F,
}

impl<'a, F: FnMut(u64, &Answer) -> Result<(), Failure>> Recorder<'a, F> {
    /// `first_line` is the number of the first line that will be sent (from 1); `heads` is what the last barrier
    /// before it had reached.
    pub(crate) fn new(client: &'a Client, first_line: u64, heads: Vec<Position>, tell: F) -> Self {
        Self {
            client,
            lanes: BTreeMap::new(),
            replies: mpsc::unbounded_channel(),
            unanswered: BTreeMap::new(),
            in_flight: 0,
            early: BTreeMap::new(),
            next_to_tell: first_line,
            written: heads.iter().map(|head| (head.stream.clone(), head.clone())).collect(),
            heads,
            tally: Tally::default(),
            tell,
        }
    }

    /// Sends every line, and returns when each is answered.
    pub(crate) async fn run(
        mut self,
        lines: impl IntoIterator<Item = Result<RecordLine, Failure>>,
    ) -> Result<Tally, Failure> {
        let mut number = self.next_to_tell;
        for line in lines {
            let line = line?.line.ok_or_else(|| Failure::Usage(format!("line {number} says nothing")))?;
            match service_of(&line) {
                Some(service) => self.send(number, service, line).await?,
                None => self.barrier(number).await?,
            }
            number = number.saturating_add(1);
        }
        self.drain(0).await?;
        Ok(self.tally)
    }

    async fn send(&mut self, number: u64, service: Service, mut line: Line) -> Result<(), Failure> {
        rest_on(&mut line, &self.heads);
        if !self.lanes.contains_key(&service) {
            let lane = Lane::open(self.client, service, self.replies.0.clone()).await?;
            self.lanes.insert(service, lane);
        }
        self.unanswered.entry(service).or_default().push_back(number);
        self.in_flight = self.in_flight.saturating_add(1);
        self.drain(IN_FLIGHT_MAX.saturating_sub(1)).await?;
        let Some(lane) = self.lanes.get(&service) else { return Ok(()) };
        // Answers are taken while the lane is full: a server that waits for its answers to be read must not wait for us.
        let mut sending = std::pin::pin!(lane.send(line));
        loop {
            tokio::select! {
                sent = &mut sending => match sent {
                    Ok(()) => return Ok(()),
                    Err(ended) => {
                        // The stream's own last word says more than that it ended.
                        while let Ok(reply) = self.replies.1.try_recv() {
                            reply.1.map_err(Failure::from)?;
                        }
                        return Err(ended);
                    }
                },
                reply = self.replies.1.recv() => {
                    let Some((service, answer)) = reply else { return Err(ended()) };
                    let number = self.unanswered.get_mut(&service).and_then(VecDeque::pop_front);
                    let answer = answer.map_err(Failure::from)?;
                    if let Some(number) = number {
                        self.in_flight = self.in_flight.saturating_sub(1);
                        self.early.insert(number, answer);
                    }
                }
            }
        }
    }

    /// Takes answers until at most `left` lines are unanswered, and tells those that are next in the file.
    async fn drain(&mut self, left: usize) -> Result<(), Failure> {
        while let Ok(reply) = self.replies.1.try_recv() {
            self.take(reply)?;
        }
        while self.in_flight > left {
            let reply = self.replies.1.recv().await.ok_or_else(ended)?;
            self.take(reply)?;
        }
        while let Some(answer) = self.early.remove(&self.next_to_tell) {
            self.tell_next(&answer)?;
        }
        Ok(())
    }

    fn take(&mut self, (service, answer): Reply) -> Result<(), Failure> {
        let Some(number) = self.unanswered.get_mut(&service).and_then(VecDeque::pop_front) else {
            // The stream ended with nothing due.
            self.lanes.remove(&service);
            return Ok(());
        };
        self.in_flight = self.in_flight.saturating_sub(1);
        self.early.insert(number, answer?);
        Ok(())
    }

    fn tell_next(&mut self, answer: &Answer) -> Result<(), Failure> {
        (self.tell)(self.next_to_tell, answer)?;
        self.next_to_tell = self.next_to_tell.saturating_add(1);
        match answer {
            Answer::Recorded(receipt) => {
                self.tally.recorded = self.tally.recorded.saturating_add(1);
                if let Some(position) = &receipt.position {
                    let newest = self.written.entry(position.stream.clone()).or_insert_with(|| position.clone());
                    if newest.sequence < position.sequence {
                        *newest = position.clone();
                    }
                }
            }
            Answer::Refused { .. } => self.tally.refused = self.tally.refused.saturating_add(1),
            Answer::Reached(_) => self.tally.barriers = self.tally.barriers.saturating_add(1),
        }
        Ok(())
    }

    /// Everything before it is answered; its consequences are in; what follows carries the heads.
    async fn barrier(&mut self, number: u64) -> Result<(), Failure> {
        self.drain(0).await?;
        debug_assert_eq!(number, self.next_to_tell, "everything before a barrier is told");
        let request = AwaitRequest { positions: self.written.values().cloned().collect(), consequences: true };
        let heads = self.client.ledger()?.r#await(request).await?.into_inner().heads;
        self.heads.clone_from(&heads);
        for head in &heads {
            self.written.insert(head.stream.clone(), head.clone());
        }
        self.tell_next(&Answer::Reached(heads))
    }
}

fn ended() -> Failure {
    Failure::Unreachable("the server ended the stream".to_owned())
}
