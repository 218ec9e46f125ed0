//! Callers that query during faults: every answer must include the commits that they know of.

use core::time::Duration;

use loopledger_dice::Dice;
use loopledger_proto::common::v1::Position;
use loopledger_proto::ledger::v1 as pb;
use loopledger_proto::ledger::v1::income_service_client::IncomeServiceClient;
use loopledger_wire::position_to_pb;
use tonic::service::Routes;
use tonic::{Code, Status};

use crate::cluster::Cluster;
use crate::history::History;
use crate::oracle::answers;
use crate::workload::Workload;

/// Asks the ledger something, or to rebuild; a task of its own waits for the answer.
pub(crate) fn look(cluster: &Cluster, dice: &mut Dice, workload: &Workload, history: &History) {
    let Some(routes) = cluster.watcher().routes() else { return };
    let history = history.clone();
    if dice.chance(20) {
        history.fault("rebuild under way", "projection");
        tokio::spawn(async move {
            match answers::rebuild(&routes).await {
                Ok(wrong) => wrong.iter().for_each(|wrong| history.violation(wrong)),
                Err(status) => excuse(&status, &history),
            }
        });
        return;
    }
    let Some(household) = dice.pick(workload.households()).map(|household| household.id) else { return };
    let at_least: Vec<Position> = workload.heads().into_iter().map(position_to_pb).collect();
    let patience = Duration::from_millis(500 + dice.below(3_000));
    tokio::spawn(async move {
        let household_id = household.to_string();
        let request = pb::GetHouseholdIncomeRequest { at_least: at_least.clone(), household_id, ..Default::default() };
        match income(routes, request, patience).await {
            Ok(heads) => {
                history.count("answer that includes what was asked for");
                let includes = |asked: &Position| {
                    heads.iter().any(|head| head.stream == asked.stream && head.sequence >= asked.sequence)
                };
                if !at_least.iter().all(includes) {
                    history.violation(format!("an answer as of {heads:?} was to include {at_least:?}"));
                }
            }
            Err(status) => excuse(&status, &history),
        }
    });
}

async fn income(
    routes: Routes,
    request: pb::GetHouseholdIncomeRequest,
    patience: Duration,
) -> Result<Vec<Position>, Status> {
    let mut request = tonic::Request::new(request);
    request.set_timeout(patience);
    Ok(IncomeServiceClient::new(routes).get_household_income(request).await?.into_inner().heads)
}

/// What a caller may be answered while things go wrong.
fn excuse(status: &Status, history: &History) {
    let passing = [Code::Unavailable, Code::DeadlineExceeded, Code::Cancelled, Code::ResourceExhausted];
    // A stream whose clock is wrong is halted, and goes on by itself.
    let waits_for_a_clock = status.code() == Code::FailedPrecondition
        && ["(CLOCK_BEHIND)", "(CLOCK_AHEAD)"].iter().any(|reason| status.message().contains(reason));
    if waits_for_a_clock || passing.contains(&status.code()) {
        history.count("ledger has no answer yet");
    } else {
        history.violation(format!("the ledger answers {status}"));
    }
}
