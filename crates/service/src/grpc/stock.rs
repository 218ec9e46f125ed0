//! Views that both holders of stock offer: their places, and what lies there.

use loopledger_domain::stock::{Cell, CellKey, Embeds, Entity, Holder, Key, Place};
use loopledger_domain::{State, Title};
use loopledger_proto::common::v1 as pb;
use loopledger_types::PlaceId;
use loopledger_wire::Word as _;
use loopledger_wire::query::{self, Page};
use tokio::time::Instant;
use tonic::Status;

use super::{Calls, refused};

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
    calls: &Calls<H>,
    asked: StockQuery<'_>,
    deadline: Instant,
) -> Result<Rows<pb::StockItem>, Status> {
    let page = Page::parse(asked.page_size, asked.page_token).map_err(refused)?;
    let place = query::optional_id("place_id", asked.place_id, PlaceId::parse).map_err(refused)?;
    let ask = move |state: &State<H>| {
        let mut rows: Vec<(Vec<u8>, CellKey, Cell)> = cells(state)
            .filter(|(key, cell)| place.is_none_or(|place| key.place == place) && !cell.is_empty())
            .map(|(key, cell)| (row_key(&key, cell), key, *cell))
            .collect();
        rows.sort_unstable_by(|a, b| a.0.cmp(&b.0));
        let (rows, token) = page.cut(rows, |row| row.0.clone());
        Ok((rows, token))
    };
    let ((rows, token), heads) = calls.ask(asked.at_least, Vec::new(), deadline, ask).await?;
    Ok((rows.into_iter().map(|(_, key, cell)| item(&key, &cell)).collect(), token, heads))
}

/// The holder's own places, by id.
pub async fn list_places<H: Holder>(
    calls: &Calls<H>,
    at_least: &[pb::Position],
    page: Page,
    deadline: Instant,
) -> Result<Rows<(PlaceId, Place)>, Status> {
    let ask = move |state: &State<H>| {
        let places = state.entities.sorted().into_iter().filter_map(|(key, entity)| {
            match (H::Entity::stock_key(key)?, entity.stock()?) {
                (Key::Place(id), Entity::Place(place)) => Some((*id, place.clone())),
                _ => None,
            }
        });
        Ok(page.cut(places, |(id, _)| id.0.to_vec()))
    };
    let ((places, token), heads) = calls.ask(at_least, Vec::new(), deadline, ask).await?;
    Ok((places, token, heads))
}

fn cells<H: Holder>(state: &State<H>) -> impl Iterator<Item = (CellKey, &Cell)> {
    state.entities.sorted().into_iter().filter_map(|(key, entity)| {
        match (H::Entity::stock_key(key)?, entity.stock()?) {
            (Key::Cell(key), Entity::Cell(cell)) => Some((*key, cell)),
            _ => None,
        }
    })
}

/// By place, product and age; unique.
fn row_key(key: &CellKey, cell: &Cell) -> Vec<u8> {
    let mut row = Vec::with_capacity(54);
    row.extend_from_slice(&key.place.0);
    row.extend_from_slice(&cell.product.0);
    // Dates are after 1970, so their days sort as bytes.
    row.extend_from_slice(&cell.collected_on.days().to_be_bytes());
    row.extend_from_slice(&key.lot.0);
    row.extend_from_slice(&key.pool.to_be_bytes());
    row
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
        collected_on: cell.collected_on.to_string(),
        pending: cell.pending.0,
        on_hand: cell.on_hand.0,
        reserved: cell.reserved.0,
        quarantined: cell.quarantined.0,
    }
}
