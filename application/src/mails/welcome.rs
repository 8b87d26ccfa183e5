use muster_domain::OperationId;
use muster_domain::users::User;

use crate::ports::Mail;

/// The welcome mail of a user. Its key comes from the operation and the row, so every repeat of it is recognisable.
pub(super) fn welcome(operation: OperationId, row: u32, user: &User) -> Mail {
    let name = user.full_name.as_ref().map_or_else(|| user.username.as_str(), |name| name.as_str());
    Mail {
        to: user.email.as_str().to_owned(),
        message_key: format!("welcome.{row}.{operation}"),
        subject: "Welcome".to_owned(),
        text: format!(
            "Hello {name},\n\nan account has been created for you. Your user name is {}.\n",
            user.username.as_str()
        ),
    }
}
