//! The gRPC surface that all services share: deadlines, errors, unary writes and queries, the bulk stream,
//! health, reflection, and the server that carries them until it is told to stop.
//!
//! It decides nothing about goods or money and holds no state of a service: a write is finished by the writer's
//! task, whatever becomes of the call that asked for it.
