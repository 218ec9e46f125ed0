//! What the service is made of, and its methods: each hands over to the writer's calls.

use loopledger_domain::distribution::Distribution;
use loopledger_proto::distribution::v1::distribution_service_server::{DistributionService, DistributionServiceServer};
use loopledger_proto::distribution::v1::{
    BuyInGoodsRequest, BuyInGoodsResponse, DispatchShipmentRequest, DispatchShipmentResponse, GetReceiptRequest,
    GetReceiptResponse, GetShipmentRequest, GetShipmentResponse, GetStatusRequest, GetStatusResponse,
    IssueGoodsRequest, IssueGoodsResponse, ListSitesRequest, ListSitesResponse, ListStockRequest, ListStockResponse,
    OpenSiteRequest, OpenSiteResponse, ReceiveShipmentRequest, ReceiveShipmentResponse, RecordRequest,
};
use loopledger_service::{app, rpcs};

use crate::query;

app! { Distribution, RecordRequest, DistributionServiceServer }

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
