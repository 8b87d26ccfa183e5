mod run_operation;

pub use run_operation::RunOperation;
