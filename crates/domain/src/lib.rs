//! The rules of all four services, with the facts that they decide: one name for crates that use all four.

pub use loopledger_facts::*;
pub use loopledger_rules::*;

pub use loopledger_distribution_rules as distribution;
pub use loopledger_procurement_rules as procurement;
pub use loopledger_sales_rules as sales;
pub use loopledger_station_rules as station;

pub use loopledger_facts::size;
pub use loopledger_rules::stock;
