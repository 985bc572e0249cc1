//! Nothing: this package is its integration test.
