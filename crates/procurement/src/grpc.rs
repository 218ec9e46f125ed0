//! What the service is made of, and its methods: each hands over to the writer's calls.

use loopledger_domain::procurement::Procurement;
use loopledger_proto::procurement::v1::procurement_service_server::{ProcurementService, ProcurementServiceServer};
use loopledger_proto::procurement::v1::{
    AddHouseholdMemberRequest, AddHouseholdMemberResponse, ChangeHouseholdCategoryRequest,
    ChangeHouseholdCategoryResponse, ContractLinkageRequest, ContractLinkageResponse, FailPayoutRequest,
    FailPayoutResponse, GetPartyRequest, GetPartyResponse, GetReceiptRequest, GetReceiptResponse, GetStatusRequest,
    GetStatusResponse, ListContractsRequest, ListContractsResponse, ListPartiesRequest, ListPartiesResponse,
    ListPayablesRequest, ListPayablesResponse, ListProductsRequest, ListProductsResponse, MakePayoutRequest,
    MakePayoutResponse, RecordRequest, RegisterHouseholdRequest, RegisterHouseholdResponse, RegisterPartyRequest,
    RegisterPartyResponse, RegisterProductRequest, RegisterProductResponse, RelocateHouseholdRequest,
    RelocateHouseholdResponse, RemoveHouseholdMemberRequest, RemoveHouseholdMemberResponse,
};
use loopledger_service::{app, rpcs};

use crate::query;

app! { Procurement, RecordRequest, ProcurementServiceServer }

impl ProcurementService for Grpc {
    rpcs! {
        record: RecordRequest;
        status get_status: GetStatusRequest => GetStatusResponse;
        write register_household: RegisterHouseholdRequest => RegisterHouseholdResponse;
        write change_household_category: ChangeHouseholdCategoryRequest => ChangeHouseholdCategoryResponse;
        write add_household_member: AddHouseholdMemberRequest => AddHouseholdMemberResponse;
        write remove_household_member: RemoveHouseholdMemberRequest => RemoveHouseholdMemberResponse;
        write relocate_household: RelocateHouseholdRequest => RelocateHouseholdResponse;
        write register_party: RegisterPartyRequest => RegisterPartyResponse;
        write register_product: RegisterProductRequest => RegisterProductResponse;
        write contract_linkage: ContractLinkageRequest => ContractLinkageResponse;
        write make_payout: MakePayoutRequest => MakePayoutResponse;
        write fail_payout: FailPayoutRequest => FailPayoutResponse;
        ask get_receipt: GetReceiptRequest => GetReceiptResponse, query::get_receipt;
        ask get_party: GetPartyRequest => GetPartyResponse, query::get_party;
        ask list_parties: ListPartiesRequest => ListPartiesResponse, query::list_parties;
        ask list_products: ListProductsRequest => ListProductsResponse, query::list_products;
        ask list_contracts: ListContractsRequest => ListContractsResponse, query::list_contracts;
        ask list_payables: ListPayablesRequest => ListPayablesResponse, query::list_payables;
    }
}
