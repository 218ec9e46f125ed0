//! The largest answers, repeated: the commit that was answered is lost, the loss is accepted, and the request sent again.

use loopledger_domain::Event;
use loopledger_domain::size::{ORDER_LINES_MAX, PICKS_MAX};
use loopledger_types::Service::{Procurement, Sales, Station};
use loopledger_wire::LINES_MAX;
use serde_json::{Value, json};

use crate::answers::lots_max;
use crate::county::name_of;
use crate::requests::{Founded, LOT_GRAMS, occasion};

/// Records a request of sales, loses its commit, and records it again; what the service that answered it repeats.
async fn repeated(
    of: &mut Founded,
    command: &str,
    says: &str,
    request: &Value,
    answerer: loopledger_types::Service,
) -> Vec<Event> {
    of.county.ask(Sales, command, request.clone()).await.unwrap();
    of.county.lose_from(Sales, says).await;
    of.county.ask(Sales, command, request.clone()).await.unwrap();
    let newest = of.county.newest(answerer, "AnswerRepeated");
    of.county.check_sizes();
    newest.events[0].repeated().unwrap().answers.clone()
}

#[tokio::test(start_paused = true)]
async fn the_largest_answers_are_repeated_after_an_accepted_loss() {
    let mut of = Founded::new().await;
    let with_id = |of: &Founded, mut fields: Value| {
        fields["requestId"] = json!(of.county.request_id());
        fields
    };
    // Two hundred refusals, and the answer to those.
    let request = with_id(&of, of.order(0, &of.station, LINES_MAX, LOT_GRAMS));
    let answers = repeated(&mut of, "placeOrder", "OrderPlaced", &request, Station).await;
    assert_eq!(answers.iter().map(name_of).collect::<Vec<_>>(), vec!["StockRefused"; ORDER_LINES_MAX]);
    assert_eq!(of.county.newest(Sales, "OrderLineCancelled").events.len(), ORDER_LINES_MAX);

    let mut lots = Vec::new();
    for number in 0..PICKS_MAX {
        lots.push(of.collect(number).await);
    }
    let request = with_id(&of, of.order(1, &of.station, LINES_MAX, LOT_GRAMS));
    let answers = repeated(&mut of, "placeOrder", "OrderPlaced", &request, Station).await;
    assert_eq!(answers.iter().map(name_of).collect::<Vec<_>>(), vec!["StockReserved"; ORDER_LINES_MAX]);

    // The order stands again under the same id, so it can be issued and settled.
    let order = of.county.newest(Sales, "OrderPlaced");
    let order = loopledger_types::OrderId::derive(order.request_id, order.stream, 0).to_string();
    for line in 0..LINES_MAX {
        of.issue(Station, &order, line, LOT_GRAMS).await;
    }
    let mut settled: Vec<Value> = lots.iter().map(|lot| json!({"lotId": lot})).collect();
    let fields = |lots: &[Value]| json!({"occasion": occasion(), "consigneeId": of.coop, "lots": lots});
    settled.truncate(lots_max(&of.county, fields(&settled)).await);
    let request = with_id(&of, fields(&settled));
    let answers = repeated(&mut of, "settleConsignment", "ConsignmentSettled", &request, Procurement).await;
    assert_eq!(answers.iter().map(name_of).collect::<Vec<_>>(), vec!["PayableOpened"; settled.len()]);
}
