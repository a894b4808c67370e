//! What every process shares: logging, the 6060 listener, signals, task groups, the clock.
