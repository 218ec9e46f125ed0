//! Commits as they stand in the log.

use loopledger_chain::Envelope;
use loopledger_proto::ledger::v1 as pb;
use loopledger_wire::position_to_pb;

use super::fields::Fields;
use super::serve::Rpc;
use super::view;
use crate::api::{CommitPage, CommitsAnswer, ListCommits, StoredCommit};

impl Rpc for pb::ListCommitsRequest {
    type Query = ListCommits;
    type Response = pb::ListCommitsResponse;

    fn parse(&self, fields: &mut Fields) -> Option<ListCommits> {
        let page = fields.take(CommitPage::parse(self.page_size, &self.page_token));
        let stream = fields.stream(&self.stream);
        Some(ListCommits { stream: stream?, from_sequence: self.from_sequence, page: page? })
    }

    fn to_pb(CommitsAnswer { heads, commits, next_page_token }: CommitsAnswer) -> pb::ListCommitsResponse {
        let commits = commits.into_iter().map(commit_to_pb).collect();
        pb::ListCommitsResponse { heads: view::positions(&heads), next_page_token, commits }
    }
}

fn commit_to_pb(StoredCommit { position, record }: StoredCommit) -> pb::CommitView {
    let mut commit = pb::CommitView { position: Some(position_to_pb(position)), ..pb::CommitView::default() };
    // The record was decoded to be admitted.
    if let Ok(envelope) = Envelope::decode(&record) {
        commit.recorded_at = Some(view::timestamp(envelope.recorded_at));
        envelope.request_id.clone_into(&mut commit.request_id);
        commit.cause = envelope.cause.map(position_to_pb);
        let names =
            envelope.events.iter().map(|event| event.type_url.rsplit('.').next().unwrap_or_default().to_owned());
        commit.events = names.collect();
    }
    commit.record = record.into();
    commit
}
