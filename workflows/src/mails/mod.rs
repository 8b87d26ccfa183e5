mod send_welcome_mails;

pub use send_welcome_mails::SendWelcomeMails;
