//! Decides how a deployment stands, from the facts that track looked up.
