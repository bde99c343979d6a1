//! The real program, for what only a process shows.
