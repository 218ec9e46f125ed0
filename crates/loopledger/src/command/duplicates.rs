//! `duplicates`: receipts that look like one delivery recorded twice.

use loopledger_client::lang::pick;
use loopledger_client::{Client, Failure};
use loopledger_proto::ledger::v1::ListLikelyDuplicatesRequest;
use serde_json::json;

use super::words::{measured, named, unit};
use crate::output::{Report, View};

#[derive(Debug, Clone, clap::Args)]
pub(crate) struct DuplicatesArgs {
    /// First business date, YYYY-MM-DD.
    #[arg(long)]
    from: Option<String>,
    /// Last business date, YYYY-MM-DD.
    #[arg(long)]
    to: Option<String>,
    /// A station's id; without it: every station.
    #[arg(long)]
    station: Option<String>,
}

/// One row a receipt; those of one group share a number.
pub(crate) async fn duplicates(client: &Client, args: &DuplicatesArgs, view: &View) -> Result<(), Failure> {
    let title = pick(
        "疑似重复的过磅单(同一站点、日期、农户、产品和数量)",
        "Likely duplicates: receipts of one station, day, producer, product and quantity",
    );
    let mut report = Report::new(title)
        .number("group", "组", "Group")
        .text("business_date", "日期", "Date")
        .text("station", "站点", "Station")
        .if_room()
        .text("producer", "农户", "Producer")
        .if_room()
        .text("product", "产品", "Product")
        .number("quantity", "数量", "Quantity")
        .text("unit", "单位", "Unit")
        .for_programs()
        .text("receipt_number", "过磅单号", "Number")
        .text("lot_label", "批次码", "Label")
        .text("receipt_id", "过磅单编号", "Receipt")
        .on_request();
    let mut page_token = String::new();
    let mut group = 0_usize;
    loop {
        let request = ListLikelyDuplicatesRequest {
            page_size: 1_000,
            page_token,
            from: args.from.clone().unwrap_or_default(),
            to: args.to.clone().unwrap_or_default(),
            station_id: args.station.clone().unwrap_or_default(),
            ..ListLikelyDuplicatesRequest::default()
        };
        let answer = client.trace()?.list_likely_duplicates(client.in_county(request)).await?.into_inner();
        for duplicate in &answer.duplicates {
            group = group.saturating_add(1);
            for receipt in &duplicate.receipts {
                report.row([
                    json!(group).into(),
                    (&duplicate.business_date).into(),
                    named(duplicate.station.as_ref()).into(),
                    named(duplicate.producer.as_ref()).into(),
                    named(duplicate.product.as_ref()).into(),
                    measured(duplicate.quantity, duplicate.unit()),
                    unit(duplicate.unit()),
                    (&receipt.receipt_number).into(),
                    (&receipt.lot_label).into(),
                    (&receipt.receipt_id).into(),
                ]);
            }
        }
        page_token = answer.next_page_token;
        if page_token.is_empty() {
            return view.print(&report);
        }
    }
}
