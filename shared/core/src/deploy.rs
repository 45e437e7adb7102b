//! Decides what a push or a request means for a target: from facts to a plan.
