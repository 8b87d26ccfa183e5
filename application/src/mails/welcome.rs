use askama::Template;
use muster_domain::users::User;

use crate::AppError;
use crate::ports::Mail;

#[derive(Template)]
#[template(path = "welcome.txt")]
struct Text<'a> {
    name: &'a str,
    username: &'a str,
}

/// What a person typed as their name is escaped here.
#[derive(Template)]
#[template(path = "welcome.html")]
struct Html<'a> {
    name: &'a str,
    username: &'a str,
}

/// The welcome mail of a user. Every repeat of it has the same key, and so is recognisable.
pub(super) fn welcome(message_key: &str, user: &User) -> Result<Mail, AppError> {
    let username = user.username.as_str();
    let name = user.full_name.as_ref().map_or(username, |name| name.as_str());
    Ok(Mail {
        to: user.email.as_str().to_owned(),
        message_key: message_key.to_owned(),
        subject: "Welcome".to_owned(),
        text: Text { name, username }.render().map_err(AppError::internal)?,
        html: Html { name, username }.render().map_err(AppError::internal)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_escaped_in_html_and_left_alone_in_text() {
        let (name, username) = ("<b>Ada</b> & Co", "ada");
        let html = Html { name, username }.render().unwrap();
        assert!(!html.contains("<b>Ada") && html.contains("Ada"), "{html}");
        assert!(Text { name, username }.render().unwrap().contains("Hello <b>Ada</b> & Co,"));
    }
}
