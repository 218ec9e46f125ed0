//! What a program shows of itself: numbers ([`metrics`]), spans ([`trace`]), log lines ([`telemetry`]). Observability never
//! blocks the write path.

pub mod metrics;
pub mod telemetry;
pub mod trace;
