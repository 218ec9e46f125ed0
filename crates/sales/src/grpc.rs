//! What the service is made of, and its methods: each hands over to the writer's calls.

use loopledger_domain::sales::Sales;
use loopledger_proto::sales::v1::sales_service_server::{SalesService, SalesServiceServer};
use loopledger_proto::sales::v1::{
    CancelOrderLineRequest, CancelOrderLineResponse, GetOrderRequest, GetOrderResponse, GetReceiptRequest,
    GetReceiptResponse, GetStatusRequest, GetStatusResponse, ListChannelsRequest, ListChannelsResponse,
    OpenChannelRequest, OpenChannelResponse, PlaceOrderRequest, PlaceOrderResponse, RecordPaymentRequest,
    RecordPaymentResponse, RecordRequest, ReturnPrepaymentRequest, ReturnPrepaymentResponse, SettleConsignmentRequest,
    SettleConsignmentResponse,
};
use loopledger_service::{app, rpcs};

use crate::query;

app! { Sales, RecordRequest, SalesServiceServer }

impl SalesService for Grpc {
    rpcs! {
        record: RecordRequest;
        status get_status: GetStatusRequest => GetStatusResponse;
        write open_channel: OpenChannelRequest => OpenChannelResponse;
        write place_order: PlaceOrderRequest => PlaceOrderResponse;
        write cancel_order_line: CancelOrderLineRequest => CancelOrderLineResponse;
        write record_payment: RecordPaymentRequest => RecordPaymentResponse;
        write return_prepayment: ReturnPrepaymentRequest => ReturnPrepaymentResponse;
        write settle_consignment: SettleConsignmentRequest => SettleConsignmentResponse;
        ask get_receipt: GetReceiptRequest => GetReceiptResponse, query::get_receipt;
        ask get_order: GetOrderRequest => GetOrderResponse, query::get_order;
        ask list_channels: ListChannelsRequest => ListChannelsResponse, query::list_channels;
    }
}
