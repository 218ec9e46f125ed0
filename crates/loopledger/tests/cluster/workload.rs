//! A caller who plays the demo through gRPC against whichever replicas answer, and sends again, under the same request
//! id, what was not answered.

use std::cell::RefCell;
use std::collections::{BTreeMap, VecDeque};
use std::time::{Duration, Instant};

use futures::future::join_all;
use loopledger_proto::client::v1::RecordLine;
use loopledger_proto::client::v1::record_line::Line;
use loopledger_proto::common::v1::Position;
use loopledger_proto::ledger::v1::AwaitRequest;
use loopledger_proto::ledger::v1::ledger_service_client::LedgerServiceClient;
use loopledger_proto::procurement::v1::record_request::Command as Procure;
use loopledger_proto::sales::v1::record_request::Command as Sell;
use loopledger_testkit::wait::back_off;
use tokio::sync::mpsc;
use tokio::time::timeout;
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Status};

use crate::account::Account;
use crate::deployment::{Deployment, PROJECTION};
use crate::lines::{registration, request_id, resting_on};
use crate::services::{Bulk, Command, Distribution, Procurement, Sales, Station};

/// Callers of one service at a time, each at another replica.
const CALLERS: usize = 2;
/// Commands of one call.
const CALL: usize = 16;
/// After this a caller goes elsewhere.
const ANSWER_MAX: Duration = Duration::from_secs(4);
/// The same for a barrier, which waits for reactions.
const BARRIER_MAX: Duration = Duration::from_secs(8);
/// A standby reacts after 5 s, a leader is replaced within 7: what takes longer than this is lost.
const STALL_MAX: Duration = Duration::from_mins(2);
/// One caller in so many goes away without waiting, and one in so many asks for what is unlawful.
const ODD_ONE: usize = 40;
/// One call in so many is made by two callers at once.
const TWO_CALLERS: usize = 4;

pub(crate) struct Workload<'a> {
    deployment: &'a Deployment,
    account: &'a Account,
    channels: RefCell<BTreeMap<String, Channel>>,
    turn: RefCell<usize>,
    odd: u32,
    /// The newest position of each stream that was acknowledged.
    written: RefCell<BTreeMap<String, Position>>,
    /// The lines of the demo that were played.
    pub(crate) played: Vec<RecordLine>,
}

impl<'a> Workload<'a> {
    pub(crate) fn new(deployment: &'a Deployment, account: &'a Account) -> Self {
        Self {
            deployment,
            account,
            channels: RefCell::default(),
            turn: RefCell::default(),
            odd: 0,
            written: RefCell::default(),
            played: Vec::new(),
        }
    }

    /// Plays `lines` until they end or, at a barrier, `enough` says so.
    pub(crate) async fn play(&mut self, lines: impl Iterator<Item = RecordLine>, enough: impl Fn() -> bool) {
        let mut stretch = Vec::new();
        for line in lines {
            self.played.push(line.clone());
            if matches!(line.line, Some(Line::Await(_))) {
                self.send(core::mem::take(&mut stretch)).await;
                self.barrier().await;
                if enough() {
                    return;
                }
            } else {
                stretch.push(line);
            }
        }
        self.send(stretch).await;
        self.barrier().await;
    }

    /// Commands between two barriers: at any replica, and in any order, but for those that rest on one right before them,
    /// as they can where one stream keeps them in order.
    async fn send(&mut self, stretch: Vec<RecordLine>) {
        let mut phases: [Vec<RecordLine>; 3] = Default::default();
        let mut previous = 0;
        for line in stretch {
            previous = phase(&line, previous);
            phases[previous].push(line);
        }
        for phase in phases {
            self.send_unordered(phase).await;
        }
    }

    async fn send_unordered(&mut self, stretch: Vec<RecordLine>) {
        // The other replica may not have read yet what this one has acknowledged.
        let heads: Vec<Position> = self.written.borrow().values().cloned().collect();
        let mut lines: Vec<RecordLine> = stretch.iter().map(|line| resting_on(line, &heads)).collect();
        for _ in 0..stretch.len().div_ceil(ODD_ONE) {
            let (unlawful, given_up) = (self.odd_id(), self.odd_id());
            self.account.unlawful(&unlawful);
            lines.push(registration(unlawful, false));
            self.go_away(registration(given_up, true)).await;
        }
        let (mut procurement, mut station) = (VecDeque::new(), VecDeque::new());
        let (mut distribution, mut sales, mut orders) = (VecDeque::new(), VecDeque::new(), VecDeque::new());
        for line in lines {
            queue::<Procurement>(&mut procurement, &line);
            queue::<Station>(&mut station, &line);
            queue::<Distribution>(&mut distribution, &line);
            queue::<Sales>(if is_order(&line) { &mut orders } else { &mut sales }, &line);
        }
        tokio::join!(
            self.lane::<Procurement>(procurement, CALLERS),
            self.lane::<Station>(station, CALLERS),
            self.lane::<Distribution>(distribution, CALLERS),
            self.lane::<Sales>(sales, CALLERS),
            // Who orders first has the older goods: the ledger depends on it.
            self.lane::<Sales>(orders, 1)
        );
    }

    /// A request id that is none of the demo's.
    fn odd_id(&mut self) -> String {
        self.odd += 1;
        format!("00000000-0000-4000-8000-{:012x}", self.odd)
    }

    async fn lane<S: Bulk>(&self, commands: VecDeque<Command<S::Request>>, callers: usize) {
        for command in &commands {
            self.account.sends(&command.request_id);
        }
        let queue = RefCell::new(commands);
        join_all((0..callers).map(|_| self.call::<S>(&queue))).await;
    }

    async fn call<S: Bulk>(&self, queue: &RefCell<VecDeque<Command<S::Request>>>) {
        let mut began = Instant::now();
        loop {
            let batch: Vec<_> = {
                let mut queue = queue.borrow_mut();
                let count = queue.len().min(CALL);
                queue.drain(..count).collect()
            };
            if batch.is_empty() {
                return;
            }
            let sent = batch.len();
            // Another caller sends the same at the same time, most likely to the other replica.
            let twin = if self.is_for_two() { batch.clone() } else { Vec::new() };
            let ((left, trouble), _) = tokio::join!(self.send_batch::<S>(batch), self.send_batch::<S>(twin));
            if left.len() < sent {
                began = Instant::now();
            }
            if left.is_empty() {
                continue;
            }
            let stalled = began.elapsed() > STALL_MAX;
            assert!(!stalled, "{} does not answer: {trouble}\n{}", S::PROGRAM, self.deployment.last_words());
            self.account.retries(left.len(), format!("{}: {trouble}", S::PROGRAM));
            for command in left.into_iter().rev() {
                queue.borrow_mut().push_front(command);
            }
            back_off().await;
        }
    }

    fn is_for_two(&self) -> bool {
        self.turn.borrow().is_multiple_of(TWO_CALLERS)
    }

    /// Sends a few commands to one replica; those that have to be sent again, and why.
    async fn send_batch<S: Bulk>(&self, batch: Vec<Command<S::Request>>) -> (Vec<Command<S::Request>>, String) {
        if batch.is_empty() {
            return (batch, String::new());
        }
        let Some(channel) = self.channel(S::PROGRAM) else { return (batch, "no replica runs".to_owned()) };
        let (sender, requests) = mpsc::channel(CALL);
        for command in &batch {
            sender.try_send(command.request.clone()).expect("there is room for a call");
        }
        // Nothing follows: the answers end when all are given.
        drop(sender);
        let mut batch = VecDeque::from(batch);
        let mut left = Vec::new();
        let mut trouble = String::new();
        let mut answers = match self.in_time(S::open(channel, requests)).await {
            Ok(answers) => answers,
            Err(status) => return (batch.into(), describe(&status)),
        };
        while let Some(command) = batch.pop_front() {
            let outcome = match self.in_time(answers.message()).await {
                Ok(Some(response)) => S::outcome(response),
                Ok(None) => Err(Status::unavailable("the answers ended")),
                Err(status) => {
                    left.push(command);
                    left.extend(batch);
                    return (left, describe(&status));
                }
            };
            match outcome {
                Ok(receipt) => {
                    self.wrote(receipt.position.as_ref());
                    self.account.acknowledged(&command.request_id, receipt);
                }
                Err(status) if is_worth_another_try(&status) => {
                    trouble = describe(&status);
                    left.push(command);
                }
                Err(status) => self.account.refused(&command.request_id, &status),
            }
        }
        (left, trouble)
    }

    /// Sends a command, and goes away before it is answered.
    async fn go_away(&self, line: RecordLine) {
        let request_id = request_id(&line);
        self.account.sends(&request_id);
        self.account.given_up(&request_id);
        let Some(channel) = self.channel(Procurement::PROGRAM) else { return };
        let (sender, requests) = mpsc::channel(1);
        let request = line.line.and_then(Procurement::request).expect("a registration");
        sender.try_send(request).expect("there is room for one");
        let _ = self.in_time(Procurement::open(channel, requests)).await;
    }

    /// Everything before it is in, with its consequences.
    async fn barrier(&mut self) {
        let positions: Vec<Position> = self.written.borrow().values().cloned().collect();
        let began = Instant::now();
        let heads = loop {
            let request = AwaitRequest { positions: positions.clone(), consequences: true, ..AwaitRequest::default() };
            let trouble = match self.channel(PROJECTION) {
                Some(channel) => {
                    let mut client = LedgerServiceClient::new(channel);
                    match timeout(BARRIER_MAX, client.r#await(request)).await {
                        Ok(Ok(answer)) => break answer.into_inner().heads,
                        Ok(Err(status)) => describe(&status),
                        Err(_) => {
                            self.account.timed_out();
                            "no answer in time".to_owned()
                        }
                    }
                }
                None => "no replica runs".to_owned(),
            };
            let stalled = began.elapsed() > STALL_MAX;
            assert!(!stalled, "a barrier is not reached: {trouble}\n{}", self.deployment.last_words());
            self.account.retries(0, format!("projection: {trouble}"));
            back_off().await;
        };
        for head in &heads {
            self.wrote(Some(head));
        }
    }

    fn wrote(&self, position: Option<&Position>) {
        let position = position.expect("a receipt says where");
        let mut written = self.written.borrow_mut();
        let newest = written.entry(position.stream.clone()).or_insert_with(|| position.clone());
        if newest.sequence < position.sequence {
            *newest = position.clone();
        }
    }

    /// One replica after the other.
    fn channel(&self, program: &str) -> Option<Channel> {
        let urls = self.deployment.urls(program);
        let turn = {
            let mut turn = self.turn.borrow_mut();
            *turn += 1;
            *turn
        };
        let url = urls.get(turn % urls.len().max(1))?;
        let mut channels = self.channels.borrow_mut();
        Some(channels.entry(url.clone()).or_insert_with(|| channel(url)).clone())
    }

    async fn in_time<T>(&self, call: impl Future<Output = Result<T, Status>>) -> Result<T, Status> {
        timeout(ANSWER_MAX, call).await.unwrap_or_else(|_| {
            self.account.timed_out();
            Err(Status::deadline_exceeded("no answer in time"))
        })
    }
}

/// How many commands right before it a line rests on: a payment on its order; a payout that fails on the payout, and the
/// payout that is made again on that.
fn phase(line: &RecordLine, previous: usize) -> usize {
    match &line.line {
        Some(Line::Sales(request)) if matches!(request.command, Some(Sell::RecordPayment(_))) => 1,
        Some(Line::Procurement(request)) => match request.command {
            Some(Procure::FailPayout(_)) => 1,
            Some(Procure::MakePayout(_)) if previous == 1 => 2,
            _ => 0,
        },
        _ => 0,
    }
}

fn is_order(line: &RecordLine) -> bool {
    let Some(Line::Sales(request)) = &line.line else { return false };
    matches!(request.command, Some(Sell::PlaceOrder(_)))
}

fn queue<S: Bulk>(queue: &mut VecDeque<Command<S::Request>>, line: &RecordLine) {
    if let Some(request) = line.line.clone().and_then(S::request) {
        queue.push_back(Command { request_id: request_id(line), request });
    }
}

/// Connects when it is used, and again when the connection was lost.
pub(crate) fn channel(url: &str) -> Channel {
    Endpoint::from_shared(url.to_owned()).expect("a URL").tcp_nodelay(true).connect_lazy()
}

fn is_worth_another_try(status: &Status) -> bool {
    matches!(
        status.code(),
        Code::Unavailable | Code::DeadlineExceeded | Code::ResourceExhausted | Code::Cancelled | Code::Unknown
    )
}

fn describe(status: &Status) -> String {
    format!("{:?} {}", status.code(), status.message())
}
