//! Sends a file of commands: pipelined within a stretch, nothing in flight across a barrier, answers in file order.
//!
//! When the server becomes unreachable, its streams are reopened and unanswered lines are sent again under the same
//! request ids, in the order of the file. Commands that it had recorded are found then.

use core::time::Duration;
use std::collections::{BTreeMap, VecDeque};

use loopledger_proto::common::v1::Position;
use loopledger_types::{CountyCode, StreamId};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep};
use tonic::Status;

use super::answer::{Answer, Verdict, verdict};
use super::barrier;
use super::broken::Broken;
use super::lane::{Lane, Reply, Route, complete};
use super::line::Line;
use crate::both;
use crate::client::Client;
use crate::exit::Failure;
use crate::note;

/// Lines sent and not yet reported: bounds what a lost connection makes us send again, and our memory. A lane holds as many, so
/// sending never waits.
pub(super) const IN_FLIGHT_MAX: usize = 8_192;

/// How long a server may be away, unless the caller says otherwise: long enough for a restart that replays its log.
pub const PATIENCE_SECONDS: u64 = 60;
/// Streams open at once: a server takes 32 bulk streams on a connection, and those that were closed may still be among them.
const LANES_MAX: usize = 24;
/// Between two attempts to reach a server that is away.
const RETRY_PAUSE: Duration = Duration::from_millis(250);

/// Counts of one run.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    /// Recorded now.
    pub new: u64,
    /// Recorded before, and found.
    pub found: u64,
    /// Not recorded.
    pub refused: u64,
    /// Reached.
    pub barriers: u64,
}

impl Tally {
    /// Lines that the server answered.
    pub const fn answered(&self) -> u64 {
        self.new.saturating_add(self.found).saturating_add(self.refused).saturating_add(self.barriers)
    }

    const fn count(&mut self, answer: &Answer) {
        let counter = match answer {
            Answer::Recorded(receipt) if receipt.already_recorded => &mut self.found,
            Answer::Recorded(_) => &mut self.new,
            Answer::Refused(_) => &mut self.refused,
            Answer::Reached(_) => &mut self.barriers,
        };
        *counter = counter.saturating_add(1);
    }
}

/// Why a run ended before the end of its file.
#[derive(Debug)]
pub enum Stop {
    /// A line cannot be sent. Everything before it is answered.
    Broken(Broken),
    /// The server cannot be reached or stops taking lines, or an answer was not taken.
    Failed(Failure),
}

impl From<Failure> for Stop {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

/// A line on its way.
#[derive(Debug)]
struct Slot {
    line: Line,
    answer: Option<Answer>,
}

/// A run over one file.
#[derive(Debug)]
pub struct Recorder<'a, F> {
    client: &'a Client,
    patience: Duration,
    lanes: BTreeMap<Route, Lane>,
    /// Tells the answers of a lane that was given up from those of its successor.
    generation: u64,
    replies: (mpsc::UnboundedSender<Reply>, mpsc::UnboundedReceiver<Reply>),
    /// Lines that are not reported yet, in file order.
    slots: VecDeque<Slot>,
    /// Place in the file of the first slot.
    first: u64,
    /// Per route the places of the lines that are unanswered, in the order sent.
    unanswered: BTreeMap<Route, VecDeque<u64>>,
    /// Since when nothing was answered although we tried again.
    trouble: Option<Instant>,
    /// By county the newest position of each stream that this run has written.
    written: BTreeMap<CountyCode, BTreeMap<String, Position>>,
    /// What the last barrier reached, by county.
    heads: BTreeMap<CountyCode, Vec<Position>>,
    tally: Tally,
    /// Hears every answer, in file order.
    tell: F,
}

impl<'a, F: FnMut(&Line, &Answer, &Tally) -> Result<(), Failure>> Recorder<'a, F> {
    /// `heads` is what the last barrier before the first line had reached.
    pub fn new(client: &'a Client, patience: Duration, heads: Vec<Position>, tell: F) -> Self {
        let mut recorder = Self {
            client,
            patience,
            lanes: BTreeMap::new(),
            generation: 0,
            replies: mpsc::unbounded_channel(),
            slots: VecDeque::new(),
            first: 0,
            unanswered: BTreeMap::new(),
            trouble: None,
            written: BTreeMap::new(),
            heads: BTreeMap::new(),
            tally: Tally::default(),
            tell,
        };
        recorder.rest_on(heads);
        recorder
    }

    /// What follows rests on these heads.
    fn rest_on(&mut self, heads: Vec<Position>) {
        self.heads.clear();
        for head in heads {
            let Some(county) = county_of(&head) else { continue };
            self.written.entry(county).or_default().insert(head.stream.clone(), head.clone());
            self.heads.entry(county).or_default().push(head);
        }
    }

    /// Sends every line, and returns when each is answered; also what was done if it stops before.
    pub async fn run(mut self, lines: impl IntoIterator<Item = Result<Line, Broken>>) -> (Tally, Result<(), Stop>) {
        let ended = self.send_all(lines).await;
        (self.tally, ended)
    }

    async fn send_all(&mut self, lines: impl IntoIterator<Item = Result<Line, Broken>>) -> Result<(), Stop> {
        for line in lines {
            match line {
                Err(broken) => {
                    self.drain(0).await?;
                    return Err(Stop::Broken(broken));
                }
                Ok(line) => match Route::of(&line.command, self.client.county()) {
                    Some(route) => self.send(route, line).await?,
                    None => self.barrier(line).await?,
                },
            }
        }
        Ok(self.drain(0).await?)
    }

    async fn send(&mut self, route: Route, line: Line) -> Result<(), Failure> {
        self.drain(IN_FLIGHT_MAX.saturating_sub(1)).await?;
        // Lines to one stream keep their order, also if only some of them name its county.
        if self.unanswered.iter().any(|(other, places)| route.may_be(*other) && !places.is_empty()) {
            self.drain(0).await?;
        }
        if self.lanes.len() >= LANES_MAX && !self.lanes.contains_key(&route) {
            self.drain(0).await?;
            for lane in core::mem::take(&mut self.lanes).into_values() {
                lane.close().await;
            }
        }
        let place = self.first.saturating_add(u64::try_from(self.slots.len()).unwrap_or(u64::MAX));
        self.slots.push_back(Slot { line, answer: None });
        self.unanswered.entry(route).or_default().push_back(place);
        if self.lanes.contains_key(&route) {
            self.transmit(route, place);
            Ok(())
        } else {
            self.open(route).await
        }
    }

    /// Hands a line to its lane. One that is closed says why in its last reply, and everything is sent again then.
    fn transmit(&self, route: Route, place: u64) {
        let (Some(slot), Some(lane)) = (self.slot(place), self.lanes.get(&route)) else { return };
        let mut command = slot.line.command.clone();
        complete(&mut command, route.county, self.heads_of(route.county));
        lane.send(command);
    }

    /// What the last barrier reached in a county; of the only one if none is named.
    fn heads_of(&self, county: Option<CountyCode>) -> &[Position] {
        let heads = match county {
            Some(county) => self.heads.get(&county),
            None => self.heads.values().next().filter(|_| self.heads.len() == 1),
        };
        heads.map_or(&[], Vec::as_slice)
    }

    fn index(&self, place: u64) -> Option<usize> {
        usize::try_from(place.checked_sub(self.first)?).ok()
    }

    fn slot(&self, place: u64) -> Option<&Slot> {
        self.slots.get(self.index(place)?)
    }

    /// Opens the lane of `route`, and sends what is unanswered there.
    async fn open(&mut self, route: Route) -> Result<(), Failure> {
        loop {
            self.generation = self.generation.saturating_add(1);
            match Lane::open(self.client, route, self.generation, self.replies.0.clone()).await? {
                Ok(lane) => {
                    self.lanes.insert(route, lane);
                    let places: Vec<u64> = self.unanswered.get(&route).into_iter().flatten().copied().collect();
                    for place in places {
                        self.transmit(route, place);
                    }
                    return Ok(());
                }
                Err(status) => self.wait_after(status).await?,
            }
        }
    }

    /// Waits before the next attempt, as long as there is patience for it.
    async fn wait_after(&mut self, status: Status) -> Result<(), Failure> {
        if verdict(&status) != Verdict::Later && !is_transport(&status) {
            return Err(status.into());
        }
        let since = *self.trouble.get_or_insert_with(|| {
            let seconds = self.patience.as_secs();
            if seconds > 0 {
                let why = Failure::from(status.clone());
                let text = both!(
                    "服务中断,最多等待 {seconds} 秒,未答复的行将重新发送",
                    "the server is unreachable: reconnecting for up to {seconds} s; unanswered lines are sent again"
                );
                note!("loopledger: {text}: {why}");
            }
            Instant::now()
        });
        if since.elapsed() >= self.patience {
            return Err(status.into());
        }
        sleep(RETRY_PAUSE).await;
        Ok(())
    }

    /// Takes answers until at most `left` lines are untold.
    async fn drain(&mut self, left: usize) -> Result<(), Failure> {
        while let Ok(reply) = self.replies.1.try_recv() {
            self.take(reply).await?;
        }
        while self.slots.len() > left {
            let ended = || Failure::Unreachable("the server ended the stream".to_owned());
            let reply = self.replies.1.recv().await.ok_or_else(ended)?;
            self.take(reply).await?;
        }
        Ok(())
    }

    async fn take(&mut self, (route, generation, reply): Reply) -> Result<(), Failure> {
        if self.lanes.get(&route).is_none_or(|lane| lane.generation != generation) {
            return Ok(());
        }
        let is_due = self.unanswered.get(&route).is_some_and(|places| !places.is_empty());
        let status = match reply {
            Ok(answer) if is_due => match settled(answer) {
                Ok(answer) => return self.answered(route, answer),
                Err(status) => status,
            },
            // More answers than questions: the stream is of no use.
            Ok(_) => Status::unavailable("the server answered what was not asked"),
            Err(status) => status,
        };
        self.lanes.remove(&route);
        if is_due {
            self.wait_after(status).await?;
            self.open(route).await?;
        }
        Ok(())
    }

    /// Keeps an answer in its place, and tells all that are next in the file.
    fn answered(&mut self, route: Route, answer: Answer) -> Result<(), Failure> {
        self.trouble = None;
        let place = self.unanswered.get_mut(&route).and_then(VecDeque::pop_front);
        let index = place.and_then(|place| self.index(place));
        if let Some(slot) = index.and_then(|index| self.slots.get_mut(index)) {
            slot.answer = Some(answer);
        }
        while let Some(Slot { line, answer: Some(answer) }) = self.slots.pop_front_if(|slot| slot.answer.is_some()) {
            self.first = self.first.saturating_add(1);
            self.tell(&line, &answer)?;
        }
        Ok(())
    }

    fn tell(&mut self, line: &Line, answer: &Answer) -> Result<(), Failure> {
        self.tally.count(answer);
        if let Answer::Recorded(receipt) = answer
            && let Some(position) = &receipt.position
            && let Some(county) = county_of(position)
        {
            let newest = self.written.entry(county).or_default();
            let newest = newest.entry(position.stream.clone()).or_insert_with(|| position.clone());
            if newest.sequence < position.sequence {
                *newest = position.clone();
            }
        }
        (self.tell)(line, answer, &self.tally)
    }

    /// Everything before it is answered, in every county; its consequences are in; what follows carries the heads.
    async fn barrier(&mut self, line: Line) -> Result<(), Failure> {
        self.drain(0).await?;
        let mut due: Vec<(Option<CountyCode>, Vec<Position>)> = Vec::new();
        for (county, written) in &self.written {
            due.push((Some(*county), written.values().cloned().collect()));
        }
        if due.is_empty() {
            due.push((self.client.county(), Vec::new()));
        }
        let mut heads = Vec::new();
        for (county, positions) in due {
            heads.extend(self.reach(county, &positions).await?);
        }
        self.trouble = None;
        self.rest_on(heads.clone());
        self.first = self.first.saturating_add(1);
        self.tell(&line, &Answer::Reached(heads))
    }

    async fn reach(&mut self, county: Option<CountyCode>, positions: &[Position]) -> Result<Vec<Position>, Failure> {
        loop {
            match barrier::reach(self.client, county, positions).await? {
                Ok(heads) => return Ok(heads),
                Err(status) => self.wait_after(status).await?,
            }
        }
    }
}

fn county_of(position: &Position) -> Option<CountyCode> {
    StreamId::parse(&position.stream).ok().map(|stream| stream.county)
}

/// An answer that ends its line; else why it does not.
fn settled(answer: Answer) -> Result<Answer, Status> {
    if let Answer::Refused(refusal) = &answer {
        let status = loopledger_wire::status_from_pb(refusal);
        return if verdict(&status) == Verdict::Refusal { Ok(answer) } else { Err(status) };
    }
    Ok(answer)
}

/// Whether the connection failed, and not the server said so.
fn is_transport(status: &Status) -> bool {
    matches!(Failure::from(status.clone()), Failure::Unreachable(_))
}
