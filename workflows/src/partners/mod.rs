mod process_event;

pub use process_event::ProcessPartnerEvent;
