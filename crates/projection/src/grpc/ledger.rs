//! `LedgerService`: status, waiting, books, commits, rebuild.

use std::sync::Arc;

use loopledger_chain::Envelope;
use loopledger_domain::{FieldFault, Rejection, Violation};
use loopledger_ledger::{Balance, Counterparty};
use loopledger_proto::ledger::v1 as pb;
use loopledger_proto::ledger::v1::ledger_service_server::LedgerService;
use loopledger_service::grpc::{deadline_of, duration_to_pb, log_status};
use loopledger_service::limits::Caller;
use loopledger_types::{EntityKind, PartyId, Service, StreamId};
use loopledger_wire::query::{self, Page};
use loopledger_wire::{Failure, position_to_pb, rejection_status};
use tokio::sync::mpsc;
use tokio::time::timeout_at;
use tokio_stream::wrappers::ReceiverStream;
use tokio_stream::{Stream, StreamExt as _};
use tonic::{Request, Response, Status};

use super::{Api, Fields, Terms, not_found};
use crate::commits::StoredCommit;
use crate::rebuild::rebuild;
use crate::view;

/// Bytes of records in a page of commits: clients take messages of 4 MiB.
const PAGE_BYTES_MAX: usize = 3 * 1_024 * 1_024;
/// How long a status waits for digests.
const PATIENCE: core::time::Duration = core::time::Duration::from_millis(500);
/// Reports of a rebuild that wait for a slow listener; it misses the others, but not the last.
const REPORTS_AHEAD: usize = 1;

#[tonic::async_trait]
impl LedgerService for Api {
    async fn get_status(
        &self,
        request: Request<pb::GetStatusRequest>,
    ) -> Result<Response<pb::GetStatusResponse>, Status> {
        self.answer(self.status(request).await)
    }

    async fn r#await(&self, request: Request<pb::AwaitRequest>) -> Result<Response<pb::AwaitResponse>, Status> {
        self.answer(self.awaited(request).await)
    }

    async fn list_balances(
        &self,
        request: Request<pb::ListBalancesRequest>,
    ) -> Result<Response<pb::ListBalancesResponse>, Status> {
        self.answer(self.balances(request).await)
    }

    async fn list_balance_facts(
        &self,
        request: Request<pb::ListBalanceFactsRequest>,
    ) -> Result<Response<pb::ListBalanceFactsResponse>, Status> {
        self.answer(self.balance_facts(request).await)
    }

    async fn list_lot_values(
        &self,
        request: Request<pb::ListLotValuesRequest>,
    ) -> Result<Response<pb::ListLotValuesResponse>, Status> {
        self.answer(self.lot_values(request).await)
    }

    async fn get_trial_balance(
        &self,
        request: Request<pb::GetTrialBalanceRequest>,
    ) -> Result<Response<pb::GetTrialBalanceResponse>, Status> {
        self.answer(self.trial_balance(request).await)
    }

    async fn get_statement(
        &self,
        request: Request<pb::GetStatementRequest>,
    ) -> Result<Response<pb::GetStatementResponse>, Status> {
        self.answer(self.statement(request).await)
    }

    async fn list_commits(
        &self,
        request: Request<pb::ListCommitsRequest>,
    ) -> Result<Response<pb::ListCommitsResponse>, Status> {
        self.answer(self.commits(request).await)
    }

    type RebuildStream = core::pin::Pin<Box<dyn Stream<Item = Result<pb::RebuildResponse, Status>> + Send>>;

    async fn rebuild(&self, request: Request<pb::RebuildRequest>) -> Result<Response<Self::RebuildStream>, Status> {
        let deadline = deadline_of(request.metadata());
        self.shared.ready(deadline).await?;
        let caller = Caller::current();
        let turn = timeout_at(deadline, self.shared.rebuilds.take(caller)).await;
        let turn = turn.map_err(|_| Failure::DeadlineExceeded)?;
        let (reports, listener) = mpsc::channel(REPORTS_AHEAD);
        let shared = Arc::clone(&self.shared);
        tokio::spawn(caller.scope(async move {
            let rebuilt = rebuild(&shared, &reports).await;
            // Others need not wait until its caller takes the last report.
            drop(turn);
            let last = match rebuilt {
                Ok(None) => return,
                Ok(Some(last)) => Ok(last),
                Err(error) => {
                    tracing::error!(reason = error.reason(), "a rebuild failed: {}", error.english());
                    Err(error)
                }
            };
            drop(reports.send(last).await);
        }));
        let reports = ReceiverStream::new(listener);
        self.answer(Ok(Box::pin(reports.map(|report| report.map(view::rebuild_report).map_err(Status::from)))))
    }
}

impl Api {
    /// Answered whatever the health: it is where a halted stream is looked at.
    async fn status(&self, request: Request<pb::GetStatusRequest>) -> Result<pb::GetStatusResponse, Status> {
        let deadline = deadline_of(request.metadata());
        let request = request.into_inner();
        let mut fields = Fields::default();
        let at_least = fields.at_least(&request.at_least);
        let at_least = fields.finish(at_least)?;
        self.shared.wait_for(&at_least, request.consequences, deadline).await?;
        // Usually it is ready, or will be in a moment. A state that goes on filling has no digest worth a second of
        // everybody's time.
        let soon = tokio::time::Instant::now().checked_add(PATIENCE).map_or(deadline, |soon| soon.min(deadline));
        let _ = self.shared.ready(soon).await;
        let health = self.shared.health.borrow().clone();
        let digest = if health.is_caught_up { Some(self.shared.digest().await?) } else { None };
        let folded = self.shared.folded.read().await;
        let heads = digest.map_or_else(|| Service::ALL.map(|s| folded.ledger.head(s)), |digest| digest.heads);
        let contact = self.shared.feed.contact();
        let streams = Service::ALL.into_iter().zip(heads).map(|(service, at)| pb::StreamStatus {
            stream: self.shared.stream(service).to_string(),
            sequence: at.head.sequence,
            hash: at.head.hash.0.to_vec(),
            voids: self.shared.voids.get(service.index()).map_or(0, crate::metrics::Number::get),
            recorded_at: (at.head.sequence > 0).then(|| prost_types::Timestamp {
                seconds: at.recorded_at.seconds,
                nanos: i32::try_from(at.recorded_at.nanos).unwrap_or(0),
            }),
            health: self.shared.stream_health(&health, service).to_string(),
            state: self.shared.stream_health(&health, service).state().into(),
            halt: health.stream(service).halt().map(|halt| halt.notice().to_pb()),
            writer_halt: health.halted_writer(service).map(|halted| halted.notice.to_pb()),
            age: Some(duration_to_pb(contact.age(self.shared.stream(service)))),
        });
        let number = |count: usize| u64::try_from(count).unwrap_or(u64::MAX);
        Ok(pb::GetStatusResponse {
            streams: streams.collect(),
            ledger_digest: digest.map(|digest| digest.ledger.0.to_vec()).unwrap_or_default(),
            state_digest: digest.map(|digest| digest.state.0.to_vec()).unwrap_or_default(),
            durability: self.shared.feed.log().durability().to_owned(),
            open_hand_overs: number(folded.ledger.open_hand_over_count()),
            exceptions: folded.ledger.exception_count(),
            ledger_bytes: number(folded.ledger.bytes()),
            log: Some(log_status(contact)),
        })
    }

    async fn awaited(&self, request: Request<pb::AwaitRequest>) -> Result<pb::AwaitResponse, Status> {
        let deadline = deadline_of(request.metadata());
        let request = request.into_inner();
        let positions = query::at_least(&request.positions).map_err(|refused| rejection_status(&renamed(refused)))?;
        self.shared.wait_for(&positions, request.consequences, deadline).await?;
        let heads = self.shared.folded.read().await.heads();
        Ok(pb::AwaitResponse { heads: self.shared.positions(&heads).map(position_to_pb).collect() })
    }

    async fn balances(&self, request: Request<pb::ListBalancesRequest>) -> Result<pb::ListBalancesResponse, Status> {
        let deadline = deadline_of(request.metadata());
        let request = request.into_inner();
        let mut fields = Fields::default();
        let at_least = fields.at_least(&request.at_least);
        let page = fields.take(Page::parse(request.page_size, &request.page_token));
        let party = fields.take(query::id("party_id", &request.party_id, PartyId::parse));
        let through = fields.optional_month("through_month", &request.through_month);
        let (((at_least, page), party), through) = fields.finish(at_least.zip(page).zip(party).zip(through))?;
        let terms = Terms { at_least, consequences: request.consequences, deadline };
        let shared = Arc::clone(&self.shared);
        let answer = self
            .long(&terms, move |folded| {
                let last = folded.last_day(None)?;
                folded.ledger.party(party, last, None)?;
                let balances = folded.ledger.balances(party, through.unwrap_or_else(|| last.month()));
                let (balances, next_page_token) = page.cut(balances, balance_key);
                let balances = balances.iter().map(|balance| pb::Balance {
                    account: Some(view::account(balance.account)),
                    counterparty: view::counterparty(balance.counterparty, &folded.ledger),
                    amount_fen: balance.amount,
                });
                let balances = balances.collect();
                Some(pb::ListBalancesResponse { heads: super::heads(&shared, folded), next_page_token, balances })
            })
            .await?;
        answer.ok_or_else(|| not_found(EntityKind::Party, &party))
    }

    async fn trial_balance(
        &self,
        request: Request<pb::GetTrialBalanceRequest>,
    ) -> Result<pb::GetTrialBalanceResponse, Status> {
        let deadline = deadline_of(request.metadata());
        let request = request.into_inner();
        let mut fields = Fields::default();
        let at_least = fields.at_least(&request.at_least);
        let party = fields.take(query::optional_id("party_id", &request.party_id, PartyId::parse));
        let months = fields.months(&request.from_month, &request.to_month);
        let ((at_least, party), months) = fields.finish(at_least.zip(party).zip(months))?;
        let terms = Terms { at_least, consequences: request.consequences, deadline };
        let shared = Arc::clone(&self.shared);
        let answer = self
            .long(&terms, move |folded| {
                let (from, to) = months.over(&folded.ledger);
                if let Some(party) = party {
                    folded.ledger.party(party, to.last_day(), None).ok_or(party)?;
                }
                let lines = folded.ledger.trial_balance(party, from, to);
                let lines = lines.iter().map(|line| pb::TrialBalanceLine {
                    account: Some(view::account(line.account)),
                    opening_fen: line.opening,
                    movement_fen: line.movement,
                    closing_fen: line.closing,
                });
                let lines = lines.collect();
                Ok(pb::GetTrialBalanceResponse { heads: super::heads(&shared, folded), lines })
            })
            .await?;
        answer.map_err(|party: PartyId| not_found(EntityKind::Party, &party))
    }

    /// Answered from the log: a stream that halted is listed as far as it was folded.
    async fn commits(&self, request: Request<pb::ListCommitsRequest>) -> Result<pb::ListCommitsResponse, Status> {
        let deadline = deadline_of(request.metadata());
        let request = request.into_inner();
        let mut fields = Fields::default();
        let at_least = fields.at_least(&request.at_least);
        let page = fields.take(Page::parse(request.page_size, &request.page_token)).and_then(|page| {
            let malformed =
                || Rejection::invalid("page_token", FieldFault::MalformedPageToken, "This token is not one of ours.");
            let first = page.after.map(|bytes| bytes.try_into().map(u64::from_be_bytes).map_err(|_| malformed()));
            Some((page.size, fields.take(first.transpose())?))
        });
        let stream = StreamId::parse(&request.stream).map_err(|error| error.to_string());
        if let Err(error) = &stream {
            fields.wrong("stream", FieldFault::MalformedStream, error);
        }
        let ((at_least, (size, token)), stream) = fields.finish(at_least.zip(page).zip(stream.ok()))?;
        if stream.county != self.shared.county {
            return Err(Failure::NotServed { stream }.into());
        }
        self.shared.wait_for(&at_least, request.consequences, deadline).await?;
        let heads = self.shared.folded.read().await.heads();
        let head = heads.get(stream.service.index()).map_or(0, |head| head.sequence);
        let first = token.unwrap_or_else(|| request.from_sequence.max(1));
        let last = head.min(first.saturating_add(u64::try_from(size).unwrap_or(0)).saturating_sub(1));
        let (mut commits, mut bytes) = (Vec::new(), 0_usize);
        // Read in small portions, so that large commits do not pile up beyond a page.
        let mut next = first;
        while next <= last && bytes < PAGE_BYTES_MAX {
            let portion: Vec<u64> = (next..=last.min(next.saturating_add(PORTION).saturating_sub(1))).collect();
            self.shared
                .read_commits(stream.service, &portion, |stored| {
                    bytes = bytes.saturating_add(stored.record.len());
                    commits.push(commit_to_pb(&stored));
                })
                .await?;
            next = next.saturating_add(u64::try_from(portion.len()).unwrap_or(PORTION));
        }
        let next_page_token = if next <= head { Page::token(&next.to_be_bytes()) } else { String::new() };
        let heads = self.shared.positions(&heads).map(position_to_pb).collect();
        Ok(pb::ListCommitsResponse { heads, next_page_token, commits })
    }
}

/// Commits read at a time: at most 1 MiB.
const PORTION: u64 = 16;

/// The helper checks a field of another name.
fn renamed(refused: Rejection) -> Rejection {
    match refused {
        Rejection::Invalid(found) => {
            let rename = |violation: Violation| Violation {
                field: violation.field.replacen("at_least", "positions", 1),
                ..violation
            };
            Rejection::Invalid(found.into_iter().map(rename).collect())
        }
        other @ (Rejection::NotFound { .. } | Rejection::Exists { .. } | Rejection::Broken { .. }) => other,
    }
}

/// Ascending as the ledger lists them: by account, then by counterparty: none, parties by id, outside by scope.
fn balance_key(balance: &Balance) -> Vec<u8> {
    let mut key = vec![balance.account.index()];
    match balance.counterparty {
        Counterparty::None => key.push(0),
        Counterparty::Party(id) => {
            key.push(1);
            key.extend_from_slice(&id.0);
        }
        Counterparty::Outside(scope) => {
            let scopes = [
                loopledger_types::Scope::County,
                loopledger_types::Scope::Prefecture,
                loopledger_types::Scope::Region,
                loopledger_types::Scope::Outside,
            ];
            let at = scopes.iter().position(|each| *each == scope).and_then(|at| u8::try_from(at).ok());
            key.extend_from_slice(&[2, at.unwrap_or(u8::MAX)]);
        }
    }
    key
}

fn commit_to_pb(stored: &StoredCommit) -> pb::CommitView {
    // The record was decoded to be admitted.
    let envelope = Envelope::decode(&stored.record).ok();
    let mut commit = pb::CommitView { position: Some(position_to_pb(stored.position)), ..pb::CommitView::default() };
    if let Some(envelope) = envelope {
        commit.recorded_at = Some(prost_types::Timestamp {
            seconds: envelope.recorded_at.seconds,
            nanos: i32::try_from(envelope.recorded_at.nanos).unwrap_or(0),
        });
        envelope.request_id.clone_into(&mut commit.request_id);
        commit.cause = envelope.cause.map(position_to_pb);
        let names =
            envelope.events.iter().map(|event| event.type_url.rsplit('.').next().unwrap_or_default().to_owned());
        commit.events = names.collect();
    }
    commit.record = stored.record.to_vec();
    commit
}
