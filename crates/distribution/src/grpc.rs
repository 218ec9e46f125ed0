//! The tonic service: every method hands over to the writer's calls.

use loopledger_domain::distribution::Distribution;
use loopledger_proto::distribution::v1::distribution_service_server::DistributionService;
use loopledger_proto::distribution::v1::{
    BuyInGoodsRequest, BuyInGoodsResponse, DispatchShipmentRequest, DispatchShipmentResponse, GetReceiptRequest,
    GetReceiptResponse, GetShipmentRequest, GetShipmentResponse, GetStatusRequest, GetStatusResponse,
    IssueGoodsRequest, IssueGoodsResponse, ListSitesRequest, ListSitesResponse, ListStockRequest, ListStockResponse,
    OpenSiteRequest, OpenSiteResponse, ReceiveShipmentRequest, ReceiveShipmentResponse, RecordRequest,
};
use loopledger_service::grpc::Calls;
use loopledger_service::rpcs;

use crate::query;

#[derive(Debug)]
pub(crate) struct Grpc {
    calls: Calls<Distribution>,
}

impl Grpc {
    pub(crate) const fn new(calls: Calls<Distribution>) -> Self {
        Self { calls }
    }
}

impl DistributionService for Grpc {
    rpcs! {
        record: RecordRequest;
        status get_status: GetStatusRequest => GetStatusResponse;
        write open_site: OpenSiteRequest => OpenSiteResponse;
        write dispatch_shipment: DispatchShipmentRequest => DispatchShipmentResponse;
        write receive_shipment: ReceiveShipmentRequest => ReceiveShipmentResponse;
        write buy_in_goods: BuyInGoodsRequest => BuyInGoodsResponse;
        write issue_goods: IssueGoodsRequest => IssueGoodsResponse;
        ask get_receipt: GetReceiptRequest => GetReceiptResponse, query::get_receipt;
        ask list_sites: ListSitesRequest => ListSitesResponse, query::list_sites;
        ask list_stock: ListStockRequest => ListStockResponse, query::list_stock;
        ask get_shipment: GetShipmentRequest => GetShipmentResponse, query::get_shipment;
    }
}
