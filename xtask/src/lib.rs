//! Generators, tidy tests and the demo.
