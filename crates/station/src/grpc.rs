//! What the service is made of, and its methods: each hands over to the writer's calls.

use loopledger_domain::station::Station;
use loopledger_proto::station::v1::station_service_server::{StationService, StationServiceServer};
use loopledger_proto::station::v1::{
    BuyInGoodsRequest, BuyInGoodsResponse, CollectGoodsRequest, CollectGoodsResponse, GetReceiptRequest,
    GetReceiptResponse, GetStatusRequest, GetStatusResponse, HandOverGoodsRequest, HandOverGoodsResponse,
    InspectGoodsRequest, InspectGoodsResponse, IssueGoodsRequest, IssueGoodsResponse, ListStationsRequest,
    ListStationsResponse, ListStockRequest, ListStockResponse, OpenStationRequest, OpenStationResponse, RecordRequest,
};
use loopledger_service::{app, rpcs};

use crate::query;

app! { Station, RecordRequest, StationServiceServer }

impl StationService for Grpc {
    rpcs! {
        record: RecordRequest;
        status get_status: GetStatusRequest => GetStatusResponse;
        write open_station: OpenStationRequest => OpenStationResponse;
        write collect_goods: CollectGoodsRequest => CollectGoodsResponse;
        write hand_over_goods: HandOverGoodsRequest => HandOverGoodsResponse;
        write buy_in_goods: BuyInGoodsRequest => BuyInGoodsResponse;
        write issue_goods: IssueGoodsRequest => IssueGoodsResponse;
        write inspect_goods: InspectGoodsRequest => InspectGoodsResponse;
        ask get_receipt: GetReceiptRequest => GetReceiptResponse, query::get_receipt;
        ask list_stations: ListStationsRequest => ListStationsResponse, query::list_stations;
        ask list_stock: ListStockRequest => ListStockResponse, query::list_stock;
    }
}
