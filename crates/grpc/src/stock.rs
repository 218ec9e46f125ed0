//! Views that both holders of stock offer: their places, and what lies there.

use core::ops::Bound;

use loopledger_domain::stock::{Cell, CellKey, Held, Holder, Place};
use loopledger_domain::{FieldFault, Rejection, State, Title};
use loopledger_proto::common::v1 as pb;
use loopledger_types::{BusinessDate, EntityKind, LotId, PlaceId, ProductId, Timestamp};
use loopledger_wire::Word as _;
use loopledger_wire::query::{self, Page};
use prost::Message;
use tokio::time::Instant;
use tonic::Status;

use super::{CountyCalls, pages, refused};

/// A page of rows, the token of the next, and the heads.
pub type Rows<R> = (Vec<R>, String, Vec<pb::Position>);

/// What a list of stock was asked for.
#[derive(Debug)]
pub struct StockQuery<'a> {
    pub at_least: &'a [pb::Position],
    pub page_size: u32,
    pub page_token: &'a str,
    /// Empty: every place.
    pub place_id: &'a str,
}

/// What the holder's places hold, by place, product and age.
pub async fn list_stock<H: Holder>(
    calls: &CountyCalls<H>,
    asked: StockQuery<'_>,
    deadline: Instant,
) -> Result<Rows<pb::StockItem>, Status> {
    let page = Page::parse(asked.page_size, asked.page_token).map_err(refused)?;
    let place = query::optional_id("place_id", asked.place_id, PlaceId::parse).map_err(refused)?;
    let after = pages::begins_after(&page).and_then(|key| key.map(read_key).transpose()).map_err(refused)?;
    let ask = move |state: &State<H>| {
        let index = state.entities.index();
        if let Some(place) = place.filter(|place| !index.places().contains(place)) {
            return Err(Rejection::NotFound { kind: EntityKind::Place, id: place.to_string() });
        }
        let held = index.held();
        let first = Held {
            place: place.unwrap_or(PlaceId([0; 16])),
            product: ProductId([0; 16]),
            // The earliest day that there is.
            collected_on: BusinessDate::of(Timestamp { seconds: 0, nanos: 0 }),
            lot: LotId([0; 16]),
            pool: 0,
        };
        // A page after the end of the place that is asked for begins nowhere else.
        let from = after.filter(|after| *after > first).map_or(Bound::Included(first), Bound::Excluded);
        let rows = held.range((from, Bound::Unbounded));
        let rows = rows.take_while(|row| place.is_none_or(|place| row.place == place));
        let rows = rows.filter_map(|row| state.cell(row.key()).map(|cell| (write_key(row), item(&row.key(), cell))));
        Ok(pages::fill(&page, rows))
    };
    let ((items, token), heads) = calls.ask(asked.at_least, Vec::new(), deadline, ask).await?;
    Ok((items, token, heads))
}

/// The holder's own places, by id.
pub async fn list_places<H: Holder, R: Message + 'static>(
    calls: &CountyCalls<H>,
    at_least: &[pb::Position],
    page: Page,
    deadline: Instant,
    view: impl Fn(PlaceId, &Place) -> R + Send + 'static,
) -> Result<Rows<R>, Status> {
    let after = pages::begins_after(&page).map_err(refused)?.map(PlaceId);
    let ask = move |state: &State<H>| {
        let from = after.map_or(Bound::Unbounded, Bound::Excluded);
        let ids = state.entities.index().places().range((from, Bound::Unbounded));
        let rows = ids.filter_map(|id| state.place(*id).map(|place| (id.0, view(*id, place))));
        Ok(pages::fill(&page, rows))
    };
    let ((places, token), heads) = calls.ask(at_least, Vec::new(), deadline, ask).await?;
    Ok((places, token, heads))
}

/// Place, product, day, lot and pool.
const KEY_BYTES: usize = 16 + 16 + 4 + 16 + 2;

fn write_key(row: &Held) -> Vec<u8> {
    let mut key = Vec::with_capacity(KEY_BYTES);
    key.extend_from_slice(&row.place.0);
    key.extend_from_slice(&row.product.0);
    key.extend_from_slice(&row.collected_on.days().to_be_bytes());
    key.extend_from_slice(&row.lot.0);
    key.extend_from_slice(&row.pool.to_be_bytes());
    key
}

fn read_key(key: [u8; KEY_BYTES]) -> Result<Held, Rejection> {
    let read = || {
        let (place, rest) = key.split_first_chunk()?;
        let (product, rest) = rest.split_first_chunk()?;
        let (days, rest) = rest.split_first_chunk()?;
        let (lot, pool) = rest.split_first_chunk()?;
        let collected_on = BusinessDate::from_days(i32::from_be_bytes(*days)).ok()?;
        let pool = u16::from_be_bytes(*pool.first_chunk()?);
        Some(Held { place: PlaceId(*place), product: ProductId(*product), collected_on, lot: LotId(*lot), pool })
    };
    read().ok_or_else(|| {
        Rejection::invalid("page_token", FieldFault::MalformedPageToken, "This token is not one of this list.")
    })
}

fn item(key: &CellKey, cell: &Cell) -> pb::StockItem {
    let consigned = match cell.title {
        Title::Owned { .. } => 0,
        Title::Consigned { mode, .. } => mode.number(),
    };
    pb::StockItem {
        place_id: key.place.to_string(),
        lot_id: key.lot.to_string(),
        pool: u32::from(key.pool),
        product_id: cell.product.to_string(),
        principal_id: cell.title.principal().id.to_string(),
        consigned,
        collected_on: cell.age.day.to_string(),
        pending: cell.pending.0,
        on_hand: cell.on_hand.balance(),
        reserved: cell.reserved.0,
        quarantined: cell.quarantined.0,
    }
}
