//! The text of a pipeline file, checked and turned into a plan.
