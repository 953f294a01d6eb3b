//! The audit log: whole, in order, chained.
