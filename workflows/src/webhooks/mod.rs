mod deliver_webhook;

pub use deliver_webhook::DeliverWebhook;
