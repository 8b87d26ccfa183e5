mod run_schedule;

pub use run_schedule::RunSchedule;
