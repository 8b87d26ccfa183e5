mod send_due_reminders;
mod send_reminders;

pub use send_due_reminders::SendDueReminders;
pub use send_reminders::SendReminders;
