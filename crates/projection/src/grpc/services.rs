//! The methods of each service, by their requests.

use core::pin::Pin;

use loopledger_proto::ledger::v1::income_service_server::IncomeService;
use loopledger_proto::ledger::v1::ledger_service_server::LedgerService;
use loopledger_proto::ledger::v1::loop_service_server::LoopService;
use loopledger_proto::ledger::v1::trace_service_server::TraceService;
use loopledger_proto::ledger::v1::{self as pb, RebuildResponse};
use loopledger_service::grpc::Answering;
use tokio_stream::Stream;
use tonic::{Request, Status};

use super::Grpc;
use super::serve::Rpc;

/// Methods of a tonic service trait, without `#[tonic::async_trait]`, which does not look into macros.
macro_rules! rpcs {
    ($($method:ident: $request:ident;)*) => { $(
        fn $method<'life, 'call>(
            &'life self,
            request: Request<pb::$request>,
        ) -> Answering<'call, <pb::$request as Rpc>::Response>
        where
            'life: 'call,
            Self: 'call,
        {
            Box::pin(self.serve(request))
        }
    )* };
}

impl IncomeService for Grpc {
    rpcs! {
        get_household_income: GetHouseholdIncomeRequest;
        list_income_lines: ListIncomeLinesRequest;
        list_division_income: ListDivisionIncomeRequest;
    }
}

impl LoopService for Grpc {
    rpcs! {
        get_loop: GetLoopRequest;
        list_loop_by_division: ListLoopByDivisionRequest;
        list_loop_facts: ListLoopFactsRequest;
    }
}

impl TraceService for Grpc {
    rpcs! {
        trace_lot: TraceLotRequest;
        trace_order: TraceOrderRequest;
        list_likely_duplicates: ListLikelyDuplicatesRequest;
    }
}

impl LedgerService for Grpc {
    type RebuildStream = Pin<Box<dyn Stream<Item = Result<RebuildResponse, Status>> + Send>>;

    rpcs! {
        get_status: GetStatusRequest;
        r#await: AwaitRequest;
        list_balances: ListBalancesRequest;
        list_balance_facts: ListBalanceFactsRequest;
        list_lot_values: ListLotValuesRequest;
        get_trial_balance: GetTrialBalanceRequest;
        get_statement: GetStatementRequest;
        list_commits: ListCommitsRequest;
        rebuild: RebuildRequest;
    }
}
