//! Black-box tests: real programs on loopback and in namespaces of their own.

mod surroundings;
