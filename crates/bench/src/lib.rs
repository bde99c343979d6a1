//! What both benchmarks need of the machine that they run on.

pub mod machine;
