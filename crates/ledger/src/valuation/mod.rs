//! What the folded lots cost and are worth, and the value added along the chain.

mod added;
mod query;

pub use added::ValueAdded;
pub use query::ValuationQuery;
