//! The county of a request: every request of the services names one, in one field.

use loopledger_proto::{distribution, ledger, procurement, sales, station};

/// A request that names its county. A message of a bulk stream is none: its command is.
pub trait OfCounty {
    /// As it was sent; empty: the only county that the server hosts.
    fn county_code(&self) -> &str;

    fn county_code_mut(&mut self) -> &mut String;
}

macro_rules! of_county {
    ($($service:ident: $($request:ident)*;)*) => {
        $($(
            impl OfCounty for $service::v1::$request {
                fn county_code(&self) -> &str {
                    &self.county_code
                }

                fn county_code_mut(&mut self) -> &mut String {
                    &mut self.county_code
                }
            }
        )*)*

        /// Their full names.
        #[cfg(test)]
        const NAMES: &[&str] = &[
            $($(concat!("loopledger.", stringify!($service), ".v1.", stringify!($request)),)*)*
        ];
    };
}

of_county! {
    procurement:
        RegisterHouseholdRequest ChangeHouseholdCategoryRequest AddHouseholdMemberRequest RemoveHouseholdMemberRequest
        RelocateHouseholdRequest RegisterPartyRequest RegisterProductRequest ContractLinkageRequest MakePayoutRequest
        FailPayoutRequest GetReceiptRequest GetStatusRequest GetPartyRequest ListPartiesRequest ListProductsRequest
        ListContractsRequest ListPayablesRequest;
    station:
        OpenStationRequest CollectGoodsRequest HandOverGoodsRequest BuyInGoodsRequest IssueGoodsRequest
        InspectGoodsRequest GetReceiptRequest GetStatusRequest ListStationsRequest ListStockRequest;
    distribution:
        OpenSiteRequest DispatchShipmentRequest ReceiveShipmentRequest BuyInGoodsRequest IssueGoodsRequest
        GetReceiptRequest GetStatusRequest ListSitesRequest ListStockRequest GetShipmentRequest;
    sales:
        OpenChannelRequest PlaceOrderRequest CancelOrderLineRequest RecordPaymentRequest ReturnPrepaymentRequest
        SettleConsignmentRequest GetReceiptRequest GetStatusRequest GetOrderRequest ListChannelsRequest;
    ledger:
        GetHouseholdIncomeRequest ListIncomeLinesRequest ListDivisionIncomeRequest
        GetLoopRequest ListLoopByDivisionRequest ListLoopFactsRequest
        TraceLotRequest TraceOrderRequest ListLikelyDuplicatesRequest
        GetStatusRequest AwaitRequest ListBalancesRequest ListBalanceFactsRequest ListLotValuesRequest
        GetTrialBalanceRequest GetStatementRequest ListCommitsRequest RebuildRequest;
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use prost_reflect::{DescriptorPool, Kind, MessageDescriptor};

    use super::*;

    /// The same in every request, and not the number of anything else in one.
    const NUMBER: u32 = 100;

    fn names_its_county(request: &MessageDescriptor) -> bool {
        let field = request.get_field_by_name("county_code");
        field.is_some_and(|field| (field.number(), field.kind(), field.is_list()) == (NUMBER, Kind::String, false))
    }

    #[test]
    fn every_request_of_every_method_names_its_county() {
        let pool = DescriptorPool::decode(loopledger_proto::FILE_DESCRIPTOR_SET).unwrap();
        let mut requests = BTreeSet::new();
        for method in pool.services().flat_map(|service| service.methods().collect::<Vec<_>>()) {
            let request = method.input();
            if method.is_client_streaming() {
                // Each command of a bulk stream is the request of a method of its own.
                assert!(!names_its_county(&request), "{}: its command does", request.full_name());
                let commands = request.fields().map(|field| field.kind().as_message().unwrap().clone());
                requests.extend(commands.map(|command| command.full_name().to_owned()));
            } else {
                requests.insert(request.full_name().to_owned());
            }
        }
        for name in &requests {
            assert!(names_its_county(&pool.get_message_by_name(name).unwrap()), "{name}");
        }
        assert_eq!(requests, NAMES.iter().map(|name| (*name).to_owned()).collect());
        assert_eq!(requests.len(), NAMES.len());
    }
}
