//! Calls of one command each, which the binary's own client makes none of.

use loopledger_proto::common::v1 as common;
use loopledger_proto::procurement::v1 as procurement;
use loopledger_proto::procurement::v1::procurement_service_client::ProcurementServiceClient;
use tonic::{Request, Status};

/// Registers a co-op of this label, as part of a trace if there is one.
pub(crate) async fn register(url: &str, request_id: &str, label: &str, trace: Option<&str>) -> Result<(), Status> {
    let mut request = Request::new(procurement::RegisterPartyRequest {
        request_id: request_id.to_owned(),
        occasion: Some(common::Occasion {
            business_date: "2026-03-02".to_owned(),
            division_code: "654224202207".to_owned(),
            ..Default::default()
        }),
        kind: common::PartyKind::Cooperative.into(),
        division_code: "654224202207".to_owned(),
        label: label.to_owned(),
        ..Default::default()
    });
    if let Some(trace) = trace {
        request.metadata_mut().insert("traceparent", trace.parse().expect("ASCII"));
    }
    let mut client = ProcurementServiceClient::connect(url.to_owned()).await.expect("a connection");
    client.register_party(request).await.map(drop)
}
